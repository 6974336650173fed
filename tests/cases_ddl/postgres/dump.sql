--
-- PostgreSQL database dump
--

\restrict token

-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

--
-- Name: shop; Type: SCHEMA; Schema: -; Owner: postgres
--

CREATE SCHEMA shop;


ALTER SCHEMA shop OWNER TO postgres;

--
-- Name: email; Type: DOMAIN; Schema: public; Owner: postgres
--

CREATE DOMAIN public.email AS character varying(80)
	CONSTRAINT email_check CHECK (((VALUE)::text ~~ '%@%'::text));


ALTER DOMAIN public.email OWNER TO postgres;

--
-- Name: mood; Type: TYPE; Schema: public; Owner: postgres
--

CREATE TYPE public.mood AS ENUM (
    'ok',
    'so so',
    'it''s'
);


ALTER TYPE public.mood OWNER TO postgres;

--
-- Name: Kind; Type: TYPE; Schema: shop; Owner: postgres
--

CREATE TYPE shop."Kind" AS ENUM (
    'A',
    'b'
);


ALTER TYPE shop."Kind" OWNER TO postgres;

--
-- Name: amount; Type: DOMAIN; Schema: shop; Owner: postgres
--

CREATE DOMAIN shop.amount AS numeric(12,2) NOT NULL;


ALTER DOMAIN shop.amount OWNER TO postgres;

--
-- Name: place; Type: TYPE; Schema: shop; Owner: postgres
--

CREATE TYPE shop.place AS (
	street text,
	at point
);


ALTER TYPE shop.place OWNER TO postgres;

--
-- Name: at; Type: DOMAIN; Schema: shop; Owner: postgres
--

CREATE DOMAIN shop.at AS shop.place;


ALTER DOMAIN shop.at OWNER TO postgres;

--
-- Name: kind_of; Type: DOMAIN; Schema: shop; Owner: postgres
--

CREATE DOMAIN shop.kind_of AS shop."Kind";


ALTER DOMAIN shop.kind_of OWNER TO postgres;

--
-- Name: price; Type: DOMAIN; Schema: shop; Owner: postgres
--

CREATE DOMAIN shop.price AS shop.amount
	CONSTRAINT price_check CHECK (((VALUE)::numeric > (0)::numeric));


ALTER DOMAIN shop.price OWNER TO postgres;

--
-- Name: spell; Type: TYPE; Schema: shop; Owner: postgres
--

CREATE TYPE shop.spell AS RANGE (
    subtype = double precision,
    multirange_type_name = shop.spell_multirange
);


ALTER TYPE shop.spell OWNER TO postgres;

--
-- Name: tags; Type: DOMAIN; Schema: shop; Owner: postgres
--

CREATE DOMAIN shop.tags AS text[];


ALTER DOMAIN shop.tags OWNER TO postgres;

--
-- Name: time Range; Type: TYPE; Schema: shop; Owner: postgres
--

CREATE TYPE shop."time Range" AS RANGE (
    subtype = time without time zone,
    multirange_type_name = shop.times
);


ALTER TYPE shop."time Range" OWNER TO postgres;

--
-- Name: atomic(integer); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.atomic(x integer) RETURNS integer
    LANGUAGE sql
    BEGIN ATOMIC
 SELECT
         CASE
             WHEN (x > 0) THEN 1
             ELSE 2
         END AS "case";
 SELECT 3;
END;


ALTER FUNCTION public.atomic(x integer) OWNER TO postgres;

--
-- Name: f(); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.f() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RETURN NEW; END; $$;


ALTER FUNCTION public.f() OWNER TO postgres;

--
-- Name: noisy(integer); Type: FUNCTION; Schema: public; Owner: postgres
--

CREATE FUNCTION public.noisy(x integer) RETURNS integer
    LANGUAGE plpgsql
    AS $_$
BEGIN
    CREATE TABLE never (x int); -- ; $$
    EXECUTE $$CREATE TABLE never2 (x int);$$;
    RETURN x;
