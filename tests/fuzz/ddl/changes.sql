CREATE TABLE a (id int NOT NULL PRIMARY KEY, period int, exclude int, b varchar(20) DEFAULT 'x', KEY (b));
CREATE TABLE other LIKE a;
ALTER TABLE a ADD c int FIRST, RENAME TO d, DROP COLUMN b, ADD e int NOT NULL AFTER c,
    CHANGE c f bigint, ADD UNIQUE KEY u (f), RENAME INDEX u TO v, MODIFY e text;
RENAME TABLE d TO e, other TO `table`;
CREATE TABLE filled (id int) AS SELECT 1 AS id;
ALTER TABLE ONLY public.e ADD CONSTRAINT k FOREIGN KEY (id) REFERENCES e ON DELETE CASCADE, ALTER id TYPE bigint;
ALTER TABLE e RENAME period TO key;
ALTER TABLE dbo.e ADD x int, CONSTRAINT dx DEFAULT (0) FOR x WITH VALUES;
CREATE TABLE place (id integer PRIMARY KEY, p gis.geography(Point), q geometry(Geometry,0)[], r geometry(PointZM, 4326));
DROP TABLE IF EXISTS filled, place;
