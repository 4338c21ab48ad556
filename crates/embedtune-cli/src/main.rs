//! The `embedtune` command.
fn main() {}
