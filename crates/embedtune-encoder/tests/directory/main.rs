//! Model directories: every layout that is read, the one that is written, and what is refused.

#![allow(clippy::unwrap_used)]

mod errors;
mod layouts;
mod save;
mod settings;
mod support;
