//! Backups of a node's database, made and restored by the programs of its brand.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use outrigger::dialect::Brand;

use crate::support::TestDatabase;
use crate::support::network::Network;

/// Where a backup is written to.
fn backup_path(database: &TestDatabase) -> PathBuf {
    let name: String = database.url.rsplit('/').next().unwrap().chars().collect();
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.backup"))
}

fn shell(command: &str) {
    let done = Command::new("bash")
        .args(["-c", &format!("set -eo pipefail; {command}")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(done.status.success(), "{command}\n{}", String::from_utf8_lossy(&done.stderr));
}

/// Host, port, user and database as the clients of MariaDB take them.
fn client(database: &TestDatabase) -> String {
    let url = url::Url::parse(&database.url).unwrap();
    let password = url.password().map_or_else(String::new, |word| format!(" -p{word}"));
    let host = url.host_str().unwrap_or("localhost");
    let port = url.port().unwrap_or(3306);
    let name = url.path().trim_start_matches('/');
    format!("-h {host} -P {port} -u {}{password} {name}", url.username())
}

/// Makes a backup of a node with its brand's own program.
pub async fn back_up(network: &mut Network, id: &str) {
    network
        .while_away(id, async |database| {
            let path = backup_path(database);
            let path = path.display();
            match database.brand() {
                Brand::Sqlite => {
                    let file = database.url.trim_start_matches("sqlite:");
                    shell(&format!("cp '{file}' '{path}'"));
                }
                Brand::Postgres => shell(&format!("pg_dump '{}' > '{path}'", database.url)),
                Brand::Mysql => {
                    let client = client(database);
                    shell(&format!("mariadb-dump --skip-comments {client} > '{path}'"));
                }
                Brand::SqlServer => panic!("no SQL Server is at hand"),
            }
        })
        .await;
}

/// Sets a node back to its backup.
pub async fn restore(network: &mut Network, id: &str) {
    network
        .while_away(id, async |database| {
            let path = backup_path(database);
            let path = path.display();
            if database.brand() == Brand::Sqlite {
                let file = database.url.trim_start_matches("sqlite:");
                shell(&format!("rm -f '{file}-wal' '{file}-shm' && cp '{path}' '{file}'"));
                return;
            }
            let emptied = TestDatabase::create_again(database).await;
            assert_eq!(emptied.url, database.url);
            match database.brand() {
                Brand::Postgres => {
                    shell(&format!("psql -qv ON_ERROR_STOP=1 '{}' < '{path}'", database.url));
                }
                _ => shell(&format!("mariadb {} < '{path}'", client(database))),
            }
        })
        .await;
}
