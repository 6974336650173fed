//! The type of a column on another brand.

use crate::dialect::{Dialect, Fit, Lengths, arguments};
use crate::model::{Column, LogicalType};

/// A type, and what is lost by it.
pub(super) struct Chosen {
    pub(super) declared: String,
    /// The id of the loss and its words.
    pub(super) loss: Option<(&'static str, String)>,
}

/// The type of a column. `parts` says of how many columns of its kind the widest key has that it
/// is part of; `None` where it is part of none.
pub(super) fn choose(
    column: &Column,
    logical: LogicalType,
    parts: Option<u32>,
    from: &Dialect,
    to: &Dialect,
) -> Chosen {
    // A type of the application has its name on its own database only; a domain stands for another.
    let stored_as = column.stored_as();
    let is_built_in = from.has_type(stored_as) && from.logical_type(stored_as) == Some(logical);
    if from.brand == to.brand && is_built_in {
        return Chosen { declared: stored_as.to_owned(), loss: None };
    }
    let rules = &to.translate;
    match logical {
        LogicalType::Integer => integer(column, from, to),
        LogicalType::Decimal => decimal(column, from, to),
        LogicalType::Text => sized(&rules.text, length(column, from), parts, to),
        LogicalType::Binary => sized(&rules.binary, length(column, from), parts, to),
        LogicalType::Verbatim => as_text(column, parts, from, to),
        _ => as_declared(logical, to),
    }
}

/// A text, which the other brand neither checks nor compares as what it means.
fn as_text(column: &Column, parts: Option<u32>, from: &Dialect, to: &Dialect) -> Chosen {
    let Chosen { declared, loss } = sized(&to.translate.text, None, parts, to);
    let becomes = loss.map_or_else(|| format!("becomes `{declared}`"), |(_, shorter)| shorter);
    let (native, brand) = (&column.native_type, &from.title);
    let loss = format!("{becomes}; of `{native}` it keeps the text that {brand} writes");
    Chosen { declared, loss: Some(("type-changed", loss)) }
}

/// What the mapping says; where it is a type of another meaning here, that is a loss.
fn as_declared(logical: LogicalType, to: &Dialect) -> Chosen {
    let declared = to.mapping(logical).declare.clone();
    let means = to.logical_type(&declared);
    let loss = (means != Some(logical)).then(|| {
        let means = means.map_or("nothing", LogicalType::name);
        ("type-changed", format!("becomes `{declared}`, which means {means} and not {logical}"))
    });
    Chosen { declared, loss }
}

fn integer(column: &Column, from: &Dialect, to: &Dialect) -> Chosen {
    let (least, greatest) = match from.fit(column.stored_as()) {
        Some(Fit::Range(least, greatest)) => (least, greatest),
        _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
    };
    let holds = |native: &&String| match to.fit(native) {
        Some(Fit::Range(from, to)) => from <= least && greatest <= to,
        // Where the types have no ranges, they hold what a signed 64-bit number does.
        _ => greatest <= i128::from(i64::MAX),
    };
    if let Some(native) = to.translate.integers.iter().find(holds) {
        return Chosen { declared: native.clone(), loss: None };
    }
    let declared = to.mapping(LogicalType::Integer).declare.clone();
    let loss =
        format!("becomes `{declared}`, which holds fewer numbers than `{}`", column.native_type);
    Chosen { declared, loss: Some(("range-narrowed", loss)) }
}

fn decimal(column: &Column, from: &Dialect, to: &Dialect) -> Chosen {
    let digits = match from.fit(column.stored_as()) {
        Some(Fit::Digits(digits)) => digits,
        _ => match arguments(column.stored_as()).as_slice() {
            [precision, scale] => Some((*precision, *scale)),
            [precision] => Some((*precision, 0)),
            _ => None,
        },
    };
    let rules = &to.translate.decimal;
    if let Some((precision, scale)) = digits
        && precision <= rules.precision
        && (0..=rules.scale.min(precision)).contains(&scale)
    {
        let declare = &to.mapping(LogicalType::Decimal).declare;
        let declared = declare.replace("{precision}", &precision.to_string());
        return Chosen { declared: declared.replace("{scale}", &scale.to_string()), loss: None };
    }
    let declared = rules.unbounded.clone();
    let is_bounded = matches!(to.fit(&declared), Some(Fit::Digits(Some(_))));
    let loss =
        format!("becomes `{declared}`, which holds fewer digits than `{}`", column.native_type);
    Chosen { declared, loss: is_bounded.then_some(("range-narrowed", loss)) }
}

/// How long a column's values may be.
fn length(column: &Column, from: &Dialect) -> Option<u32> {
    match from.fit(column.stored_as()) {
        Some(
            Fit::Characters(length)
            | Fit::Padded(length)
            | Fit::Bytes(length)
            | Fit::Filled(length),
        ) => length,
        // A length that the brand does not enforce is what the application means all the same.
        _ => arguments(column.stored_as()).first().and_then(|first| u32::try_from(*first).ok()),
    }
}

fn sized(rules: &Lengths, length: Option<u32>, parts: Option<u32>, to: &Dialect) -> Chosen {
    let bounded = |length: u32| rules.bounded.replace("{length}", &length.to_string());
    let most = rules.in_key.zip(parts).map(|(whole, parts)| whole / parts.max(1));
    match (length, most) {
        (Some(length), Some(most)) if length <= most => {
            Chosen { declared: bounded(length), loss: None }
        }
        (_, Some(most)) => {
            let declared = bounded(most);
            let title = &to.title;
            let loss =
                format!("becomes `{declared}`, because a key of {title} takes no longer one");
            Chosen { declared, loss: Some(("length-chosen", loss)) }
        }
        (Some(length), None) if (1..=rules.longest).contains(&length) => {
            Chosen { declared: bounded(length), loss: None }
        }
        _ => Chosen { declared: rules.unbounded.clone(), loss: None },
    }
}

#[cfg(test)]
mod tests {
    use super::choose;
    use crate::dialect::Brand::{self, Mysql, Postgres, SqlServer, Sqlite};
    use crate::model::Column;