END;
$_$;


ALTER FUNCTION public.noisy(x integer) OWNER TO postgres;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: bare; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.bare (
    id integer NOT NULL,
    name text NOT NULL
);


ALTER TABLE public.bare OWNER TO postgres;

--
-- Name: child; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.child (
    id bigint NOT NULL,
    parent bigint,
    a integer,
    b text,
    o integer DEFAULT 1 NOT NULL,
    e text,
    f text,
    CONSTRAINT child_f CHECK ((f <> ''::text))
);


ALTER TABLE public.child OWNER TO postgres;

--
-- Name: TABLE child; Type: COMMENT; Schema: public; Owner: postgres
--

COMMENT ON TABLE public.child IS 'it''s; a comment';


--
-- Name: child_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.child_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.child_id_seq OWNER TO postgres;

--
-- Name: child_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.child_id_seq OWNED BY public.child.id;


--
-- Name: copy; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.copy (
    id integer NOT NULL,
    name text DEFAULT 'n'::text NOT NULL,
    more integer
);


ALTER TABLE public.copy OWNER TO postgres;

--
-- Name: dumped_n_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.dumped_n_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.dumped_n_seq OWNER TO postgres;

--
-- Name: dumped; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.dumped (
    id integer NOT NULL,
    n integer DEFAULT nextval('public.dumped_n_seq'::regclass) NOT NULL
);


ALTER TABLE public.dumped OWNER TO postgres;

--
-- Name: dumped_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

ALTER TABLE public.dumped ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.dumped_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: parent; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.parent (
    id integer NOT NULL,
    name text DEFAULT 'n'::text NOT NULL
);


ALTER TABLE public.parent OWNER TO postgres;

--
-- Name: heir; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.heir (
    extra text
)
INHERITS (public.parent);


ALTER TABLE public.heir OWNER TO postgres;

--
-- Name: log; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.log (
    id integer NOT NULL,
    at date DEFAULT now() NOT NULL
)
PARTITION BY RANGE (at);


ALTER TABLE public.log OWNER TO postgres;

--
-- Name: log_1; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.log_1 (
    id integer NOT NULL,
    at date DEFAULT now() NOT NULL
);


ALTER TABLE public.log_1 OWNER TO postgres;

--
-- Name: log_2; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public.log_2 (
    id integer NOT NULL,
    at date DEFAULT NULL NOT NULL
);


ALTER TABLE public.log_2 OWNER TO postgres;

--
-- Name: mv; Type: MATERIALIZED VIEW; Schema: public; Owner: postgres
--

CREATE MATERIALIZED VIEW public.mv AS
 SELECT child.id
   FROM public.child
  WITH NO DATA;


ALTER TABLE public.mv OWNER TO postgres;

--
-- Name: order; Type: TABLE; Schema: public; Owner: postgres
--

CREATE TABLE public."order" (
    id integer NOT NULL,
    "user name" character varying(30) DEFAULT 'x'::character varying NOT NULL,
    "größe" double precision DEFAULT '-1.50'::numeric,
    "a""b" text,
    nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn integer
);


ALTER TABLE public."order" OWNER TO postgres;

--
-- Name: order_id_seq; Type: SEQUENCE; Schema: public; Owner: postgres
--

CREATE SEQUENCE public.order_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;


ALTER TABLE public.order_id_seq OWNER TO postgres;

--
-- Name: order_id_seq; Type: SEQUENCE OWNED BY; Schema: public; Owner: postgres
--

ALTER SEQUENCE public.order_id_seq OWNED BY public."order".id;


--
-- Name: v; Type: VIEW; Schema: public; Owner: postgres
--

CREATE VIEW public.v AS
 SELECT child.id
   FROM public.child;


ALTER TABLE public.v OWNER TO postgres;

--
-- Name: alone; Type: TABLE; Schema: shop; Owner: postgres
--

