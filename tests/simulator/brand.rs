//! What each brand's windows show, as its templates ask for it.

use std::collections::{BTreeMap, BTreeSet};

use outrigger::dialect::Brand;
use outrigger::outbox::Gaps;

use crate::database::{Captured, Database, Open};
use crate::history::Switch;

/// What a reading transaction sees.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// The last commit that it sees.
    pub(crate) moment: u64,
    /// The watermark that belongs to it.
    pub(crate) mark: String,
}

/// The watermarks of a window: the last one's, its own, and the one before a rewind.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) old: Option<String>,
    pub(crate) new: Option<String>,
    pub(crate) carried_to: Option<String>,
    /// Rows that the runner has locked.
    pub(crate) rows: BTreeSet<[String; 2]>,
}

impl Database {
    /// What is committed now.
    pub(crate) fn view(&self) -> View {
        View { moment: self.moment, mark: self.mark() }
    }

    /// `pg_current_snapshot()`, `MIN_ACTIVE_ROWVERSION()`; the others have none.
    fn mark(&self) -> String {
        match self.brand {
            Brand::Postgres => {
                let open: Vec<String> = self.open.values().map(|o| o.id.to_string()).collect();
                let next = self.last_transaction + 1;
                let oldest = self.open.values().map(|open| open.id).min().unwrap_or(next);
                format!("{oldest}:{next}:{}", open.join(","))
            }
            Brand::SqlServer => {
                let pending = self.outbox.values().filter(|row| row.committed.is_none());
                pending.map(|row| row.version).min().unwrap_or(self.last_version + 1).to_string()
            }
            Brand::Mysql | Brand::Sqlite => String::new(),
        }
    }

    /// The first statement of a window: its watermark.
    pub(crate) fn watermark(
        &self,
        is_fold: bool,
        view: &View,
        old: Option<&str>,
    ) -> Option<String> {
        if self.lacks(Switch::Watermark) {
            return None;
        }
        match self.brand {
            Brand::Postgres => Some(view.mark.clone()),
            Brand::SqlServer if is_fold => Some(format!("[{0},{0}]", view.mark)),
            Brand::SqlServer => {
                let below: i64 = view.mark.parse().unwrap();
                let (_, from) = versions(old);
                let split = self
                    .outbox
                    .values()
                    .filter(|row| (from..below).contains(&row.version) && self.goes_on(row, below));
                let first = split.map(|row| row.version).min().unwrap_or(below);
                Some(format!("[{below},{first}]"))
            }
            Brand::Mysql | Brand::Sqlite => None,
        }
    }

    /// Whether a row's transaction has rows, committed or not, at or above a row version.
    fn goes_on(&self, row: &Captured, below: i64) -> bool {
        self.outbox
            .values()
            .any(|later| later.version >= below && later.transaction == row.transaction)
    }

    /// The window of the brands that prepare one: its ids in the order of carrying.
    pub(crate) fn fill(&self, is_fold: bool, view: &View, pointer: i64, marks: &Marks) -> Vec<i64> {
        let seen = |row: &&Captured| row.committed.is_some_and(|moment| moment <= view.moment);
        let visible: Vec<&Captured> = self.outbox.values().filter(seen).collect();
        match self.brand {
            _ if self.lacks(Switch::Watermark) => {
                visible.iter().map(|row| row.change.id).filter(|id| *id > pointer).collect()
            }
            Brand::Postgres => {
                let was_open = |mark: &String, row: &Captured| !is_visible(mark, row.transaction);
                let carried_to = marks.carried_to.as_ref();
                let is_new = |row: &&&Captured| match (&marks.old, carried_to) {
                    (Some(old), _) => was_open(old, row),
                    (None, Some(mark)) => row.change.id > pointer || was_open(mark, row),
                    (None, None) => row.change.id > pointer,
                };
                by_set(visible.iter().filter(is_new).copied())
            }
            Brand::SqlServer if is_fold => {
                let (old_below, _) = versions(marks.old.as_deref());
                let (below, _) = versions(marks.new.as_deref());
                let is_locked = |row: &Captured| {
                    let names = [&row.change.object_table, &row.change.object_id];
                    marks.rows.contains(&names.map(|name| name.clone().unwrap_or_default()))
                };
                let is_new = |row: &&Captured| match row.version {
                    version if version < below => version >= old_below,
                    _ => row.change.id > pointer || is_locked(row),
                };
                visible.into_iter().filter(is_new).map(|row| row.change.id).collect()
            }
            Brand::SqlServer => self.fill_sqlserver(&visible, pointer, marks),
            Brand::Mysql | Brand::Sqlite => Vec::new(),
        }
    }

