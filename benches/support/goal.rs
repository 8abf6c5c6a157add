//! What a run has to reach, and whether it did.

use std::fmt;

/// A goal: the value that was measured is to be no more than `goal`, and no more than `least` in any case.
pub struct Goal {
    text: String,
    value: f64,
    goal: f64,
    least: f64,
}

impl Goal {
    /// Seconds as a multiple of tcpdump's copy of *big*, both in full.
    pub fn copies(value: Option<f64>, goal: f64, least: f64) -> Option<Self> {
        Some(Self { text: format!("≤ {goal:.2} T"), value: value?, goal, least })
    }

    /// Seconds as a multiple of another row's.
    pub fn times(value: Option<f64>, of: &str, goal: f64, least: f64) -> Option<Self> {
        Some(Self { text: format!("≤ {goal:.2} × {of}"), value: value?, goal, least })
    }

    /// So many times faster with two threads than with one.
    pub fn speedup(one: Option<f64>, two: Option<f64>, goal: f64, least: f64) -> Option<Self> {
        let text = format!("two threads ≥ {goal:.1} × faster, {:.2}", one? / two?);
        Some(Self { text, value: two? / one?, goal: 1.0 / goal, least: 1.0 / least })
    }

    /// Peak anonymous memory in MB.
    pub fn memory(peak: Option<u64>, most: f64) -> Option<Self> {
        Some(Self { text: format!("≤ {most:.0} MB"), value: peak? as f64 / 1e6, goal: most, least: most })
    }

    /// Milliseconds.
    pub fn ms(seconds: Option<f64>, most: f64) -> Option<Self> {
        Some(Self { text: format!("≤ {most:.0} ms"), value: seconds? * 1e3, goal: most, least: most })
    }

    /// Growth from one step to another that should be even.
    pub fn even(value: Option<f64>, what: &str) -> Option<Self> {
        Some(Self { text: format!("{what} ≤ 1.10"), value: value?, goal: 1.1, least: 1.1 })
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = match self.value {
            value if value <= self.goal => "met",
            value if value <= self.least => "at least met",
            _ => "**missed**",
        };
        write!(f, "{}: {verdict}", self.text)
    }
}
