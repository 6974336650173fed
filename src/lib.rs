//! Outrigger keeps the databases of one application in step when they are of different brands.
//!
//! The tour of the rooms, from pure to live:
//!
//! - [`model`]: the nouns. [`config`]: `outrigger.yaml`. [`dialect`]: what is known of a brand.
//! - [`schema`]: DDL or introspected rows become a [`model::Schema`], and findings about it.
//! - [`plan`]: configuration and schema become everything that shall exist on a node.
//! - [`render`]: a plan becomes SQL, from the templates.
//! - [`layout`]: scripts become the numbered files of a migration tool.
//! - [`review`]: the report for the person who signs.
//! - [`db`]: sessions with real databases. [`apply`]: scripts become installed objects.
//! - [`outbox`]: what became visible since a cursor. [`transport`]: outbox to inbox.
//!   [`import`]: inbox to application tables. [`runner`]: both, paced and stopped cleanly.
//! - [`cli`]: the command. [`Error`]: what can go wrong anywhere.

pub mod apply;
pub mod cli;
pub mod config;
pub mod db;
pub mod dialect;
mod error;
pub mod import;
pub mod layout;
pub mod model;
pub mod outbox;
pub mod plan;
pub mod render;
pub mod review;
pub mod runner;
pub mod schema;
pub mod transport;

pub use error::{Error, Result};
