//! What reading a brand's DDL has to know about its grammar, as data.
//!
//! The one place of this room that names the brands: everything else asks the [`Grammar`].

use sqlparser::dialect::{Dialect, MsSqlDialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect};

use crate::dialect::Brand;

/// What ends a statement whose body has statements of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// `BEGIN` opens, `END` closes.
    Begin,
    /// `BEGIN ATOMIC` opens, `END` closes.
    BeginAtomic,
    /// The end of the batch.
    Batch,
}

/// What a phrase among a column's options says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing that the model holds.
    None,
    /// The column is computed.
    Generated,
    /// The database numbers the column.
    Identity,
}

/// A phrase that sqlparser does not know, or that the model does not need.
///
/// Words are lower case; `()` is a parenthesised group, `()?` an optional one, `*` any one token,
/// `@` a name with its qualifiers, `=?` an optional equals sign, `!a|b` a look at the next token:
/// neither `a` nor `b`; `!` alone: a word comes next.
pub(super) type Phrase = (&'static [&'static str], Effect);

/// How a brand's type names are brought to their usual spelling.
pub(super) struct TypeRules {
    /// Other names of a type; the second is the usual one.
    pub(super) aliases: &'static [(&'static str, &'static str)],
    /// The arguments that a type has when none are written.
    pub(super) arguments: &'static [(&'static str, &'static str)],
    /// Types whose single argument is a precision with scale 0.
    pub(super) scaled: &'static [&'static str],
    /// Types whose arguments mean nothing (display widths).
    pub(super) without_arguments: &'static [&'static str],
    /// `float(n)` up to this precision is the first type, above it the second.
    pub(super) float: Option<(u32, &'static str, &'static str)>,
    /// Types whose arguments are a shape and a coordinate system, and the system that goes without
    /// saying: 0 is none.
    pub(super) shapes: &'static [(&'static str, &'static str)],
    /// Words after the type that are part of it.
    pub(super) attributes: &'static [&'static str],
    /// Types that number their column, and the type they stand for.
    pub(super) serial: &'static [(&'static str, &'static str)],
    /// Namespaces that are left out before a type's name.
    pub(super) namespaces: &'static [&'static str],
}

/// One brand's grammar.
#[expect(clippy::struct_excessive_bools, reason = "a table of yes and no, brand by brand")]
pub(super) struct Grammar {
    /// The brand.
    pub(super) brand: Brand,
    /// The parser's dialect.
    pub(super) dialect: &'static dyn Dialect,
    /// `$tag$ … $tag$`.
    pub(super) has_dollar_quotes: bool,
    /// Block comments nest.
    pub(super) has_nested_comments: bool,
    /// A backslash escapes inside every quoted text.
    pub(super) has_backslash_escapes: bool,
    /// A backslash escapes inside `E'…'`.
    pub(super) has_escape_literals: bool,
    /// `# …` to the end of the line.
    pub(super) has_hash_comments: bool,
    /// `--` needs a blank after it to begin a comment.
    pub(super) has_spaced_comments: bool,
    /// `/*!50100 … */` is code.
    pub(super) has_executable_comments: bool,
    /// `[name]`.
    pub(super) has_bracket_names: bool,
    /// `` `name` ``.
    pub(super) has_backtick_names: bool,
    /// `DELIMITER //`.
    pub(super) has_delimiter_command: bool,
    /// `GO` on a line of its own ends a batch, and statements need no semicolon.
    pub(super) has_batches: bool,
    /// `COPY … FROM stdin;` is followed by data up to `\.`.
    pub(super) has_copy_data: bool,
    /// A line that begins so is a command of the brand's own client.
    pub(super) client_command: Option<char>,
    /// What ends a trigger or routine.
    pub(super) body: Body,
    /// Unquoted names are folded to lower case, and names are compared letter for letter.
    pub(super) folds_names: bool,
    /// Tables live in namespaces; elsewhere a qualifier names the database and is left out.
    pub(super) has_namespaces: bool,
    /// A column of the primary key is NOT NULL without saying so.
    pub(super) has_not_null_keys: bool,
    /// `KEY` and `INDEX` begin an element of a table.
    pub(super) has_index_elements: bool,
    /// `ADD PARTITION` and `DROP PARTITION` change how a table is stored.
    pub(super) has_partition_changes: bool,
    /// The type of a computed column is not written down, so it is not read anywhere.
    pub(super) has_untyped_computed: bool,
    /// `INTEGER PRIMARY KEY` numbers its column.
    pub(super) has_rowid: bool,
    /// TRUE and FALSE are the numbers 1 and 0.
    pub(super) has_numeric_booleans: bool,
    /// A literal default is stored as a value of the column's type.
    pub(super) has_typed_defaults: bool,
    /// Functions that are one and the same; the second is the usual name.
    pub(super) function_aliases: &'static [(&'static str, &'static str)],
    /// Types whose columns the database writes itself.
    pub(super) generated_types: &'static [&'static str],
    /// A type that is this one when a check says that it holds JSON.
    pub(super) checked_json: Option<&'static str>,
    /// The types' spelling.
    pub(super) types: TypeRules,
    /// Phrases among a column's options, longest first where one begins another.
    pub(super) phrases: &'static [Phrase],
}

