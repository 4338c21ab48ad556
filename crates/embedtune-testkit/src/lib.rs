//! What embedtune's own tests share: tolerances, finite differences, golden files, temporary
//! copies of fixtures, and a model that is only a hash function.
//!
//! It is a development dependency and never published. Everything here panics instead of
//! returning errors, because a test has nobody to return them to.
//!
//! # Why
//! "Close" must mean one thing in every crate, and a golden file must fail by naming the tensor
//! and the element that differ.
//!
//! # Example
//! ```
//! use embedtune_testkit::{Tolerance, assert_close, finite_difference};
//!
//! // d/dx sum(x^2) = 2 x
//! let x = [1.0, -2.0, 0.5];
//! let numeric = finite_difference(&x, 1e-5, |x| x.iter().map(|v| v * v).sum());
//! assert_close(&numeric, &[2.0, -4.0, 1.0], Tolerance::relative(1e-9));
//! ```

#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod close;
mod difference;
mod files;
mod golden;
mod hash_embed;
mod random;

pub use close::{Tolerance, assert_close, max_difference};
pub use difference::finite_difference;
pub use files::{copy_dir, temp_dir, test_data, test_model};
pub use golden::{Golden, golden_json};
pub use hash_embed::HashEmbed;
pub use random::{normal, uniform};
