CREATE TABLE price (
    article varchar(20) NOT NULL,
    region integer NOT NULL,
    amount numeric(12, 2),
    margin numeric(5, 2),
    remark varchar(200),
    note text,
    changed_at timestamp,
    changed_by varchar(40),
    PRIMARY KEY (article, region)
);
CREATE TABLE seen (
    id integer PRIMARY KEY,
    at timestamp
);
CREATE TABLE tag (
    name varchar(20) PRIMARY KEY
);
