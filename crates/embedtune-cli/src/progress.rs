//! What the user sees while a command works: bars on a terminal, plain lines elsewhere.

use std::{
    io::{IsTerminal, Write},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Seconds between plain lines where there is no terminal.
const PLAIN_EVERY: Duration = Duration::from_secs(15);

/// Where progress goes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    quiet: bool,
    terminal: bool,
}

impl Console {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet, terminal: std::io::stderr().is_terminal() }
    }

    /// Begins a stage of the work.
    pub(crate) fn heading(&self, title: &str) {
        if self.terminal {
            self.line(&format!("\n\x1b[1m{title}\x1b[0m"));
        } else {
            self.line(&format!("\n== {title}"));
        }
    }

    /// Says something in a line.
    pub(crate) fn line(&self, text: &str) {
        if !self.quiet {
            // If stderr is gone there is nobody to tell.
            let _ = writeln!(std::io::stderr(), "{text}");
        }
    }

    /// A bar of `total` units.
    pub(crate) fn bar(&self, what: &str, total: u64) -> Bar {
        self.bar_from(what, 0, total)
    }

    /// A bar of `total` units of which `done` were done before.
    pub(crate) fn bar_from(&self, what: &str, done: u64, total: u64) -> Bar {
        let drawn = self.terminal && !self.quiet;
        let bar = if drawn {
            ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr())
        } else {
            ProgressBar::hidden()
        };
        let style = "{prefix:<16} {wide_bar} {percent:>3} %  {msg}  {eta} left";
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_prefix(what.to_owned());
        bar.set_length(total);
        bar.set_position(done);
        bar.reset_eta();
        let plain = (!self.quiet && !self.terminal).then(|| Plain {
            what: what.to_owned(),
            begun_at: done,
            total,
            started: Instant::now(),
            spoken: Instant::now(),
        });
        Bar { bar, plain: Arc::new(Mutex::new(plain)) }
    }
}

/// Progress of one task. Clones show the same bar.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    bar: ProgressBar,
    plain: Arc<Mutex<Option<Plain>>>,
}

#[derive(Debug)]
struct Plain {
    what: String,
    begun_at: u64,
    total: u64,
    started: Instant,
    spoken: Instant,
}

impl Bar {
    /// Shows that `done` units are done, with a remark.
    pub(crate) fn set(&self, done: u64, message: &str) {
        self.bar.set_position(done);
        self.bar.set_message(message.to_owned());
        let Ok(mut plain) = self.plain.lock() else { return };
        if let Some(plain) = plain.as_mut()
            && (plain.spoken.elapsed() >= PLAIN_EVERY)
            && done > plain.begun_at
        {
            plain.spoken = Instant::now();
            let speed = (done - plain.begun_at) as f64 / plain.started.elapsed().as_secs_f64();
            let left = plain.total.saturating_sub(done) as f64 / speed;
            let percent = 100 * done / plain.total.max(1);
            let Plain { what, .. } = &*plain;
            let _ = writeln!(
                std::io::stderr(),
                "{what}: {percent} %  {message}  {} left",
                duration(left)
            );
        }
    }

    /// Sets the number of units when it becomes known.
    pub(crate) fn set_total(&self, total: u64) {
        self.bar.set_length(total);
        if let Ok(mut plain) = self.plain.lock()
            && let Some(plain) = plain.as_mut()
        {
            plain.total = total;
        }
    }

    /// Shows a line above the bar.
    pub(crate) fn line(&self, text: &str) {
        if self.bar.is_hidden() {
            if let Ok(plain) = self.plain.lock()
                && plain.is_some()
            {
                let _ = writeln!(std::io::stderr(), "{text}");
            }
        } else {
            self.bar.println(text);
        }
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// `42 s`, `3 min 05 s`, `2 h 07 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0).round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// `1,234,567`.
pub(crate) fn thousands(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(duration(41.6), "42 s");
        assert_eq!(duration(185.0), "3 min 05 s");
        assert_eq!(duration(7620.0), "2 h 07 min");
        assert_eq!([0, 999, 1000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
    }
}
