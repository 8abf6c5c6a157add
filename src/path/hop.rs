//! Hops: two adjacent addresses of a call's signalling or media, with a segment for each direction and the verdict on both.

use super::asymmetry::Asymmetry;
use super::facts::{Facts, Route};
use super::gather::{self, Gathered};
use super::memo::Memo;
use super::segment::{Sighting, Way};
use crate::call::{Call, Peerings};
use crate::decode::{self, TapId, TunnelsId};
use crate::engine::{Tap, Taps};
use crate::flow::{Connection, Run, Seen, Sightings};
use crate::hash;
use crate::record::Interface;
use crate::time::Timestamp;
use crate::topology::{Heading, MacPair, Place, Segment, TapFacts, Topology};
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// What a hop carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HopKind {
    /// SIP, or TLS on its port.
    Signalling,
    /// RTP.
    Media,
}

impl fmt::Display for HopKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl HopKind {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            HopKind::Signalling => "signalling",
            HopKind::Media => "media",
        }
    }
}

/// One end of a hop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Its address.
    pub ip: IpAddr,
    /// What the address belongs to.
    pub place: Place,
}

/// A hop.
#[derive(Debug, Clone)]
pub struct Hop {
    /// Content id, 12 hex digits.
    pub id: String,
    /// What it carries.
    pub kind: HopKind,
    /// The end that sent first.
    pub a: End,
    /// The other end.
    pub b: End,
    /// From a to b, and from b to a.
    pub way: [Way; 2],
    /// Whether both use one segment.
    pub asymmetric: Arc<Asymmetry>,
    /// First packet of the hop in this call.
    pub first: Seen,
    /// First packet of each way, where one was seen.
    pub seen: [Option<Seen>; 2],
    /// What it carries demonstrably works: a 2xx on it, or media both ways.
    pub works: bool,
}

/// The user's network as this capture shows it: what segments are judged from.
#[derive(Debug, Clone, Copy)]
pub struct Network<'a> {
    /// The topology.
    pub topology: &'a Topology,
    /// Taps by number.
    pub taps: &'a Taps,
    /// Interfaces by number.
    pub interfaces: &'a [Interface],
    /// File names by input.
    pub files: &'a [String],
    /// What routers told so far.
    pub peerings: &'a Peerings,
}

impl<'a> Network<'a> {
    /// What selectors of a topology link look at, and the tunnels of packets there.
    pub fn tap(&self, tap: TapId, tunnels: TunnelsId) -> TapFacts<'a> {
        let facts = self.taps.get(tap).map(|tap| self.facts_of(tap)).unwrap_or_default();
        TapFacts { tunnels: self.taps.tunnels(tunnels), ..facts }
    }

    /// Something shows what packets crossed: links or tunnels of the topology, or BGP.
    pub fn shows_links(&self) -> bool {
        self.topology.has_links() || self.peerings.are_shown()
    }

    /// Where BGP says that packets to `ip`, an address of yours, come back from Microsoft.
    pub(super) fn route(&self, ip: IpAddr, at: Timestamp) -> Option<Route> {
        let topology = self.topology;
        let yours = || topology.place_of(ip, at).is_inside() && topology.tables.express_route != Some(false);
        let announced = self.peerings.announced(ip, at).filter(|_| yours())?;
        let is_internet = |(tap, tunnels, macs): (TapId, TunnelsId, decode::MacPair)| {
            let links = topology.links(&self.tap(tap, tunnels), MacPair { src: macs.src, dst: macs.dst }, Heading::Either);
            links.iter().any(|link| *link.link.segment == Segment::Internet)
        };
        Some(Route { announced, on_internet: self.peerings.elsewhere(ip, at).any(is_internet) })
    }

    /// What selectors look at, of every tap.
    pub fn tap_facts(&self) -> Vec<TapFacts<'a>> {
        self.taps.iter().map(|(_, tap)| self.facts_of(tap)).collect()
    }

    fn facts_of(&self, tap: &'a Tap) -> TapFacts<'a> {
        let interface = self.interfaces.get(tap.key.interface.0 as usize);
        TapFacts {
            interface: interface.and_then(|i| i.name.as_deref()),
            interface_index: tap.key.ifindex.or(interface.filter(|i| i.name.is_some()).map(|i| i.index)),
            vlan: &tap.key.vlan,
            files: self.files_of(&tap.inputs),
            mirror: &tap.key.mirror,
            tunnels: &[],
        }
    }

    /// Names of the inputs of a tap. Inputs of a source follow one another, so their names are one run of the list; where they are
    /// not, the first is taken.
    fn files_of(&self, inputs: &[u32]) -> &'a [String] {
        let (Some(first), Some(last)) = (inputs.first(), inputs.last()) else { return &[] };
        let run = (*last - *first) as usize + 1 == inputs.len();
        let end = if run { *last } else { *first } as usize + 1;
        self.files.get(*first as usize..end).unwrap_or_default()
    }

    pub(super) fn sightings(&self, runs: &Sightings) -> Vec<Sighting<'a>> {
        let sighting = |run: &Run| Sighting {
            tap: self.tap(run.tap, run.tunnels),
            tap_id: run.tap.0,
            macs: MacPair { src: run.macs.src, dst: run.macs.dst },
            peering: self.peerings.at(run.tap, run.tunnels, run.macs),
            ttl: run.ttl,
            first: run.first,
            last: run.last,
            packets: run.packets,
            bytes: run.bytes,
        };
        runs.0.iter().map(sighting).flat_map(Sighting::parted).collect()
    }
}

