//! What all flows of a run together show of the ways between your network and Microsoft: whether taps see both directions, what only one
//! direction of many flows supports (M6, M10), changes of route that many flows make at once, and over which segment each side opens its
//! connections. Bounded, and the same in whatever parts it is gathered as long as they come in order.

mod change;
mod one_way;
mod opened;
mod taps;

pub use change::Event;
pub use one_way::OneWay;
pub use opened::Apart;

use super::facts::Facts;
use super::gather::Gathered;
use super::hop::{HopKind, Network};
use super::memo::Memo;
use super::observe::{self, Observation};
use super::segment::Sighting;
use crate::call::Call;
use crate::flow::{Connection, Seen, Sightings};
use crate::topology::{Heading, Place, Topology};
use change::Changes;
use ipnet::IpNet;
use one_way::OneWays;
use opened::Opened;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use taps::Calibration;

/// What the flows of a run show together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routes {
    taps: Calibration,
    one_ways: OneWays,
    changes: Changes,
    opened: Opened,
}

/// Packets of Microsoft or the Internet to you at one tap, by whether they carry a code point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// With a code point other than 0.
    pub marked: u64,
    /// With 0.
    pub plain: u64,
}

/// One flow across the edge of your network.
struct Flow<'a> {
    kind: HopKind,
    inside: IpAddr,
    remote: IpAddr,
    /// The prefix of the remote end, where it is Microsoft's.
    net: Option<IpNet>,
    /// What was seen going out, and coming back.
    out: Vec<Observation<'a, 'a>>,
    back: Vec<Observation<'a, 'a>>,
    /// Packets out answer what came in, packets in answer what went out.
    answers: [bool; 2],
    /// Code points of media coming in, by tap.
    marks: &'a [(u32, Marks)],
    /// Your side opened it, where that is known.
    opened_by_you: Option<bool>,
    first: Seen,
}

impl Routes {
    /// Takes in a connection that is over, or as far as it came.
    pub fn connection(&mut self, connection: &Connection, network: &Network<'_>, memo: &mut Memo) {
        if !network.shows_links() {
            return;
        }
        let gathered = super::gather::unread(connection);
        let (seen, facts) = gathered.of(connection);
        // a is who sent first: where a SYN was seen, who opened it.
        let by_a = connection.opening.is_seen().then_some(true);
        self.flow(HopKind::Signalling, &gathered, (&seen, &facts), by_a, &[], (network, memo));
    }

    /// Takes in the media of a call.
    pub fn media(&mut self, call: &Call, network: &Network<'_>, memo: &mut Memo) {
        if !network.shows_links() {
            return;
        }
        for gathered in super::gather::media(call) {
            let (seen, facts) = gathered.flow(call, network);
            let marks = gathered.marks(call, network.topology);
            self.flow(HopKind::Media, &gathered, (&seen, &facts), None, &marks, (network, memo));
        }
    }

    fn flow(
        &mut self,
        kind: HopKind,
        gathered: &Gathered,
        (seen, facts): (&[Sightings; 2], &Facts),
        by_a: Option<bool>,
        marks: &[(u32, Marks)],
        (network, memo): (&Network<'_>, &mut Memo),
    ) {
        let (topology, at, ends) = (network.topology, gathered.first.at, [gathered.a, gathered.b]);
        let places = memo.pair(topology, ends, at).places;
        let out = match places.map(Place::is_inside) {
            [true, false] => 0,
            [false, true] => 1,
            _ => return,
        };
        let sightings: [Vec<Sighting<'_>>; 2] = seen.each_ref().map(|runs| network.sightings(runs));
        let [there, back] = if out == 0 { [&sightings[0], &sightings[1]] } else { [&sightings[1], &sightings[0]] };
        let untrusted = observe::distrusted(topology, &[(there, Heading::Outbound), (back, Heading::Inbound)]);
        let [inside, remote] = if out == 0 { ends } else { [ends[1], ends[0]] };
        let of_microsoft = places[1 - out] == Place::Microsoft;
        let flow = Flow {
            kind,
            inside,
            remote,
            net: of_microsoft.then(|| topology.place(remote, at).net.unwrap_or_else(|| IpNet::from(remote))),
            out: observe::observe(topology, there, Heading::Outbound, &untrusted),
            back: observe::observe(topology, back, Heading::Inbound, &untrusted),
            answers: [facts.answers[out], facts.answers[1 - out]],
            marks,
            opened_by_you: by_a.map(|by_a| by_a == (out == 0)),
            first: gathered.first,
        };
        self.taps.add(&flow);
        if of_microsoft {
            self.one_ways.add(&flow);
            self.changes.add(&flow);
            self.opened.add(&flow);
        }
    }

    /// Takes in what was gathered later.
    pub fn merge(&mut self, later: Routes) {
        self.taps.merge(later.taps);
        self.one_ways.merge(later.one_ways);
        self.changes.merge(later.changes);
        self.opened.merge(later.opened);
    }

    /// Ways on which only one direction is seen, with what supports that the other goes elsewhere.
    pub fn one_ways(&self, topology: &Topology) -> Vec<OneWay> {
        self.one_ways.supported(&self.taps, topology)
    }

    /// Changes of route that many flows made at once.
    pub fn events(&self) -> Vec<Event> {
        self.changes.events()
    }

    /// Hosts of yours whose own connections with Microsoft go over another segment than those that Microsoft opens.
    pub fn apart(&self) -> Vec<Apart> {
        self.opened.apart()
    }
}

#[cfg(test)]
mod tests;