CREATE TABLE shop.alone (
    id integer NOT NULL,
    a public.mood[] DEFAULT '{}'::public.mood[] NOT NULL,
    b shop."Kind"[],
    c shop.tags,
    d shop.place,
    e shop.place[],
    f shop.spell,
    g shop.spell_multirange,
    h numeric(5,2)[],
    i integer[],
    j integer[],
    k integer[],
    l interval day to second(3),
    m interval year to month,
    n bit(3)[],
    o timestamp(3) with time zone[],
    p shop.amount[],
    q character(3)[],
    r time(2) with time zone,
    s shop."time Range",
    t shop.times,
    u text[] DEFAULT '{a}'::text[],
    v shop.kind_of DEFAULT 'A'::shop."Kind",
    w shop.price,
    x shop.at
);


ALTER TABLE shop.alone OWNER TO postgres;

--
-- Name: everything; Type: TABLE; Schema: shop; Owner: postgres
--

CREATE TABLE shop.everything (
    a smallint DEFAULT '-1'::smallint,
    b integer DEFAULT 5 NOT NULL,
    c bigint DEFAULT '-7'::integer,
    d numeric,
    e numeric(10,2) DEFAULT 0.00,
    e2 numeric(5,0) DEFAULT 1.50,
    f real,
    g double precision,
    g2 real,
    h boolean DEFAULT true,
    h2 boolean DEFAULT false NOT NULL,
    i character(1),
    i2 character(3) DEFAULT 'abc'::bpchar,
    j character varying,
    k text DEFAULT 'it''s
new'::text,
    l bytea DEFAULT '\x00'::bytea,
    m date DEFAULT '2020-01-02'::date,
    n time without time zone DEFAULT CURRENT_TIME,
    n2 time(3) with time zone,
    o timestamp without time zone DEFAULT now(),
    p timestamp(3) with time zone DEFAULT CURRENT_TIMESTAMP(3),
    p2 timestamp with time zone DEFAULT (now() + '1 day'::interval),
    p3 timestamp without time zone DEFAULT (now() AT TIME ZONE 'utc'::text),
    q uuid DEFAULT gen_random_uuid(),
    r json,
    s jsonb DEFAULT '{}'::jsonb,
    t text[] DEFAULT ARRAY[]::text[],
    t2 integer[] DEFAULT '{}'::integer[],
    u public.mood DEFAULT 'so so'::public.mood,
    v shop."Kind" NOT NULL,
    w public.email,
    x shop.amount,
    y interval DEFAULT '01:00:00'::interval,
    p4 timestamp without time zone DEFAULT '2020-01-02 00:00:00'::timestamp without time zone,
    p5 date DEFAULT '2020-01-02'::date,
    z "char",
    aa bit(3),
    bb bit varying(5),
    cc inet,
    dd text DEFAULT lower('ABC'::text),
    ee text,
    ff integer DEFAULT ((1 + 2) * 3),
    gg text DEFAULT CURRENT_USER,
    hh integer GENERATED ALWAYS AS ((b * 2)) STORED,
    ii money,
    jj text DEFAULT 'c'::text COLLATE pg_catalog."C",
    kk text DEFAULT ('a'::text || 'b'::text),
    ll character varying(10) DEFAULT '5'::character varying,
    mm bigint DEFAULT 0
);


ALTER TABLE shop.everything OWNER TO postgres;

--
-- Name: pair; Type: TABLE; Schema: shop; Owner: postgres
--

CREATE TABLE shop.pair (
    a integer NOT NULL,
    b text NOT NULL,
    c integer NOT NULL,
    d bigint NOT NULL
);


ALTER TABLE shop.pair OWNER TO postgres;

--
-- Name: pair_c_seq; Type: SEQUENCE; Schema: shop; Owner: postgres
--

ALTER TABLE shop.pair ALTER COLUMN c ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME shop.pair_c_seq
    START WITH 10
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: pair_d_seq; Type: SEQUENCE; Schema: shop; Owner: postgres
--

