//! Names of the service that an SBC uses, and the first record that shows each use.

use super::stretches::{Mark, Stretches};
use crate::flow::tls::is_service;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Names that are remembered, the first in order of the alphabet.
const MOST_NAMES: usize = 64;
/// Addresses that are remembered of each, the lowest.
const MOST_ADDRESSES: usize = 16;

/// A use, by the first record that shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cited {
    /// That record.
    pub first: Mark,
    /// The line of it.
    pub line: String,
    /// The final response to it, if it is a request.
    pub answer: Option<(Mark, String)>,
    /// How often.
    pub n: u64,
    /// How often the other side took it.
    pub accepted: u64,
}

impl Cited {
    /// Adds a use to those that are known.
    pub fn add(known: &mut Option<Cited>, other: Cited) {
        match known {
            Some(known) => {
                let (n, accepted) = (known.n + other.n, known.accepted + other.accepted);
                if other.first < known.first {
                    *known = other;
                }
                (known.n, known.accepted) = (n, accepted);
            }
            None => *known = Some(other),
        }
    }
}

/// How a name is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// A TLS connection was opened for it.
    pub asked: Option<Cited>,
    /// At these addresses.
    pub addresses: BTreeSet<IpAddr>,
    /// The Request-URI or Route of a request outside a dialog names it.
    pub requested: Option<Cited>,
    /// So does that of an OPTIONS.
    pub probed: bool,
    /// That of an INVITE, or the connection that it is sent over.
    pub called: Option<Cited>,
    /// OPTIONS for it; where nobody could read, data on connections for it.
    pub steady: Stretches<300, 16>,
}

impl Name {
    /// A TLS connection for it was opened to this address.
    pub fn at(&mut self, address: IpAddr) {
        self.addresses.insert(address);
        if self.addresses.len() > MOST_ADDRESSES {
            self.addresses.pop_last();
        }
    }

    fn merge(&mut self, other: Name) -> Option<Timestamp> {
        other.asked.into_iter().for_each(|cited| Cited::add(&mut self.asked, cited));
        other.requested.into_iter().for_each(|cited| Cited::add(&mut self.requested, cited));
        other.called.into_iter().for_each(|cited| Cited::add(&mut self.called, cited));
        other.addresses.into_iter().for_each(|address| self.at(address));
        self.probed |= other.probed;
        self.steady.merge(other.steady)
    }
}

/// The names, in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    known: BTreeMap<String, Name>,
    /// There were more.
    pub more: bool,
}

impl Names {
    /// What is known of a name, to add to it; `None` for one that is not the service's.
    pub fn of(&mut self, name: &str) -> Option<&mut Name> {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        if !is_service(&name) && !name.contains("pstnhub") {
            return None;
        }
        self.known.entry(name.clone()).or_default();
        if self.known.len() > MOST_NAMES {
            self.known.pop_last();
            self.more = true;
        }
        self.known.get_mut(&name)
    }

    /// What is known of a name.
    pub fn get(&self, name: &str) -> Option<&Name> {
        self.known.get(name)
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Name)> {
        self.known.iter().map(|(name, known)| (name.as_str(), known))
    }

    /// There is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Takes in others.
    pub fn merge(&mut self, others: Names) {
        self.more |= others.more;
        for (name, other) in others.known {
            if let Some(known) = self.of(&name) {
                known.merge(other);
            }
        }
    }
}
