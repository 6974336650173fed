CREATE TABLE "order" (
    "select" integer NOT NULL PRIMARY KEY,
    "user name" varchar(40),
    "größe" timestamptz,
    "Mixed Case" varchar(10),
    "*/ -- ;" varchar(10)
);
CREATE TABLE a_table_whose_name_has_as_many_letters_as_postgresql_has_at_mos (
    a_column_whose_name_has_as_many_letters_as_postgresql_has_at_mo integer NOT NULL PRIMARY KEY,
    another_column_with_a_name_that_has_sixty_three_letters_in_all_ varchar(10)
);
CREATE TABLE "quotes '""`[]" (
    "a'b" varchar(10) NOT NULL,
    "c""d" varchar(10) NOT NULL,
    "e`f" varchar(10),
    "g[h]i" varchar(10),
    "j\k" varchar(10),
    "{{ l }}" varchar(10),
    "-- next --" varchar(10),
    ":{m}" varchar(10),
    PRIMARY KEY ("a'b", "c""d")
);
CREATE TABLE "größe" (
    "Ωж" integer NOT NULL PRIMARY KEY,
    "when" date,
    "value" numeric(6,1)
);
