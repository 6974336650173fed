//! Rows that refer to each other in a circle: none of them gets in alone.
//!
//! Where the database looks at each reference at once, the circle is opened: a row is inserted
//! without the reference to one that comes later, and gets it when that is there. The rest of this
//! is for what was refused: which changes have to be tried together.

use std::collections::{BTreeMap, BTreeSet};

use super::Effect;
use super::decode::{Incoming, RowId};
use super::order::RowEffect;
use super::target::{Circular, Target, Targets};
use crate::model::Op;

/// What a reference says of the row that it leads to: its table, and columns with their values.
type Wanted = (usize, Vec<String>, Vec<String>);

type Cells = BTreeMap<String, Option<String>>;

/// With which references rows are inserted that are in a circle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Circles {
    /// Without those to rows that come later.
    Opened,
    /// With all of them.
    Kept,
}

/// Finds the references over which rows may come to refer to each other in a circle.
pub(super) fn find_circular(tables: &mut [Target]) {
    for child in 0..tables.len() {
        let leads_back = |parent: &usize| *parent == child || reaches(tables, *parent, child);
        let mut circular = Vec::new();
        let parents: BTreeSet<usize> =
            tables[child].parents.iter().copied().chain([child]).collect();
        for parent in parents.into_iter().filter(leads_back) {
            let references = tables[parent].references.iter().filter(|one| one.child == child);
            circular.extend(references.map(|one| Circular {
                parent,
                columns: one.columns.clone(),
                referenced: one.referenced.clone(),
            }));
        }
        tables[child].circular = circular;
    }
}

/// Whether references lead from one table to another.
fn reaches(tables: &[Target], from: usize, to: usize) -> bool {
    let (mut seen, mut open) = (BTreeSet::from([from]), vec![from]);
    while let Some(table) = open.pop() {
        if tables[table].parents.contains(&to) {
            return true;
        }
        open.extend(tables[table].parents.iter().copied().filter(|parent| seen.insert(*parent)));
    }
    false
}

/// The same effects, with the references of inserted rows to rows that are inserted later set
/// after those, where their columns may be NULL until then.
pub(super) fn open(targets: &Targets, mut effects: Vec<RowEffect>) -> Vec<RowEffect> {
    let mut set_later: BTreeMap<usize, Vec<RowEffect>> = BTreeMap::new();
    for (at, (columns, last)) in opened(targets, &effects) {
        let row = effects[at].row.clone();
        // What happens to the row meanwhile would be undone.
        if effects[at + 1..=last].iter().any(|effect| effect.row == row) {
            continue;
        }
        // As late as only inserts of others are between: they are one statement then.
        let others = effects[last + 1..].iter();
        let others = others.take_while(|effect| is_insert(effect) && effect.row != row).count();
        let Effect::Insert(cells) = &mut effects[at].effect else { continue };
        let nothing = columns.iter().map(|column| (column.clone(), None)).collect();
        let mut taken: Cells = nothing;
        for (column, value) in &mut taken {
            if let Some(cell) = cells.get_mut(column) {
                std::mem::swap(value, cell);
            }
        }
        let (key, effect) = (effects[at].key.clone(), Effect::Update(taken));
        let later = RowEffect { row, key, effect, old_key: None };
        set_later.entry(last + others).or_default().push(later);
    }
    if set_later.is_empty() {
        return effects;
    }
    let mut opened = Vec::with_capacity(effects.len() + set_later.len());
    for (at, effect) in effects.into_iter().enumerate() {
        opened.push(effect);
        opened.extend(set_later.remove(&at).unwrap_or_default());
    }
    opened
}

/// The inserts that refer to later ones: which of their columns do and may be NULL, and the last
/// of the rows that they lead to.
fn opened(targets: &Targets, effects: &[RowEffect]) -> BTreeMap<usize, (BTreeSet<String>, usize)> {
    let mut wanted: BTreeMap<Wanted, Vec<(usize, &Circular)>> = BTreeMap::new();
    for (at, effect) in effects.iter().enumerate().filter(|(_, effect)| is_insert(effect)) {
        let Effect::Insert(cells) = &effect.effect else { continue };
        for circular in &targets.tables[effect.row.0].circular {
            let value = value_in(targets, &effect.row, &effect.key, cells);
            if let Some(values) = circular.columns.iter().map(value).collect() {
                let wanted = wanted.entry((circular.parent, circular.referenced.clone(), values));
                wanted.or_default().push((at, circular));
            }
        }
    }
    let mut opened: BTreeMap<usize, (BTreeSet<String>, usize)> = BTreeMap::new();
    let lists: BTreeSet<(usize, Vec<String>)> =
        wanted.keys().map(|(table, columns, _)| (*table, columns.clone())).collect();
    for (there, effect) in effects.iter().enumerate().filter(|(_, effect)| is_insert(effect)) {
        let Effect::Insert(cells) = &effect.effect else { continue };
        for (table, columns) in lists.iter().filter(|(table, _)| *table == effect.row.0) {
            let value = value_in(targets, &effect.row, &effect.key, cells);
            let Some(values) = columns.iter().map(value).collect() else { continue };
            let found = wanted.get(&(*table, columns.clone(), values));
            for (at, circular) in found.into_iter().flatten().filter(|(at, _)| *at < there) {
                let child = &targets.tables[effects[*at].row.0];
                let may_wait = |name: &&String| {
                    child.columns.get(*name).is_some_and(|column| column.is_nullable)
                };
                let columns: Vec<&String> = circular.columns.iter().filter(may_wait).collect();
                if !columns.is_empty() {
                    let (waiting, last) = opened.entry(*at).or_default();
                    waiting.extend(columns.into_iter().cloned());
                    *last = there;
                }
            }
        }
    }
    opened
}

