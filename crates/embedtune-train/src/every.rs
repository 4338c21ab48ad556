//! Intervals of a run.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    TrainError,
    config::{check, setting},
};

/// How often something happens. In files and on command lines: an integer is steps, a fraction
/// below 1 a share of all steps, `epoch` the end of each epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Every {
    /// After this many optimizer steps, at least 1.
    Steps(u64),
    /// After this share of all optimizer steps, in `(0, 1)`, rounded up to whole steps.
    Ratio(f64),
    /// At the end of each epoch.
    #[serde(with = "epoch")]
    Epoch,
}

/// The unit variant of an untagged enum, as a word.
mod epoch {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("epoch")
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "epoch" => Ok(()),
            _ => Err(D::Error::custom("expected a number of steps, a share of them, or `epoch`")),
        }
    }
}

impl Every {
    /// Whether it is time after `step` of `total` steps, the last of which may have ended an epoch.
    pub(crate) fn is_due(&self, step: u64, total: u64, epoch_ended: bool) -> bool {
        match *self {
            Self::Steps(steps) => step.is_multiple_of(steps),
            Self::Ratio(ratio) => {
                step.is_multiple_of(((total as f64 * ratio).ceil() as u64).max(1))
            }
            Self::Epoch => epoch_ended,
        }
    }

    pub(crate) fn validate(&self, name: &'static str) -> Result<(), TrainError> {
        let valid = match *self {
            Self::Steps(steps) => steps > 0,
            Self::Ratio(ratio) => ratio > 0.0 && ratio < 1.0,
            Self::Epoch => true,
        };
        check(valid, name, self, EVERY)
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steps(steps) => steps.fmt(f),
            Self::Ratio(ratio) => ratio.fmt(f),
            Self::Epoch => f.write_str("epoch"),
        }
    }
}

const EVERY: &str = "a number of steps, a share of all steps below 1, or `epoch`";

impl FromStr for Every {
    type Err = TrainError;

    fn from_str(text: &str) -> Result<Self, TrainError> {
        let every = match text {
            "epoch" => Ok(Self::Epoch),
            _ => text.parse().map(Self::Steps).or_else(|_| text.parse().map(Self::Ratio)),
        };
        let name = "interval";
        let every = every.map_err(|_| setting(name, text.to_owned(), EVERY))?;
        every.validate(name).map(|()| every)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_by_steps_share_and_epoch() {
        let steps = |every: &str, total| -> Vec<u64> {
            let every: Every = every.parse().unwrap();
            (1..=total).filter(|&step| every.is_due(step, total, step % 5 == 0)).collect()
        };
        assert_eq!(steps("4", 10), [4, 8]);
        assert_eq!(steps("0.25", 10), [3, 6, 9]);
        assert_eq!(steps("epoch", 10), [5, 10]);
        assert!("0".parse::<Every>().is_err());
    }
}
