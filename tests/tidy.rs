//! The rules of the house that a compiler does not know, each an ordinary test.
//!
//! No database, no network, less than a second.

#![expect(clippy::unwrap_used, reason = "a test that meets a surprise ends there")]

#[path = "tidy/dialects.rs"]
mod dialects;
#[path = "tidy/papers.rs"]
mod papers;
#[path = "tidy/rooms.rs"]
mod rooms;
#[path = "tidy/sizes.rs"]
mod sizes;
#[path = "tidy/source.rs"]
mod source;
#[path = "tidy/templates.rs"]
mod templates;
#[path = "tidy/words.rs"]
mod words;
