//! What a column keeps of a value, by the arguments of its native type.

use std::str::FromStr;

use serde::Deserialize;

use super::Dialect;

/// A rule of a native type. A number in it stands for the argument that the type lacks; where
/// there is neither, everything is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Fit {
    /// `characters [n]`: at most so many characters.
    Characters(Option<u32>),
    /// `padded [n]`: the same, and blanks at the end are not kept.
    Padded(Option<u32>),
    /// `bytes [n]`: at most so many bytes of UTF-8.
    Bytes(Option<u32>),
    /// `filled [n]`: exactly so many bytes of a binary value; a shorter one is filled up.
    Filled(Option<u32>),
    /// `digits [precision scale]`: further digits after the point are rounded away.
    Digits(Option<(i64, i64)>),
    /// `floating`: as `digits`, where the type has both arguments.
    Floating,
    /// `fraction [n]`: digits of a second's fraction, further ones are rounded away.
    Fraction(Option<u32>),
    /// `ticks`: a time of milliseconds that end in 0, 3 or 7.
    Ticks,
    /// `minutes`: a time without seconds.
    Minutes,
    /// `range least greatest`: a whole number.
    Range(i128, i128),
}

/// A rule that is none of those of [`Fit`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no rule of what fits into a type")]
pub struct UnknownFit(String);

impl TryFrom<String> for Fit {
    type Error = UnknownFit;

    fn try_from(rule: String) -> Result<Self, UnknownFit> {
        rule.parse()
    }
}

impl FromStr for Fit {
    type Err = UnknownFit;

    fn from_str(rule: &str) -> Result<Self, UnknownFit> {
        let unknown = || UnknownFit(rule.to_owned());
        let mut words = rule.split(' ');
        let name = words.next().unwrap_or_default();
        let numbers: Vec<i128> =
            words.map(str::parse).collect::<Result<_, _>>().map_err(|_| unknown())?;
        let small = |number: i128| u32::try_from(number).map_err(|_| unknown());
        let large = |number: i128| i64::try_from(number).map_err(|_| unknown());
        Ok(match (name, numbers.as_slice()) {
            ("characters", []) => Self::Characters(None),
            ("characters", [n]) => Self::Characters(Some(small(*n)?)),
            ("padded", []) => Self::Padded(None),
            ("padded", [n]) => Self::Padded(Some(small(*n)?)),
            ("bytes", []) => Self::Bytes(None),
            ("bytes", [n]) => Self::Bytes(Some(small(*n)?)),
            ("filled", []) => Self::Filled(None),
            ("filled", [n]) => Self::Filled(Some(small(*n)?)),
            ("digits", []) => Self::Digits(None),
            ("digits", [precision, scale]) => {
                Self::Digits(Some((large(*precision)?, large(*scale)?)))
            }
            ("floating", []) => Self::Floating,
            ("fraction", []) => Self::Fraction(None),
            ("fraction", [n]) => Self::Fraction(Some(small(*n)?)),
            ("ticks", []) => Self::Ticks,
            ("minutes", []) => Self::Minutes,
            ("range", [least, greatest]) => Self::Range(*least, *greatest),
            _ => return Err(unknown()),
        })
    }
}

impl Dialect {
    /// The rule of a native type with its arguments filled in; `None` where the type keeps every
    /// value of its logical type.
    #[must_use]
    pub fn fit(&self, native: &str) -> Option<Fit> {
        let name = super::native_type::strip_arguments(native);
        let rule = self.fits.iter().find(|(_, names)| names.contains(&name))?.0;
        let arguments = arguments(native);
        let first = arguments.first().and_then(|number| u32::try_from(*number).ok());
        Some(match *rule {
            Fit::Characters(default) => Fit::Characters(first.or(default)),
            Fit::Padded(default) => Fit::Padded(first.or(default)),
            Fit::Bytes(default) => Fit::Bytes(first.or(default)),
            Fit::Filled(default) => Fit::Filled(first.or(default)),
            Fit::Fraction(default) => Fit::Fraction(first.or(default)),
            Fit::Digits(default) => Fit::Digits(match arguments.as_slice() {
                [precision, scale] => Some((*precision, *scale)),
                [precision] => Some((*precision, 0)),
                _ => default,
            }),
            Fit::Floating => match arguments.as_slice() {
                [precision, scale] => Fit::Digits(Some((*precision, *scale))),
                _ => Fit::Floating,
            },
            fixed => fixed,
        })
    }
}

/// The numbers in a type's parentheses; what is no number, as in `varchar(max)`, is left out.
pub(crate) fn arguments(native: &str) -> Vec<i64> {
    let inside = native.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
    let inside = inside.map_or("", |(inside, _)| inside);
    inside.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Brand;

    #[test]
    fn arguments_replace_what_a_brand_takes_without_them() {
        let fit = |brand: Brand, native| brand.dialect().fit(native);
        let cases = [
            (Brand::Postgres, "varchar(30)", Some(Fit::Characters(Some(30)))),
            (Brand::Postgres, "varchar", Some(Fit::Characters(None))),
            (Brand::Postgres, "text", None),
            (Brand::Postgres, "numeric", Some(Fit::Digits(None))),
            (Brand::Postgres, "numeric(10,2)", Some(Fit::Digits(Some((10, 2))))),
            (Brand::Postgres, "numeric(5)", Some(Fit::Digits(Some((5, 0))))),
            (Brand::Postgres, "numeric(3,-2)", Some(Fit::Digits(Some((3, -2))))),
            (Brand::Postgres, "timestamp(3) with time zone", Some(Fit::Fraction(Some(3)))),
            (Brand::Postgres, "char", Some(Fit::Padded(Some(1)))),
            (Brand::Mysql, "datetime", Some(Fit::Fraction(Some(0)))),
            (Brand::Mysql, "decimal(10,2) unsigned", Some(Fit::Digits(Some((10, 2))))),
            (Brand::Mysql, "float(7,4)", Some(Fit::Digits(Some((7, 4))))),
            (Brand::Mysql, "float", Some(Fit::Floating)),
            (Brand::Mysql, "smallint(6)", Some(Fit::Range(-32_768, 32_767))),
            (Brand::SqlServer, "nvarchar(max)", Some(Fit::Characters(None))),
            (Brand::SqlServer, "datetime", Some(Fit::Ticks)),
            (Brand::Sqlite, "varchar(30)", None),
        ];
        for (brand, native, expected) in cases {
            assert_eq!(fit(brand, native), expected, "{brand} {native}");
        }
    }

    #[test]
    fn an_unknown_rule_is_an_error() {
        for rule in ["", "characters x", "digits 1", "length 5", "padded -1", "range 1"] {
            assert!(rule.parse::<Fit>().is_err(), "{rule}");
        }
    }
}
