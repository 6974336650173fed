//! From a brand's own type names to logical types, driven by the dialect files.

use super::{Dialect, TypeMapping};
use crate::model::LogicalType;

/// How the name of an array ends.
const ARRAY: &str = "[]";

impl Dialect {
    /// What a native type means, `None` where nothing maps it.
    ///
    /// `native` is lower case and may have arguments: `varchar(30)`, `tinyint(1) unsigned`.
    /// The longest listed name that fits wins, so `tinyint(1)` comes before `tinyint`.
    /// `[]` stands for every array of what is not refused.
    #[must_use]
    pub fn logical_type(&self, native: &str) -> Option<LogicalType> {
        let plain = self.plain(native);
        let is_array = plain.ends_with(ARRAY) && self.refusal(native).is_none();
        let mut found: Option<(usize, LogicalType)> = None;
        for (logical, mapping) in &self.types {
            for name in &mapping.native {
                let fits = name == native || *name == plain || (name == ARRAY && is_array);
                if fits && found.is_none_or(|(length, _)| name.len() > length) {
                    found = Some((name.len(), *logical));
                }
            }
        }
        found.map(|(_, logical)| logical)
    }

    /// Whether a native type is the brand's own or an extension's, or an array of such, and not
    /// the application's.
    #[must_use]
    pub fn has_type(&self, native: &str) -> bool {
        self.logical_type(element(native)).is_some()
    }

    /// Why a native type is not carried, where the dialect file refuses it, or what it is an array
    /// of, by name.
    #[must_use]
    pub fn refusal(&self, native: &str) -> Option<&str> {
        let native = element(native);
        let plain = self.plain(native);
        let is_meant = |name: &String| *name == plain || *name == native;
        let found = self.refused.iter().find(|(_, names)| names.iter().any(is_meant));
        found.map(|(why, _)| why.as_str())
    }

    /// A native type without its arguments, and without its namespace where that says nothing.
    fn plain(&self, native: &str) -> String {
        let plain = strip_arguments(native);
        match plain.rsplit_once('.') {
            Some((_, name)) if self.extension_types.iter().any(|one| one == element(name)) => {
                name.to_owned()
            }
            _ => plain,
        }
    }

    /// Whether a column of the logical type `has` can stand where `wanted` is followed, so that
    /// the SQL for `wanted` reads and writes it without altering a value.
    #[must_use]
    pub fn holds(&self, has: LogicalType, wanted: LogicalType) -> bool {
        use LogicalType::{
            Boolean, Date, Decimal, Enum, Float32, Float64, Integer, Json, Text, Time, Timestamp,
            TimestampTz, Uuid, Verbatim,
        };
        let declared = self.logical_type(&self.mapping(wanted).declare);
        if has == wanted || declared == Some(has) {
            return true;
        }
        match (has, wanted) {
            (Float32 | Float64, Float32 | Float64) | (Decimal, Integer) => true,
            // Where texts are written as they came, the column may be text as well.
            (Text | Enum, _) if self.mapping(wanted).from_text == "{}" => true,
            // The values have types of their own, the column only prefers one.
            (Integer | Decimal | Float32 | Float64, Boolean | Integer | Decimal)
            | (
                Text | Enum | Verbatim | Uuid | Json | Date | Time | Timestamp | TimestampTz,
                Text | Enum | Verbatim | Uuid | Json | Date | Time | Timestamp | TimestampTz
                | Decimal,
            ) => !self.can.type_columns,
            _ => false,
        }
    }
}

impl TypeMapping {
    /// SQL for the canonical text of `expression`, a column.
    #[must_use]
    pub fn text_of(&self, expression: &str) -> String {
        fill(&self.to_text, &[("{}", expression)])
    }

    /// SQL for the value of the canonical text `expression` in a column of the type `native`.
    #[must_use]
    pub fn value_of(&self, expression: &str, native: &str) -> String {
        let plain = self.cast_name(native);
        let parts =
            [("{native}", without_attributes(native)), ("{plain}", &plain), ("{}", expression)];
        fill(&self.from_text, &parts)
    }

    /// The name under which a value of any length is cast to a native type.
    fn cast_name(&self, native: &str) -> String {
        let plain = strip_arguments(native);
        let one = element(&plain);
        let name = self.cast_as.get(one).map_or(one, String::as_str);
        format!("{name}{}", &plain[one.len()..])
    }