impl Grammar {
    /// The grammar of a brand.
    pub(super) fn of(brand: Brand) -> &'static Self {
        match brand {
            Brand::Postgres => &POSTGRES,
            Brand::Sqlite => &SQLITE,
            Brand::SqlServer => &SQLSERVER,
            Brand::Mysql => &MYSQL,
        }
    }
}

/// What no brand has, for the brands to begin from.
const PLAIN: Grammar = Grammar {
    brand: Brand::Sqlite,
    dialect: &SQLiteDialect {},
    has_dollar_quotes: false,
    has_nested_comments: false,
    has_backslash_escapes: false,
    has_escape_literals: false,
    has_hash_comments: false,
    has_spaced_comments: false,
    has_executable_comments: false,
    has_bracket_names: false,
    has_backtick_names: false,
    has_delimiter_command: false,
    has_batches: false,
    has_copy_data: false,
    client_command: None,
    body: Body::Begin,
    folds_names: false,
    has_namespaces: false,
    has_not_null_keys: true,
    has_index_elements: false,
    has_partition_changes: false,
    has_untyped_computed: false,
    has_rowid: false,
    has_numeric_booleans: false,
    has_typed_defaults: false,
    function_aliases: &[],
    generated_types: &[],
    checked_json: None,
    types: TypeRules {
        aliases: &[],
        arguments: &[],
        scaled: &[],
        without_arguments: &[],
        float: None,
        shapes: &[],
        attributes: &[],
        serial: &[],
        namespaces: &[],
    },
    phrases: &[],
};

const POSTGRES: Grammar = Grammar {
    brand: Brand::Postgres,
    dialect: &PostgreSqlDialect {},
    has_dollar_quotes: true,
    has_nested_comments: true,
    has_escape_literals: true,
    has_copy_data: true,
    client_command: Some('\\'),
    body: Body::BeginAtomic,
    folds_names: true,
    has_namespaces: true,
    types: TypeRules {
        aliases: &[
            ("int", "integer"),
            ("int4", "integer"),
            ("int8", "bigint"),
            ("int2", "smallint"),
            ("float8", "double precision"),
            ("float4", "real"),
            ("bool", "boolean"),
            ("decimal", "numeric"),
            ("dec", "numeric"),
            ("character varying", "varchar"),
            ("char varying", "varchar"),
            ("national character varying", "varchar"),
            ("character", "char"),
            ("national character", "char"),
            ("nchar", "char"),
            ("bit varying", "varbit"),
            ("timestamp with time zone", "timestamptz"),
            ("timestamp without time zone", "timestamp"),
            ("time with time zone", "timetz"),
            ("time without time zone", "time"),
        ],
        arguments: &[("char", "1"), ("bit", "1")],
        scaled: &["numeric"],
        float: Some((24, "real", "double precision")),
        shapes: &[("geometry", "0"), ("geography", "4326")],
        serial: &[
            ("serial", "integer"),
            ("serial4", "integer"),
            ("bigserial", "bigint"),
            ("serial8", "bigint"),
            ("smallserial", "smallint"),
            ("serial2", "smallint"),
        ],
        namespaces: &["pg_catalog", "public"],
        ..PLAIN.types
    },
    phrases: &[
        (&["generated", "always", "as", "identity", "()?"], Effect::Identity),
        (&["generated", "by", "default", "as", "identity", "()?"], Effect::Identity),
        (&["generated", "always", "as", "()"], Effect::Generated),
        (&["stored"], Effect::None),
        (&["virtual"], Effect::None),
        (&["not", "deferrable"], Effect::None),
        (&["deferrable"], Effect::None),
        (&["initially", "*"], Effect::None),
        (&["not", "valid"], Effect::None),
        (&["not", "enforced"], Effect::None),
        (&["enforced"], Effect::None),
        (&["no", "inherit"], Effect::None),
        (&["nulls", "not", "distinct"], Effect::None),
        (&["nulls", "distinct"], Effect::None),
        (&["include", "()"], Effect::None),
        (&["with", "()"], Effect::None),
        (&["options", "()"], Effect::None),
        (&["using", "index", "tablespace", "*"], Effect::None),
        (&["compression", "*"], Effect::None),
        (&["storage", "*"], Effect::None),
        (&["match", "*"], Effect::None),
        (&["collate", "@"], Effect::None),
    ],
    ..PLAIN
};

