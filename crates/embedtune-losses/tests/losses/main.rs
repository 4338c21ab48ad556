//! Tests of every loss from outside, in one program.

// A failing comparison names elements; the printed line says of which case.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod behaviour;
mod goldens;
mod mnrl_twin;
mod support;
