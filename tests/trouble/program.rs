//! Rows of `ds_program_parameter` that somebody switches off, deletes or gives to another route.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::control::Stage;
use super::{A_TO_B, alter_newest, assert_both, items, on_each_pair};
use crate::support::network::Network;

const WAIT: Duration = Duration::from_mins(1);

/// Whether `status` says that a route's programs run: its transport, its import.
async fn runs(network: &mut Network) -> (bool, bool) {
    let status = network.runner.status(|| chrono::Utc::now().naive_utc()).await.unwrap();
    let route = status.routes.into_iter().find(|route| route.route == A_TO_B).unwrap();
    (route.transports, route.imports)
}

async fn set_flag(network: &mut Network, program: i64, flag: &str) {
    let sql =
        format!("UPDATE ds_program_parameter SET active_flag = '{flag}' WHERE id = {program}");
    network.run("b", &sql).await;
}

#[test]
fn a_program_switched_off_stops_alone_and_loses_nothing() {
    on_each_pair(async |network| {
        set_flag(network, 1000, "N").await;
        assert_eq!(runs(network).await, (false, true));
        network.run("a", "UPDATE item SET name = 'one' WHERE id = 1").await;
        network.run("b", "UPDATE item SET note = 'flows' WHERE id = 1").await;
        assert!(network.try_transport(A_TO_B).await.unwrap().is_stopped);
        network.drain().await;
        assert_eq!(items(network).await, [["1|one|flows"], ["1|first|flows"]]);
        set_flag(network, 1000, "Y").await;
        set_flag(network, 1001, "n").await;
        assert_eq!(runs(network).await, (true, false));
        assert_eq!(network.try_transport(A_TO_B).await.unwrap().written, 1);
        assert!(network.try_import(A_TO_B).await.unwrap().is_stopped);
        assert_eq!(network.rows("b", super::ITEMS).await, ["1|first|flows"]);
        set_flag(network, 1001, "Y").await;
        assert_both(network, &["1|one|flows"]).await;
    });
}

/// A process that is ended when the test ends, however it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// While `outrigger run` runs, on each server.
#[test]
fn a_program_switched_off_while_run_is_running_stops_at_the_next_iteration() {
    Stage::on_each_pair(async |stage| {
        let child = Command::new(env!("CARGO_BIN_EXE_outrigger"))
            .args(["run", "--every", "20ms"])
            .current_dir(stage.folder())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let mut running = Running(child.unwrap());
        stage.run("a", "INSERT INTO item VALUES (1, 'one', '-')").await;
        stage.waits_for("b", "item WHERE name = 'one'", 1, WAIT).await;

        for (program, inbox) in [(1000, 0), (1001, 1)] {
            let name = format!("without {program}");
            let flag = |flag| {
                format!(
                    "UPDATE ds_program_parameter SET active_flag = '{flag}' WHERE id = {program}"
                )
            };
            stage.run("b", &flag("N")).await;
            stage.passes_an_iteration().await;
            stage.run("a", &format!("UPDATE item SET name = '{name}' WHERE id = 1")).await;
            stage.passes_an_iteration().await;
            let arrived = format!("ds_change_inbox WHERE object_value = '{name}'");
            stage.waits_for("b", &arrived, inbox, WAIT).await;
            let imported = format!("item WHERE name = '{name}'");
            assert_eq!(stage.count("b", &imported).await, 0, "{program} is off");
            let state = if program == 1000 { "transport stopped" } else { "import stopped" };
            stage.command("status", 0).stdout_has(state);
            stage.run("b", &flag("Y")).await;
            stage.waits_for("b", &imported, 1, WAIT).await;
        }
        assert!(running.0.try_wait().unwrap().is_none(), "it still runs");
    });
}

/// It comes back as `apply` would write it, and begins at the beginning: the inbox knows what it has.
#[test]
fn a_program_deleted_while_running_comes_back_at_the_beginning() {
    on_each_pair(async |network| {
        network.run("b", "UPDATE item SET note = 'by b' WHERE id = 1").await;
        network.run("a", "UPDATE item SET note = 'by a' WHERE id = 1").await;
        assert_both(network, &["1|first|by a"]).await;
        let conflicts = network.count("b", "ds_conflict").await;
        assert_eq!(conflicts, 1);
        network.run("b", "DELETE FROM ds_program_parameter").await;
        network.run("a", "UPDATE item SET name = 'more' WHERE id = 1").await;
        assert_both(network, &["1|more|by a"]).await;
        let back = "SELECT id, active_flag FROM ds_program_parameter ORDER BY id";
        assert_eq!(network.rows("b", back).await, ["1000|Y", "1001|Y"]);
        assert_eq!(network.count("b", "ds_conflict").await, conflicts, "no conflict is told twice");
        // Only the import, with its importer at work already.
        network.run("b", "DELETE FROM ds_program_parameter WHERE id = 1001").await;
        network.run("a", "UPDATE item SET name = 'again' WHERE id = 1").await;
        assert_both(network, &["1|again|by a"]).await;
    });
}

/// A program's pointer belongs to one outbox, and an inbox to one node.
#[test]
fn a_program_that_names_another_route_is_refused() {
    on_each_pair(async |network| {
        network.run("a", "UPDATE item SET name = 'waits' WHERE id = 1").await;
        let cases = [
            (
                1000,
                "fromserver",
                "c",
                "a",
                "program 1000 of node `b` carries from `c` to `b`, which is another",
            ),
            (
                1000,
                "toserver",
                "c",
                "b",
                "program 1000 of node `b` carries from `a` to `c`, which is another",
            ),
            (
                1001,
                "toserver",
                "c",
                "b",
                "program 1001 imports on node `c`, which is another route",
            ),
        ];
        for (program, column, other, right, says) in cases {
            let set = |name| {
                format!("UPDATE ds_program_parameter SET {column} = '{name}' WHERE id = {program}")
            };
            network.run("b", &set(other)).await;
            let refused = match program {
                1000 => network.try_transport(A_TO_B).await.map(|_| ()),
                _ => network.try_import(A_TO_B).await.map(|_| ()),
            };
            let text = refused.expect_err("it is refused");
            assert!(text.contains(says), "{text}");
            assert_eq!(network.rows("b", super::ITEMS).await, ["1|first|-"]);
            network.run("b", &set(right)).await;
        }
        assert_both(network, &["1|waits|-"]).await;
    });
}

/// Setting the pointer back is allowed; whatever comes again is known.
#[test]
fn a_pointer_set_back_by_hand_carries_again_and_changes_nothing() {
    on_each_pair(async |network| {
        network.run("a", "UPDATE item SET name = 'two' WHERE id = 1").await;
        assert_both(network, &["1|two|-"]).await;
        alter_newest(network, "a", "note1 = 'seen'").await;
        network.run("b", "UPDATE ds_program_parameter SET fromoutboxpointer = 0").await;
        let carried = network.try_transport(A_TO_B).await.unwrap();
        assert_eq!((carried.read, carried.written), (2, 0));
        assert_both(network, &["1|two|-"]).await;
    });
}