/// The hops of a call: signalling, then media, each in order of first packet.
pub fn hops(call: &Call, network: &Network<'_>, memo: &mut Memo) -> Vec<Hop> {
    let signalling = gather::signalling(call).into_iter().map(|gathered| (HopKind::Signalling, gathered));
    let media = gather::media(call).into_iter().map(|gathered| (HopKind::Media, gathered));
    let judged = signalling.chain(media).map(|(kind, gathered)| {
        let whole = |gathered: &Gathered| match kind {
            HopKind::Signalling => gathered.whole(&call.connections),
            HopKind::Media => gathered.flow(call, network),
        };
        judge(gathered, kind, &call.id, whole, network, memo)
    });
    judged.collect()
}

/// The hop of a connection that nobody could read.
pub fn unread(connection: &Connection, network: &Network<'_>, memo: &mut Memo) -> Hop {
    let owner = format!("{:?} {}", connection.id.flow, connection.first.at.rfc3339());
    judge(gather::unread(connection), HopKind::Signalling, &owner, |gathered| gathered.of(connection), network, memo)
}

/// `whole` gives what asymmetry is judged from: the packets of the whole connections, and what else is known of them.
fn judge(
    gathered: Gathered,
    kind: HopKind,
    owner: &str,
    whole: impl FnOnce(&Gathered) -> ([Sightings; 2], Facts),
    network: &Network<'_>,
    memo: &mut Memo,
) -> Hop {
    let Gathered { a, b, first, seen, mut works, .. } = gathered;
    let pair = memo.pair(network.topology, [a, b], first.at);
    let asymmetric = pair.asymmetry(
        network,
        || {
            let (seen, facts) = whole(&gathered);
            // What comes back to another address that was announced comes back.
            works |= facts.announced.is_some() && seen.iter().all(|way| way.packets() > 0);
            (seen, facts)
        },
        first.at,
    );
    let [a_text, b_text] = &pair.texts;
    Hop {
        id: hash::hex(&[owner.as_bytes(), kind.as_str().as_bytes(), a_text.as_bytes(), b_text.as_bytes()], 12),
        kind,
        a: End { ip: a, place: pair.places[0] },
        b: End { ip: b, place: pair.places[1] },
        way: pair.ways(network, &gathered.own, first.at),
        asymmetric,
        first,
        seen,
        works,
    }
}
