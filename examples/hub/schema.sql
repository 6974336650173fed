-- What a chain of shops keeps, in PostgreSQL's dialect; SQLite reads it as it is.
CREATE TABLE article (
    article_id varchar(20) PRIMARY KEY,
    name varchar(100) NOT NULL,
    price numeric(12, 2),
    changed_at timestamp
);
CREATE TABLE stock (
    shop varchar(20) NOT NULL,
    article_id varchar(20) NOT NULL REFERENCES article (article_id),
    quantity integer NOT NULL,
    PRIMARY KEY (shop, article_id)
);
