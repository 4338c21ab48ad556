//! Whole runs on a tiny model. One binary, because linking is most of what a test costs here.
#![allow(clippy::unwrap_used)]

mod caching;
mod checkpoints;
mod common;
mod custom_parts;
mod fitting;
mod killed;
mod stopping;
mod tables;
