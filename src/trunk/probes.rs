//! OPTIONS that an SBC sent to Microsoft, by whom they are for, and what came back.

use super::stretches::{Mark, Stretch, Stretches};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

/// Of so many OPTIONS each is remembered by itself, those that were sent first.
const MOST_PROBES: usize = 256;

/// What OPTIONS were for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Target {
    /// Host of the Contact, which is the trunk that they keep alive; empty where none is.
    pub contact: String,
    /// Host of the Request-URI; empty where only the response was seen.
    pub host: String,
    /// The address that they were sent to.
    pub address: IpAddr,
}

/// One OPTIONS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Probe {
    /// When it was sent; where only the response was seen, when that came.
    pub sent: Mark,
    /// Status of its final response.
    pub status: Option<u16>,
}

/// The OPTIONS of one target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probes {
    /// The first [`MOST_PROBES`], in order of time.
    pub first: Vec<Probe>,
    /// How many there were.
    pub n: u64,
    /// All of them, where they are at most three minutes apart.
    pub runs: Stretches<180, 32>,
}

impl Probes {
    /// Adds one. Gives from when on runs are not all known, where that is so.
    pub fn add(&mut self, probe: Probe) -> Option<Timestamp> {
        self.n += 1;
        self.keep(probe);
        self.runs.add(Stretch::of(probe.sent))
    }

    /// Adds what others know; gives what [`Self::add`] does.
    pub fn merge(&mut self, others: Probes) -> Option<Timestamp> {
        self.n += others.n;
        others.first.into_iter().for_each(|probe| self.keep(probe));
        self.runs.merge(others.runs)
    }

    /// From when on they are not remembered each by itself.
    pub fn known_until(&self) -> Timestamp {
        let last = self.first.last().filter(|_| self.n > self.first.len() as u64);
        last.map_or(Timestamp(i64::MAX), |probe| probe.sent.at)
    }

    fn keep(&mut self, probe: Probe) {
        let at = self.first.partition_point(|known| *known <= probe);
        if at < MOST_PROBES {
            self.first.insert(at, probe);
            self.first.truncate(MOST_PROBES);
        }
    }
}

/// A final response other than 2xx to OPTIONS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// How often.
    pub n: u64,
    /// The first response.
    pub response: Mark,
    /// Its status line.
    pub line: String,
    /// Its Reason.
    pub reason: Option<String>,
    /// Who sent it.
    pub by: IpAddr,
    /// Its request and that one's start line, if it was seen.
    pub request: Option<(Mark, String)>,
}

impl Refused {
    /// Takes in others of the same status.
    pub fn merge(&mut self, other: Refused) {
        let n = self.n + other.n;
        if other.response < self.response {
            *self = other;
        }
        self.n = n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{RecordId, Seq};

    #[test]
    fn the_first_are_remembered_in_whatever_order_they_come() {
        let probe = |n: u64| Probe {
            sent: Mark { at: Timestamp(n as i64 * 60_000_000_000), seq: Seq(n), id: RecordId { input: 0, number: n } },
            status: Some(200),
        };
        let (mut up, mut down, mut parts) = (Probes::default(), Probes::default(), Probes::default());
        let mut rest = Probes::default();
        for n in 0..300 {
            up.add(probe(n));
            down.add(probe(299 - n));
            if n % 3 == 0 { &mut parts } else { &mut rest }.add(probe(n));
        }
        parts.merge(rest);
        assert_eq!((&up, &up), (&down, &parts));
        assert_eq!((up.first.len(), up.known_until().0 / 60_000_000_000, up.runs.iter().count()), (MOST_PROBES, 255, 1));
    }
}
