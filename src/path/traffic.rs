//! What went over each segment: calls, bytes, media and its losses, by direction.

use super::hop::{Hop, HopKind};
use crate::call::{BoundStream, Call};
use crate::flow::Figures;
use crate::topology::{Place, Segment};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Which way packets went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Bound {
    /// Away from your network, towards Microsoft.
    Out,
    /// Towards your network.
    In,
    /// Between ends of which neither is nearer.
    Across,
}

impl Bound {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Bound::Out => "out",
            Bound::In => "in",
            Bound::Across => "across",
        }
    }

    fn of(from: Place, to: Place) -> Self {
        match distance(from).cmp(&distance(to)) {
            std::cmp::Ordering::Less => Bound::Out,
            std::cmp::Ordering::Greater => Bound::In,
            std::cmp::Ordering::Equal => Bound::Across,
        }
    }
}

/// How far out a place is: your network first, Microsoft last.
fn distance(place: Place) -> u8 {
    match place {
        Place::YourNetwork => 0,
        Place::Dmz | Place::VpnPool => 1,
        Place::Microsoft => 3,
        _ => 2,
    }
}

/// What went one way over one segment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sums {
    /// Calls with packets there, media that nobody signalled included.
    pub calls: u64,
    /// Packets of signalling and media.
    pub packets: u64,
    /// Their bytes of payload.
    pub bytes: u64,
    /// Nanoseconds from first to last packet of each stream, added.
    pub media: i64,
    /// Packets of media that were expected.
    pub expected: u64,
    /// Those that did not come.
    pub lost: i64,
    /// Round trips that receivers of the media report, in nanoseconds.
    pub round_trips: Figures,
}

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.calls += other.calls;
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.media += other.media;
        self.expected += other.expected;
        self.lost += other.lost;
        self.round_trips.join(&other.round_trips);
    }

    fn stream(&mut self, bound: &BoundStream) {
        let stream = &bound.stream;
        if let (Some(first), Some(last)) = (stream.first(), stream.last_of_first_source()) {
            self.media += (last.at - first.at).0.max(0);
        }
        self.expected += stream.expected();
        self.lost += stream.lost() as i64;
        if let Some(reported) = &bound.reported {
            self.round_trips.join(&reported.reception.rtt);
        }
    }
}

/// What went over all segments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic(BTreeMap<(Segment, Bound), Sums>);

impl Traffic {
    /// Takes in a call and its hops.
    pub fn add(&mut self, call: &Call, hops: &[Hop]) {
        let mut counted: Vec<(Segment, Bound)> = Vec::new();
        let mut media: BTreeMap<(IpAddr, IpAddr), (Segment, Bound)> = BTreeMap::new();
        for hop in hops {
            let ends = [(hop.a, hop.b), (hop.b, hop.a)];
            for ((from, to), way) in ends.into_iter().zip(&hop.way).filter(|(_, way)| way.packets > 0) {
                let key = (way.segment, Bound::of(from.place, to.place));
                let sums = self.0.entry(key).or_default();
                if !counted.contains(&key) {
                    counted.push(key);
                    sums.calls += 1;
                }
                sums.packets += way.packets;
                sums.bytes += way.bytes;
                if hop.kind == HopKind::Media {
                    media.insert((from.ip, to.ip), key);
                }
            }
        }
        for bound in &call.streams {
            let (src, dst) = bound.stream.flow.from_to(bound.stream.dir);
            if let Some(sums) = media.get(&(src.ip(), dst.ip())).and_then(|key| self.0.get_mut(key)) {
                sums.stream(bound);
            }
        }
    }

    /// Takes in what other calls showed.
    pub fn merge(&mut self, other: &Traffic) {
        for (key, sums) in &other.0 {
            self.0.entry(*key).or_default().add(sums);
        }
    }

    /// By segment and direction.
    pub fn iter(&self) -> impl Iterator<Item = (Segment, Bound, &Sums)> {
        self.0.iter().map(|((segment, bound), sums)| (*segment, *bound, sums))
    }
}
