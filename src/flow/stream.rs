//! A stream: one RTP synchronisation source in one direction of one flow, with all its passes.

use crate::decode::{Dir, FlowKey, Packet, TapId};
use crate::flow::{
    arrival::Arrival,
    jitter::{JitterSummary, Running},
    pass::{Delta, DeltaSummary, Outcome, Pass, Steady},
    remarks::Remarks,
    samples::{self, Sample},
    seen::Seen,
    specimens::{Specimen, Specimens},
    turn::Relay,
};
use crate::ledger::{Kind, Ledger};
use crate::proto::rtp::{Header, Ssrc, is_comfort_noise, static_clock_rate};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::cell::Cell;

/// Packets after which an unsignalled stream is RTP.
const SETTLED: u64 = 8;
/// The same when RTCP has named its source.
const SETTLED_BY_RTCP: u64 = 3;
/// Passes a stream keeps; the one that is silent longest goes first.
const MAX_PASSES: usize = 32;
/// Passes of one tap that overlap by no more than this and a few packets are a route change.
const CHANGE_OF_ROUTE: Span = Span::secs(1);
/// Most numbers by which such passes overlap: what the old route still had under way.
const LATE_ON_OLD_ROUTE: u64 = 16;
/// A source that is silent so long and then does not count on has begun anew. No reordered packet is as late.
pub(super) const SILENCE: Span = Span::millis(500);
/// Numbers missing between two such passes; more is a restart of the sender.
const LOST_ON_CHANGE: i16 = 3_000;

/// How sure it is, from the packets alone, that the stream is RTP. Signalling can bind a stream of any of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settled {
    /// One packet.
    Candidate,
    /// Two or more that follow each other; counted as `udp`.
    Started,
    /// Eight, or three and RTCP of that source; counted as `rtp`.
    Settled,
}

/// A stream and its statistics. `packets`, `expected` and the like are those of the last pass in path order and of what a change of
/// route has to add to it ([`Stream::route`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// The source.
    pub ssrc: Ssrc,
    /// How sure it is RTP.
    pub settled: Settled,
    /// Its records are counted as `rtp`; else as `udp`, and who binds it by signalling recounts `records`.
    pub counted_rtp: bool,
    /// Index of the pass that the last packet belonged to.
    current: u8,
    /// Records of all passes, duplicates and strays included.
    pub records: u64,
    /// Observations by payload type, in order of first use; without duplicates.
    pub payload_types: SmallVec<[(u8, u64); 1]>,
    /// The passes in order of their first packets; never empty.
    pub passes: SmallVec<[Pass; 1]>,
    /// The flow.
    pub flow: FlowKey,
    /// Which way through it.
    pub dir: Dir,
    /// Packets of it that are kept whole.
    specimens: Specimens,
    /// The relay that wrapped it.
    pub relay: Option<Box<Relay>>,
    /// What its records are counted as where they are not counted as `rtp`.
    pub counted_before: Kind,
}

impl Stream {
    /// The stream whose first packet is `arrival`; `hash` is that of its payload. Its record has been counted as `udp`.
    pub fn new(flow: FlowKey, dir: Dir, ssrc: Ssrc, arrival: &Arrival, hash: u32) -> Self {
        Self {
            ssrc,
            settled: Settled::Candidate,
            counted_rtp: false,
            current: 0,
            records: 1,
            payload_types: SmallVec::from_iter([(arrival.payload_type, 1)]),
            passes: SmallVec::from_iter([Pass::new(arrival, hash)]),
            flow,
            dir,
            specimens: Specimens::default(),
            relay: None,
            counted_before: Kind::Udp,
        }
    }

    /// Takes in the next packet and counts its record. `reported`: RTCP has named this source. True when a pass began.
    #[inline]
    pub fn arrive(&mut self, packet: &Packet<'_>, header: &Header, reported: bool, ledger: &mut Ledger) -> bool {
        let arrival = Arrival::of(packet, header);
        let sampled = Cell::new(false);
        let hash = || {
            sampled.set(true);
            samples::hash(header.payload(packet.payload))
        };
        self.records += 1;
        ledger.count(if self.counted_rtp { Kind::Rtp } else { Kind::Udp }, 1);
        let (began, outcome) = match self.pass_at(&arrival.seen) {
            Some(pass) => (false, pass.arrive(&arrival, hash)),
            None => (true, self.begin_pass(&arrival, hash(), ledger)),
        };
        match outcome {
            Outcome::Counted | Outcome::Stray => self.count_payload_type(arrival.payload_type),
            Outcome::Copy => ledger.duplicates += 1,
            Outcome::Repeat => {}
        }
        if sampled.get() && packet.cut == 0 {
            self.specimens.keep(packet.at, header, packet.payload);
        }
        if !self.counted_rtp {
            self.settle(reported, ledger);
        }
        began
    }

    /// The run that the next packets at this tap and time to live can join; `None` while anything about them is not plain.
    pub fn steady(&self, tap: TapId, ttl: u8) -> Option<Steady> {
        let plain = self.counted_rtp && self.relay.is_none();
        self.passes.iter().find(|pass| plain && pass.is_at(tap, ttl))?.steady(self.ssrc.0)
    }

