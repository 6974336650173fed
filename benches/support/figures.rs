//! What several rounds found, in figures.

use serde_json::{Value, json};

/// The median and the range of what several rounds found.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Figures {
    pub(crate) fn of(mut found: Vec<f64>) -> Self {
        assert!(!found.is_empty(), "there was a round");
        found.sort_by(f64::total_cmp);
        let (half, last) = (found.len() / 2, found.len() - 1);
        let median = f64::midpoint(found[half], found[last - half]);
        Self { median, least: found[0], most: found[last] }
    }

    pub(crate) fn json(self) -> Value {
        json!({ "median": self.median, "least": self.least, "most": self.most })
    }
}
