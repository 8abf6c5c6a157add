//! A pass: the observations of one stream at one tap with one time to live, with a complete RFC 3550 state of its own.

mod steady;

pub use steady::{Joins, Stands, Steady};

use crate::decode::TapId;
use crate::flow::{
    arrival::Arrival,
    copies::Copies,
    digits,
    gaps::{Gap, Gaps},
    intervals::Intervals,
    jitter::{Jitter, JitterSummary},
    link_facts::{DscpUse, LinkFacts, MacUse},
    mean::Mean,
    remarks::{Before, Remarks, Watch},
    samples::Samples,
    seen::Seen,
    sequence::{Numbers, Place},
};
use crate::proto::rtp::is_comfort_noise;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Times between arrivals of consecutive packets, without those that `tshark -z rtp,streams` leaves out: packets with the marker bit,
/// comfort noise and the packet after it. Negative where capture time went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeltaSummary {
    /// Shortest.
    pub min: Span,
    /// Mean, as of [`Mean`].
    pub mean: Span,
    /// Longest.
    pub max: Span,
}

/// Sums behind a [`DeltaSummary`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Delta {
    mean: Mean,
    min: i64,
    max: i64,
}

impl Delta {
    #[inline]
    fn arrive(&mut self, delta: i64, counted: bool) {
        if !counted {
            return self.mean.skip();
        }
        let first = self.mean.is_empty();
        self.min = if first { delta } else { self.min.min(delta) };
        self.max = if first { delta } else { self.max.max(delta) };
        self.mean.add(delta);
    }

    /// Takes in `n` packets that all count.
    fn take_in(&mut self, min: i64, max: i64, sum: i64, n: u64) {
        (self.min, self.max) = (self.min.min(min), self.max.max(max));
        self.mean.take_in(sum, n);
    }

    /// Takes in what another pass of the same stream summed up.
    pub fn join(&mut self, other: &Delta) {
        if self.mean.is_empty() {
            *self = *other;
        } else if !other.mean.is_empty() {
            (self.min, self.max) = (self.min.min(other.min), self.max.max(other.max));
            self.mean.join(&other.mean);
        }
    }

    /// The summary; `None` before two packets came that count.
    pub fn summary(&self) -> Option<DeltaSummary> {
        Some(DeltaSummary { min: Span(self.min), mean: Span(self.mean.get()?), max: Span(self.max) })
    }
}

/// Packets whose number belonged nowhere. Most passes have none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Strays {
    count: u64,
    /// The last, until numbers went on from it.
    last: Option<Arrival>,
}

/// What became of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Received.
    Counted,
    /// A copy within 20 ms: counted in `duplicates` and nowhere else.
    Copy,
    /// A number seen before, later than that or with other content: counted in `duplicates` and nowhere else too, as RFC 3550 would
    /// let it hide a loss.
    Repeat,
    /// Its number belongs nowhere, yet.
    Stray,
}

/// Observations of one flow direction's stream at one (tap, time to live).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    // In this order: what every packet touches, then the rest.
    numbers: Numbers,
    packets: u64,
    bytes: u64,
    last: Seen,
    watch: Watch,
    jitter: Jitter,
    delta: Delta,
    after_comfort_noise: bool,
    link: LinkFacts,
    samples: Samples,
    copies: Copies,
    gaps: Gaps,
    duplicates: u64,
    reordered: u64,
    strays: Option<Box<Strays>>,
    remarks: Option<Box<Remarks>>,
    first: Seen,
}

impl Pass {
    /// The pass that begins with `arrival`; `hash` is that of its payload.
    pub fn new(arrival: &Arrival, hash: u32) -> Self {
        let mut pass = Self {
            numbers: Numbers::new(arrival.sequence),
            packets: 1,
            bytes: u64::from(arrival.bytes),
            last: arrival.seen,
            watch: Watch::new(arrival.timestamp, arrival.seen.at),
            jitter: Jitter::default(),
            delta: Delta::default(),
            after_comfort_noise: is_comfort_noise(arrival.payload_type),
            link: LinkFacts::new(&arrival.seen),
            samples: Samples::default(),
            copies: Copies::default(),
            gaps: Gaps::default(),
            duplicates: 0,
            reordered: 0,
            strays: None,
            remarks: None,
            first: arrival.seen,
        };
        if digits::is_shaped(arrival) {
            pass.remarks.get_or_insert_default().first(arrival);
        }
        pass.jitter.arrive(arrival.payload_type, arrival.timestamp, arrival.seen.at, false);
        pass.samples.arrive(arrival, || hash);
        pass.copies.note(0, arrival);
        pass
    }

    /// Whether a packet seen so belongs to this pass.
    #[inline]
    pub fn is_at(&self, tap: TapId, ttl: u8) -> bool {
        self.last.tap == tap && self.last.ttl == ttl
    }

