-- A schema that uses what MySQL and MariaDB have; created as it stands, then read both ways.
CREATE TABLE `order` (
    id int(10) unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY COMMENT 'it''s; the \'key\'',
    `user name` varchar(30) NOT NULL DEFAULT 'x',
    `größe` double DEFAULT -1.50,
    `a"b` varchar(20) UNIQUE,
    `a``b` int,
    nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn int
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COMMENT='x;y';
CREATE TABLE Everything (
    a tinyint DEFAULT '-1', b INTEGER DEFAULT 5 NOT NULL, c BIGINT(20) UNSIGNED ZEROFILL DEFAULT '7',
    d numeric(10, 2) DEFAULT '0.00', d2 decimal DEFAULT 1, d3 dec(5), e float, e2 float(30), e3 double precision,
    f boolean DEFAULT true, f2 tinyint(1) NOT NULL DEFAULT '0', g char, g2 char(3) DEFAULT 'abc',
    h varchar(5) CHARACTER SET ascii COLLATE ascii_bin DEFAULT 5, i text, j binary, j2 varbinary(16),
    k blob, l date DEFAULT '2020-01-02', m time(3), n datetime DEFAULT '2020-01-02', n2 datetime(6) DEFAULT NOW(6),
    o timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
    p timestamp NULL DEFAULT NULL, q enum('A', 'b c', 'it''s') NOT NULL DEFAULT 'A', r set('x','y'),
    s json, s2 longtext, t year(4), u bit(3) DEFAULT b'101', v mediumint, w varchar(9) DEFAULT 'it''s',
    w2 varchar(9) DEFAULT '', x int GENERATED ALWAYS AS (b * 2) STORED, y int AS (b + 1) VIRTUAL,
    z varchar(36) DEFAULT (uuid()), aa int DEFAULT (1 + 2 * 3), bb nvarchar(4), cc real, dd long,
    ee varchar(20) DEFAULT 'C:\\x', CHECK (b > 0)
);
CREATE TABLE pair (
    a int, b varchar(20), c int, d text,
    PRIMARY KEY (b, a) USING BTREE, UNIQUE KEY both_ways (a, b), UNIQUE (c, a),
    UNIQUE KEY prefix (d(10)), KEY plain (c), FULLTEXT KEY words (d)
);
CREATE TABLE Child (
    Id bigint, parent bigint, x varchar(20), y int, s json, z int unsigned,
    CONSTRAINT fk FOREIGN KEY (x, y) REFERENCES pair (b, a) ON DELETE CASCADE ON UPDATE RESTRICT,
    FOREIGN KEY (z) REFERENCES `order` (ID) ON UPDATE CASCADE ON DELETE SET NULL,
    CHECK (y <> 3)
);
ALTER TABLE Child ADD PRIMARY KEY (`id`), ADD UNIQUE KEY `u` (`Y`, x), ADD KEY k (x);
ALTER TABLE Child MODIFY `Id` bigint NOT NULL AUTO_INCREMENT, AUTO_INCREMENT=7;
ALTER TABLE Child ADD CONSTRAINT self FOREIGN KEY (parent) REFERENCES Child (Id) ON DELETE SET NULL;
ALTER TABLE Child ADD late int NOT NULL DEFAULT 0 AFTER parent, CHANGE s data json;
CREATE UNIQUE INDEX child_index ON Child (late DESC, y);
CREATE TABLE copy LIKE pair;
CREATE TABLE sequence (id serial, n int) PARTITION BY HASH (id) PARTITIONS 2;
CREATE VIEW v AS SELECT id FROM Child;
