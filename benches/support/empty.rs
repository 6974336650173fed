//! Nodes with the application's table, in which there is nothing yet.

use std::collections::BTreeMap;

use outrigger::config::Config;
use outrigger::db;
use outrigger::model::NodeId;

use crate::databases;

/// Makes the application's table on each node, and installs Outrigger's objects.
pub(crate) async fn set_up(urls: &BTreeMap<NodeId, String>, config: &Config) {
    for (node, url) in urls {
        let mut session = db::connect(url).await.expect("the node answers");
        session.raw(databases::SCHEMA).await.expect("the table can be made");
        databases::install(session.as_mut(), node, config).await;
        session.close().await.expect("it closes");
    }
}
