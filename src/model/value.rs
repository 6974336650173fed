//! Cells and rows, on their way to or from a database.

use std::sync::Arc;

/// A cell on its way to or from a database. Everything else travels as canonical text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A 64-bit number: ids, counts, flags.
    Integer(i64),
    /// Text, UTF-8.
    Text(String),
    /// Text that is not UTF-8, as its bytes. It is only ever read, from a brand that takes any
    /// bytes for text.
    Invalid(Vec<u8>),
}

impl Value {
    /// As a text; a number is printed, and what is not UTF-8 becomes U+FFFD. `None` for NULL.
    #[must_use]
    pub fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Integer(number) => Some(number.to_string()),
            Self::Invalid(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Self::Null => None,
        }
    }

    /// As a number; text of digits is read. `None` for NULL or anything else.
    #[must_use]
    pub fn to_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(text) => text.trim().parse().ok(),
            Self::Invalid(_) | Self::Null => None,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer: cells with the names of their columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
}

impl Row {
    /// A row of an answer; all rows of one answer share `columns`.
    #[must_use]
    pub fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self { columns, values }
    }

    /// The names of the columns, in the order of the answer.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The cells, in the same order.
    #[must_use]
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The cells of a row that is not needed any more, in the same order.
    #[must_use]
    pub fn into_values(self) -> Vec<Value> {
        self.values
    }

    /// Where a column stands among the cells, letter case aside; `None` where there is no such
    /// column.
    #[must_use]
    pub fn position(&self, column: &str) -> Option<usize> {
        let exact = self.columns.iter().position(|name| name == column);
        exact.or_else(|| self.columns.iter().position(|name| name.eq_ignore_ascii_case(column)))
    }

    /// A cell by its column, letter case aside; `None` where there is no such column.
    #[must_use]
    pub fn value(&self, column: &str) -> Option<&Value> {
        self.values.get(self.position(column)?)
    }

    /// A text cell; a number is printed, and what is not UTF-8 becomes U+FFFD. `None` for NULL
    /// or a missing column.
    #[must_use]
    pub fn text(&self, column: &str) -> Option<String> {
        self.value(column)?.clone().into_text()
    }

    /// A number cell; text of digits is read. `None` for NULL or anything else.
    #[must_use]
    pub fn integer(&self, column: &str) -> Option<i64> {
        self.value(column)?.to_integer()
    }
}