const SQLITE: Grammar = Grammar {
    brand: Brand::Sqlite,
    dialect: &SQLiteDialect {},
    has_bracket_names: true,
    has_backtick_names: true,
    client_command: Some('.'),
    has_not_null_keys: false,
    has_rowid: true,
    phrases: &[
        (&["generated", "always", "as", "()"], Effect::Generated),
        (&["as", "()"], Effect::Generated),
        (&["stored"], Effect::None),
        (&["virtual"], Effect::None),
        (&["autoincrement"], Effect::None),
        (&["on", "conflict", "*"], Effect::None),
        (&["not", "deferrable"], Effect::None),
        (&["deferrable"], Effect::None),
        (&["initially", "*"], Effect::None),
        (&["match", "*"], Effect::None),
        (&["collate", "@"], Effect::None),
    ],
    ..PLAIN
};

const SQLSERVER: Grammar = Grammar {
    brand: Brand::SqlServer,
    dialect: &MsSqlDialect {},
    has_nested_comments: true,
    has_bracket_names: true,
    has_batches: true,
    client_command: Some(':'),
    body: Body::Batch,
    has_namespaces: true,
    has_index_elements: true,
    has_untyped_computed: true,
    function_aliases: &[("current_timestamp", "getdate")],
    generated_types: &["timestamp"],
    types: TypeRules {
        aliases: &[
            ("integer", "int"),
            ("dec", "decimal"),
            ("rowversion", "timestamp"),
            ("double precision", "float"),
            ("character", "char"),
            ("char varying", "varchar"),
            ("character varying", "varchar"),
            ("national char", "nchar"),
            ("national character", "nchar"),
            ("national char varying", "nvarchar"),
            ("national character varying", "nvarchar"),
            ("national text", "ntext"),
            ("sysname", "nvarchar(128)"),
            ("binary varying", "varbinary"),
        ],
        arguments: &[
            ("char", "1"),
            ("nchar", "1"),
            ("varchar", "1"),
            ("nvarchar", "1"),
            ("binary", "1"),
            ("varbinary", "1"),
            ("decimal", "18,0"),
            ("numeric", "18,0"),
            ("datetime2", "7"),
            ("datetimeoffset", "7"),
            ("time", "7"),
        ],
        scaled: &["decimal", "numeric"],
        float: Some((24, "real", "float")),
        namespaces: &["sys", "dbo"],
        ..PLAIN.types
    },
    phrases: &[
        (&["generated", "always", "as", "*", "start"], Effect::Generated),
        (&["generated", "always", "as", "*", "end"], Effect::Generated),
        (&["identity", "()?"], Effect::Identity),
        (&["not", "for", "replication"], Effect::None),
        (&["index", "*"], Effect::None),
        (&["foreign", "key", "!"], Effect::None),
        (&["persisted"], Effect::None),
        (&["rowguidcol"], Effect::None),
        (&["clustered"], Effect::None),
        (&["nonclustered"], Effect::None),
        (&["hash"], Effect::None),
        (&["sparse"], Effect::None),
        (&["hidden"], Effect::None),
        (&["filestream"], Effect::None),
        (&["masked", "with", "()"], Effect::None),
        (&["encrypted", "with", "()"], Effect::None),
        (&["with", "()"], Effect::None),
        (&["with", "values"], Effect::None),
        (&["with", "fillfactor", "=?", "*"], Effect::None),
        (&["textimage_on", "@"], Effect::None),
        (&["filestream_on", "@"], Effect::None),
        (&["on", "!delete|update", "@", "()?"], Effect::None),
        (&["collate", "@"], Effect::None),
    ],
    ..PLAIN
};