    /// Takes in the next packet at this tap and time to live. `hash` is asked for when it is sampled.
    #[inline]
    pub fn arrive(&mut self, arrival: &Arrival, hash: impl FnOnce() -> u32) -> Outcome {
        match self.numbers.place(arrival.sequence, arrival.seen.at, &mut self.gaps) {
            Place::Next => {}
            Place::Late => self.reordered += 1,
            Place::Repeat => return self.repeat(arrival),
            Place::Stray => return self.go_astray(arrival),
            Place::Restart => self.restart(),
        }
        self.count(arrival);
        self.samples.arrive(arrival, hash);
        Outcome::Counted
    }

    #[inline]
    fn count(&mut self, arrival: &Arrival) {
        let comfort_noise = is_comfort_noise(arrival.payload_type);
        let counted = !(arrival.marker || comfort_noise || self.after_comfort_noise);
        let at = arrival.seen.at;
        let main = self.jitter.measures(arrival.payload_type);
        if !self.watch.is_as_expected(main, arrival.timestamp, at.0, (at - self.last.at).0) {
            self.look(arrival);
        }
        self.copies.note(self.packets, arrival);
        self.link.arrive(&arrival.seen, self.packets, self.last.at);
        self.delta.arrive((at - self.last.at).0, counted);
        self.jitter.arrive(arrival.payload_type, arrival.timestamp, at, counted);
        self.after_comfort_noise = comfort_noise;
        self.packets += 1;
        self.bytes = self.bytes.saturating_add(u64::from(arrival.bytes));
        self.last = arrival.seen;
    }

    /// The packet at hand, which is not counted yet, differs from the one before it, or an interval is over.
    #[cold]
    #[inline(never)]
    fn look(&mut self, arrival: &Arrival) {
        let (sequence, timestamp) = self.copies.nth(self.packets - 1);
        let before = Before {
            sequence,
            timestamp,
            at: self.last.at,
            main: self.jitter.payload_type().unwrap_or(arrival.payload_type),
            changes: self.jitter.would_change(arrival.payload_type, arrival.timestamp),
        };
        let remarks = self.remarks.get_or_insert_default();
        if self.watch.is_over(arrival.seen.at) {
            // The packet at hand is expected already.
            let (last, packets, expected, jitter) = (self.last.at, self.packets, self.numbers.expected() - 1, &mut self.jitter);
            remarks.next_interval(&mut self.watch, self.first.at, arrival.seen.at, |intervals| {
                intervals.close(last, packets, expected, jitter.peaks());
                jitter.next_interval();
            });
        }
        remarks.look(&mut self.watch, arrival, &before);
    }

    fn repeat(&mut self, arrival: &Arrival) -> Outcome {
        self.duplicates += 1;
        let of_stray = self.last_stray().is_some_and(|stray| stray.sequence == arrival.sequence);
        if of_stray || self.copies.hold(arrival) { Outcome::Copy } else { Outcome::Repeat }
    }

    fn go_astray(&mut self, arrival: &Arrival) -> Outcome {
        let strays = self.strays.get_or_insert_default();
        strays.count += 1;
        strays.last = Some(*arrival);
        Outcome::Stray
    }

    /// The last stray was the first packet of a new run: it counts after all.
    fn restart(&mut self) {
        self.jitter.restart();
        let Some(strays) = &mut self.strays else { return };
        if let Some(stray) = strays.last.take() {
            strays.count -= 1;
            // Not regular: the time since the last packet of the old run says nothing of the network.
            self.count(&Arrival { marker: true, ..stray });
        }
    }

    /// The tap.
    pub fn tap(&self) -> TapId {
        self.first.tap
    }

    /// Time to live of all its packets.
    pub fn ttl(&self) -> u8 {
        self.first.ttl
    }

    /// The first packet.
    pub fn first(&self) -> &Seen {
        &self.first
    }

    /// The last packet to arrive.
    pub fn last(&self) -> &Seen {
        &self.last
    }

    /// Packets received: each number once, without strays.
    pub fn packets(&self) -> u64 {
        self.packets
    }

    /// UDP payload bytes of them on the wire, RTP headers included.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Packets expected (RFC 3550 appendix A.3); jumps are not expected ([`Numbers`]).
    pub fn expected(&self) -> u64 {
        self.numbers.expected()
    }

    /// Expected but not received.
    pub fn lost(&self) -> u64 {
        self.expected().saturating_sub(self.packets)
    }

    /// Packets whose number had come before, copies and repeats.
    pub fn duplicates(&self) -> u64 {
        self.duplicates
    }

    /// Packets that came behind one sent later.
    pub fn reordered(&self) -> u64 {
        self.reordered
    }

