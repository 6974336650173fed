//! From what was written to what is meant: every name known, every id free, every URL filled.

use std::collections::BTreeMap;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use super::guid::{Guid, guid};
use super::node::UrlTemplate;
use super::raw::{
    RawAddress, RawConfig, RawLimits, RawNode, RawOptions, RawRoles, RawRoute, RawSchema,
    RawSuppression, RawTable,
};
use super::spanned::{Entries, Spanned};
use super::variables::{Piece, pieces};
use super::{
    Capture, Config, Error, Limits, Node, Place, Roles, Route, SchemaSource, Suppression,
    Surroundings, TableChoice, TableOptions, TableRule, WakeRule,
};
use crate::dialect::Brand;
use crate::model::{NodeId, RouteId};

/// The longest node id, in characters: the outbox's column holds it on every brand.
const NODE_ID_MAX: usize = 64;
/// The most rows that may travel together.
const BATCH_ROWS_MAX: u64 = 1_000_000;
/// The most changes that one transaction may bring.
const CHANGE_SET_ROWS_MAX: u64 = 1_000_000_000;
/// The most bytes that may be held at once.
const BATCH_BYTES_MAX: u64 = 1 << 30;
/// The longest wait for a lock.
const LOCK_WAIT_SECONDS_MAX: u64 = 3_600;

struct Reader<'a> {
    path: &'a str,
    surroundings: &'a Surroundings<'a>,
}

pub(super) fn config(
    path: &str,
    raw: RawConfig,
    surroundings: &Surroundings<'_>,
) -> Result<Config, Error> {
    let reader = Reader { path, surroundings };
    let database = reader.fill(&raw.database)?;
    if database.is_empty() {
        return Err(reader.shape("`database` is empty", raw.database.place));
    }
    let nodes = reader.nodes(raw.nodes)?;
    let schema = reader.schema(raw.schema, &nodes)?;
    let routes = reader.routes(raw.routes.unwrap_or_default(), &nodes)?;
    let mut config = Config {
        path: path.to_owned(),
        database,
        schema,
        nodes,
        tables: raw.tables.0.into_iter().map(|rule| reader.rule(rule)).collect::<Result<_, _>>()?,
        routes,
        capture: Capture {
            command: raw.capture.command,
            cascades: raw.capture.cascades,
            wake: raw.capture.wake,
        },
        suppressions: raw
            .findings
            .into_iter()
            .map(|raw| reader.suppression(raw))
            .collect::<Result<_, _>>()?,
        limits: reader.limits(&raw.limits)?,
        roles: reader.roles(&raw.roles)?,
        hash: String::new(),
    };
    config.hash = hash(&config);
    Ok(config)
}

