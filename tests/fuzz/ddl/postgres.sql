\restrict abc
SET search_path = shop, public;
CREATE TYPE mood AS ENUM ('a', 'b''c');
CREATE DOMAIN email AS text CHECK (VALUE ~ '@');
CREATE TABLE shop."Order" (id bigint GENERATED ALWAYS AS IDENTITY, m mood DEFAULT 'a'::mood NOT NULL,
  t timestamp(3) with time zone DEFAULT now() + '1 day'::interval, a text[] DEFAULT ARRAY['x'],
  n numeric(10,2) GENERATED ALWAYS AS (id * 2) STORED, EXCLUDE USING gist (t WITH &&));
ALTER TABLE ONLY shop."Order" ADD CONSTRAINT k PRIMARY KEY (id);
CREATE TABLE part (id int, day date) PARTITION BY RANGE (day);
CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM ('2020-01-01') TO (MAXVALUE);
CREATE TABLE kid (LIKE part INCLUDING ALL, x int REFERENCES shop."Order" ON DELETE CASCADE) INHERITS (part);
CREATE UNIQUE INDEX CONCURRENTLY u ON kid USING btree (x DESC NULLS LAST) WHERE x > 0;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $_$ BEGIN RETURN NEW; END; $_$;
COPY part (id, day) FROM stdin;
1	2020-01-01
\.
ALTER TABLE part RENAME COLUMN day TO on_day, ALTER COLUMN id SET DEFAULT nextval('s'::regclass);
CREATE SCHEMA s CREATE TABLE one (id int PRIMARY KEY) CREATE TABLE two (id int REFERENCES one);
