//! The story as data: `story.yaml`, with the names of the nodes filled in.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::NodeId;

const STORY: &str = include_str!("story.yaml");

/// One step of the story.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    /// What happens, in a few words.
    pub(super) title: String,
    /// What will happen and why.
    pub(super) why: String,
    /// Said when there is a hub.
    #[serde(default)]
    pub(super) hub: Option<String>,
    /// Done and carried without being shown.
    #[serde(default)]
    pub(super) before: Vec<Act>,
    /// What the application does.
    pub(super) acts: Vec<Act>,
    /// How many rows every node has afterwards.
    pub(super) rows: usize,
    /// Values of the row that it then has, by column.
    #[serde(default)]
    pub(super) expected: BTreeMap<String, String>,
}

/// What the application does on a node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Act {
    /// Which node.
    pub(super) node: Role,
    /// One statement.
    pub(super) sql: String,
}

/// A node by its part in the story.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    /// The first one, which is the hub where there are more than two.
    First,
    /// The second one.
    Second,
    /// The last one; the second where there are two.
    Last,
}

impl Role {
    /// The node's position among `count` nodes.
    pub(super) fn position(self, count: usize) -> usize {
        match self {
            Self::First => 0,
            Self::Second => 1,
            Self::Last => count - 1,
        }
    }
}

/// The steps, told of these nodes.
pub(super) fn story(nodes: &[NodeId]) -> Vec<Step> {
    let steps: Vec<Step> = serde_yaml::from_str(STORY).expect("the embedded story is read");
    steps.into_iter().map(|step| tell(step, nodes)).collect()
}

fn tell(step: Step, nodes: &[NodeId]) -> Step {
    let acting = step.acts.first().map_or(0, |act| act.node.position(nodes.len()));
    let others = nodes.iter().enumerate().filter(|(index, _)| *index != acting);
    let others = list(&others.map(|(_, node)| node.as_str()).collect::<Vec<_>>());
    let name = |role: Role| nodes[role.position(nodes.len())].as_str();
    let fill = |text: &str| {
        text.replace("{first}", name(Role::First))
            .replace("{second}", name(Role::Second))
            .replace("{last}", name(Role::Last))
            .replace("{others}", &others)
    };
    Step {
        title: fill(&step.title),
        why: fill(&step.why),
        hub: step.hub.as_deref().filter(|_| nodes.len() > 2).map(fill),
        ..step
    }
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [many @ .., last] => format!("{} and {last}", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_filled_in() {
        for count in [2, 3, 9] {
            let nodes: Vec<NodeId> = (1..=count).map(|n| NodeId(format!("server{n}"))).collect();
            for step in story(&nodes) {
                let told = format!("{}{}{}", step.title, step.why, step.hub.unwrap_or_default());
                assert!(!told.contains(['{', '}']), "{told}");
            }
        }
    }

    #[test]
    fn statements_fit_on_narrow_terminals() {
        for step in story(&["server1".into(), "server2".into()]) {
            for act in step.acts.iter().chain(&step.before) {
                assert!(act.sql.lines().all(|line| line.len() <= 72), "{}", act.sql);
            }
        }
    }
}
