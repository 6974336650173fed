//! Values of types that one brand alone has, in the text that this brand writes.

pub(crate) const TEXT_ARRAYS: &[&str] = &[
    "{}",
    "{NULL}",
    "{\"\"}",
    "{a,NULL,\"NULL\",null_}",
    "{\" a\",\"b \",\"c d\"}",
    "{O'Brien,\"{braces}\",\"com,ma\",\"back\\\\slash\",\"\\\"quoted\\\"\"}",
    "{{a,b},{c,NULL}}",
    "{{{a},{b}},{{c},{d}}}",
    "[0:1]={a,b}",
    "[-1:0][2:3]={{a,b},{c,d}}",
    "{größe,\u{1f600}}",
    "{\"line\nfeed\",\"tab\there\"}",
];

/// Values of types that PostgreSQL alone has, as it writes them.
pub(crate) const VERBATIM: &[(&str, &[&str])] = &[
    ("text[]", TEXT_ARRAYS),
    ("integer[]", &["{}", "{1,NULL,-2147483648}", "{{1,2},{3,4}}", "[0:1]={1,2}"]),
    ("numeric(12,2)[]", &["{1.50,NULL,-0.10,NaN}"]),
    ("numeric[]", &["{1.50,1.5,1.500}"]),
    ("boolean[]", &["{t,f,NULL}"]),
    ("varchar(3)[]", &["{abc,NULL,\"\"}"]),
    ("char(3)[]", &["{\"a  \",abc}", "{}", "{abc}"]),
    ("uuid[]", &["{0f8fad5b-d9cb-469f-a165-70867728950e}"]),
    ("date[]", &["{2026-12-31,infinity,\"0044-03-15 BC\"}"]),
    ("timestamp[]", &["{\"2026-02-03 04:05:06.789\",-infinity}"]),
    ("timestamptz[]", &["{\"2026-02-03 04:05:06.789+00\",infinity,NULL}"]),
    ("time[]", &["{03:04:05.5,24:00:00}"]),
    ("bytea[]", &["{\"\\\\x00ff5c\",NULL,\"\\\\x\"}"]),
    ("float4[]", &["{0.1,-0,3.4028235e+38,NaN}"]),
    ("float8[]", &["{0}", "{-0}", "{0.1,-0,0,0.30000000000000004,5e-324,NaN,-Infinity}"]),
    ("jsonb[]", &["{\"{\\\"a\\\": [1, null]}\",\"\\\"x\\\"\"}"]),
    ("json[]", &["{\"{\\\"b\\\":1,  \\\"b\\\":2}\"}"]),
    ("mood[]", &["{new,\"two words\",O'Brien,NULL}"]),
    ("interval[]", &["{\"1 year 2 mons -3 days +04:05:06.7\",-00:00:01}"]),
    ("inet[]", &["{10.0.0.1,10.0.0.0/8,::1}"]),
    ("bit(3)[]", &["{101,011}"]),
    ("tstzrange[]", &["{\"[\\\"2026-01-01 00:00:00+00\\\",infinity)\",empty}"]),
    ("interval", INTERVALS),
    ("interval year", &["3 years", "-1 years"]),
    ("interval month", &["3 years 1 mon"]),
    ("interval day", &["3 days"]),
    ("interval hour", &["3 days 04:00:00"]),
    ("interval minute", &["04:05:00"]),
    ("interval second", &["04:05:06.789"]),
    ("interval year to month", &["1 year 2 mons"]),
    ("interval day to hour", &["1 day 02:00:00"]),
    ("interval day to minute", &["1 day 02:03:00"]),
    ("interval day to second", &["1 day -02:03:04.5"]),
    ("interval hour to minute", &["-02:03:00"]),
    ("interval hour to second", &["02:03:04.5"]),
    ("interval minute to second", &["00:03:04.5"]),
    ("timetz", &["00:00:00+00", "24:00:00-15:59", "10:30:00.5+05:30", "10:30:00+02:00:01"]),
    ("time with time zone", &["10:30:00.5+05:30"]),
    ("bit", &["0", "1"]),
    ("bit(10)", &["0000000000", "1010101010", "0000000001"]),
    ("bit varying", &["", "0", "0001", "1111111111111111111111111111111111"]),
    ("varbit", &["", "00"]),
    ("varbit(4)", &["", "0110"]),
    (
        "inet",
        &[
            "10.0.0.1/32",
            "10.1.2.3/8",
            "0.0.0.0/0",
            "::1/128",
            "2001:db8::1/64",
            "::ffff:10.0.0.1/128",
        ],
    ),
    ("cidr", &["10.0.0.0/8", "2001:db8::/32", "::/0"]),
    ("macaddr", &["08:00:2b:01:02:03", "00:00:00:00:00:00"]),
    ("macaddr8", &["08:00:2b:01:02:03:04:05"]),
    ("xml", XML),
    (
        "jsonpath",
        &[
            "$",
            "$.\"a\"[*]?(@.\"b\" > 1 && @.\"c\" like_regex \"^x\" flag \"i\")",
            "strict $.\"größe\"",
            "1.50",
        ],
    ),
    ("tsvector", &["", "'a':1A,2B,3 'größe':4", "'back\\\\slash' 'it''s'", "'1':1 'b c':2"]),
    ("tsquery", &["", "'a' & ( 'b':*AB | !'c' ) <2> 'd'"]),
    ("int4range", &["empty", "[1,2)", "(,)", "[-2147483648,)"]),
    ("int8range", &["empty", "[1,9223372036854775807)"]),
    ("numrange", &["empty", "[1.0,1.00]", "(-Infinity,Infinity)", "(,2.5]"]),
    (
        "tsrange",
        &["[\"2026-01-01 00:00:00\",\"2026-01-01 00:00:00.5\")", "[-infinity,infinity]", "empty"],
    ),
    ("tstzrange", &["[\"2026-01-01 00:00:00+00\",)", "(-infinity,infinity)", "empty"]),
    (
        "daterange",
        &["[2026-01-01,2026-02-01)", "[-infinity,infinity)", "[\"0044-03-15 BC\",)", "empty"],
    ),
    ("int4multirange", &["{}", "{[1,2),[5,6)}", "{(,)}"]),
    ("int8multirange", &["{[1,2)}"]),
    ("nummultirange", &["{[1.0,1.00],(3,4)}"]),
    ("tsmultirange", &["{[\"2026-01-01 00:00:00\",\"2026-01-02 00:00:00\")}"]),
    ("tstzmultirange", &["{[\"2026-01-01 00:00:00+00\",infinity)}"]),
    ("datemultirange", &["{[2026-01-01,2026-02-01),[2027-01-01,)}"]),
    ("point", &["(1,2)", "(0.1,-0)", "(0.30000000000000004,5e-324)", "(Infinity,NaN)"]),
    ("line", &["{1,-1,0.30000000000000004}"]),
    ("lseg", &["[(0,0),(0.30000000000000004,1)]"]),
    ("box", &["(1,0.30000000000000004),(0,-1)"]),
    ("path", &["[(0,0),(0.1,1)]", "((0,0),(0.30000000000000004,1),(1,0))"]),
    ("polygon", &["((0,0),(0.30000000000000004,1),(1,0))"]),
    ("circle", &["<(0,0),0.30000000000000004>"]),
];

