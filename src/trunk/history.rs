//! The history of an SBC: who of Microsoft reached it and who did not, where it was heard, and where it is called. Bounded, whatever a
//! capture holds, and the same in whatever parts it is gathered as long as they come in order.

use super::{Attempt, Fate, KeepAlive, Named, Parties, PlacedCalls, Ports};
use crate::decode::TapId;
use crate::flow::{Connection, Content, Seen};
use crate::time::Timestamp;
use crate::topology::{Cloud, Place, Topology};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// SBCs that are remembered.
const MOST_SBCS: usize = 1024;
/// Addresses of Microsoft that are remembered of each.
const MOST_PEERS: usize = 256;
/// Taps that are remembered of each.
const MOST_TAPS: usize = 16;
/// Ports that are remembered of each.
const MOST_PORTS: usize = 16;

/// How an address of Microsoft fared with an SBC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Peer {
    /// Connections that the SBC took.
    pub taken: u64,
    /// The first of them.
    pub first_taken: Option<Attempt>,
    /// Connections that it did not.
    pub refused: u64,
    /// The first of them.
    pub first_refused: Option<Attempt>,
    /// The first of those whose fate is not known.
    pub first_unknown: Option<Attempt>,
}

/// What says that an SBC listens on a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// Microsoft opens connections to it.
    Opened,
    /// The SBC's Contact names it.
    Contact,
}

/// A port on which a cloud of Microsoft's calls an SBC.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Called {
    /// The port.
    pub port: u16,
    /// What says so.
    pub how: How,
    /// Where.
    pub seen: Seen,
    /// The line that says so.
    pub excerpt: String,
    /// The cloud.
    pub cloud: CloudOf,
}

/// Clouds that demand a port of the SBC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CloudOf {
    /// GCC High.
    GccHigh,
    /// DoD.
    Dod,
}

impl CloudOf {
    /// Its name in text.
    pub fn name(self) -> &'static str {
        match self {
            CloudOf::GccHigh => "GCC High",
            CloudOf::Dod => "DoD",
        }
    }

    /// The government cloud behind Microsoft's address, if it is one.
    pub fn of(topology: &Topology, microsoft: IpAddr, at: Timestamp) -> Option<Self> {
        match topology.cloud(microsoft, at) {
            Cloud::GccHigh => Some(CloudOf::GccHigh),
            Cloud::Dod => Some(CloudOf::Dod),
            Cloud::Worldwide | Cloud::China | Cloud::Acs => None,
        }
    }
}

/// The history of one SBC, by the address it has towards Microsoft.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrunkHistory {
    /// First packet of a connection with Microsoft.
    pub first: Option<Seen>,
    /// The first that called itself the service from an address in no known prefix, and where.
    pub stranger: Option<(IpAddr, Seen)>,
    /// Addresses of Microsoft that tried to open connections to it.
    pub peers: BTreeMap<IpAddr, Peer>,
    /// Taps where a packet of it to Microsoft was seen.
    pub heard: SmallVec<[TapId; 4]>,
    /// Ports on which it is called, in clouds that demand one; each port and kind once.
    pub called: Vec<Called>,
    /// Ports that it names, and those that Microsoft tries.
    pub ports: Ports,
    /// Calls that it sent to Microsoft, and what it takes to send them.
    pub placed: PlacedCalls,
    /// Its keep-alives. All addresses of an SBC of the topology have theirs together, at its first one.
    pub alive: KeepAlive,
}

impl TrunkHistory {
    fn attempt(&mut self, attempt: Attempt) {
        if self.peers.len() >= MOST_PEERS && !self.peers.contains_key(&attempt.from.ip()) {
            return;
        }
        let peer = self.peers.entry(attempt.from.ip()).or_default();
        let first = match attempt.fate {
            Fate::Taken => {
                peer.taken += 1;
                &mut peer.first_taken
            }
            Fate::Unknown(_) => &mut peer.first_unknown,
            Fate::Unanswered(_) | Fate::Reset(_) | Fate::Closed(_) => {
                peer.refused += 1;
                &mut peer.first_refused
            }
        };
        first.get_or_insert(attempt);
    }

    fn hear(&mut self, tap: TapId) {
        if self.heard.len() < MOST_TAPS && !self.heard.contains(&tap) {
            self.heard.push(tap);
        }
    }

    fn call(&mut self, called: Called) {
        let is = |known: &Called| (known.port, known.how) == (called.port, called.how);
        if self.called.len() < MOST_PORTS && !self.called.iter().any(is) {
            self.called.push(called);
        }
    }