const MYSQL: Grammar = Grammar {
    brand: Brand::Mysql,
    dialect: &MySqlDialect {},
    has_backslash_escapes: true,
    has_hash_comments: true,
    has_spaced_comments: true,
    has_executable_comments: true,
    has_backtick_names: true,
    has_delimiter_command: true,
    has_index_elements: true,
    has_partition_changes: true,
    has_numeric_booleans: true,
    has_typed_defaults: true,
    function_aliases: &[
        ("now", "current_timestamp"),
        ("localtime", "current_timestamp"),
        ("localtimestamp", "current_timestamp"),
        ("curdate", "current_date"),
        ("curtime", "current_time"),
    ],
    checked_json: Some("longtext"),
    types: TypeRules {
        aliases: &[
            ("integer", "int"),
            ("int1", "tinyint"),
            ("int2", "smallint"),
            ("int3", "mediumint"),
            ("middleint", "mediumint"),
            ("int4", "int"),
            ("int8", "bigint"),
            ("bool", "tinyint(1)"),
            ("boolean", "tinyint(1)"),
            ("dec", "decimal"),
            ("numeric", "decimal"),
            ("fixed", "decimal"),
            ("double precision", "double"),
            ("real", "double"),
            ("float4", "float"),
            ("float8", "double"),
            ("character", "char"),
            ("character varying", "varchar"),
            ("char varying", "varchar"),
            ("nchar", "char"),
            ("national char", "char"),
            ("national character", "char"),
            ("nvarchar", "varchar"),
            ("national varchar", "varchar"),
            ("national character varying", "varchar"),
            ("national char varying", "varchar"),
            ("long", "mediumtext"),
            ("long varchar", "mediumtext"),
            ("long varbinary", "mediumblob"),
            ("geomcollection", "geometrycollection"),
        ],
        arguments: &[("char", "1"), ("binary", "1"), ("bit", "1"), ("decimal", "10,0")],
        scaled: &["decimal"],
        without_arguments: &[
            "tinyint",
            "smallint",
            "mediumint",
            "int",
            "bigint",
            "year",
            "text",
            "blob",
        ],
        float: Some((24, "float", "double")),
        attributes: &["unsigned"],
        serial: &[("serial", "bigint unsigned")],
        ..PLAIN.types
    },
    phrases: &[
        (&["generated", "always", "as", "row", "*"], Effect::Generated),
        (&["generated", "always", "as", "()"], Effect::Generated),
        (&["as", "row", "*"], Effect::Generated),
        (&["as", "()"], Effect::Generated),
        (&["stored"], Effect::None),
        (&["virtual"], Effect::None),
        (&["persistent"], Effect::None),
        (&["auto_increment"], Effect::Identity),
        (&["visible"], Effect::None),
        (&["invisible"], Effect::None),
        (&["compressed", "=?", "*"], Effect::None),
        (&["column_format", "*"], Effect::None),
        (&["storage", "*"], Effect::None),
        (&["engine_attribute", "=?", "*"], Effect::None),
        (&["secondary_engine_attribute", "=?", "*"], Effect::None),
        (&["key_block_size", "=?", "*"], Effect::None),
        (&["using", "*"], Effect::None),
        (&["comment", "*"], Effect::None),
        (&["not", "enforced"], Effect::None),
        (&["enforced"], Effect::None),
        (&["match", "*"], Effect::None),
        (&["character", "set", "=?", "*"], Effect::None),
        (&["charset", "=?", "*"], Effect::None),
        (&["collate", "=?", "@"], Effect::None),
        (&["with", "system", "versioning"], Effect::None),
        (&["without", "system", "versioning"], Effect::None),
        (&["with", "parser", "*"], Effect::None),
        (&["ref_system_id", "=?", "*"], Effect::None),
        (&["srid", "*"], Effect::None),
    ],
    ..PLAIN
};
