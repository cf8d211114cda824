//! The rules of the tree that no compiler checks. Each failure says where and what to do.

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test fails by panicking.

#[path = "tidy/documents.rs"]
mod documents;
#[path = "tidy/layers.rs"]
mod layers;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/tree.rs"]
mod tree;
