CREATE TABLE innocent (id integer NOT NULL PRIMARY KEY);
CREATE TABLE "t
-- next --
""`]'*/ $outrigger$ {{ 1 }} \" (
    "k
-- removal --
$outrigger$" integer NOT NULL,
    "k2'); --" varchar(20) NOT NULL,
    "-- next --" varchar(120),
    "a
-- next --
b" varchar(120),
    "
-- removal --
." varchar(120),
    "x
  y  


z" varchar(120),
    "a""b`c]d[e'f" varchar(120),
    "*/ DROP TABLE innocent; /*" varchar(120),
    "'); DROP TABLE innocent; --" varchar(120),
    "$outrigger$; DROP TABLE innocent; $outrigger$" varchar(120),
    "$$" varchar(120),
    "{{ 1 }}{% raw %}{# c #}" varchar(120),
    ":{m} :name @name ?" varchar(120),
    "{new} {old} {} {native}" varchar(120),
    "%s %d %%" varchar(120),
    "back\slash\" varchar(120),
    "
-- +goose StatementEnd
-- migrate:down
." varchar(120),
    "
DELIMITER //
." varchar(120),
    "${placeholder}" varchar(120),
    "$(PATH)" varchar(120),
    "‮gnirts ​" varchar(120),
    "# hash" varchar(120),
    "<script>alert(1)</script>&amp;" varchar(120),
    "  leading" varchar(120),
    PRIMARY KEY ("k
-- removal --
$outrigger$", "k2'); --")
);
CREATE TABLE "*/ -- '{new}" (
    "
GO.
." integer NOT NULL PRIMARY KEY,
    "{old}
/*" timestamp,
    "it's" text DEFAULT '); DROP TABLE innocent; --
-- next --
$outrigger$'
);
