-- The same tables in the dialect of MySQL and MariaDB.
CREATE TABLE article (
    article_id varchar(20) PRIMARY KEY,
    name varchar(100) NOT NULL,
    price decimal(12, 2),
    changed_at datetime(6)
) DEFAULT CHARACTER SET utf8mb4;
CREATE TABLE stock (
    shop varchar(20) NOT NULL,
    article_id varchar(20) NOT NULL,
    quantity integer NOT NULL,
    PRIMARY KEY (shop, article_id),
    FOREIGN KEY (article_id) REFERENCES article (article_id)
) DEFAULT CHARACTER SET utf8mb4;