    #[test]
    fn a_type_is_the_narrowest_that_holds_the_other_and_a_loss_is_said() {
        for (from, native, parts, to, expected, loss) in [
            (Mysql, "tinyint unsigned", None, Postgres, "smallint", None),
            (Mysql, "int unsigned", None, SqlServer, "bigint", None),
            (Mysql, "bigint unsigned", None, Postgres, "bigint", Some("range-narrowed")),
            (Mysql, "bigint unsigned", None, Sqlite, "integer", Some("range-narrowed")),
            (Sqlite, "integer", None, SqlServer, "bigint", None),
            (SqlServer, "money", None, Postgres, "numeric(19,4)", None),
            (SqlServer, "money", None, Sqlite, "decimal_text", None),
            (Postgres, "numeric(10,2)", None, Sqlite, "decimal(10,2)", None),
            (Postgres, "numeric", None, Sqlite, "decimal_text", None),
            (Postgres, "numeric", None, Mysql, "decimal(65,30)", Some("range-narrowed")),
            (Postgres, "numeric(3,-2)", None, SqlServer, "decimal(38,10)", Some("range-narrowed")),
            (SqlServer, "nvarchar(max)", None, Mysql, "longtext", None),
            (Postgres, "varchar(30)", None, SqlServer, "nvarchar(30)", None),
            (Sqlite, "varchar(30)", Some(1), Mysql, "varchar(30)", None),
            (Sqlite, "text", Some(2), Mysql, "varchar(350)", Some("length-chosen")),
            (Sqlite, "text", Some(1), Postgres, "text", None),
            (Postgres, "varchar(9000)", None, SqlServer, "nvarchar(max)", None),
            (Postgres, "uuid", None, Mysql, "char(36)", Some("type-changed")),
            (Postgres, "bytea", None, SqlServer, "varbinary(max)", None),
            (Mysql, "binary(16)", Some(1), SqlServer, "varbinary(16)", None),
            (Mysql, "mediumint", None, Mysql, "mediumint", None),
            (Postgres, "text[]", None, Sqlite, "text", Some("type-changed")),
            (Postgres, "interval", None, SqlServer, "nvarchar(max)", Some("type-changed")),
            (Postgres, "inet", Some(2), Mysql, "varchar(350)", Some("type-changed")),
            (SqlServer, "hierarchyid", Some(1), Postgres, "text", Some("type-changed")),
            (Postgres, "text[]", None, Postgres, "text[]", None),
            (Postgres, "mood[]", None, Postgres, "text", Some("type-changed")),
            (SqlServer, "xml", None, Postgres, "text", Some("type-changed")),
        ] {
            let (one, other): (Brand, Brand) = (from, to);
            let logical = one.dialect().logical_type(native);
            let column = Column {
                name: "c".into(),
                native_type: native.into(),
                base_type: None,
                logical_type: logical,
                is_nullable: true,
                default: None,
                is_identity: false,
                is_generated: false,
                location: None,
            };
            let logical = logical.expect("it is mapped");
            let chosen = choose(&column, logical, parts, one.dialect(), other.dialect());
            assert_eq!(chosen.declared, expected, "{from} {native} on {to}");
            assert_eq!(chosen.loss.map(|(id, _)| id), loss, "{from} {native} on {to}");
        }
    }
}
