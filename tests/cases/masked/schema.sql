CREATE TABLE customer (
    customer_id uuid NOT NULL PRIMARY KEY,
    name varchar(60) NOT NULL,
    phone varchar(30),
    birthday date,
    card_number varchar(19),
    pin char(4),
    changed_at timestamptz
);
