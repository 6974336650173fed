-- DataJoin's example.
CREATE TABLE sales_order (
    order_id varchar(40) NOT NULL PRIMARY KEY,
    order_type varchar(30),
    description varchar(200),
    customer_id varchar(40),
    quantity integer,
    amount numeric(12,2),
    update_datetime timestamp,
    updated_by_user varchar(30),
    updated_by_server varchar(30)
);
