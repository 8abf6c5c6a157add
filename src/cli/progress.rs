//! A progress bar on standard error: bytes, rate, remaining time, records. Only on a terminal, only for work over a second.

use super::args::Analyze;
use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, stderr};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Work that ends earlier shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// Redraws a second at most.
const HZ: u8 = 10;

/// Shows how far reading has come. Shared between threads; [`Progress::update`] is cheap enough for every window.
pub struct Progress {
    shown: bool,
    since: Instant,
    bar: OnceLock<ProgressBar>,
}

impl Progress {
    /// A bar as `args` ask for it: none with `-q` or `--no-progress` or when standard error is no terminal.
    pub fn new(args: &Analyze) -> Self {
        Self::shown(!args.quiet && !args.no_progress && stderr().is_terminal())
    }

    fn shown(shown: bool) -> Self {
        Self { shown, since: Instant::now(), bar: OnceLock::new() }
    }

    /// `bytes` of `total` are read (the total of a pipe is unknown), and `records` of all inputs.
    pub fn update(&self, bytes: u64, total: Option<u64>, records: u64) {
        if !self.shown || self.since.elapsed() < PATIENCE {
            return;
        }
        let bar = self.bar.get_or_init(|| start(total, self.since.elapsed()));
        if let Some(total) = total {
            bar.set_length(total.max(bytes));
        }
        bar.set_message(format!("{} records", HumanCount(records)));
        bar.set_position(bytes);
    }

    /// Removes the bar, so that the report begins on a clean line.
    pub fn clear(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }
}

fn start(total: Option<u64>, elapsed: Duration) -> ProgressBar {
    let target = ProgressDrawTarget::stderr_with_hz(HZ);
    let bar = ProgressBar::with_draw_target(total, target).with_elapsed(elapsed);
    bar.with_style(if total.is_some() { of_known() } else { of_unknown() })
}

fn of_known() -> ProgressStyle {
    style("{wide_bar} {percent:>3} %  {decimal_bytes_per_sec}  {msg}  {eta} left")
}

fn of_unknown() -> ProgressStyle {
    style("{spinner} {decimal_bytes}  {decimal_bytes_per_sec}  {msg}  {elapsed}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("a template of this file").progress_chars("━╸ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_work_and_hidden_progress_start_no_bar() {
        let short = Progress::shown(true);
        short.update(1, Some(2), 3);
        assert!(short.bar.get().is_none());
        let hidden = Progress { since: Instant::now() - PATIENCE, ..Progress::shown(false) };
        hidden.update(1, Some(2), 3);
        assert!(hidden.bar.get().is_none());
    }

    #[test]
    fn long_work_shows_bytes_and_records() {
        let progress = Progress { since: Instant::now() - PATIENCE, ..Progress::shown(true) };
        progress.update(1_000, Some(4_000), 12_345);
        progress.update(5_000, Some(4_000), 23_456);
        let bar = progress.bar.get().unwrap();
        assert_eq!((bar.position(), bar.length(), bar.message()), (5_000, Some(5_000), "23,456 records".to_owned()));
        progress.clear();
        assert!(bar.is_finished());
    }
}
