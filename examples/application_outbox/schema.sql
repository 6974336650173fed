CREATE TABLE sales_order (
    order_id TEXT NOT NULL PRIMARY KEY,
    description TEXT,
    quantity INTEGER,
    update_datetime DATETIME
);
