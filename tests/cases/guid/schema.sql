CREATE TABLE customer (
    id integer PRIMARY KEY,
    email varchar(60) UNIQUE,
    changed_at timestamp
);
CREATE TABLE membership (
    customer_id integer NOT NULL REFERENCES customer (id) ON UPDATE CASCADE ON DELETE CASCADE,
    club varchar(20) NOT NULL,
    note varchar(60),
    PRIMARY KEY (customer_id, club)
);
CREATE TABLE device (
    id integer PRIMARY KEY,
    serial uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    name varchar(60)
);
