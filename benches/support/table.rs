//! The table that `make bench` prints, a row at a time.

use super::goal::Goal;
use super::measure::{Memory, Times};
use std::fmt;

/// The first two lines.
pub const HEAD: &str = "\
| shape | tool | packets | best s | median s | ns/packet | packets/s | GB/s | peak MB | state MB | × floor | × tcpdump | × T | goal |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |";

/// One tool on one capture.
pub struct Row {
    /// Shape of the capture.
    pub shape: String,
    /// The tool, and how it was started.
    pub tool: String,
    /// Records that it had to read.
    pub packets: u64,
    /// Bytes that it had to read, unpacked.
    pub bytes: u64,
    /// How long it took, or why there is no figure.
    pub times: Result<Times, String>,
    /// Most anonymous memory.
    pub memory: Memory,
    /// Seconds of the bare record walk, where that is more than nothing.
    pub floor: Option<f64>,
    /// Seconds of tcpdump's copy of the same file.
    pub copy: Option<f64>,
    /// Seconds as a multiple of tcpdump's copy of *big*, both in full.
    pub of_t: Option<f64>,
    /// What it has to reach.
    pub goals: Vec<Goal>,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { shape, tool, packets, .. } = self;
        write!(f, "| {shape} | {tool} | {packets} | ")?;
        let Times { best, median } = match &self.times {
            Ok(times) => *times,
            Err(problem) => return write!(f, "{problem} | - | - | - | - | - | - | - | - | - | - |"),
        };
        let n = *packets as f64;
        let or_dash = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.2}"));
        let goals: Vec<String> = self.goals.iter().map(ToString::to_string).collect();
        write!(
            f,
            "{best:.3} | {median:.3} | {:.1} | {:.0} | {:.2} | {} | {} | {} | {} | {} |",
            best * 1e9 / n,
            n / best,
            self.bytes as f64 / best / 1e9,
            self.memory.cells(),
            or_dash(self.floor.map(|floor| best / floor)),
            or_dash(self.copy.map(|copy| best / copy)),
            or_dash(self.of_t),
            goals.join("; "),
        )
    }
}
