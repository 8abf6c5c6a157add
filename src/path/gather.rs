//! What a call's messages and streams show of its hops: for each pair of addresses the packets of both directions.

use super::facts::{self, Announced, Facts};
use super::hop::Network;
use super::routes::Marks;
use crate::call::{Call, LegMessage};
use crate::flow::{Connection, Pass, Run, Seen, Sightings, Stream};
use crate::topology::Topology;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What is gathered of a hop before it is judged.
pub(super) struct Gathered {
    pub a: IpAddr,
    pub b: IpAddr,
    /// Sender of the first packet that was gathered.
    opener: SocketAddr,
    pub first: Seen,
    pub seen: [Option<Seen>; 2],
    /// Packets of this call.
    pub own: [Sightings; 2],
    pub works: bool,
}

impl Gathered {
    fn new(opener: SocketAddr, other: SocketAddr, first: Seen) -> Self {
        let (a, b) = (opener.ip(), other.ip());
        Self { a, b, opener, first, seen: [None, None], own: Default::default(), works: false }
    }

    fn key(&self) -> Key {
        key(self.a, self.b)
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

    /// Packets of the whole connections between the two addresses; those of the call where nothing is known of them.
    pub fn whole(&self, connections: &[Arc<Connection>]) -> ([Sightings; 2], Facts) {
        let mut whole: [Sightings; 2] = Default::default();
        let mut facts = Facts::default();
        for connection in connections {
            let (a, b) = connection.id.flow.endpoints();
            if key(a.ip(), b.ip()) != self.key() {
                continue;
            }
            facts.connection(connection, self.way(a, b) == 0);
            for ((from, to), half) in [((a, b), 0), ((b, a), 1)] {
                if let (Some(whole), Some(half)) = (whole.get_mut(self.way(from, to)), connection.halves.get(half)) {
                    whole.extend(&half.sightings);
                }
            }
        }
        (if whole.iter().all(|way| way.packets() == 0) { self.own.clone() } else { whole }, facts)
    }

    /// The packets of one connection, which are all that were gathered.
    pub fn of(&self, connection: &Connection) -> ([Sightings; 2], Facts) {
        let mut facts = Facts::default();
        let (a, b) = connection.id.flow.endpoints();
        facts.connection(connection, self.way(a, b) == 0);
        (self.own.clone(), facts)
    }

    /// Media between the two addresses, and where it comes back to another address of the host that SDP announces, that as well: they are
    /// the two directions of one flow, though no 5-tuple says so.
    pub fn flow(&self, call: &Call, network: &Network<'_>) -> ([Sightings; 2], Facts) {
        let mut seen = self.own.clone();
        let mut facts = Facts::default();
        let Some(way) = self.one_way().filter(|_| network.shows_links()) else { return (seen, facts) };
        let (host, peer) = if way == 0 { (self.a, self.b) } else { (self.b, self.a) };
        // Inside a translator every host sends from another address than the one that is announced.
        if !network.topology.is_public(host) {
            return (seen, facts);
        }
        let peers: Vec<SocketAddr> = peers_of(call, host, peer).collect();
        let Some(at) = facts::announced(call, host, &peers) else { return (seen, facts) };
        facts.announced = Some(Announced { way, at });
        let back = call.streams.iter().map(|bound| &bound.stream).filter(|stream| {
            let (from, to) = stream.flow.from_to(stream.dir);
            to.ip() == at.ip() && peers.contains(&from)
        });
        if let Some(own) = seen.get_mut(1 - way) {
            back.for_each(|stream| runs(stream, own));
        }
        (seen, facts)
    }

    /// Code points of the media that comes in to your end, by tap.
    pub fn marks(&self, call: &Call, topology: &Topology) -> Vec<(u32, Marks)> {
        let at = self.first.at;
        let inside = |ip: IpAddr| topology.place_of(ip, at).is_inside();
        let mut marks: Vec<(u32, Marks)> = Vec::new();
        for bound in &call.streams {
            let (from, to) = bound.stream.flow.from_to(bound.stream.dir);
            if key(from.ip(), to.ip()) != self.key() || inside(from.ip()) || !inside(to.ip()) {
                continue;
            }
            for pass in &bound.stream.passes {
                let of = |marked: bool| pass.dscps().iter().filter(|used| (used.dscp != 0) == marked).map(|used| used.packets).sum();
                marks.push((pass.tap().0, Marks { marked: of(true), plain: of(false) }));
            }
        }
        marks
    }

    /// The way on which all packets went, if that is one.
    fn one_way(&self) -> Option<usize> {
        let packets = self.own.each_ref().map(Sightings::packets);
        match packets {
            [sent, 0] if sent > 0 => Some(0),
            [0, sent] if sent > 0 => Some(1),
            _ => None,
        }
    }
}

/// A pair of addresses, the lower one first.
type Key = (IpAddr, IpAddr);

fn key(a: IpAddr, b: IpAddr) -> Key {
    (a.min(b), a.max(b))
}

/// Pairs that are looked for one after the other; a stranger may name any number.
const FEW: usize = 8;

/// Gathers by pair of addresses.
#[derive(Default)]
struct Pairs {
    list: Vec<Gathered>,
    /// Places in the list, of those beyond the first few.
    further: BTreeMap<Key, usize>,
}

impl Pairs {
    fn of(&mut self, from: SocketAddr, to: SocketAddr, seen: &Seen) -> Option<&mut Gathered> {
        let (from_ip, to_ip) = (from.ip(), to.ip());
        let is = |known: &Gathered| (known.a, known.b) == (from_ip, to_ip) || (known.b, known.a) == (from_ip, to_ip);
        let known = self.list.iter().take(FEW).position(is);
        let place = match known.or_else(|| self.further.get(&key(from_ip, to_ip)).copied()) {
            Some(place) => place,
            None => {
                let place = self.list.len();
                if place >= FEW {
                    self.further.insert(key(from_ip, to_ip), place);
                }
                self.list.push(Gathered::new(from, to, *seen));
                place
            }
        };
        self.list.get_mut(place)
    }