/// Values of types of extensions, as these write them.
pub(crate) const EXTENSIONS: &[(&str, &[&str])] = &[
    ("hstore", &["", "\"a\"=>\"1\", \"b\"=>NULL", "\"it's\"=>\"\\\"\\\\\"", "\"NULL\"=>\"NULL\""]),
    ("ltree", &["", "a.b_1.C", "007"]),
    ("lquery", &["*.a*@.!b{1,2}"]),
    ("ltxtquery", &["a & !b"]),
    ("cube", &["(0.30000000000000004)", "(1, 2),(3, 0.1)"]),
    ("seg", &["1.5 .. 2.50", "<1", "~5.00"]),
    ("hstore[]", &["{\"\\\"a\\\"=>\\\"1\\\"\",NULL}"]),
];

const INTERVALS: &[&str] = &[
    "00:00:00",
    "1 day",
    "24:00:00",
    "1 mon",
    "30 days",
    "1 year 2 mons 3 days 04:05:06.789",
    "-1 years -2 mons +3 days -04:05:06.789",
    "1 mon -1 days",
    "-1 mons +1 day 00:00:00.000001",
    "-00:00:00.5",
    "178000000 years",
    "1000 days -2562047788:00:54.775807",
];

const XML: &[&str] = &[
    "",
    "<a/>",
    "<a b=\"&quot;&lt;&amp;\">&#228; &gt;<!-- c --><![CDATA[<x>]]></a>",
    "text &amp; <b>mixed</b>\n  content",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><größe> </größe>",
];

/// Values of a type that one brand alone has, `None` being NULL; any list of texts where no others
/// are known.
pub(crate) fn samples(native: &str) -> Vec<Option<String>> {
    let known = VERBATIM.iter().chain(EXTENSIONS).find(|(name, _)| *name == native);
    let texts = known.map_or(TEXT_ARRAYS, |(_, texts)| texts);
    std::iter::once(None).chain(texts.iter().map(|text| Some((*text).to_owned()))).collect()
}

/// Whether a type, or an array of it, is one of an extension's.
pub(crate) fn is_of_extension(native: &str) -> bool {
    EXTENSIONS.iter().any(|(name, _)| *name == native)
}
