//! Connections between an SBC and Microsoft over time: which address the SBC tried, what became of it, and until when packets came.

use super::{Attempt, Fate, Parties};
use crate::flow::{Content, Seen};
use crate::record::Seq;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::SocketAddr;

/// Connections that are remembered of each SBC.
const MOST_LINKS: usize = 2048;

/// One connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Its first packet.
    pub first: Seen,
    /// Time of its last packet.
    pub until: Timestamp,
    /// Microsoft's end.
    pub to: SocketAddr,
    /// What became of it, where the SBC opened it and its SYN was seen.
    pub tried: Option<Fate>,
    /// It carried something that nobody could read.
    pub unread: bool,
}

impl Link {
    /// The SBC tried in vain to open it.
    pub fn failed(&self) -> bool {
        matches!(self.tried, Some(Fate::Unanswered(_) | Fate::Reset(_) | Fate::Closed(_)))
    }

    /// Packets passed on it within this time, and it was not tried in vain.
    pub fn is_alive(&self, from: Timestamp, until: Timestamp) -> bool {
        !self.failed() && self.first.at <= until && self.until >= from
    }
}

/// The connections of one SBC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reach {
    links: BTreeMap<Seq, Link>,
    /// Connections that were let go: later ones than those that are kept.
    pub let_go: u64,
}

impl Reach {
    /// Takes in a connection that is over, or as far as it came.
    pub fn connection(&mut self, parties: &Parties<'_>, clock: Timestamp) {
        let connection = parties.connection;
        let runs = connection.halves.iter().flat_map(|half| &half.sightings.0);
        let until = runs.map(|run| run.last).max().unwrap_or(connection.first.at);
        let tried = Attempt::by_sbc(parties, clock).map(|attempt| attempt.fate);
        let carried = connection.tls.as_ref().is_none_or(|tls| tls.data != [0, 0]);
        let unread = connection.content == Content::Tls && carried;
        self.link(Link { first: connection.first, until, to: parties.microsoft, tried, unread });
    }

    fn link(&mut self, link: Link) {
        self.let_go += u64::from(put(&mut self.links, link.first.seq, link, MOST_LINKS));
    }

    /// Takes in what was gathered beside it.
    pub fn merge(&mut self, other: Reach) {
        self.let_go += other.let_go;
        other.links.into_values().for_each(|link| self.link(link));
    }

    /// The connections in order of first packet.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }
}

/// Puts a value into a map that holds the `most` first ones by their key; whether one was let go.
pub(super) fn put<T>(map: &mut BTreeMap<Seq, T>, seq: Seq, value: T, most: usize) -> bool {
    map.insert(seq, value);
    map.len() > most && map.pop_last().is_some()
}
