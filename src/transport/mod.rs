//! Carries one route: outbox to inbox.
