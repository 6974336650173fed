//! The nouns of the product: no I/O, no SQL, no brand.

mod change;
mod logical_type;
mod name;
mod table;
mod value;
mod version;

pub use change::{Change, ChangeKey, Op};
pub use logical_type::LogicalType;
pub use name::{NodeId, RouteId};
pub use table::{Action, Column, ForeignKey, Location, Schema, Table, TableName};
pub use value::{BadValue, Row, Value, canonical};
pub use version::Version;
