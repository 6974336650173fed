//! Where the demo takes place: its folder, its nodes, the configuration and the schema there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Refusal;
use crate::cli::CONFIG_NAME;
use crate::config::Node;
use crate::dialect::Brand;
use crate::error::{Error, Result};
use crate::model::NodeId;

/// How often another name is tried for a temporary folder.
const TRIES: u32 = 100;

/// The folder of the demo.
pub(super) struct Place {
    pub(super) folder: PathBuf,
    /// Whether it stays, with everything in it.
    pub(super) is_kept: bool,
    /// Whether the demo has made the folder itself.
    is_new: bool,
}

/// A node of the demo.
pub(super) struct Guest {
    pub(super) id: NodeId,
    pub(super) brand: Brand,
    /// To connect to, and to be shown without its password.
    pub(super) node: Node,
    /// As the configuration has it.
    written: String,
    /// The variable that holds the URL where it has a password.
    pub(super) variable: Option<String>,
}

impl Place {
    /// The folder to keep, which has to be empty, or a temporary one.
    pub(super) fn new(keep: Option<&Path>) -> Result<Self> {
        let Some(folder) = keep else { return Self::temporary() };
        let failed = |source| Error::Write { path: folder.to_owned(), source };
        let is_new = !folder.exists();
        std::fs::create_dir_all(folder).map_err(failed)?;
        if std::fs::read_dir(folder).map_err(failed)?.next().is_some() {
            return Err(Refusal::FolderNotEmpty { path: folder.to_owned() }.into());
        }
        Ok(Self { folder: folder.to_owned(), is_kept: false, is_new })
    }

    fn temporary() -> Result<Self> {
        let base = std::env::temp_dir();
        let process = std::process::id();
        for number in 0..TRIES {
            let folder = base.join(format!("outrigger-demo-{process}-{number}"));
            match std::fs::create_dir(&folder) {
                Ok(()) => return Ok(Self { folder, is_kept: false, is_new: true }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(source) => return Err(Error::Write { path: folder, source }),
            }
        }
        let source = ErrorKind::AlreadyExists.into();
        Err(Error::Write { path: base.join("outrigger-demo"), source })
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.folder.join(CONFIG_NAME)
    }

    /// Writes a file into the folder.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.folder.join(name);
        std::fs::write(&path, text).map_err(|source| Error::Write { path, source })
    }

    /// New SQLite databases, empty.
    pub(super) fn own_nodes(&self, count: u8) -> Result<Vec<Guest>> {
        let guest = |number: u8| {
            let id = NodeId(format!("server{number}"));
            let written = format!("sqlite:{id}.db");
            self.write(&format!("{id}.db"), "")?;
            let node = Node::new(written.clone(), Brand::Sqlite);
            Ok(Guest { id, brand: Brand::Sqlite, node, written, variable: None })
        };
        (1..=count).map(guest).collect()
    }
}

/// A folder that was there was empty, so everything in it is the demo's. Nobody is left to be
/// told when it cannot be removed.
impl Drop for Place {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        if self.is_new {
            let _ = std::fs::remove_dir_all(&self.folder);
            return;
        }
        for entry in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// The databases of `--node`.
pub(super) fn guests(urls: &[String]) -> Result<Vec<Guest>> {
    let here = std::env::current_dir()
        .map_err(|source| Error::Read { path: PathBuf::from("."), source })?;
    let mut guests: Vec<Guest> = Vec::new();
    for (index, url) in urls.iter().enumerate() {
        let brand = Brand::from_url(url).ok_or(Refusal::UnknownScheme { position: index + 1 })?;
        let id = NodeId(format!("server{}", index + 1));
        let absolute = Node::new(url.clone(), brand).resolved_url(&here)?;
        let node = Node::new(absolute, brand);
        if let Some(twin) = guests.iter().find(|known| known.node.url == node.url) {
            return Err(Refusal::SameDatabase { one: twin.id.clone(), two: id }.into());
        }
        // A password stays out of the file: the whole URL comes from the environment then.
        let has_password = node.display_url().contains("***");
        let variable = has_password.then(|| format!("OUTRIGGER_DEMO_NODE{}", index + 1));
        let written = match &variable {
            Some(name) => format!("${{{name}}}"),
            None => node.url.replace("${", "$${"),
        };
        guests.push(Guest { id, brand, node, written, variable });
    }
    Ok(guests)
}

/// What the configuration's variables are filled from.
pub(super) fn variables(guests: &[Guest]) -> BTreeMap<String, String> {
    let variable = |guest: &Guest| Some((guest.variable.clone()?, guest.node.url.clone()));
    guests.iter().filter_map(variable).collect()
}

/// `outrigger.yaml`: every node exchanges with the first one, which is the hub of a star where
/// there are more than two.
pub(super) fn configuration(guests: &[Guest]) -> String {
    let mut text = format!(
        "# The databases of `outrigger demo`.\n\
         database: testapp\n\
         schema: {{ dialect: {}, files: [schema.sql] }}\n\
         nodes:\n",
        guests[0].brand
    );
    for guest in guests {
        let url = serde_json::Value::from(guest.written.as_str());
        let _ = writeln!(text, "  {}: {{ url: {url} }}", guest.id);
    }
    text.push_str(
        "tables:\n  sales_order:\n    last_update: update_datetime\n    \
         updated_by_user: updated_by_user\n    updated_by_server: updated_by_server\n",
    );
    text.push_str("routes:\n");
    let hub = &guests[0].id;
    for (index, guest) in guests[1..].iter().enumerate() {
        let (id, spoke) = (1000 + 4 * index, &guest.id);
        let _ = writeln!(text, "  - {{ id: {id}, from: {hub}, to: {spoke} }}");
        let _ = writeln!(text, "  - {{ id: {}, from: {spoke}, to: {hub} }}", id + 2);
    }
    text
}