ALTER TABLE shop.pair ALTER COLUMN d ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME shop.pair_d_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);


--
-- Name: log_1; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.log ATTACH PARTITION public.log_1 FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');


--
-- Name: log_2; Type: TABLE ATTACH; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.log ATTACH PARTITION public.log_2 DEFAULT;


--
-- Name: child id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.child ALTER COLUMN id SET DEFAULT nextval('public.child_id_seq'::regclass);


--
-- Name: heir name; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.heir ALTER COLUMN name SET DEFAULT 'n'::text;


--
-- Name: order id; Type: DEFAULT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public."order" ALTER COLUMN id SET DEFAULT nextval('public.order_id_seq'::regclass);


--
-- Data for Name: bare; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.bare (id, name) FROM stdin;
\.


--
-- Data for Name: child; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.child (id, parent, a, b, o, e, f) FROM stdin;
\.


--
-- Data for Name: copy; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.copy (id, name, more) FROM stdin;
\.


--
-- Data for Name: dumped; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.dumped (id, n) FROM stdin;
\.


--
-- Data for Name: heir; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.heir (id, name, extra) FROM stdin;
\.


--
-- Data for Name: log_1; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.log_1 (id, at) FROM stdin;
\.


--
-- Data for Name: log_2; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.log_2 (id, at) FROM stdin;
\.


--
-- Data for Name: order; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public."order" (id, "user name", "größe", "a""b", nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn) FROM stdin;
1	O'Brien; CREATE TABLE n	-1.5	CREATE TABLE never (x int);\ttab\tline\n\\. $$ '	\N
\.


--
-- Data for Name: parent; Type: TABLE DATA; Schema: public; Owner: postgres
--

