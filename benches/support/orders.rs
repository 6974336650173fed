//! The rows that the application writes.

/// Rows of the application, as one statement.
pub(crate) fn insert(table: &str, first: usize, end: usize) -> String {
    let values: Vec<String> = (first..end)
        .map(|n| {
            format!(
                "('ord{n:07}', 'retail', 'new order', 'laptop', 'c{}', {}, '2025-04-25', \
                 '2025-04-25 10:30:00', 'mtp', 'one')",
                n % 1000,
                n % 100
            )
        })
        .collect();
    format!("INSERT INTO {table} VALUES {}", values.join(", "))
}
