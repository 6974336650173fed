//! The scripts: each says what it saw, and fails when that is not what is promised.

use outrigger::dialect::Brand;

use super::{CHILDREN, ONE_WRITER, PARENTS, Stage, play};

/// An anomaly, its steps in words, and what was seen on each brand.
pub(super) struct Line {
    pub(super) title: &'static str,
    pub(super) steps: &'static str,
    pub(super) seen: Vec<(Brand, String)>,
}

pub(super) fn play_all() -> Vec<Line> {
    let line = |title, steps, seen| Line { title, steps, seen };
    vec![
        line(
            "late commit",
            "one transaction of a writes first and stays open; a second writes and commits; \
             a is carried to b; the first commits; a is carried to b again.",
            play("late", late_commit),
        ),
        line(
            "order of one row",
            "one transaction of a takes the lower change id with another row; a second changes \
             the row and commits; the first changes the same row and commits; a is carried to b, \
             in one window, and in another play with a window in between.",
            play("order", order_of_one_row),
        ),
        line(
            "part of a change set",
            "a transaction of a changes three rows; a transaction of b holds the last of them, so \
             that the import stops half-way, or on SQLite before it begins; another session of b \
             reads; then it goes on.",
            play("part", part_of_a_set),
        ),
        line(
            "lost update",
            "a and b change one column of one row, b later, neither knowing of the other.",
            play("lost", lost_update),
        ),
        line(
            "lost update under way",
            "a changes a row; an open transaction of b changes the same column later; a's change \
             is imported on b and has to wait; b commits.",
            play("way", lost_update_under_way),
        ),
        line(
            "two columns of one row",
            "a changes one column and b another one, neither knowing of the other.",
            play("columns", two_columns),
        ),
        line(
            "one key twice",
            "a inserts a row; an open transaction of b inserts another with the same key later; \
             a's is imported on b; b commits.",
            play("key", one_key_twice),
        ),
        line(
            "write skew in one table",
            "a reads row 2 and changes row 1, b reads row 1 and changes row 2, so that a rule \
             over both rows is broken.",
            play("skew", write_skew),
        ),
        line(
            "write skew of parent and child",
            "a deletes a parent that has no children; b gives it one.",
            play("child", write_skew_of_parent_and_child),
        ),
        line(
            "echo",
            "a change of a is imported on b while an open transaction of b changes another row \
             of the table; b commits.",
            play("echo", echo),
        ),
    ]
}

async fn late_commit(stage: &mut Stage) -> String {
    let first = stage.begin("a", "INSERT INTO parent VALUES (10, 'late', 1)").await;
    let Some(mut second) = stage.begin("a", "INSERT INTO parent VALUES (11, 'soon', 1)").await
    else {
        return ONE_WRITER.to_owned();
    };
    second.commit().await.unwrap();
    stage.carry(1000).await;
    let arrived = stage.network.rows("b", PARENTS).await;
    assert_eq!(arrived, ["1|old", "2|old", "11|soon"]);
    first.unwrap().commit().await.unwrap();
    stage.carry(1000).await;
    let arrived = stage.network.rows("b", PARENTS).await;
    assert_eq!(arrived, ["1|old", "2|old", "10|late", "11|soon"]);
    "carried when it commits; the other does not wait".to_owned()
}

async fn order_of_one_row(stage: &mut Stage) -> String {
    for (at, has_window) in [false, true].into_iter().enumerate() {
        let id = 20 + at;
        let first = stage.begin("a", &format!("INSERT INTO parent VALUES ({id}, 'new', 1)")).await;
        let sql = format!("UPDATE parent SET note = 'second {id}' WHERE id = 1");
        let Some(mut second) = stage.begin("a", &sql).await else {
            return ONE_WRITER.to_owned();
        };
        second.commit().await.unwrap();
        if has_window {
            stage.carry(1000).await;
        }
        let mut first = first.unwrap();
        first.raw(&format!("UPDATE parent SET note = 'first {id}' WHERE id = 1")).await.unwrap();
        first.commit().await.unwrap();
        stage.carry(1000).await;
        let sql = "SELECT note FROM parent WHERE id = 1";
        assert_eq!(stage.network.rows("b", sql).await, [format!("first {id}")]);
    }
    assert_eq!(stage.listed().await, "no conflict");
    "in the order in which the row was locked".to_owned()
}

