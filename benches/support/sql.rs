//! The statements of the benchmarks, from the files in `benches/sql`.

use outrigger::dialect::Brand;

/// Between two statements of one section.
const NEXT: &str = "-- next --";

/// The statements of a brand's section, which stands between its own heading and the next one.
pub(crate) fn section(brand: Brand, name: &str) -> Vec<String> {
    let text = match brand {
        Brand::Postgres => include_str!("../sql/postgres.sql"),
        Brand::Sqlite => include_str!("../sql/sqlite.sql"),
        Brand::Mysql => include_str!("../sql/mysql.sql"),
        Brand::SqlServer => "",
    };
    let heading = format!("-- {name} --");
    let is_heading = |line: &&str| line.starts_with("-- ") && line.ends_with(" --");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let lines: Vec<&str> = lines.take_while(|line| *line == NEXT || !is_heading(line)).collect();
    assert!(!lines.is_empty(), "{brand} has no `{name}`");
    lines.split(|line| *line == NEXT).map(|lines| lines.join("\n")).collect()
}