    /// Something of it was seen to go to Microsoft, or to come from there.
    fn speaks(&self) -> bool {
        !self.placed.is_beside() || TrunkHistory { placed: PlacedCalls::default(), ..self.clone() } != TrunkHistory::default()
    }

    fn merge(&mut self, later: TrunkHistory) {
        self.first = self.first.or(later.first);
        self.stranger = self.stranger.or(later.stranger);
        for (ip, peer) in later.peers {
            if self.peers.len() >= MOST_PEERS && !self.peers.contains_key(&ip) {
                continue;
            }
            let known = self.peers.entry(ip).or_default();
            known.taken += peer.taken;
            known.refused += peer.refused;
            known.first_taken = known.first_taken.or(peer.first_taken);
            known.first_refused = known.first_refused.or(peer.first_refused);
            known.first_unknown = known.first_unknown.or(peer.first_unknown);
        }
        later.heard.into_iter().for_each(|tap| self.hear(tap));
        later.called.into_iter().for_each(|called| self.call(called));
        self.ports.merge(later.ports);
        self.placed.merge(later.placed);
        self.alive.merge(later.alive);
    }
}

/// The histories, by SBC.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trunks(BTreeMap<IpAddr, TrunkHistory>);

impl Trunks {
    /// Takes in a connection that is over, or as far as it came; `clock` is how far the capture has come.
    pub fn connection(&mut self, connection: &Connection, topology: &Topology, clock: Timestamp) {
        let Some(parties) = Parties::of(connection, topology) else { return };
        if let Some(alive) = self.alive(parties.sbc.ip(), topology) {
            alive.connection(&parties);
        }
        let Some(history) = self.of(parties.sbc.ip()) else { return };
        history.first.get_or_insert(connection.first);
        let microsoft = parties.microsoft.ip();
        if topology.place_of(microsoft, connection.first.at) == Place::Internet {
            history.stranger.get_or_insert((microsoft, connection.first));
        }
        if let Some(seen) = &connection.half(parties.from_sbc).first {
            history.hear(seen.tap);
        }
        history.placed.connection(&parties, clock);
        let Some(attempt) = Attempt::of(&parties, clock) else { return };
        history.attempt(attempt);
        if topology.is_microsoft_signalling(microsoft, connection.first.at) {
            history.ports.attempt(&attempt, matches!(connection.content, Content::Tls | Content::Sip));
        }
        if let Some(cloud) = CloudOf::of(topology, parties.microsoft.ip(), connection.first.at) {
            let (port, seen) = (parties.sbc.port(), attempt.syn);
            history.call(Called { port, how: How::Opened, seen, excerpt: format!("SYN to port {port}"), cloud });
        }
    }

    /// The SBC at this address says where it is called.
    pub fn called(&mut self, sbc: IpAddr, called: Called) {
        if let Some(history) = self.of(sbc) {
            history.call(called);
        }
    }

    /// The SBC at this address says what it is called, and at which port it listens.
    pub fn named(&mut self, sbc: IpAddr, named: Named) {
        if let Some(history) = self.of(sbc) {
            history.ports.name(named);
        }
    }

    /// What the SBC at this address sends to Microsoft; `None` where too many are remembered.
    pub fn placed(&mut self, sbc: IpAddr) -> Option<&mut PlacedCalls> {
        self.of(sbc).map(|history| &mut history.placed)
    }

    /// The keep-alives of the SBC at this address, to add to them.
    pub fn alive(&mut self, sbc: IpAddr, topology: &Topology) -> Option<&mut KeepAlive> {
        let first = topology.sbc(sbc).and_then(|known| known.signalling.first());
        self.of(first.map_or(sbc, |address| **address)).map(|history| &mut history.alive)
    }

    /// Takes in what was gathered later.
    pub fn merge(&mut self, later: Trunks) {
        for (sbc, history) in later.0 {
            if let Some(known) = self.of(sbc) {
                known.merge(history);
            }
        }
    }

    /// Those that speak with Microsoft, by the SBC's address.
    pub fn iter(&self) -> impl Iterator<Item = (IpAddr, &TrunkHistory)> {
        self.0.iter().filter(|(_, history)| history.speaks()).map(|(sbc, history)| (*sbc, history))
    }

    fn of(&mut self, sbc: IpAddr) -> Option<&mut TrunkHistory> {
        let full = self.0.len() >= MOST_SBCS && !self.0.contains_key(&sbc);
        (!full).then(|| self.0.entry(sbc).or_default())
    }
}