    fn fill_sqlserver(&self, visible: &[&Captured], pointer: i64, marks: &Marks) -> Vec<i64> {
        let (old_below, from) = versions(marks.old.as_deref());
        let (below, _) = versions(marks.new.as_deref());
        let carried_from = marks.carried_to.as_deref().map(|mark| versions(Some(mark)).1);
        let is_meant = |row: &&&Captured| {
            (from..below).contains(&row.version)
                && (marks.old.is_some()
                    || row.change.id > pointer
                    || carried_from.is_some_and(|from| row.version >= from))
                && !self.goes_on(row, below)
        };
        let rows: Vec<&Captured> = visible.iter().filter(is_meant).copied().collect();
        let newest = |row: &Captured| {
            let same = rows.iter().filter(|one| one.transaction == row.transaction);
            same.map(|one| one.version).max().unwrap_or_default()
        };
        by_set(rows.iter().filter(|row| newest(row) >= old_below).copied())
    }

    /// A page of the brands that prepare nothing.
    pub(crate) fn plain_page(
        &self,
        view: &View,
        pointer: i64,
        gaps: &Gaps,
        last_id: i64,
        page_rows: usize,
    ) -> Vec<i64> {
        let seen = |row: &&Captured| match row.committed {
            Some(moment) => moment <= view.moment,
            // A transaction sees its own rows.
            None => Some(row.transaction) == self.runner_id,
        };
        let looks_back = self.brand == Brand::Mysql
            && !self.lacks(Switch::Gaps)
            && !self.lacks(Switch::Watermark);
        let in_gap = |id: i64| looks_back && gaps.contains(id);
        let ids = self.outbox.values().filter(seen).map(|row| row.change.id);
        ids.filter(|id| *id > last_id && (*id > pointer || in_gap(*id))).take(page_rows).collect()
    }

    /// Connections that are in a statement: those that hold ids which they have not written.
    pub(crate) fn writers(&self) -> Vec<u8> {
        let holds = |open: &Open| !open.unwritten.is_empty() && !self.lacks(Switch::Writers);
        self.open.iter().filter(|(_, open)| holds(open)).map(|(slot, _)| *slot).collect()
    }

    /// Of missing ids the ones that are written, committed or not.
    pub(crate) fn written(&self, gaps: &Gaps) -> Vec<i64> {
        let is_seen = |row: &Captured| row.committed.is_some() || !self.lacks(Switch::DirtyRead);
        let rows = self.outbox.iter().filter(|(id, row)| gaps.contains(**id) && is_seen(row));
        rows.map(|(id, _)| *id).collect()
    }

    /// Whether a cursor has certainly passed a committed row.
    pub(crate) fn is_carried(&self, row: &Captured, cursor: &outrigger::outbox::Cursor) -> bool {
        let id = row.change.id;
        let has_gap = cursor.gaps.contains(id);
        match (self.brand, &cursor.watermark) {
            (Brand::Postgres, Some(mark)) => is_visible(mark, row.transaction),
            (Brand::SqlServer, Some(mark)) => row.version < versions(Some(mark)).1,
            (Brand::Postgres | Brand::SqlServer, None) => false,
            _ => id <= cursor.pointer && !has_gap,
        }
    }
}

/// `pg_visible_in_snapshot`, of a transaction that has committed.
fn is_visible(snapshot: &str, transaction: i64) -> bool {
    let mut parts = snapshot.split(':');
    parts.next();
    let next: i64 = parts.next().and_then(|text| text.parse().ok()).unwrap();
    let open: BTreeSet<i64> =
        parts.next().unwrap().split(',').filter_map(|id| id.parse().ok()).collect();
    transaction < next && !open.contains(&transaction)
}

/// The two row versions of a watermark of SQL Server.
fn versions(mark: Option<&str>) -> (i64, i64) {
    mark.map_or((0, 0), |mark| serde_json::from_str(mark).unwrap())
}

/// Ids, transaction by transaction, by the highest id of each.
fn by_set<'a>(rows: impl Iterator<Item = &'a Captured>) -> Vec<i64> {
    let mut sets: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for row in rows {
        sets.entry(row.transaction).or_default().push(row.change.id);
    }
    let mut sets: Vec<Vec<i64>> = sets.into_values().collect();
    sets.sort_by_key(|ids| ids.last().copied());
    sets.into_iter().flatten().collect()
}
