//! A statement with named parameters, in a brand's own form.

use std::mem;

use crate::dialect::Brand;
use crate::model::Value;

/// A statement that is ready to run, and the names of its parameters in the order of binding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The SQL, with the brand's placeholders.
    pub sql: String,
    /// What to bind: where the brand's placeholders are numbered each name once, else one name
    /// for every placeholder.
    pub parameters: Vec<String>,
}

/// A statement has a parameter that nobody gave a value for.
#[derive(Debug, thiserror::Error)]
#[error("no value was given for the parameter `{0}`")]
pub struct UnknownParameter(pub String);

impl Statement {
    /// Replaces each `:{name}` of a template by the brand's placeholder.
    pub(super) fn parse(brand: Brand, text: &str) -> Self {
        let dialect = brand.dialect();
        let is_numbered = dialect.placeholder.contains("{n}");
        let mut sql = String::with_capacity(text.len());
        let mut parameters: Vec<String> = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once(":{") {
            let Some((name, after)) = after.split_once('}') else { break };
            let known = parameters.iter().position(|known| known == name);
            let number = match known {
                Some(index) if is_numbered => index + 1,
                _ => {
                    parameters.push(name.to_owned());
                    parameters.len()
                }
            };
            sql.push_str(before);
            sql.push_str(&dialect.parameter(number));
            rest = after;
        }
        sql.push_str(rest);
        Self { sql, parameters }
    }

    /// The values to bind, looked up by name; values that the statement does not use are fine,
    /// since brands differ in what they need.
    ///
    /// # Errors
    /// When a parameter has no value.
    pub fn values(&self, given: &[(&str, Value)]) -> Result<Vec<Value>, UnknownParameter> {
        let value = |name: &String| {
            let found = given.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).ok_or_else(|| UnknownParameter(name.clone()))
        };
        self.parameters.iter().map(value).collect()
    }

    /// The same, moving each value to where it is bound last: a long text is there once.
    ///
    /// # Errors
    /// When a parameter has no value.
    pub fn into_values<Name: AsRef<str>>(
        &self,
        mut given: Vec<(Name, Value)>,
    ) -> Result<Vec<Value>, UnknownParameter> {
        let mut value = |(at, name): (usize, &String)| {
            let found = given.iter_mut().find(|(known, _)| known.as_ref() == name);
            let (_, value) = found.ok_or_else(|| UnknownParameter(name.clone()))?;
            let is_last = !self.parameters[at + 1..].contains(name);
            Ok(if is_last { mem::replace(value, Value::Null) } else { value.clone() })
        };
        self.parameters.iter().enumerate().map(&mut value).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_the_placeholder_of_the_brand() {
        let text = "SELECT :{a}::text, :{b} WHERE x > :{a}";
        let postgres = Statement::parse(Brand::Postgres, text);
        assert_eq!(postgres.sql, "SELECT $1::text, $2 WHERE x > $1");
        assert_eq!(postgres.parameters, ["a", "b"]);
        let mysql = Statement::parse(Brand::Mysql, text);
        assert_eq!(mysql.sql, "SELECT ?::text, ? WHERE x > ?");
        assert_eq!(mysql.parameters, ["a", "b", "a"]);
        let given = vec![("a", Value::from("x")), ("b", Value::Null)];
        let bound = mysql.into_values(given).expect("all are given");
        assert_eq!(bound, ["x".into(), Value::Null, "x".into()]);
    }

    #[test]
    fn values_are_found_by_name_and_missing_ones_are_named() {
        let statement = Statement::parse(Brand::Sqlite, "SELECT :{a}, :{b}");
        let given = [("b", Value::Integer(2)), ("c", Value::Null), ("a", Value::Integer(1))];
        let bound = statement.values(&given).expect("all are given");
        assert_eq!(bound, [Value::Integer(1), Value::Integer(2)]);
        assert_eq!(statement.into_values(given.to_vec()).expect("all are given"), bound);
        let missing = statement.into_values(given[..1].to_vec()).expect_err("one is given");
        assert_eq!(missing.to_string(), "no value was given for the parameter `a`");
        let missing = statement.values(&given[1..2]).expect_err("none is given");
        assert_eq!(missing.to_string(), "no value was given for the parameter `a`");
    }
}
