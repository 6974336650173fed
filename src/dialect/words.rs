//! What a database's messages may say to everybody.

use super::FaultCodes;

impl FaultCodes {
    /// A message of the brand without the values of rows that it names.
    #[must_use]
    pub fn without_values(&self, message: &str) -> String {
        let mut text = message.to_owned();
        for (before, behind) in &self.around_values {
            let Some(start) = text.find(before.as_str()).map(|at| at + before.len()) else {
                continue;
            };
            // The value may have the mark in it: the last one counts. It may also be cut.
            let end = text[start..].rfind(behind.as_str()).map_or(text.len(), |at| start + at);
            text.replace_range(start..end, "…");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use crate::dialect::Brand;

    #[test]
    fn a_message_names_keys_and_columns_and_no_value() {
        for (brand, message, expected) in [
            (
                Brand::Mysql,
                "Duplicate entry 'it's ' for key secret' for key 'email'",
                "Duplicate entry '…' for key 'email'",
            ),
            (Brand::Mysql, "Column 'name' cannot be null", "Column 'name' cannot be null"),
            (
                Brand::Postgres,
                "invalid input syntax for type integer: \"secret\"",
                "invalid input syntax for type integer: \"…\"",
            ),
            (
                Brand::Postgres,
                "duplicate key value violates unique constraint \"customer_email_key\"",
                "duplicate key value violates unique constraint \"customer_email_key\"",
            ),
            (
                Brand::SqlServer,
                "Violation of UNIQUE KEY constraint 'UQ'. The duplicate key value is (secret).",
                "Violation of UNIQUE KEY constraint 'UQ'. The duplicate key value is (…).",
            ),
            (
                Brand::Sqlite,
                "UNIQUE constraint failed: customer.email",
                "UNIQUE constraint failed: customer.email",
            ),
        ] {
            assert_eq!(brand.dialect().faults.without_values(message), expected);
        }
    }
}
