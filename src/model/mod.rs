//! The nouns of the product: no I/O, no SQL, no brand.

mod canonical;
mod change;
mod logical_type;
mod name;
mod table;
mod value;
mod version;

pub use canonical::{BadValue, canonical, into_canonical, stamp};
pub use change::{Change, ChangeKey, Op};
pub use logical_type::LogicalType;
pub use name::{CONTROL_TABLES, NodeId, RouteId};
pub use table::{Action, Column, ForeignKey, Location, Schema, Table, TableName};
pub use value::{Row, Value};
pub use version::Version;