COPY public.parent (id, name) FROM stdin;
1	CREATE TABLE never (x int);
2	-- /* ' "
\.


--
-- Data for Name: everything; Type: TABLE DATA; Schema: shop; Owner: postgres
--

COPY shop.everything (a, b, c, d, e, e2, f, g, g2, h, h2, i, i2, j, k, l, m, n, n2, o, p, p2, p3, q, r, s, t, t2, u, v, w, x, y, p4, p5, z, aa, bb, cc, dd, ee, ff, gg, ii, jj, kk, ll, mm) FROM stdin;
\.


--
-- Data for Name: pair; Type: TABLE DATA; Schema: shop; Owner: postgres
--

COPY shop.pair (a, b, c, d) FROM stdin;
\.


--
-- Name: child_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.child_id_seq', 1, false);


--
-- Name: dumped_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.dumped_id_seq', 1, false);


--
-- Name: dumped_n_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.dumped_n_seq', 1, false);


--
-- Name: order_id_seq; Type: SEQUENCE SET; Schema: public; Owner: postgres
--

SELECT pg_catalog.setval('public.order_id_seq', 1, true);


--
-- Name: pair_c_seq; Type: SEQUENCE SET; Schema: shop; Owner: postgres
--

SELECT pg_catalog.setval('shop.pair_c_seq', 10, false);


--
-- Name: pair_d_seq; Type: SEQUENCE SET; Schema: shop; Owner: postgres
--

SELECT pg_catalog.setval('shop.pair_d_seq', 1, false);


--
-- Name: child child_ef; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.child
    ADD CONSTRAINT child_ef UNIQUE (e, f) INCLUDE (o) DEFERRABLE;


--
-- Name: child child_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.child
    ADD CONSTRAINT child_key PRIMARY KEY (id);


--
-- Name: copy copy_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.copy
    ADD CONSTRAINT copy_pkey PRIMARY KEY (id);


--
-- Name: dumped dumped_pk; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.dumped
    ADD CONSTRAINT dumped_pk PRIMARY KEY (id);


--
-- Name: log log_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.log
    ADD CONSTRAINT log_pkey PRIMARY KEY (id, at);


--
-- Name: log_1 log_1_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.log_1
    ADD CONSTRAINT log_1_pkey PRIMARY KEY (id, at);


--
-- Name: log_2 log_2_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.log_2
    ADD CONSTRAINT log_2_pkey PRIMARY KEY (id, at);


--
-- Name: order order_a"b_key; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public."order"
    ADD CONSTRAINT "order_a""b_key" UNIQUE ("a""b");


--
-- Name: order order_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public."order"
    ADD CONSTRAINT order_pkey PRIMARY KEY (id);


--
-- Name: parent parent_pkey; Type: CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.parent
    ADD CONSTRAINT parent_pkey PRIMARY KEY (id);


--
-- Name: alone alone_pkey; Type: CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.alone
    ADD CONSTRAINT alone_pkey PRIMARY KEY (id);


--
-- Name: pair both_ways; Type: CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.pair
    ADD CONSTRAINT both_ways UNIQUE (a, b);


--
-- Name: pair pair_c_d_key; Type: CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.pair
    ADD CONSTRAINT pair_c_d_key UNIQUE (c, d);


--
-- Name: pair pair_pkey; Type: CONSTRAINT; Schema: shop; Owner: postgres
--

ALTER TABLE ONLY shop.pair
    ADD CONSTRAINT pair_pkey PRIMARY KEY (b, a);


--
-- Name: child_expression; Type: INDEX; Schema: public; Owner: postgres
--

CREATE UNIQUE INDEX child_expression ON public.child USING btree (lower(e));


--
-- Name: child_index; Type: INDEX; Schema: public; Owner: postgres
--

CREATE UNIQUE INDEX child_index ON public.child USING btree (o DESC, e COLLATE "C" text_pattern_ops);


--
-- Name: child_partial; Type: INDEX; Schema: public; Owner: postgres
--

CREATE UNIQUE INDEX child_partial ON public.child USING btree (e) WHERE (f IS NOT NULL);


--
-- Name: child_plain; Type: INDEX; Schema: public; Owner: postgres
--

CREATE INDEX child_plain ON public.child USING btree (f);


--
-- Name: mv_key; Type: INDEX; Schema: public; Owner: postgres
--

CREATE UNIQUE INDEX mv_key ON public.mv USING btree (id);


--
-- Name: log_1_pkey; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.log_pkey ATTACH PARTITION public.log_1_pkey;


--
-- Name: log_2_pkey; Type: INDEX ATTACH; Schema: public; Owner: postgres
--

ALTER INDEX public.log_pkey ATTACH PARTITION public.log_2_pkey;


--
-- Name: child t; Type: TRIGGER; Schema: public; Owner: postgres
--

CREATE TRIGGER t AFTER INSERT ON public.child FOR EACH ROW EXECUTE FUNCTION public.f();


--
-- Name: child child_b_a_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.child
    ADD CONSTRAINT child_b_a_fkey FOREIGN KEY (b, a) REFERENCES shop.pair(b, a) ON DELETE CASCADE;


--
-- Name: child child_o_fkey; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.child
    ADD CONSTRAINT child_o_fkey FOREIGN KEY (o) REFERENCES public."order"(id) ON UPDATE CASCADE ON DELETE SET DEFAULT;


--
-- Name: child child_self; Type: FK CONSTRAINT; Schema: public; Owner: postgres
--

ALTER TABLE ONLY public.child
    ADD CONSTRAINT child_self FOREIGN KEY (parent) REFERENCES public.child(id) ON DELETE SET NULL;


--
-- Name: TABLE child; Type: ACL; Schema: public; Owner: postgres
--

GRANT SELECT ON TABLE public.child TO PUBLIC;


--
-- Name: mv; Type: MATERIALIZED VIEW DATA; Schema: public; Owner: postgres
--

REFRESH MATERIALIZED VIEW public.mv;


--
-- PostgreSQL database dump complete
--

\unrestrict token

