CREATE TABLE everything (
    a_bigint bigint NOT NULL PRIMARY KEY,
    a_boolean boolean NOT NULL DEFAULT false,
    a_smallint smallint,
    a_numeric numeric(38,10),
    a_real real,
    a_double double precision,
    a_varchar varchar(30),
    a_char char(10),
    a_text text,
    a_bytea bytea,
    a_date date,
    a_time time,
    a_timestamp timestamp,
    a_timestamptz timestamptz,
    a_uuid uuid,
    a_json json,
    a_jsonb jsonb,
    a_text_array text[],
    a_timestamptz_array timestamptz[],
    an_interval interval,
    an_inet inet,
    a_bit bit(3),
    a_tsvector tsvector NOT NULL DEFAULT ''
);
-- Texts of several types as keys.
CREATE TABLE keyed_by_time (
    at timestamptz NOT NULL,
    device uuid NOT NULL,
    day date NOT NULL,
    reading double precision,
    changed_at timestamptz,
    PRIMARY KEY (at, device, day)
);