    /// SQL condition that `old` and `new` differ.
    #[must_use]
    pub fn change_of(&self, old: &str, new: &str) -> String {
        fill(&self.differs, &[("{old}", old), ("{new}", new)])
    }
}

/// What an array is one of; any other type itself.
pub(super) fn element(native: &str) -> &str {
    native.strip_suffix(ARRAY).unwrap_or(native)
}

/// A form of the dialect file, filled at once: what is filled in is not looked at again.
pub(crate) fn fill(form: &str, parts: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(form.len());
    let mut rest = form;
    let first = |rest: &str| {
        let found = parts.iter().filter_map(|(name, part)| Some((rest.find(name)?, *name, *part)));
        found.min_by_key(|(at, ..)| *at)
    };
    while let Some((at, name, part)) = first(rest) {
        filled.push_str(&rest[..at]);
        filled.push_str(part);
        rest = &rest[at + name.len()..];
    }
    filled + rest
}

/// `decimal(10,2) unsigned` becomes `decimal(10,2)`: attributes belong to a column, a cast does
/// not take them.
fn without_attributes(native: &str) -> &str {
    let native = native.strip_suffix(" zerofill").unwrap_or(native);
    native.strip_suffix(" unsigned").unwrap_or(native)
}

/// `timestamp(3) with time zone` becomes `timestamp with time zone`. A quoted name keeps what
/// stands in it, and the labels of an enumeration may have any letters.
pub(super) fn strip_arguments(native: &str) -> String {
    let mut text = String::with_capacity(native.len());
    let mut depth = 0_u32;
    let mut quote = None;
    for letter in native.chars() {
        let is_blank = letter.is_whitespace() && quote.is_none();
        match (quote, letter) {
            // A doubled quote closes and opens again.
            (Some(open), _) if open == letter => quote = None,
            (None, '"' | '\'') => quote = Some(letter),
            (None, '(') => depth += 1,
            _ => {}
        }
        if depth == 0 && !(is_blank && (text.is_empty() || text.ends_with(' '))) {
            text.push(if is_blank { ' ' } else { letter });
        }
        if quote.is_none() && letter == ')' {
            depth = depth.saturating_sub(1);
        }
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::{LogicalType, strip_arguments};
    use crate::dialect::Brand;

    #[test]
    fn a_column_holds_its_own_type_and_what_the_brand_keeps_in_the_same_way() {
        use LogicalType::{Binary, Decimal, Integer, Json, Text, Timestamp, TimestampTz, Uuid};
        for brand in Brand::ALL {
            let dialect = brand.dialect();
            assert!(LogicalType::ALL.into_iter().all(|one| dialect.holds(one, one)), "{brand}");
            assert!(dialect.holds(Decimal, Integer), "{brand}");
            assert!(!dialect.holds(Integer, Text) && !dialect.holds(Text, Binary), "{brand}");
        }
        for (brand, has, wanted, holds) in [
            (Brand::Sqlite, Text, Timestamp, true),
            (Brand::Sqlite, Text, Integer, false),
            (Brand::Mysql, Text, Uuid, true),
            (Brand::Mysql, Text, Timestamp, false),
            (Brand::Postgres, Text, Json, false),
            (Brand::Postgres, Timestamp, TimestampTz, false),
            (Brand::SqlServer, Text, Json, true),
        ] {
            assert_eq!(brand.dialect().holds(has, wanted), holds, "{brand}: {has} for {wanted}");
        }
    }

    #[test]
    fn arguments_are_left_out_wherever_they_stand() {
        assert_eq!(strip_arguments("timestamp(3) with time zone"), "timestamp with time zone");
        assert_eq!(strip_arguments("decimal(10,2) unsigned"), "decimal unsigned");
        assert_eq!(strip_arguments(" decimal ( 10 )  unsigned "), "decimal unsigned");
        assert_eq!(strip_arguments("enum('a)b','c ('','(')"), "enum");
        assert_eq!(strip_arguments("shop.\"a(\"\"; --\"[]"), "shop.\"a(\"\"; --\"[]");
        assert_eq!(strip_arguments("\"a  b)\"(3)[]"), "\"a  b)\"[]");
    }
}
