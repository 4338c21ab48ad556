//! The report, for machines and for people.

mod facts;
mod histogram;
mod html;
mod json;
mod learning;
mod lengths;
mod scores;
mod verdict;

pub use self::facts::Facts;
pub use self::histogram::Histogram;
pub use self::html::HtmlReport;
pub use self::json::{DataFacts, JsonReport, SystemScores};
pub use self::learning::{LearningCurve, LearningPoint};
pub use self::lengths::TextLengths;
pub use self::scores::ScoreDistribution;
