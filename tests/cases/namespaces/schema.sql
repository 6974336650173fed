CREATE SCHEMA sales;
CREATE SCHEMA sales_archive;
CREATE SCHEMA "Mixed Case";
CREATE TABLE customer (
    customer_id integer NOT NULL PRIMARY KEY,
    name varchar(60) NOT NULL,
    changed_at timestamp
);
CREATE TABLE sales."order" (
    order_id integer NOT NULL PRIMARY KEY,
    customer_id integer REFERENCES customer (customer_id),
    changed_at timestamptz
);
CREATE TABLE sales_archive."order" (
    order_id integer NOT NULL PRIMARY KEY,
    note varchar(60)
);
CREATE TABLE "Mixed Case"."order" (
    order_id integer NOT NULL PRIMARY KEY,
    note varchar(60)
);
