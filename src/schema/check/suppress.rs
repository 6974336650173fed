//! Findings that the configuration lets stand, each with its reason.

use serde::Serialize;

use super::{Finding, IDS, LIVE_IDS, Severity, sort};
use crate::config::{Config, Suppression, closest};

/// What is left of the findings, and what is not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sifted {
    /// What is to be looked at; suppressions that suppress nothing are among it.
    pub findings: Vec<Finding>,
    /// What may stand.
    pub suppressed: Vec<Suppressed>,
}

/// A finding that may stand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Suppressed {
    /// The finding.
    #[serde(flatten)]
    pub finding: Finding,
    /// Why it may stand.
    pub reason: String,
}

/// Takes out what `findings:` of the configuration lets stand. An error always stays: nothing can
/// be generated as long as it is there. `is_live` says whether a server was looked at, without
/// which its ids cannot be found.
#[must_use]
pub fn sift(config: &Config, findings: Vec<Finding>, is_live: bool) -> Sifted {
    let mut used = vec![Use::Nothing; config.suppressions.len()];
    let mut sifted = Sifted::default();
    for finding in findings {
        let fitting = config.suppressions.iter().position(|one| fits(one, &finding));
        match fitting {
            Some(index) if finding.severity != Severity::Error => {
                used[index] = Use::Suppresses;
                let reason = config.suppressions[index].reason.clone();
                sifted.suppressed.push(Suppressed { finding, reason });
            }
            Some(index) => {
                if used[index] == Use::Nothing {
                    used[index] = Use::Error;
                }
                sifted.findings.push(finding);
            }
            None => sifted.findings.push(finding),
        }
    }
    for (one, used) in config.suppressions.iter().zip(used) {
        let is_out_of_reach = !is_live && LIVE_IDS.contains(&one.id.as_str());
        if used != Use::Suppresses && !is_out_of_reach {
            sifted.findings.push(unused(config, one, used));
        }
    }
    sort(&mut sifted.findings);
    sifted
}

/// What a suppression has met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Nothing,
    Error,
    Suppresses,
}

fn fits(one: &Suppression, finding: &Finding) -> bool {
    one.id == finding.id
        && one.fits_table(finding.table.as_deref())
        && one.column.as_ref().is_none_or(|column| finding.column.as_ref() == Some(column))
        && one.brand.is_none_or(|brand| finding.brand == Some(brand))
}

fn unused(config: &Config, one: &Suppression, used: Use) -> Finding {
    let id = &one.id;
    let (message, remedy) = if !IDS.contains(&id.as_str()) {
        let remedy = match closest(id, IDS) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "docs/findings.md lists the ids".to_owned(),
        };
        (format!("there is no finding `{id}` to suppress"), remedy)
    } else if used == Use::Error {
        let remedy = "mend what it says, and take the entry out of `findings`".to_owned();
        (format!("`{id}` is an error here, and an error cannot be suppressed"), remedy)
    } else {
        let remedy = "take the entry out of `findings`, or correct its table, column or dialect";
        (format!("nothing is found that this suppression of `{id}` fits"), remedy.to_owned())
    };
    Finding::new("unused-suppression", Severity::Warning, message, &remedy)
        .at(config.location(one.place))
}
