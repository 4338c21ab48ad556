//! embedtune
