//! embedtune-train