async fn part_of_a_set(stage: &mut Stage) -> String {
    let note = "UPDATE parent SET note = 'set'";
    let sql = format!(
        "BEGIN; INSERT INTO parent VALUES (30, 'set', 1); {note} WHERE id = 1; {note} WHERE id = 2; \
         COMMIT"
    );
    stage.network.run("a", &sql).await;
    stage.network.try_transport(1000).await.unwrap();
    // It locks the row and leaves it as it is.
    let mut holder =
        stage.begin("b", "UPDATE parent SET quantity = quantity WHERE id = 2").await.unwrap();
    let mut reader = stage.network.connect("b").await;
    let waited = stage
        .when_import_waits(async || {
            let sql = "SELECT count(*) AS n FROM parent WHERE note = 'set'";
            let seen = reader.fetch(sql, &[]).await.unwrap();
            assert_eq!(seen[0].integer("n"), Some(0), "a part of the set is to be seen");
            holder.commit().await.unwrap();
        })
        .await;
    assert!(waited, "the import did not stop half-way");
    assert_eq!(stage.network.rows("b", PARENTS).await, ["1|set", "2|set", "30|set"]);
    "prevented: a reader sees nothing of it, then all".to_owned()
}

async fn lost_update(stage: &mut Stage) -> String {
    stage.network.run("a", "UPDATE parent SET note = 'by a' WHERE id = 1").await;
    stage.network.run("b", "UPDATE parent SET note = 'by b' WHERE id = 1").await;
    assert_eq!(stage.end(PARENTS).await, ["1|by b", "2|old"]);
    format!("converges: the later write wins; {}", stage.listed().await)
}

async fn lost_update_under_way(stage: &mut Stage) -> String {
    stage.network.run("a", "UPDATE parent SET note = 'by a' WHERE id = 1").await;
    stage.network.try_transport(1000).await.unwrap();
    let sql = "UPDATE parent SET note = 'by b' WHERE id = 1";
    let mut later = stage.begin("b", sql).await.unwrap();
    let waited = stage.when_import_waits(async || later.commit().await.unwrap()).await;
    assert!(waited, "the import went past an open transaction");
    assert_eq!(stage.end(PARENTS).await, ["1|by b", "2|old"]);
    format!("converges: the import waits, and the later write wins; {}", stage.listed().await)
}

async fn two_columns(stage: &mut Stage) -> String {
    stage.network.run("a", "UPDATE parent SET note = 'by a' WHERE id = 1").await;
    stage.network.run("b", "UPDATE parent SET quantity = 9 WHERE id = 1").await;
    let rows = stage.end("SELECT id, note, quantity FROM parent ORDER BY id").await;
    assert_eq!(rows, ["1|by a|9", "2|old|1"]);
    format!("converges: both writes are kept; {}", stage.listed().await)
}

async fn one_key_twice(stage: &mut Stage) -> String {
    stage.network.run("a", "INSERT INTO parent VALUES (40, 'by a', 1)").await;
    stage.network.try_transport(1000).await.unwrap();
    let mut later = stage.begin("b", "INSERT INTO parent VALUES (40, 'by b', 1)").await.unwrap();
    let waited = stage.when_import_waits(async || later.commit().await.unwrap()).await;
    assert!(waited, "the import went past an open transaction");
    assert_eq!(stage.end(PARENTS).await, ["1|old", "2|old", "40|by b"]);
    format!("converges: the later row wins; {}", stage.listed().await)
}

async fn write_skew(stage: &mut Stage) -> String {
    let rule = "SELECT sum(quantity) AS n FROM parent";
    assert_eq!(stage.network.rows("a", rule).await, ["2"]);
    stage.network.run("a", "UPDATE parent SET quantity = 0 WHERE id = 1").await;
    stage.network.run("b", "UPDATE parent SET quantity = 0 WHERE id = 2").await;
    assert_eq!(stage.end(rule).await, ["0"]);
    format!("the application's own business: converges with both writes; {}", stage.listed().await)
}

async fn write_skew_of_parent_and_child(stage: &mut Stage) -> String {
    stage.network.run("a", "DELETE FROM parent WHERE id = 1").await;
    stage.network.run("b", "INSERT INTO child VALUES (100, 1, 'new')").await;
    assert_eq!(stage.end(PARENTS).await, ["1|old", "2|old"]);
    assert_eq!(stage.end(CHILDREN).await, ["100|1"]);
    format!("prevented: converges, the parent comes back; {}", stage.listed().await)
}

async fn echo(stage: &mut Stage) -> String {
    let own = "SELECT object_id, object_value FROM ds_change_outbox ORDER BY id";
    let before = stage.network.rows("b", own).await;
    assert_eq!(before, [""; 0]);
    stage.network.run("a", "UPDATE parent SET note = 'by a' WHERE id = 1").await;
    stage.network.try_transport(1000).await.unwrap();
    let sql = "UPDATE parent SET note = 'by b' WHERE id = 2";
    let mut local = stage.begin("b", sql).await.unwrap();
    // Where an import locks more than its rows it waits; what is captured is the same.
    if !stage.when_import_waits(async || local.commit().await.unwrap()).await {
        local.commit().await.unwrap();
    }
    let own = stage.network.rows("b", own).await;
    assert_eq!(own, ["2|by b"], "b has captured what is not its own, or lost what is");
    assert_eq!(stage.end(PARENTS).await, ["1|by a", "2|by b"]);
    "prevented: only what b wrote is captured".to_owned()
}
