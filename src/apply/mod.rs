//! Installs scripts on a node, detects drift, removes them.
