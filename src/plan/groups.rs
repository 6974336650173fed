//! The groups of columns that an update looks at one by one, where one trigger looks at all.

use super::capture::CapturedColumn;
use crate::config::Overwrite;

/// A group of fewer columns saves nothing.
const GROUP_MIN: usize = 5;

/// Groups of about the root of the number of columns, in their order, none much smaller than
/// another: then there are the fewest conditions to look at where one column changed.
/// One group where a change takes the whole row along, which each group would have to make.
pub(super) fn column_groups(
    columns: &[CapturedColumn],
    overwrite: Overwrite,
) -> Vec<Vec<CapturedColumn>> {
    let count = match overwrite {
        _ if columns.is_empty() => return Vec::new(),
        Overwrite::Record => 1,
        Overwrite::Column => columns.len().div_ceil(columns.len().isqrt().max(GROUP_MIN)),
    };
    columns.chunks(columns.len().div_ceil(count)).map(<[CapturedColumn]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::LogicalType;

    fn sizes(count: usize, overwrite: Overwrite) -> Vec<usize> {
        let column = |number: usize| CapturedColumn {
            name: format!("c{number}"),
            logical_type: LogicalType::Integer,
            native_type: "int".into(),
            policy: "capture",
            has_free_text: false,
            may_be_too_long: false,
        };
        let columns: Vec<_> = (0..count).map(column).collect();
        let groups = column_groups(&columns, overwrite);
        assert_eq!(groups.concat(), columns, "each column is in one group, in its order");
        groups.iter().map(Vec::len).collect()
    }

    #[test]
    fn groups_are_few_and_of_like_size() {
        assert_eq!(sizes(0, Overwrite::Column), [0; 0]);
        assert_eq!(sizes(1, Overwrite::Column), [1]);
        assert_eq!(sizes(5, Overwrite::Column), [5]);
        assert_eq!(sizes(6, Overwrite::Column), [3, 3]);
        assert_eq!(sizes(11, Overwrite::Column), [4, 4, 3]);
        assert_eq!(sizes(100, Overwrite::Column), [10; 10]);
    }

    #[test]
    fn a_whole_row_is_made_in_one_place() {
        assert_eq!(sizes(100, Overwrite::Record), [100]);
        assert_eq!(sizes(0, Overwrite::Record), [0; 0]);
    }
}
