//! The time from the command to the first step of a training.

use std::{
    sync::{Arc, OnceLock},
    time::Instant,
};

use embedtune_train::Callback;

/// When the program began.
static BEGAN: OnceLock<Instant> = OnceLock::new();

/// Takes note that the program begins.
pub(crate) fn begin() {
    BEGAN.get_or_init(Instant::now);
}

/// Seconds since the program began.
fn seconds() -> f64 {
    BEGAN.get_or_init(Instant::now).elapsed().as_secs_f64()
}

/// Tells, to those who want to know more, what the time before the first step went into.
pub(crate) struct Laps {
    last: f64,
}

impl Laps {
    pub(crate) fn new() -> Self {
        Self { last: 0.0 }
    }

    /// Ends the stage called `stage`.
    pub(crate) fn end(&mut self, stage: &str) {
        let now = seconds();
        tracing::info!("{stage}: {:.3} s, {now:.3} s since the start", now - self.last);
        self.last = now;
    }
}

/// Notes when the first step begins, tokens and all.
pub(crate) struct FirstStep {
    seconds: Arc<OnceLock<f64>>,
}

impl FirstStep {
    /// A callback, and where it writes the seconds since the program began.
    pub(crate) fn new() -> (Self, Arc<OnceLock<f64>>) {
        let seconds = Arc::default();
        (Self { seconds: Arc::clone(&seconds) }, seconds)
    }
}

impl Callback for FirstStep {
    fn on_start(&mut self, _step: u64, _total_steps: u64) {
        let now = seconds();
        self.seconds.get_or_init(|| now);
        tracing::info!("the first step begins {now:.3} s since the start");
    }
}
