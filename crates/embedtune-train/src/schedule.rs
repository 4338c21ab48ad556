//! The learning rate as a function of the step.

use std::{f64::consts::PI, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::TrainError;

/// How long the learning rate rises from 0 before the schedule begins.
///
/// In files and on command lines an integer is steps and a fraction below 1 a share of all steps:
///
/// ```
/// use embedtune_train::Warmup;
///
/// assert_eq!("100".parse::<Warmup>()?, Warmup::Steps(100));
/// assert_eq!("0.1".parse::<Warmup>()?.steps(205), 21);
/// # Ok::<(), embedtune_train::TrainError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Warmup {
    /// A number of optimizer steps; 0 is no warmup.
    Steps(u64),
    /// A share of all optimizer steps, in `[0, 1)`, rounded up to whole steps.
    Ratio(f64),
}

impl Warmup {
    /// Warmup steps of a run of `total_steps`.
    pub fn steps(&self, total_steps: u64) -> u64 {
        match *self {
            Self::Steps(steps) => steps,
            Self::Ratio(ratio) => (total_steps as f64 * ratio).ceil() as u64,
        }
    }

    pub(crate) fn validate(&self) -> Result<(), TrainError> {
        match *self {
            Self::Ratio(ratio) if !(0.0..1.0).contains(&ratio) => Err(invalid(&ratio.to_string())),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Warmup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => steps.fmt(f),
            Self::Ratio(ratio) => ratio.fmt(f),
        }
    }
}

impl FromStr for Warmup {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let steps = text.parse().map(Self::Steps);
        let warmup = steps.or_else(|_| text.parse().map(Self::Ratio)).map_err(|_| invalid(text))?;
        warmup.validate().map_err(|_| invalid(text))?;
        Ok(warmup)
    }
}

fn invalid(value: &str) -> TrainError {
    TrainError::Setting {
        name: "warmup",
        value: value.to_owned(),
        expected: "a whole number of steps, or a share of all steps below 1",
    }
}

/// What the learning rate does after the warmup. The formulas are those of the schedules of the
/// same names in Hugging Face transformers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Schedule {
    /// Falls in a straight line to 0 at the end of the run.
    #[default]
    Linear,
    /// Falls along half a cosine wave to 0 at the end of the run.
    Cosine,
    /// Stays.
    Constant,
}

impl Schedule {
    /// Factor on the learning rate in the step after `step` steps, in a run of `total` steps of
    /// which `warmup` are warmup. During the warmup it is `step / warmup`, so 0 at first.
    pub fn factor(&self, step: u64, warmup: u64, total: u64) -> f64 {
        if step < warmup {
            return step as f64 / warmup as f64;
        }
        let rest = total.saturating_sub(warmup).max(1) as f64;
        match self {
            Self::Linear => total.saturating_sub(step) as f64 / rest,
            Self::Cosine => {
                let progress = (step - warmup) as f64 / rest;
                (0.5 * (1.0 + (PI * progress).cos())).max(0.0)
            }
            Self::Constant => 1.0,
        }
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linear => "linear",
            Self::Cosine => "cosine",
            Self::Constant => "constant",
        })
    }
}

impl FromStr for Schedule {
    type Err = TrainError;

    fn from_str(name: &str) -> Result<Self, TrainError> {
        match name {
            "linear" => Ok(Self::Linear),
            "cosine" => Ok(Self::Cosine),
            "constant" => Ok(Self::Constant),
            _ => Err(TrainError::Setting {
                name: "schedule",
                value: name.to_owned(),
                expected: "linear, cosine or constant",
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warmup_is_steps_or_a_share() {
        assert_eq!(Warmup::Steps(7).steps(100), 7);
        assert_eq!(Warmup::Ratio(0.1).steps(101), 11);
        assert_eq!(serde_json::from_str::<Warmup>("10").unwrap(), Warmup::Steps(10));
        assert_eq!(serde_json::from_str::<Warmup>("0.25").unwrap(), Warmup::Ratio(0.25));
        for text in ["-1", "1.5", "1.0", "NaN", "ten"] {
            let error = text.parse::<Warmup>().unwrap_err().to_string();
            assert!(error.contains("warmup") && error.contains(text), "{error}");
        }
    }

    #[test]
    fn ends_at_zero_and_starts_at_zero() {
        for schedule in [Schedule::Linear, Schedule::Cosine] {
            assert_eq!(schedule.factor(0, 5, 50), 0.0);
            assert_eq!(schedule.factor(5, 5, 50), 1.0);
            assert_eq!(schedule.factor(50, 5, 50), 0.0);
        }
        assert_eq!(Schedule::Constant.factor(50, 5, 50), 1.0);
    }

    #[test]
    fn warmup_longer_than_the_run_only_rises() {
        assert_eq!(Schedule::Linear.factor(3, 10, 4), 0.3);
    }
}