impl Reader<'_> {
    fn rule(&self, (pattern, raw): (Spanned, RawTable)) -> Result<TableRule, Error> {
        let Place { line, column } = pattern.place;
        let choice = match raw {
            RawTable::Skip => TableChoice::Skip,
            RawTable::Follow(raw) => {
                let guid = guid(&raw).map_err(|(message, place)| {
                    // Words have no place of their own.
                    let place = if place == Place::START { pattern.place } else { place };
                    self.shape(message, place)
                })?;
                TableChoice::Follow(options(*raw, guid))
            }
        };
        Ok(TableRule { pattern: pattern.text, choice, line, column })
    }

    fn shape(&self, message: &str, place: Place) -> Error {
        Error::Shape { message: message.to_owned(), location: place.within(self.path) }
    }

    fn unset(&self, name: &str, place: Place) -> Error {
        Error::UnsetVariable { name: name.to_owned(), location: place.within(self.path) }
    }

    fn unknown(&self, what: &'static str, word: &str, place: Place, allowed: Vec<String>) -> Error {
        Error::Unknown { what, word: word.to_owned(), allowed, location: place.within(self.path) }
    }

    fn pieces(&self, text: &Spanned) -> Result<Vec<Piece>, Error> {
        pieces(&text.text).map_err(|message| self.shape(message, text.place))
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.surroundings.variables.get(name).map(String::as_str)
    }

    /// A text all of whose variables have to be set.
    fn fill(&self, text: &Spanned) -> Result<String, Error> {
        let filled = self.pieces(text)?.into_iter().map(|piece| match piece {
            Piece::Literal(literal) => Ok(literal),
            Piece::Variable(name) => match self.variable(&name) {
                Some(value) => Ok(value.to_owned()),
                None => Err(self.unset(&name, text.place)),
            },
        });
        filled.collect()
    }

    fn nodes(&self, raw: Entries<RawNode>) -> Result<BTreeMap<NodeId, Node>, Error> {
        let mut nodes = BTreeMap::new();
        let mut folded = std::collections::BTreeSet::new();
        for (id, node) in raw.0 {
            let bad = |reason| Error::BadNodeId {
                id: id.text.clone(),
                reason,
                location: id.place.within(self.path),
            };
            if id.text.trim().is_empty() {
                return Err(bad("is empty"));
            }
            if id.text.chars().count() > NODE_ID_MAX {
                return Err(bad("is longer than 64 characters"));
            }
            if id.text.trim() != id.text || id.text.contains(char::is_control) {
                return Err(bad("begins or ends with a blank, or has a control character"));
            }
            // Some brands compare origins without regard to case.
            if !folded.insert(id.text.to_lowercase()) {
                return Err(bad("differs from another one only in upper and lower case"));
            }
            let node = self.node(&node)?;
            nodes.insert(NodeId(id.text), node);
        }
        if nodes.is_empty() {
            return Err(self.shape("`nodes` names no node", Place::START));
        }
        Ok(nodes)
    }

    fn node(&self, raw: &RawNode) -> Result<Node, Error> {
        let node = match &raw.address {
            RawAddress::Url(url) => self.node_of_url(url),
            RawAddress::UrlFile(path) => self.node_of_file(path),
        };
        Ok(Node { is_store: raw.is_store, ..node? })
    }

    fn node_of_url(&self, written: &Spanned) -> Result<Node, Error> {
        let template = UrlTemplate::new(self.pieces(written)?);
        let (url, unset) = template.fill(|name| self.variable(name));
        let unset = unset.map(|name| (name, written.place.within(self.path)));
        let brand = match (self.brand(&url, written.place), &unset) {
            (Ok(_), Some((name, _))) if self.surroundings.needs_secrets => {
                return Err(self.unset(name, written.place));
            }
            (Ok(brand), _) => brand,
            (Err(_), Some((name, _))) => return Err(self.unset(name, written.place)),
            (Err(error), None) => return Err(error),
        };
        Ok(Node {
            url,
            brand,
            has_literal_password: template.has_literal_password(),
            place: written.place,
            unset_variable: unset,
            is_store: false,
        })
    }

    fn node_of_file(&self, path: &Spanned) -> Result<Node, Error> {
        let file = self.fill(path)?;
        let text = (self.surroundings.read_file)(&file).map_err(|source| {
            Error::UnreadableFile { file, location: path.place.within(self.path), source }
        })?;
        let url = text.trim().to_owned();
        let brand = self.brand(&url, path.place)?;
        Ok(Node { place: path.place, ..Node::new(url, brand) })
    }

    fn brand(&self, url: &str, place: Place) -> Result<Brand, Error> {
        if let Some(brand) = Brand::from_url(url) {
            return Ok(brand);
        }
        let schemes =
            Brand::ALL.iter().flat_map(|brand| brand.dialect().url_schemes.iter().cloned());
        // Without a colon the text may be anything, a password too: it is not shown.
        match url.split_once(':') {
            Some((scheme, _)) if !scheme.contains(['@', '/']) => {
                Err(self.unknown("URL scheme", scheme, place, schemes.collect()))
            }
            _ => Err(self.shape("the connection URL has no scheme", place)),
        }
    }

    fn known_node(&self, id: Spanned, nodes: &BTreeMap<NodeId, Node>) -> Result<NodeId, Error> {
        let (id, place) = (NodeId(id.text), id.place);
        if nodes.contains_key(&id) {
            return Ok(id);
        }
        let known = nodes.keys().map(|node| node.0.clone()).collect();
        Err(self.unknown("node", id.as_str(), place, known))
    }

    fn dialect(&self, name: &Spanned) -> Result<Brand, Error> {
        Brand::from_name(&name.text).ok_or_else(|| {
            let names = Brand::ALL.map(|brand| brand.name().to_owned()).to_vec();
            self.unknown("dialect", &name.text, name.place, names)
        })
    }

    fn suppression(&self, raw: RawSuppression) -> Result<Suppression, Error> {
        let reason = raw.reason.text.trim();
        if reason.is_empty() || reason == "~" {
            let message = format!("`reason` says why `{}` may stand, and is empty", raw.id.text);
            return Err(self.shape(&message, raw.reason.place));
        }
        Ok(Suppression {
            reason: reason.to_owned(),
            table: raw.table.map(|table| table.text),
            column: raw.column.map(|column| column.text),
            brand: raw.dialect.map(|name| self.dialect(&name)).transpose()?,
            place: raw.id.place,
            id: raw.id.text,
        })
    }

    fn schema(
        &self,
        raw: RawSchema,
        nodes: &BTreeMap<NodeId, Node>,
    ) -> Result<SchemaSource, Error> {
        match raw {
            RawSchema::Node(node) => {
                let place = node.place;
                let id = self.known_node(node, nodes)?;
                if nodes.get(&id).is_some_and(|node| node.is_store) {
                    let message = format!("node `{id}` is a store and has no tables to read");
                    return Err(self.shape(&message, place));
                }
                Ok(SchemaSource::Node(id))
            }
            RawSchema::Files { dialect, files } => {
                let files = files.iter().map(|file| self.fill(file)).collect::<Result<_, _>>()?;
                Ok(SchemaSource::Files { dialect: self.dialect(&dialect)?, files })
            }
        }
    }

    fn routes(
        &self,
        raw: Vec<RawRoute>,
        nodes: &BTreeMap<NodeId, Node>,
    ) -> Result<Vec<Route>, Error> {
        let mut routes: Vec<Route> = Vec::new();
        for RawRoute { id, from, to } in raw {
            let route = Route {
                id: self.route_id(&id)?,
                from: self.known_node(from, nodes)?,
                to: self.known_node(to, nodes)?,
                place: id.place,
            };
            self.admit(&route, &routes)?;
            routes.push(route);
        }
        Ok(routes)
    }

    fn route_id(&self, id: &Spanned) -> Result<RouteId, Error> {
        let max = u64::try_from(i64::MAX - 1).unwrap_or(u64::MAX);
        let number = self.number(Some(id), "id", 0, 1, max)?;
        i64::try_from(number).map(RouteId).map_err(|_| self.shape("the id is too large", id.place))
    }

    fn admit(&self, route: &Route, earlier: &[Route]) -> Result<(), Error> {
        let Route { id, from, to, place } = route.clone();
        let location = place.within(self.path);
        if from == to {
            return Err(Error::SelfRoute { id, node: from, location });
        }
        for other in earlier {
            if id.0.abs_diff(other.id.0) <= 1 {
                return Err(Error::CollidingRoutes { id, other: other.id, location });
            }
            if other.from == from && other.to == to {
                return Err(Error::RepeatedRoute { id, other: other.id, from, to, location });
            }
        }
        Ok(())
    }

    fn roles(&self, raw: &RawRoles) -> Result<Roles, Error> {
        let role = |written: &Option<Spanned>| {
            let Some(written) = written else { return Ok(None) };
            let name = self.fill(written)?;
            if name.is_empty() || name.chars().any(char::is_control) {
                return Err(
                    self.shape("a role's name is empty or has a control character", written.place)
                );
            }
            Ok(Some(name))
        };
        Ok(Roles {
            owner: role(&raw.owner)?,
            runner: role(&raw.runner)?,
            application: role(&raw.application)?,
        })
    }

    fn limits(&self, raw: &RawLimits) -> Result<Limits, Error> {
        let Limits {
            batch_rows,
            change_set_rows,
            batch_bytes,
            lock_wait_seconds,
            skew_warning,
            skew_refusal,
            outbox_retention,
            inbox_retention,
            tombstone_retention,
        } = Limits::default();
        let skew = |written: &Option<Spanned>, option, default| {
            let time = self.time(written.as_ref(), option, default)?;
            Ok::<_, Error>(time.filter(|time| !time.is_zero()))
        };
        let retention = |written: &Option<Spanned>, option, default| {
            self.time(written.as_ref(), option, default)
        };
        let size = |written: &Option<Spanned>, option, default: usize, max| {
            let default = u64::try_from(default).unwrap_or(max);
            let number = self.number(written.as_ref(), option, default, 1, max)?;
            Ok::<_, Error>(usize::try_from(number).unwrap_or(usize::MAX))
        };
        Ok(Limits {
            batch_rows: size(&raw.batch_rows, "batch_rows", batch_rows, BATCH_ROWS_MAX)?,
            change_set_rows: size(
                &raw.change_set_rows,
                "change_set_rows",
                change_set_rows,
                CHANGE_SET_ROWS_MAX,
            )?,
            batch_bytes: size(&raw.batch_bytes, "batch_bytes", batch_bytes, BATCH_BYTES_MAX)?,
            lock_wait_seconds: self.number(
                raw.lock_wait_seconds.as_ref(),
                "lock_wait_seconds",
                lock_wait_seconds,
                0,
                LOCK_WAIT_SECONDS_MAX,
            )?,
            skew_warning: skew(&raw.skew_warning, "skew_warning", skew_warning)?,
            skew_refusal: skew(&raw.skew_refusal, "skew_refusal", skew_refusal)?,
            outbox_retention: retention(
                &raw.outbox_retention,
                "outbox_retention",
                outbox_retention,
            )?,
            inbox_retention: retention(&raw.inbox_retention, "inbox_retention", inbox_retention)?,
            tombstone_retention: retention(
                &raw.tombstone_retention,
                "tombstone_retention",
                tombstone_retention,
            )?,
        })
    }

    /// `500ms`, `2s`, `1m`, `1h`, `30d`, `0`; `None` is `never`.
    fn time(
        &self,
        written: Option<&Spanned>,
        option: &'static str,
        default: Option<Duration>,
    ) -> Result<Option<Duration>, Error> {
        let Some(written) = written else { return Ok(default) };
        let location = || written.place.within(self.path);
        if written.text == "never" {
            return Ok(None);
        }
        let digits = written.text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let unit = match &written.text[digits.len()..] {
            "ms" => Some(1),
            "s" => Some(1_000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            "d" => Some(86_400_000),
            "" if digits == "0" => Some(0),
            _ => None,
        };
        let number = digits.replace('_', "").parse::<u64>().ok();
        let time = number.zip(unit).and_then(|(number, unit)| number.checked_mul(unit));
        let time = time.ok_or_else(|| Error::BadTime { option, location: location() })?;
        Ok(Some(Duration::from_millis(time)))
    }

    fn number(
        &self,
        written: Option<&Spanned>,
        option: &'static str,
        default: u64,
        min: u64,
        max: u64,
    ) -> Result<u64, Error> {
        let Some(written) = written else { return Ok(default) };
        let number = written.text.replace('_', "").parse().ok();
        number.filter(|number| (min..=max).contains(number)).ok_or_else(|| Error::BadNumber {
            option,
            min,
            max,
            location: written.place.within(self.path),
        })
    }
}