    /// Keeps the sample of a whole packet that joined a run at this tap and time to live.
    pub fn sample(&mut self, tap: TapId, ttl: u8, sample: Sample, datagram: &[u8]) -> Option<u16> {
        if let Some(header) = Header::read(datagram) {
            self.specimens.keep(sample.at, &header, datagram);
        }
        self.passes.iter_mut().find(|pass| pass.is_at(tap, ttl))?.sample(sample)
    }

    /// Takes a run in that was seen at this tap and time to live.
    pub fn take_in(&mut self, tap: TapId, ttl: u8, run: &mut Steady, ledger: &mut Ledger) {
        let n = run.packets();
        let Some(found) = self.passes.iter().position(|pass| pass.is_at(tap, ttl)).filter(|_| n > 0) else { return };
        self.current = found as u8;
        self.records += n;
        ledger.count(Kind::Rtp, n);
        if let Some((_, packets)) = self.payload_types.iter_mut().find(|(known, _)| *known == run.payload_type()) {
            *packets += n;
        }
        if let Some(pass) = self.passes.get_mut(found) {
            pass.take_in(run);
        }
    }

    /// Settles the stream if its packets suffice. `reported`: RTCP has named this source.
    pub fn settle(&mut self, reported: bool, ledger: &mut Ledger) {
        let packets = self.passes.iter().map(Pass::packets).max().unwrap_or(0);
        self.settled = match packets {
            SETTLED.. => Settled::Settled,
            SETTLED_BY_RTCP.. if reported => Settled::Settled,
            2.. => Settled::Started,
            _ => Settled::Candidate,
        };
        if self.settled == Settled::Settled && !self.counted_rtp {
            self.counted_rtp = true;
            ledger.recount(Kind::Udp, Kind::Rtp, self.records);
        }
    }

    /// Whether a packet of this source seen so goes on with this stream. One that comes after a silence with numbers that do not follow
    /// begins another: the next call on the same ports. What is not settled as RTP may number its packets as it likes.
    #[inline]
    pub fn carries_on(&self, packet: &Packet<'_>, sequence: u16) -> bool {
        let current = self.passes.get(self.current as usize);
        let flows = current.is_some_and(|pass| !is_silent(pass, packet.at));
        flows || self.settled != Settled::Settled || self.carries_on_elsewhere(&Seen::of(packet), sequence)
    }

    #[cold]
    fn carries_on_elsewhere(&self, seen: &Seen, sequence: u16) -> bool {
        let here: SmallVec<[&Pass; 4]> = match self.passes.iter().find(|pass| pass.is_at(seen.tap, seen.ttl)) {
            Some(pass) => SmallVec::from_iter([pass]),
            None => self.passes.iter().filter(|pass| pass.first().source == seen.source).collect(),
        };
        here.is_empty() || here.iter().any(|pass| !is_silent(pass, seen.at) || pass.numbers().is_followed_by(sequence))
    }

    #[inline]
    fn pass_at(&mut self, seen: &Seen) -> Option<&mut Pass> {
        let current = self.current as usize;
        if !self.passes.get(current)?.is_at(seen.tap, seen.ttl) {
            let found = self.passes.iter().position(|pass| pass.is_at(seen.tap, seen.ttl))?;
            self.current = found as u8;
        }
        self.passes.get_mut(self.current as usize)
    }

    fn begin_pass(&mut self, arrival: &Arrival, hash: u32, ledger: &mut Ledger) -> Outcome {
        if self.passes.len() >= MAX_PASSES {
            let oldest = self.passes.iter().enumerate().min_by_key(|(_, pass)| pass.last().seq).map_or(0, |(i, _)| i);
            self.passes.remove(oldest);
            ledger.evicted += 1;
        }
        self.current = self.passes.len() as u8;
        self.passes.push(Pass::new(arrival, hash));
        Outcome::Counted
    }

    #[inline]
    fn count_payload_type(&mut self, payload_type: u8) {
        match self.payload_types.iter_mut().find(|(known, _)| *known == payload_type) {
            Some((_, packets)) => *packets += 1,
            None => self.payload_types.push((payload_type, 1)),
        }
    }

    /// Packets of it that are kept whole, in order of arrival.
    pub fn specimens(&self) -> impl Iterator<Item = &Specimen> {
        self.specimens.iter()
    }

    /// The first sighting.
    pub fn first(&self) -> Option<&Seen> {
        self.passes.iter().map(Pass::first).min_by_key(|seen| seen.seq)
    }

    /// The last sighting.
    pub fn last(&self) -> Option<&Seen> {
        self.passes.iter().map(Pass::last).max_by_key(|seen| seen.seq)
    }

    /// The last sighting by the source that saw the stream first: times of two sources do not compare.
    pub fn last_of_first_source(&self) -> Option<&Seen> {
        let source = self.first()?.source;
        self.passes.iter().map(Pass::last).filter(|seen| seen.source == source).max_by_key(|seen| seen.seq)
    }

