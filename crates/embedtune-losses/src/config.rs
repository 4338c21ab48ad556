//! Losses by name.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    ContrastiveConfig, Loss, LossError, MnrlConfig, OnlineContrastiveConfig, TripletConfig,
};

/// Any loss of this crate with its settings.
///
/// In a file the field `type` names the loss and stands beside its settings; in code a name alone
/// gives the defaults:
///
/// ```
/// use embedtune_losses::{LossConfig, MnrlConfig};
///
/// let from_file: LossConfig = serde_json::from_str(r#"{"type": "mnrl", "temperature": 0.02}"#)?;
/// assert_eq!(from_file, LossConfig::Mnrl(MnrlConfig::default().with_temperature(0.02)));
///
/// let loss = "triplet".parse::<LossConfig>()?.build()?;
/// assert_eq!(loss.name(), "triplet");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum LossConfig {
    /// Multiple negatives ranking, [`Mnrl`](crate::Mnrl).
    Mnrl(MnrlConfig),
    /// Triplet margin, [`Triplet`](crate::Triplet).
    Triplet(TripletConfig),
    /// Contrastive over labelled pairs, [`Contrastive`](crate::Contrastive).
    Contrastive(ContrastiveConfig),
    /// Contrastive over hard pairs, [`OnlineContrastive`](crate::OnlineContrastive).
    OnlineContrastive(OnlineContrastiveConfig),
}

impl LossConfig {
    /// Names that [`LossConfig::from_str`] knows.
    pub const NAMES: &'static [&'static str] =
        &["mnrl", "triplet", "contrastive", "online-contrastive"];

    /// The loss's name, one of [`LossConfig::NAMES`].
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mnrl(_) => "mnrl",
            Self::Triplet(_) => "triplet",
            Self::Contrastive(_) => "contrastive",
            Self::OnlineContrastive(_) => "online-contrastive",
        }
    }

    /// Checks the settings and makes the loss.
    ///
    /// # Errors
    /// As the `build` of the settings.
    pub fn build(&self) -> Result<Box<dyn Loss>, LossError> {
        Ok(match self.clone() {
            Self::Mnrl(config) => Box::new(config.build()?),
            Self::Triplet(config) => Box::new(config.build()?),
            Self::Contrastive(config) => Box::new(config.build()?),
            Self::OnlineContrastive(config) => Box::new(config.build()?),
        })
    }
}

impl Default for LossConfig {
    /// Multiple negatives ranking: it needs nothing but pairs.
    fn default() -> Self {
        Self::Mnrl(MnrlConfig::default())
    }
}

impl FromStr for LossConfig {
    type Err = LossError;

    fn from_str(name: &str) -> Result<Self, LossError> {
        match name {
            "mnrl" => Ok(Self::Mnrl(MnrlConfig::default())),
            "triplet" => Ok(Self::Triplet(TripletConfig::default())),
            "contrastive" => Ok(Self::Contrastive(ContrastiveConfig::default())),
            "online-contrastive" => Ok(Self::OnlineContrastive(OnlineContrastiveConfig::default())),
            _ => Err(LossError::Unknown { name: name.to_owned(), known: Self::NAMES }),
        }
    }
}
