//! Hops: two adjacent addresses of a call's signalling or media, with a segment for each direction and the verdict on both.

use super::asymmetry::{self, Asymmetry};
use super::segment::{self, Sighting, Way};
use crate::address;
use crate::call::{Call, LegMessage};
use crate::engine::Taps;
use crate::flow::{Connection, Run, Seen, Sightings};
use crate::hash;
use crate::record::Interface;
use crate::topology::{MacPair, Place, TapFacts, Topology};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

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
    pub asymmetric: Asymmetry,
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
}

impl<'a> Network<'a> {
    /// What selectors of a topology link look at.
    fn facts(&self, run: &Run) -> TapFacts<'a> {
        let Some(tap) = self.taps.get(run.tap) else {
            return TapFacts { interface: None, interface_index: None, vlan: &[], files: &[] };
        };
        let interface = self.interfaces.get(tap.key.interface.0 as usize);
        TapFacts {
            interface: interface.and_then(|i| i.name.as_deref()),
            interface_index: tap.key.ifindex.or(interface.filter(|i| i.name.is_some()).map(|i| i.index)),
            vlan: &tap.key.vlan,
            files: self.files_of(&tap.inputs),
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

    fn sightings(&self, runs: &Sightings) -> Vec<Sighting<'a>> {
        let sighting = |run: &Run| Sighting {
            tap: self.facts(run),
            tap_id: run.tap.0,
            macs: MacPair { src: run.macs.src, dst: run.macs.dst },
            ttl: run.ttl,
            first: run.first,
            last: run.last,
            packets: run.packets,
            bytes: run.bytes,
        };
        runs.0.iter().map(sighting).collect()
    }
}

/// What is gathered of a hop before it is judged.
struct Gathered {
    a: IpAddr,
    b: IpAddr,
    /// Sender of the first packet that was gathered.
    opener: SocketAddr,
    first: Seen,
    seen: [Option<Seen>; 2],
    /// Packets of this call.
    own: [Sightings; 2],
    /// Packets that asymmetry is judged from: those of the whole connections.
    whole: [Sightings; 2],
    works: bool,
}

impl Gathered {
    fn new(opener: SocketAddr, other: SocketAddr, first: Seen) -> Self {
        let (a, b) = (opener.ip(), other.ip());
        Self { a, b, opener, first, seen: [None, None], own: Default::default(), whole: Default::default(), works: false }
    }

    /// 0 for a packet from a, 1 for one from b. Where a host talks to itself, ports tell: a is who sent first, and between other
    /// ports the lower one.
    fn way(&self, from: SocketAddr, to: SocketAddr) -> usize {
        if self.a != self.b {
            return usize::from(from.ip() != self.a);
        }
        usize::from(from != self.opener && (to == self.opener || from.port() > to.port()))
    }

    fn note(&mut self, from: SocketAddr, to: SocketAddr, seen: &Seen) -> usize {
        let way = self.way(from, to);
        if let Some(first) = self.seen.get_mut(way)
            && first.is_none_or(|known| seen.seq < known.seq)
        {
            *first = Some(*seen);
        }
        if seen.seq < self.first.seq {
            self.first = *seen;
        }
        way
    }

    fn judge(self, kind: HopKind, owner: &str, network: &Network<'_>) -> Hop {
        let at = self.first.at;
        let end = |ip| End { ip, place: network.topology.place_of(ip, at) };
        let [out, back] = &self.own;
        let [whole_out, whole_back] = &self.whole;
        let (a, b) = (address::ip(self.a), address::ip(self.b));
        Hop {
            id: hash::hex(&[owner.as_bytes(), kind.as_str().as_bytes(), a.as_bytes(), b.as_bytes()], 12),
            kind,
            a: end(self.a),
            b: end(self.b),
            way: segment::ways(network.topology, self.a, self.b, &network.sightings(out), &network.sightings(back), at),
            asymmetric: asymmetry::judge(
                network.topology,
                self.a,
                self.b,
                &network.sightings(whole_out),
                &network.sightings(whole_back),
                at,
            ),
            first: self.first,
            seen: self.seen,
            works: self.works,
        }
    }
}

/// Gathers by pair of addresses, in order of first packet.
type Pairs = BTreeMap<(IpAddr, IpAddr), Gathered>;

fn pair(pairs: &mut Pairs, from: SocketAddr, to: SocketAddr, seen: Seen) -> &mut Gathered {
    pairs.entry((from.ip().min(to.ip()), from.ip().max(to.ip()))).or_insert_with(|| Gathered::new(from, to, seen))
}

/// The hops of a call: signalling, then media, each in order of first packet.
pub fn hops(call: &Call, network: &Network<'_>) -> Vec<Hop> {
    let mut hops = judge(signalling(call), HopKind::Signalling, &call.id, network);
    hops.extend(judge(media(call), HopKind::Media, &call.id, network));
    hops
}