    /// The payload type of most packets, comfort noise only if there is nothing else; the earlier one when equal.
    pub fn main_payload_type(&self) -> Option<u8> {
        let weight = |(payload_type, packets): &(u8, u64)| (!is_comfort_noise(*payload_type), *packets);
        self.payload_types.iter().rev().max_by_key(|entry| weight(entry)).map(|(payload_type, _)| *payload_type)
    }

    /// Clock rate in Hz of the main payload type if it is a static one.
    pub fn static_clock_rate(&self) -> Option<u32> {
        self.main_payload_type().and_then(static_clock_rate)
    }

    /// The last pass in path order: lowest time to live, else later median arrival of common samples, else most packets. `None` only
    /// of a stream without passes, which none has.
    pub fn last_pass(&self) -> Option<&Pass> {
        if let [only] = self.passes.as_slice() {
            return Some(only);
        }
        latest(self.passes.iter())
    }

    /// The last pass in path order and the passes of its tap that do not overlap with it in sequence – before and after a change of
    /// route – in order of time.
    pub fn route(&self) -> SmallVec<[&Pass; 2]> {
        if let [only] = self.passes.as_slice() {
            return SmallVec::from_iter([only]);
        }
        let mut route: SmallVec<[&Pass; 2]> = SmallVec::new();
        while let Some(next) = latest(self.passes.iter().filter(|pass| route.iter().all(|taken| is_change_of_route(pass, taken)))) {
            route.push(next);
        }
        route.sort_unstable_by_key(|pass| pass.first().seq);
        route
    }

    /// Packets received.
    pub fn packets(&self) -> u64 {
        self.route().iter().map(|pass| pass.packets()).sum()
    }

    /// UDP payload bytes received.
    pub fn bytes(&self) -> u64 {
        self.route().iter().map(|pass| pass.bytes()).sum()
    }

    /// Packets expected, those between two routes included.
    pub fn expected(&self) -> u64 {
        let route = self.route();
        let within: u64 = route.iter().map(|pass| pass.expected()).sum();
        let between: i64 = route.iter().zip(route.iter().skip(1)).map(|(earlier, later)| between(earlier, later)).sum();
        within.saturating_add_signed(between)
    }

    /// Packets lost: expected and not received.
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.packets())
    }

    /// Packets seen more than once at the same tap with the same time to live.
    pub fn duplicates(&self) -> u64 {
        self.route().iter().map(|pass| pass.duplicates()).sum()
    }

    /// Packets that came behind one sent later.
    pub fn reordered(&self) -> u64 {
        self.route().iter().map(|pass| pass.reordered()).sum()
    }

    /// Jitter at `clock_rate` Hz. `None` where no sums exist for that rate, and before two packets could be compared.
    pub fn jitter(&self, clock_rate: u32) -> Option<JitterSummary> {
        let mut all = Running::default();
        self.route().iter().filter_map(|pass| pass.jitter_state().at_rate(clock_rate)).for_each(|running| all.join(running));
        all.summary()
    }

    /// What stood out along the route.
    pub fn remarks(&self) -> Remarks {
        let mut all = Remarks::default();
        self.route().iter().filter_map(|pass| pass.remarks()).for_each(|remarks| all.join(remarks));
        all
    }

    /// Times between arrivals; `None` before two packets came that count.
    pub fn delta(&self) -> Option<DeltaSummary> {
        let mut all = Delta::default();
        self.route().iter().for_each(|pass| all.join(pass.delta_state()));
        all.summary()
    }
}

/// Nothing was seen of the pass for [`SILENCE`] when a packet comes at `at`.
#[inline]
fn is_silent(pass: &Pass, at: Timestamp) -> bool {
    let apart = at - pass.last().at;
    apart >= SILENCE || apart <= Span(-SILENCE.0)
}

fn latest<'a>(passes: impl Iterator<Item = &'a Pass>) -> Option<&'a Pass> {
    passes.reduce(|best, pass| if pass.is_after(best) { pass } else { best })
}

fn in_order<'a>(a: &'a Pass, b: &'a Pass) -> (&'a Pass, &'a Pass) {
    if a.first().seq <= b.first().seq { (a, b) } else { (b, a) }
}

/// How far the first number of `later` is ahead of the highest of `earlier`, shortest way round.
fn ahead(earlier: &Pass, later: &Pass) -> i16 {
    (later.numbers().base() as u16).wrapping_sub(earlier.numbers().highest() as u16) as i16
}

/// Whether one pass takes over where the other ends, at the same tap.
fn is_change_of_route(a: &Pass, b: &Pass) -> bool {
    let (earlier, later) = in_order(a, b);
    let few = LATE_ON_OLD_ROUTE.min(earlier.packets().min(later.packets()) / 4) as i16;
    a.tap() == b.tap()
        && earlier.last().seq < later.last().seq
        && earlier.last().at - later.first().at <= CHANGE_OF_ROUTE
        && ahead(earlier, later) > -few
}

/// Numbers that neither pass expected (positive) or both did (negative).
fn between(earlier: &Pass, later: &Pass) -> i64 {
    let ahead = ahead(earlier, later);
    if ahead < LOST_ON_CHANGE { i64::from(ahead) - 1 } else { 0 }
}
