//! The ports of an SBC: those that its Contact names, and how Microsoft's connections fare at each.

use super::{Attempt, Fate};
use crate::flow::Seen;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Ports, and names with a port, that are remembered of each SBC.
const MOST_PORTS: usize = 16;

/// What the SBC calls itself in Contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// The host, a name, in lower case.
    pub host: String,
    /// The port; the default where none is written.
    pub port: u16,
    /// Where.
    pub seen: Seen,
    /// The line that says so.
    pub excerpt: String,
}

/// How connections to a port fared that Microsoft's signalling addresses opened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// Connections that were taken, those included that were closed again.
    pub taken: u64,
    /// The first of them over which TLS or SIP went.
    pub spoken: Option<Attempt>,
    /// SYNs that a reset answered, or nothing.
    pub refused: u64,
    /// The first attempt with such.
    pub first_refused: Option<Attempt>,
    /// Attempts whose fate the capture does not show.
    pub unknown: u64,
}

/// The ports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ports {
    /// By Contact, each host and port once.
    pub named: Vec<Named>,
    /// By connections.
    pub tried: BTreeMap<u16, Tried>,
}

impl Ports {
    /// Takes in what a Contact says.
    pub fn name(&mut self, named: Named) {
        let known = self.named.iter().any(|known| (known.port, &known.host) == (named.port, &named.host));
        if self.named.len() < MOST_PORTS && !known {
            self.named.push(named);
        }
    }

    /// Takes in an attempt; `spoken`: TLS or SIP went over it.
    pub fn attempt(&mut self, attempt: &Attempt, spoken: bool) {
        let Some(tried) = self.of(attempt.to.port()) else { return };
        let syns = match attempt.fate {
            Fate::Taken | Fate::Closed(_) => {
                tried.taken += 1;
                if spoken {
                    tried.spoken.get_or_insert(*attempt);
                }
                return;
            }
            Fate::Unknown(_) => {
                tried.unknown += 1;
                return;
            }
            Fate::Reset(_) => 1,
            Fate::Unanswered(syns) => u64::from(syns),
        };
        tried.refused += syns;
        tried.first_refused.get_or_insert(*attempt);
    }

    /// Takes in what was gathered later.
    pub fn merge(&mut self, later: Ports) {
        later.named.into_iter().for_each(|named| self.name(named));
        for (port, theirs) in later.tried {
            let Some(tried) = self.of(port) else { continue };
            tried.taken += theirs.taken;
            tried.refused += theirs.refused;
            tried.unknown += theirs.unknown;
            tried.spoken = tried.spoken.or(theirs.spoken);
            tried.first_refused = tried.first_refused.or(theirs.first_refused);
        }
    }

    fn of(&mut self, port: u16) -> Option<&mut Tried> {
        let full = self.tried.len() >= MOST_PORTS && !self.tried.contains_key(&port);
        (!full).then(|| self.tried.entry(port).or_default())
    }
}
