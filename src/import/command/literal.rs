//! Which expressions of a command are literals, and their texts.

use sqlparser::ast::{CastKind, DataType, Expr, UnaryOperator, Value};

/// A value that would have to be computed.
pub(super) struct Computed;

/// The text of a literal, `None` being NULL.
pub(super) fn literal(expression: &Expr) -> Result<Option<String>, Computed> {
    match expression {
        Expr::Value(value) => match &value.value {
            Value::Null => return Ok(None),
            Value::Boolean(flag) => Some(flag.to_string()),
            Value::Number(digits, false) => Some(digits.clone()),
            _ => text(expression),
        },
        Expr::UnaryOp { op, expr } => signed(*op, expr),
        Expr::Nested(inner) => return literal(inner),
        _ => text(expression),
    }
    .map_or(Err(Computed), |text| Ok(Some(text)))
}

fn signed(sign: UnaryOperator, number: &Expr) -> Option<String> {
    let Expr::Value(value) = number else { return None };
    let Value::Number(digits, false) = &value.value else { return None };
    match sign {
        UnaryOperator::Minus => Some(format!("-{digits}")),
        UnaryOperator::Plus => Some(digits.clone()),
        _ => None,
    }
}

/// The text of a literal in quotes, also of one whose type is named.
fn text(expression: &Expr) -> Option<String> {
    match expression {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::NationalStringLiteral(text) => {
                Some(text.clone())
            }
            _ => None,
        },
        Expr::TypedString(typed) if !typed.uses_odbc_syntax && keeps(&typed.data_type) => {
            match &typed.value.value {
                Value::SingleQuotedString(text) => Some(text.clone()),
                _ => None,
            }
        }
        Expr::Cast {
            kind: CastKind::Cast | CastKind::DoubleColon,
            expr,
            data_type,
            format: None,
        } if keeps(data_type) => text(expr),
        _ => None,
    }
}

/// Whether it is a literal in quotes.
pub(super) fn is_text(expression: &Expr) -> bool {
    match expression {
        Expr::Nested(inner) => is_text(inner),
        other => text(other).is_some(),
    }
}

/// Whether a text of this type stands for itself: a length or precision could cut it, and a
/// narrower float would round it.
fn keeps(data_type: &DataType) -> bool {
    const KEEPING: [&str; 20] = [
        "bigint",
        "bool",
        "boolean",
        "bytea",
        "date",
        "datetime",
        "decimal",
        "double",
        "double precision",
        "int",
        "integer",
        "json",
        "jsonb",
        "numeric",
        "text",
        "time",
        "timestamp",
        "timestamp with time zone",
        "timestamptz",
        "uuid",
    ];
    KEEPING.contains(&data_type.to_string().to_ascii_lowercase().as_str())
}
