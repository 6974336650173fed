-- DataJoin's table, in PostgreSQL's dialect; SQLite reads it as it is.
CREATE TABLE sales_order (
    order_id varchar(40) PRIMARY KEY,
    order_type varchar(40),
    description varchar(200),
    product_type_name varchar(100),
    customer_id varchar(40),
    quantity integer,
    order_date date,
    update_datetime timestamp,
    updated_by_user varchar(40),
    updated_by_server varchar(40)
);
