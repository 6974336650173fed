-- What the command `.dump` of SQLite's shell writes.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE Child (
    Id INTEGER PRIMARY KEY, parent INT REFERENCES child ON DELETE SET NULL,
    x INT, y TEXT, z INT DEFAULT 1 REFERENCES "ORDER" (ID) ON UPDATE CASCADE ON DELETE SET DEFAULT
        DEFERRABLE INITIALLY DEFERRED, latest TEXT NOT NULL DEFAULT 'l',
    CONSTRAINT fk FOREIGN KEY (X, y) REFERENCES pair ON DELETE RESTRICT ON UPDATE NO ACTION,
    CONSTRAINT u UNIQUE (x, Y COLLATE NOCASE) ON CONFLICT REPLACE,
    FOREIGN KEY (z) REFERENCES missing (id)
);
CREATE TABLE Everything (
    a INT NOT NULL ON CONFLICT FAIL DEFAULT 5, b Unsigned  Big Int DEFAULT +7, c DECIMAL(10, 2) DEFAULT 0.00,
    d BOOLEAN DEFAULT TRUE, e TEXT DEFAULT CURRENT_TIMESTAMP, f TEXT DEFAULT (datetime('now')),
    g BLOB DEFAULT x'00ff', h DATETIME DEFAULT (strftime('%Y', 'now')), i TEXT DEFAULT NULL,
    j TEXT DEFAULT 'it''s', k TEXT DEFAULT "word", l INT DEFAULT (1 + 2 * 3), m DOUBLE PRECISION,
    n INT GENERATED ALWAYS AS (a + 1) STORED, o TEXT AS (j || 'x') VIRTUAL, p AS (a * 2),
    q INT CHECK (q > 0), r "text", s TEXT DEFAULT ''
);
CREATE TABLE alias (id integer, PRIMARY KEY (id ASC)) STRICT;
CREATE TABLE descending (id INTEGER PRIMARY KEY DESC);
CREATE TABLE no_alias (id INT PRIMARY KEY);
CREATE TABLE "order" (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    "user name" VARCHAR( 30 ) NOT NULL DEFAULT 'x',
    [größe] REAL DEFAULT -1.50,
    "a""b" TEXT UNIQUE,
    nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn INT,
    untyped,
    key TEXT COLLATE NOCASE
);
INSERT INTO "order" VALUES(1,'O''Brien; CREATE TABLE never (x int);',-1.5,'-- /* " [ `',NULL,NULL,NULL);
CREATE TABLE pair (a TEXT, b INTEGER, c INT, PRIMARY KEY (b, a), UNIQUE (c, a), UNIQUE (a, c));
CREATE TABLE strict_pair (a TEXT, b INTEGER, PRIMARY KEY (b, a)) STRICT;
CREATE TABLE without_rowid (id INTEGER PRIMARY KEY, n TEXT) WITHOUT ROWID, STRICT;
CREATE UNIQUE INDEX child_index ON child (z DESC, PARENT);
CREATE UNIQUE INDEX child_partial ON child (x) WHERE y IS NOT NULL;
CREATE UNIQUE INDEX child_expression ON child (lower(y));
CREATE INDEX child_plain ON child (y);
CREATE VIEW v AS SELECT id FROM child;
CREATE TRIGGER t AFTER INSERT ON child BEGIN
    UPDATE child SET y = CASE WHEN new.x THEN 'a' ELSE 'b' END WHERE id = new.id;
    DELETE FROM pair;
END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('order',1);
COMMIT;
.mode list
