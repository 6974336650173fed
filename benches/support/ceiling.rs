//! The ceiling of a drain: what the engine reaches when nothing but the rows has to be moved.
//!
//! On a server all outbox rows are copied to a bare table of the other database (COPY on
//! PostgreSQL, `INSERT` of 1,000 rows on MariaDB) and then applied there by set-based statements,
//! 10,000 rows each; on SQLite a loop of prepared statements does both, 1,000 rows to a
//! transaction. There is no cursor, no duplicate, no version, no conflict and no quarantine.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use outrigger::db::{self, Mode, Session};
use outrigger::dialect::Brand;
use outrigger::model::{Row, Value};

use crate::Work;
use crate::sql::section;

/// Rows of a statement that applies.
const APPLY_ROWS: usize = 10_000;

/// Rows of a statement that copies, and of a transaction of SQLite.
const COPY_ROWS: usize = 1_000;

/// The columns of `ceiling_inbox`.
const COLUMNS: [&str; 5] =
    ["id", "object_id", "object_attribute", "object_value", "object_operation"];

/// Copies and applies `rows` changes; `None` where a program for it is missing.
pub(crate) async fn ceiling(
    from: &str,
    to: &str,
    work: Work,
    rows: usize,
) -> Option<(Duration, Duration)> {
    let mut source = db::connect(from).await.expect("the source answers");
    let mut target = db::connect(to).await.expect("the target answers");
    let brand = target.brand();
    for statement in crate::removals(brand) {
        target.raw(&statement).await.expect("the triggers go");
    }
    for statement in section(brand, "ceiling") {
        target.raw(&statement).await.expect("the table can be made");
    }
    let done = if brand == Brand::Sqlite {
        Some(one_by_one(&mut *source, &mut *target, work).await)
    } else {
        let start = Instant::now();
        let is_copied = match brand {
            Brand::Postgres => copy(from, to),
            _ => insert(&mut *source, &mut *target).await,
        };
        let copied = start.elapsed();
        let start = Instant::now();
        if is_copied {
            apply(&mut *target, work, rows).await;
        }
        is_copied.then(|| (copied, start.elapsed()))
    };
    let (table, wanted) = ("ceiling_inbox", i64::try_from(rows).expect("it is a number"));
    if done.is_some() {
        let count = format!("SELECT count(*) AS row_count FROM {table}");
        let counted = target.fetch(&count, &[]).await.expect("it can be counted");
        let counted = counted.first().and_then(|row| row.integer("row_count"));
        assert_eq!(counted, Some(wanted), "all rows are copied");
    }
    source.close().await.expect("it closes");
    target.close().await.expect("it closes");
    done
}

/// `psql` out of one database into `psql` of the other.
fn copy(from: &str, to: &str) -> bool {
    let out = section(Brand::Postgres, "ceiling_out").concat();
    let out = out.trim_end().trim_end_matches(';').replace('\n', " ");
    let query = format!("COPY ({out}) TO STDOUT");
    let reader = Command::new("psql")
        .args(["--quiet", "--no-psqlrc", "--command", &query, from])
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut reader) = reader else { return false };
    let pipe = reader.stdout.take().expect("it is piped");
    let into = format!("COPY ceiling_inbox ({}) FROM STDIN", COLUMNS.join(", "));
    let writer = Command::new("psql")
        .args(["--quiet", "--no-psqlrc", "--command", &into, to])
        .stdin(pipe)
        .status()
        .expect("it has just been found");
    reader.wait().expect("it ends").success() && writer.success()
}

/// Pages of the source, each as one statement at the target.
async fn insert(source: &mut dyn Session, target: &mut dyn Session) -> bool {
    let mut last = 0;
    loop {
        let page = page(source, last).await;
        let Some(id) = page.last().and_then(|row| row.integer("id")) else { return true };
        last = id;
        let values: Vec<String> = page.iter().map(literals).collect();
        let (columns, values) = (COLUMNS.join(", "), values.join(", "));
        let sql = format!("INSERT INTO ceiling_inbox ({columns}) VALUES {values}");
        target.raw(&sql).await.expect("the rows go in");
    }
}

async fn page(source: &mut dyn Session, last: i64) -> Vec<Row> {
    let out = section(source.brand(), "ceiling_out").concat();
    let sql = out.replace("{last}", &last.to_string()).replace("{page}", &COPY_ROWS.to_string());
    source.fetch(&sql, &[]).await.expect("the outbox can be read")
}

fn literals(row: &Row) -> String {
    let literal = |name: &&str| match row.text(name) {
        Some(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''")),
        None => row.integer(name).map_or_else(|| "NULL".to_owned(), |number| number.to_string()),
    };
    format!("({})", COLUMNS.iter().map(literal).collect::<Vec<_>>().join(", "))
}

async fn apply(target: &mut dyn Session, work: Work, rows: usize) {
    let sql = section(target.brand(), &format!("ceiling_{}", work.name())).concat();
    for first in (1..=rows).step_by(APPLY_ROWS) {
        let last = rows.min(first + APPLY_ROWS - 1);
        let sql = sql.replace("{first}", &first.to_string()).replace("{last}", &last.to_string());
        let changed = target.execute(&sql, &[]).await.expect("the rows are applied");
        assert_eq!(changed, (last - first + 1) as u64, "each row is applied");
    }
}

async fn one_by_one(
    source: &mut dyn Session,
    target: &mut dyn Session,
    work: Work,
) -> (Duration, Duration) {
    let apply = section(Brand::Sqlite, &format!("ceiling_{}", work.name())).concat();
    let keep =
        format!("INSERT INTO ceiling_inbox ({}) VALUES (?1, ?2, ?3, ?4, ?5)", COLUMNS.join(", "));
    let start = Instant::now();
    let mut last = 0;
    loop {
        let page = page(source, last).await;
        let Some(id) = page.last().and_then(|row| row.integer("id")) else { break };
        last = id;
        target.begin(Mode::Write).await.expect("it begins");
        for row in &page {
            let text = |name: &str| Value::from(row.text(name));
            let id = Value::Integer(row.integer("id").expect("it has one"));
            let [_, key, attribute, value, operation] = COLUMNS;
            let kept = [id, text(key), text(attribute), text(value), text(operation)];
            target.execute(&keep, &kept).await.expect("the row goes in");
            let applied = [text(key), text(value)];
            let changed = target.execute(&apply, &applied).await.expect("the row is applied");
            assert_eq!(changed, 1, "each row is applied");
        }
        target.commit().await.expect("it commits");
    }
    (Duration::ZERO, start.elapsed())
}