fn options(raw: RawOptions, guid: Option<Guid>) -> TableOptions {
    let mut places = BTreeMap::new();
    let mut note = |option, name: &Spanned| {
        places.insert((option, name.text.clone()), name.place);
        name.text.clone()
    };
    let key = match &guid {
        Some(guid) => {
            raw.guid_column.iter().for_each(|column| _ = note("guid_column", column));
            vec![guid.column.clone()]
        }
        None => raw.key.iter().map(|column| note("key", column)).collect(),
    };
    TableOptions {
        key,
        guid,
        last_update: raw.last_update.map(|column| note("last_update", &column)),
        updated_by_user: raw.updated_by_user.map(|column| note("updated_by_user", &column)),
        updated_by_server: raw.updated_by_server.map(|column| note("updated_by_server", &column)),
        columns: raw
            .columns
            .0
            .into_iter()
            .map(|(column, policy)| (note("columns", &column), policy))
            .collect(),
        overwrite: raw.overwrite,
        collisions: raw.collisions,
        places,
    }
}

/// See [`Config::hash`]. Every text is written with its quotes, so that no two configurations
/// give the same bytes.
fn hash(config: &Config) -> String {
    let tables: Vec<String> = config
        .tables
        .iter()
        .map(|rule| match &rule.choice {
            TableChoice::Skip => format!("{:?} skip", rule.pattern),
            TableChoice::Follow(options) => {
                let TableOptions {
                    key,
                    guid,
                    last_update,
                    updated_by_user,
                    updated_by_server,
                    columns,
                    overwrite,
                    collisions: _,
                    places: _,
                } = options;
                let guid = guid.as_ref().map(|guid| format!(" {guid:?}")).unwrap_or_default();
                format!(
                    "{:?} {key:?} {last_update:?} {updated_by_user:?} {updated_by_server:?} \
                     {columns:?} {overwrite:?}{guid}",
                    rule.pattern
                )
            }
        })
        .collect();
    // Said only where it is not the default, so that older files keep their hash.
    let wake = match config.capture.wake {
        WakeRule::Notify => "",
        WakeRule::Poll => " poll",
    };
    let text = format!(
        "{:?} {} {:?}{wake} {}",
        config.database,
        config.schema_brand(),
        config.capture.command,
        tables.join("\n")
    );
    format!("{:x}", Sha256::digest(text.as_bytes()))
}
