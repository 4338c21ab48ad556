//! embedtune-eval