    /// In order of first packet.
    fn sorted(mut self) -> Vec<Gathered> {
        self.list.sort_by_key(|gathered| (gathered.first.seq, gathered.key()));
        self.list
    }
}

/// The packets of a connection that nobody could read.
pub(super) fn unread(connection: &Connection) -> Gathered {
    let (from, to) = connection.id.flow.from_to(connection.opener);
    let mut gathered = Gathered::new(from, to, connection.first);
    let halves = [connection.half(connection.opener), connection.half(connection.opener.reverse())];
    gathered.own = halves.map(|half| half.sightings.clone());
    for (end, other, half) in [(from, to, halves[0]), (to, from, halves[1])] {
        if let Some(first) = &half.first {
            gathered.note(end, other, first);
        }
    }
    gathered.works = halves.iter().all(|half| half.sightings.bytes() > 0);
    gathered
}

/// The signalling of a call, in order of first packet.
pub(super) fn signalling(call: &Call) -> Vec<Gathered> {
    let mut pairs = Pairs::default();
    for message in call.legs.iter().flat_map(|leg| &leg.messages) {
        let bytes = message.message.text.bytes().len() as u64;
        let ok = is_success(message);
        for sighting in message.sightings() {
            let (seen, src, dst) = (sighting.seen(), sighting.course.src, sighting.course.dst);
            let Some(gathered) = pairs.of(src, dst, &seen) else { continue };
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
    pairs.sorted()
}

fn is_success(message: &LegMessage) -> bool {
    message.start.status.is_some_and(|status| (200..300).contains(&status))
}

/// The media of a call, in order of first packet.
pub(super) fn media(call: &Call) -> Vec<Gathered> {
    let mut pairs = Pairs::default();
    for stream in call.streams.iter().map(|bound| &bound.stream) {
        let (src, dst) = stream.flow.from_to(stream.dir);
        for pass in &stream.passes {
            let Some(gathered) = pairs.of(src, dst, pass.first()) else { continue };
            let way = gathered.note(src, dst, pass.first());
            if let Some(own) = gathered.own.get_mut(way) {
                own.0.extend(runs_of(pass));
            }
        }
    }
    for gathered in &mut pairs.list {
        gathered.works = gathered.own.iter().all(|way| way.packets() > 0);
    }
    pairs.sorted()
}

fn runs(stream: &Stream, into: &mut Sightings) {
    into.0.extend(stream.passes.iter().flat_map(runs_of));
}

/// The packets of a pass by link-layer addresses.
fn runs_of(pass: &Pass) -> impl Iterator<Item = Run> {
    let packets = pass.packets().max(1);
    pass.macs().into_iter().map(move |used| Run {
        tap: pass.tap(),
        tunnels: pass.first().tunnels,
        macs: used.macs,
        ttl: pass.ttl(),
        first: used.first,
        last: used.last,
        packets: used.packets,
        bytes: pass.bytes() * used.packets / packets,
    })
}

/// Ends of `peer` that media of `host` goes to.
fn peers_of(call: &Call, host: IpAddr, peer: IpAddr) -> impl Iterator<Item = SocketAddr> {
    let ways = call.streams.iter().map(|bound| bound.stream.flow.from_to(bound.stream.dir));
    ways.filter(move |(from, to)| from.ip() == host && to.ip() == peer).map(|(_, to)| to)
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
    fn pairs_are_found_however_many() {
        let mut pairs = Pairs::default();
        let end = |n: u8| SocketAddr::from(([192, 0, 2, n], 5060));
        for n in (0..40_u8).chain(0..40) {
            let (from, to) = if n % 2 == 0 { (end(n), end(n + 1)) } else { (end(n + 1), end(n)) };
            let gathered = pairs.of(from, to, &seen(u64::from(n))).unwrap();
            gathered.own[0].add(&seen(u64::from(n)), 1);
            assert!(pairs.of(to, from, &seen(99)).is_some());
        }
        let packets: Vec<u64> = pairs.sorted().iter().map(|gathered| gathered.own[0].packets()).collect();
        assert_eq!(packets, [2; 40]);
    }

    #[test]
    fn between_two_addresses_ports_tell_nothing() {
        let [a, b] = [1, 2].map(|last| SocketAddr::from(([192, 0, 2, last], 5060)));
        let hop = Gathered::new(a, b, seen(0));
        let other = SocketAddr::new(a.ip(), 9);
        assert_eq!([hop.way(other, b), hop.way(b, other)], [0, 1]);
    }
}
