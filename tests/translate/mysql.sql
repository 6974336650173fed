CREATE TABLE kind (id tinyint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(20) NOT NULL UNIQUE);
CREATE TABLE article (
    id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY,
    kind tinyint unsigned NOT NULL,
    state enum('new','old') NOT NULL DEFAULT 'new',
    tags set('a','b'),
    built year,
    is_on tinyint(1) NOT NULL DEFAULT 1,
    body mediumtext,
    bits bit(8),
    hash binary(16) UNIQUE,
    price decimal(60,20),
    written datetime NOT NULL DEFAULT CURRENT_TIMESTAMP,
    changed timestamp NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    place point,
    path varchar(20) DEFAULT 'a\\b',
    CONSTRAINT f FOREIGN KEY (kind) REFERENCES kind (id) ON DELETE CASCADE ON UPDATE CASCADE
);