    /// Packets whose number belonged nowhere; neither expected nor received.
    pub fn strays(&self) -> u64 {
        self.strays.as_ref().map_or(0, |strays| strays.count)
    }

    fn last_stray(&self) -> Option<&Arrival> {
        self.strays.as_ref()?.last.as_ref()
    }

    /// The sequence numbers.
    pub fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Extended number of the first packet of the first run ([`Numbers`]); where one before it came late, that of the earliest.
    pub fn first_number(&self) -> u64 {
        let first = self.samples.list().first().map(|sample| (1 << 16) + u64::from(sample.sequence));
        first.map_or(self.numbers.base(), |first| first.min(self.numbers.base()))
    }

    /// What was lost, as far as it is kept.
    pub fn gaps(&self) -> &[Gap] {
        self.gaps.list()
    }

    /// The samples.
    pub fn samples(&self) -> &Samples {
        &self.samples
    }

    /// Packets by link-layer addresses, in order of first use, at most 8 pairs.
    pub fn macs(&self) -> SmallVec<[MacUse; 1]> {
        self.link.macs(self.packets, self.last.at)
    }

    /// Packets by code point, in order of first use.
    pub fn dscps(&self) -> SmallVec<[DscpUse; 1]> {
        self.link.dscps(self.packets)
    }

    /// Jitter at `clock_rate` Hz; see [`Jitter::at_rate`].
    pub fn jitter(&self, clock_rate: u32) -> Option<JitterSummary> {
        self.jitter.at_rate(clock_rate)?.summary()
    }

    /// The jitter state.
    pub fn jitter_state(&self) -> &Jitter {
        &self.jitter
    }

    /// What stood out; `None` while nothing was looked for, before the second packet.
    pub fn remarks(&self) -> Option<&Remarks> {
        self.remarks.as_deref()
    }

    /// The pass by lengths of arrival time, in order.
    pub fn intervals(&self) -> Intervals {
        let known = self.remarks.as_ref().and_then(|remarks| remarks.intervals());
        let none = Intervals::new(self.first.at);
        known.unwrap_or(&none).all(self.last.at, self.packets, self.expected(), self.jitter.peaks())
    }

    /// Times between arrivals; `None` before two packets came that count.
    pub fn delta(&self) -> Option<DeltaSummary> {
        self.delta.summary()
    }

    /// Sums behind [`Pass::delta`].
    pub fn delta_state(&self) -> &Delta {
        &self.delta
    }

    /// The median of how much later the samples that both hold came by `other` than by `self`; `None` without any. Means something only
    /// where both taps have one clock.
    pub fn delay_to(&self, other: &Pass) -> Option<Span> {
        let mut delays: SmallVec<[Span; 64]> = self.samples.common(&other.samples).map(|(mine, theirs)| theirs.at - mine.at).collect();
        delays.sort_unstable();
        delays.get(delays.len() / 2).copied()
    }

    /// Whether this pass lies later on the path than `other`: lower time to live, else later arrival of common samples where one source
    /// saw both, else more packets.
    pub fn is_after(&self, other: &Pass) -> bool {
        if self.ttl() != other.ttl() {
            return self.ttl() < other.ttl();
        }
        let delay = (self.first.source == other.first.source).then(|| other.delay_to(self)).flatten();
        match delay {
            Some(Span(0)) | None => self.packets > other.packets,
            Some(delay) => delay > Span(0),
        }
    }
}

/// Whether two passes saw the same packets: at least two samples agree in sequence, timestamp and payload hash.
#[cfg(test)]
pub fn samples_match(a: &Pass, b: &Pass) -> bool {
    a.samples.agree(&b.samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;
    use crate::record::SourceId;

    /// A pass of 100 packets, the first `missing` of them left out, seen by a source whose clock is `ahead` ms ahead.
    fn pass(source: u32, ahead: i64, missing: u16) -> Pass {
        let arrivals = (missing..100).map(|s| {
            let mut arrival = packet(s).at_ms(i64::from(s) * 20 + ahead).arrival();
            arrival.seen.source = SourceId(source);
            arrival
        });
        let mut pass: Option<Pass> = None;
        for arrival in arrivals {
            match &mut pass {
                Some(pass) => {
                    pass.arrive(&arrival, || u32::from(arrival.sequence));
                }
                None => pass = Some(Pass::new(&arrival, u32::from(arrival.sequence))),
            }
        }
        pass.unwrap()
    }

    #[test]
    fn later_arrival_tells_the_later_pass_within_one_source_only() {
        assert!(pass(0, 4, 1).is_after(&pass(0, 0, 0)));
        assert!(!pass(1, 5_000, 1).is_after(&pass(0, 0, 0)), "clocks of two sources do not compare; the fuller one is taken");
    }
}
