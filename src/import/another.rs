//! The values that a row takes whose unique value another row had first: every node has to find
//! the same ones without asking the others.

use super::Error;
use super::batch::Importer;
use super::collision::{Settlement, Told};
use super::decide::Effect;
use super::order::RowEffect;
use super::references::Carried;
use super::target::Target;
use crate::db::Session;
use crate::model::Action;
use crate::outbox::next_stamp;

/// 32 bits of a text, the same everywhere: FNV-1a of 64 bits, its halves joined.
pub(super) fn digest(text: &str) -> u32 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    u32::try_from((hash >> 32) ^ (hash & 0xffff_ffff)).expect("each half has 32 bits")
}

/// Numbers for a row in the place of one that it may not keep, the best first: below zero, where
/// no counter gives numbers or follows; for columns without a sign far up.
pub(super) fn numbers(row: &str, value: &str) -> Vec<String> {
    let digest = i64::from(digest(&format!("{row}\0{value}")));
    let in_31_bits = digest & 0x7fff_ffff;
    let in_15_bits = digest & 0x7fff;
    [-1 - in_31_bits, -1 - in_15_bits, 0x4000_0000 | in_31_bits, 0x4000 | in_15_bits]
        .map(|number| number.to_string())
        .into()
}

impl Target {
    /// Whether a column may take another value: of a table that is followed by a GUID not where
    /// rows refer to it that do not follow.
    pub(super) fn may_give_way(&self, column: &str) -> bool {
        let refers = |referenced: &[String]| referenced.iter().any(|name| name == column);
        let mut references = self.references.iter().filter(|one| refers(&one.referenced));
        !self.has_guid || references.all(|one| one.on_update == Action::Cascade)
    }
}

impl Importer {
    /// What goes with the rows of this node that give way: references that move with them, to be
    /// told, and those to be set back, since the row that keeps the value is the one they mean:
    /// they were made where that row was.
    pub(super) async fn carried_by(
        &mut self,
        session: &mut dyn Session,
        settlement: &Settlement,
    ) -> Result<(Vec<Told>, Vec<RowEffect>), Error> {
        let stamp_of = |row: &super::RowId, column: &str| {
            let is_it =
                |told: &&Told| told.row == *row && told.attribute.as_deref() == Some(column);
            settlement.told.iter().find(is_it).and_then(|told| next_stamp(&told.stamp))
        };
        let carried = self.carried(session, &settlement.effects, &stamp_of).await?;
        let settled = settlement.settled.as_ref();
        let claimant = settled.and_then(|change| change.updated_by_server_id.clone());
        let (mut moved, mut kept) = (Vec::new(), Vec::new());
        for Carried { told, key, origin } in carried {
            if origin.is_none() || origin != claimant {
                moved.push(told);
                continue;
            }
            let cells = told.attribute.map(|column| (column, told.old)).into_iter().collect();
            let (row, effect) = (told.row, Effect::Update(cells));
            kept.push(RowEffect { row, key, effect, old_key: None });
        }
        Ok((moved, kept))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn another_number_is_the_same_everywhere_and_differs_from_row_to_row() {
        let rows = ["0b0c4f3a-95b6-4cc5-9a0d-2f6e1d1c2b3a", "0b0c4f3a-95b6-4cc5-9a0d-2f6e1d1c2b3b"];
        assert_eq!(numbers(rows[0], "5"), ["-721069518", "-9678", "1794811341", "26061"]);
        let all: BTreeSet<String> = rows.iter().flat_map(|row| numbers(row, "5")).collect();
        assert_eq!(all.len(), 8);
        assert_ne!(numbers(rows[0], "5"), numbers(rows[0], "6"));
    }
}