/// The hop of a connection that nobody could read.
pub fn unread(connection: &Connection, network: &Network<'_>) -> Hop {
    let (from, to) = connection.id.flow.from_to(connection.opener);
    let mut gathered = Gathered::new(from, to, connection.first);
    let halves = [connection.half(connection.opener), connection.half(connection.opener.reverse())];
    gathered.own = halves.map(|half| half.sightings.clone());
    gathered.whole = gathered.own.clone();
    for (end, other, half) in [(from, to, halves[0]), (to, from, halves[1])] {
        if let Some(first) = &half.first {
            gathered.note(end, other, first);
        }
    }
    gathered.works = halves.iter().all(|half| half.sightings.bytes() > 0);
    let owner = format!("{:?} {}", connection.id.flow, connection.first.at.rfc3339());
    gathered.judge(HopKind::Signalling, &owner, network)
}

fn judge(pairs: Pairs, kind: HopKind, owner: &str, network: &Network<'_>) -> Vec<Hop> {
    let mut gathered: Vec<Gathered> = pairs.into_values().collect();
    gathered.sort_by_key(|g| g.first.seq);
    gathered.into_iter().map(|g| g.judge(kind, owner, network)).collect()
}

fn signalling(call: &Call) -> Pairs {
    let mut pairs = Pairs::new();
    for message in call.legs.iter().flat_map(|leg| &leg.messages) {
        let bytes = message.message.text.bytes().len() as u64;
        let ok = is_success(message);
        for sighting in message.sightings() {
            let (seen, src, dst) = (sighting.seen(), sighting.course.src, sighting.course.dst);
            let gathered = pair(&mut pairs, src, dst, seen);
            let way = gathered.note(src, dst, &seen);
            gathered.works |= ok;
            if message.is_duplicate(&seen) {
                continue;
            }
            if let Some(own) = gathered.own.get_mut(way) {
                own.add(&seen, bytes);
            }
        }
    }
    for connection in &call.connections {
        let (a, b) = connection.id.flow.endpoints();
        if let Some(gathered) = pairs.get_mut(&(a.ip().min(b.ip()), a.ip().max(b.ip()))) {
            for ((from, to), half) in [((a, b), 0), ((b, a), 1)] {
                let way = gathered.way(from, to);
                if let (Some(whole), Some(half)) = (gathered.whole.get_mut(way), connection.halves.get(half)) {
                    whole.extend(&half.sightings);
                }
            }
        }
    }
    for gathered in pairs.values_mut() {
        if gathered.whole.iter().all(|way| way.packets() == 0) {
            gathered.whole = gathered.own.clone();
        }
    }
    pairs
}

fn is_success(message: &LegMessage) -> bool {
    message.start.status.is_some_and(|status| (200..300).contains(&status))
}

fn media(call: &Call) -> Pairs {
    let mut pairs = Pairs::new();
    for stream in call.streams.iter().map(|bound| &bound.stream) {
        let (src, dst) = stream.flow.from_to(stream.dir);
        for pass in &stream.passes {
            let gathered = pair(&mut pairs, src, dst, *pass.first());
            let way = gathered.note(src, dst, pass.first());
            let packets = pass.packets().max(1);
            for used in pass.macs() {
                let run = Run {
                    tap: pass.tap(),
                    macs: used.macs,
                    ttl: pass.ttl(),
                    first: used.first,
                    last: used.last,
                    packets: used.packets,
                    bytes: pass.bytes() * used.packets / packets,
                };
                if let Some(own) = gathered.own.get_mut(way) {
                    own.0.push(run);
                }
            }
        }
    }
    for gathered in pairs.values_mut() {
        gathered.works = gathered.own.iter().all(|way| way.packets() > 0);
        gathered.whole = gathered.own.clone();
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{MacPair as Macs, TapId, TunnelsId};
    use crate::record::{RecordId, Seq, SourceId};
    use crate::time::Timestamp;

    fn seen(seq: u64) -> Seen {
        Seen {
            id: RecordId { input: 0, number: seq + 1 },
            seq: Seq(seq),
            at: Timestamp(0),
            tap: TapId(0),
            source: SourceId(0),
            tunnels: TunnelsId(0),
            ttl: 64,
            dscp: 0,
            macs: Macs::default(),
        }
    }

    #[test]
    fn a_host_that_talks_to_itself_has_two_ways() {
        let [phone, proxy, relay, trunk] = [38123, 5060, 5070, 5080].map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let mut hop = Gathered::new(phone, proxy, seen(0));
        assert_eq!([hop.note(phone, proxy, &seen(0)), hop.note(proxy, phone, &seen(1))], [0, 1]);
        assert_eq!([hop.way(relay, trunk), hop.way(trunk, relay)], [0, 1]);
    }

    #[test]
    fn between_two_addresses_ports_tell_nothing() {
        let [a, b] = [1, 2].map(|last| SocketAddr::from(([192, 0, 2, last], 5060)));
        let hop = Gathered::new(a, b, seen(0));
        let other = SocketAddr::new(a.ip(), 9);
        assert_eq!([hop.way(other, b), hop.way(b, other)], [0, 1]);
    }
}
