//! The report, for machines and for people.

mod facts;
mod html;
mod json;

pub use self::facts::Facts;
pub use self::html::HtmlReport;
pub use self::json::{DataFacts, JsonReport, SystemScores};