fn is_insert(effect: &RowEffect) -> bool {
    matches!(effect.effect, Effect::Insert(_)) && effect.old_key.is_none()
}

/// What a row holds in a column, of its key or not.
fn value_in<'a>(
    targets: &'a Targets,
    row: &RowId,
    key: &'a [String],
    cells: &'a Cells,
) -> impl Fn(&String) -> Option<String> + use<'a> {
    let target = &targets.tables[row.0];
    move |name| match target.key.iter().position(|column| column.name == *name) {
        Some(at) => key.get(at).cloned(),
        None => cells.get(name).cloned().flatten(),
    }
}

/// Which of some units of changes need each other, so that none can be imported without the rest;
/// what others need first.
///
/// What refers to a row needs the change that brings it, and what deletes a row the changes that
/// let it go.
pub(super) fn circles(targets: &Targets, units: &[Vec<Incoming>]) -> Vec<Vec<usize>> {
    let (mut refers, mut lets_go) = (Vec::new(), Vec::new());
    for (at, change) in all(units) {
        for circular in &targets.tables[change.row.0].circular {
            let wanted = |cells: &Cells| {
                let value = value_in(targets, &change.row, &change.key, cells);
                let values = circular.columns.iter().map(value).collect::<Option<_>>()?;
                Some((at, (circular.parent, circular.referenced.clone(), values)))
            };
            if change.op != Op::Delete {
                refers.extend(wanted(&change.row_cells()));
            }
            if change.op != Op::Insert {
                lets_go.extend(wanted(&change.old_cells));
            }
        }
    }
    let all_wanted = refers.iter().chain(&lets_go);
    let lists: BTreeSet<(usize, Vec<String>)> =
        all_wanted.map(|(_, (table, columns, _))| (*table, columns.clone())).collect();
    let (mut brings, mut takes) = (BTreeMap::<Wanted, _>::new(), BTreeMap::<Wanted, _>::new());
    let mut before: BTreeMap<&RowId, usize> = BTreeMap::new();
    let mut needs = vec![Vec::new(); units.len()];
    for (at, change) in all(units) {
        // Changes of a row keep their order.
        needs[at].extend(before.insert(&change.row, at).filter(|earlier| *earlier != at));
        let is_delete = change.op == Op::Delete;
        let cells = if is_delete { change.old_cells.clone() } else { change.row_cells() };
        // An update brings what it sets: its row is there without it.
        let brings_any = |columns: &[String]| {
            change.claims_row() || columns.iter().any(|name| cells.contains_key(name))
        };
        let of_table = lists.iter().filter(|(table, _)| *table == change.row.0);
        for (table, columns) in of_table.filter(|(_, columns)| brings_any(columns)) {
            let value = value_in(targets, &change.row, &change.key, &cells);
            let Some(values) = columns.iter().map(value).collect() else { continue };
            let of_kind = if is_delete { &mut takes } else { &mut brings };
            of_kind.entry((*table, columns.clone(), values)).or_insert(at);
        }
    }
    for (at, wanted) in refers {
        needs[at].extend(brings.get(&wanted).filter(|there| **there != at));
    }
    for (at, wanted) in lets_go {
        if let Some(there) = takes.get(&wanted).filter(|there| **there != at) {
            needs[*there].push(at);
        }
    }
    let mut circles = strongly_connected(&needs);
    circles.retain(|circle| circle.len() > 1);
    circles
}

fn all(units: &[Vec<Incoming>]) -> impl Iterator<Item = (usize, &Incoming)> {
    units.iter().enumerate().flat_map(|(at, unit)| unit.iter().map(move |change| (at, change)))
}

/// The strongly connected components of a graph, sorted, those that others lead to first:
/// Kosaraju's algorithm, without recursion, for a chain may be long.
fn strongly_connected(edges: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut reversed = vec![Vec::new(); edges.len()];
    for (from, all) in edges.iter().enumerate() {
        for to in all {
            reversed[*to].push(from);
        }
    }
    let mut is_seen = vec![false; edges.len()];
    let mut order = Vec::new();
    for start in 0..edges.len() {
        visit(&reversed, start, &mut is_seen, &mut order);
    }
    is_seen.fill(false);
    let mut components = Vec::new();
    for start in order.into_iter().rev() {
        let mut component = Vec::new();
        visit(edges, start, &mut is_seen, &mut component);
        component.sort_unstable();
        if !component.is_empty() {
            components.push(component);
        }
    }
    components
}

/// What can be reached from a place and was not seen before, each after what it leads to.
fn visit(edges: &[Vec<usize>], start: usize, is_seen: &mut [bool], left: &mut Vec<usize>) {
    if std::mem::replace(&mut is_seen[start], true) {
        return;
    }
    let mut path = vec![(start, 0)];
    while let Some((at, next)) = path.last_mut() {
        let Some(to) = edges[*at].get(*next) else {
            left.push(*at);
            path.pop();
            continue;
        };
        *next += 1;
        if !std::mem::replace(&mut is_seen[*to], true) {
            path.push((*to, 0));
        }
    }
}

#[cfg(test)]
mod tests;
