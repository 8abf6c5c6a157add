//! Interarrival jitter (RFC 3550 section 6.4.1 and appendix A.8), in integer nanoseconds.

use crate::flow::mean::Mean;
use crate::proto::rtp::{is_comfort_noise, static_clock_rate};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Clock rates in Hz whose sums are kept side by side for a dynamic payload type, until SDP says which one holds.
pub const DYNAMIC_RATES: [u32; 4] = [8_000, 16_000, 48_000, 90_000];

/// Packets in a row, each with a later timestamp, after which another payload type is what the stream carries now. A telephone event
/// (RFC 4733) repeats its timestamp, so it never gets there.
const NEW_CODEC: u8 = 4;
/// A larger difference of transit times is the sender's: it began its timestamps anew, as on a re-INVITE. It is no jitter; `tshark` takes
/// it for some unless the new timestamps lie before the first.
const MAX_DIFFERENCE: i64 = 10_000_000_000;

/// Jitter of a stream in milliseconds of its own clock rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JitterSummary {
    /// Mean of the running estimate over the packets.
    pub mean: Span,
    /// Its largest value.
    pub max: Span,
}

/// The running estimate J and what it was over the packets so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Running {
    /// J in sixteenths of a nanosecond.
    scaled: i64,
    /// Largest estimate of the present interval.
    max: i64,
    mean: Mean,
    /// Largest estimate of the intervals before.
    max_before: i64,
}

/// Largest estimates of an interval in µs: of the static payload type, then at each of [`DYNAMIC_RATES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Peaks([u32; 1 + DYNAMIC_RATES.len()]);

impl Peaks {
    /// The one that [`Jitter::slot`] names, in µs.
    pub fn at(&self, slot: usize) -> Option<u32> {
        self.0.get(slot).copied()
    }

    /// The larger of each.
    pub fn join(&mut self, other: &Peaks) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own = (*own).max(other));
    }
}

impl Running {
    #[inline]
    fn update(&mut self, difference: i64, counted: bool) {
        let difference = difference.saturating_abs();
        if difference > MAX_DIFFERENCE {
            return self.mean.skip();
        }
        self.scaled += difference - ((self.scaled + 8) >> 4);
        if counted {
            let estimate = self.scaled >> 4;
            self.max = self.max.max(estimate);
            self.mean.add(estimate);
        } else {
            self.mean.skip();
        }
    }

    /// Takes in what another pass of the same stream summed up.
    pub fn join(&mut self, other: &Running) {
        self.max = self.max.max(other.max).max(other.max_before);
        self.mean.join(&other.mean);
    }

    /// Mean and maximum; `None` before two packets could be compared.
    pub fn summary(&self) -> Option<JitterSummary> {
        Some(JitterSummary { mean: Span(self.mean.get()?), max: Span(self.max.max(self.max_before)) })
    }

    fn peak(&self) -> u32 {
        u32::try_from((self.max + 500) / 1_000).unwrap_or(u32::MAX)
    }

    fn next_interval(&mut self) {
        self.max_before = self.max_before.max(self.max);
        self.max = 0;
    }
}

/// Jitter state of one pass. Packets count in order of arrival, reordered ones included, each against the one before. Comfort noise is
/// no measure, the packet after it starts anew, and so it is after a restart of the sequence; telephone events are passed over.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Jitter {
    last_at: i64,
    last_timestamp: u32,
    /// The payload type that is measured; meaningful once `started`.
    payload_type: u8,
    started: bool,
    /// The next packet has nothing to be compared with.
    anew: bool,
    /// A payload type that may take over, how many packets in a row speak for it, and its last timestamp.
    other: u8,
    in_a_row: u8,
    other_timestamp: u32,
    of_static: Running,
    of_dynamic: Option<Box<[Running; 4]>>,
}

impl Jitter {
    /// A packet arrived. `counted` is false for those that mean and maximum leave out (see [`Mean`]).
    #[inline]
    pub fn arrive(&mut self, payload_type: u8, timestamp: u32, at: Timestamp, counted: bool) {
        if payload_type == self.payload_type && self.started && !self.anew {
            self.compare(timestamp, at, counted);
            self.in_a_row = 0;
        } else if is_comfort_noise(payload_type) {
            self.anew = true;
            self.skip();
            return;
        } else if self.started && payload_type != self.payload_type && !self.takes_over(payload_type, timestamp) {
            self.skip();
            return;
        } else {
            self.skip();
            (self.payload_type, self.started, self.anew, self.in_a_row) = (payload_type, true, false, 0);
        }
        (self.last_at, self.last_timestamp) = (at.0, timestamp);
    }

    /// The sequence restarted: the next packet starts anew.
    pub fn restart(&mut self) {
        self.anew = true;
    }

    #[inline]
    fn compare(&mut self, timestamp: u32, at: Timestamp, counted: bool) {
        let arrival = at.0.saturating_sub(self.last_at);
        let ticks = i64::from(timestamp.wrapping_sub(self.last_timestamp) as i32);
        match static_clock_rate(self.payload_type) {
            Some(rate) => self.of_static.update(arrival.saturating_sub(nanos(ticks, rate)), counted),
            None => {
                let sums = self.of_dynamic.get_or_insert_default();
                for (running, rate) in sums.iter_mut().zip(DYNAMIC_RATES) {
                    running.update(arrival.saturating_sub(nanos(ticks, rate)), counted);
                }
            }
        }
    }

    /// The payload type that is measured; `None` before the first that can be.
    pub fn payload_type(&self) -> Option<u8> {
        self.started.then_some(self.payload_type)
    }

    /// The last packet was measured, and nothing speaks for another payload type.
    pub fn is_quiet(&self) -> bool {
        self.started && !self.anew && self.in_a_row == 0 && !self.of_static.mean.is_empty()
    }

    /// Timestamp of the last packet that was measured.
    pub fn last_timestamp(&self) -> u32 {
        self.last_timestamp
    }

    /// When it came, in ns.
    pub fn last_at(&self) -> i64 {
        self.last_at
    }

    /// The running estimate of the static payload type, in sixteenths of a nanosecond.
    pub fn estimate(&self) -> i64 {
        self.of_static.scaled
    }

    /// Takes in `n` packets of the static payload type, the last of them at `at`: the estimate after them, its maximum and its sum.
    pub fn take_in(&mut self, at: Timestamp, timestamp: u32, (scaled, max, sum): (i64, i64, i64), n: u64) {
        (self.last_at, self.last_timestamp) = (at.0, timestamp);
        self.of_static.scaled = scaled;
        self.of_static.max = self.of_static.max.max(max);
        self.of_static.mean.take_in(sum, n);
    }

    /// Whether packets of this payload type are measured, as far as is known; cheaper to ask than [`Jitter::payload_type`].
    #[inline]
    pub fn measures(&self, payload_type: u8) -> bool {
        payload_type == self.payload_type
    }

    /// Whether a packet of another payload type makes that the one that is measured, when it arrives next.
    pub fn would_change(&self, payload_type: u8, timestamp: u32) -> bool {
        let other = self.started && payload_type != self.payload_type && !is_comfort_noise(payload_type);
        other && self.in_a_row_with(payload_type, timestamp) >= NEW_CODEC
    }

    /// Largest estimates since the last interval began.
    pub fn peaks(&self) -> Peaks {
        let mut peaks = Peaks::default();
        let dynamic = self.of_dynamic.iter().flat_map(|sums| sums.iter());
        let all = std::iter::once(&self.of_static).chain(dynamic);
        peaks.0.iter_mut().zip(all).for_each(|(peak, running)| *peak = running.peak());
        peaks
    }

    /// Another interval begins.
    pub fn next_interval(&mut self) {
        self.of_static.next_interval();
        self.of_dynamic.iter_mut().flat_map(|sums| sums.iter_mut()).for_each(Running::next_interval);
    }

    /// How many packets in a row speak for another payload type, this one included.
    fn in_a_row_with(&self, payload_type: u8, timestamp: u32) -> u8 {
        let later = timestamp.wrapping_sub(self.other_timestamp) as i32 > 0;
        let goes_on = self.in_a_row > 0 && self.other == payload_type && later;
        if goes_on { self.in_a_row + 1 } else { 1 }
    }

    fn takes_over(&mut self, payload_type: u8, timestamp: u32) -> bool {
        self.in_a_row = self.in_a_row_with(payload_type, timestamp);
        (self.other, self.other_timestamp) = (payload_type, timestamp);
        self.in_a_row >= NEW_CODEC
    }

    fn skip(&mut self) {
        self.of_static.mean.skip();
        for running in self.of_dynamic.iter_mut().flat_map(|sums| sums.iter_mut()) {
            running.mean.skip();
        }
    }

    /// The sums at `clock_rate` Hz: those of the static payload type when its rate it is, else those of the dynamic one, which exist for
    /// [`DYNAMIC_RATES`]. `None` for any other rate, and before two packets could be compared.
    pub fn at_rate(&self, clock_rate: u32) -> Option<&Running> {
        match self.slot(clock_rate)? {
            0 => Some(&self.of_static),
            dynamic => self.of_dynamic.as_ref()?.get(dynamic - 1),
        }
    }

    /// Which of the sums [`Jitter::at_rate`] takes: 0 are those of the static payload type.
    pub fn slot(&self, clock_rate: u32) -> Option<usize> {
        match static_clock_rate(self.payload_type) {
            Some(own) if own == clock_rate && self.of_static.summary().is_some() => Some(0),
            _ => {
                self.of_dynamic.as_ref()?;
                DYNAMIC_RATES.iter().position(|rate| *rate == clock_rate).map(|dynamic| dynamic + 1)
            }
        }
    }
}

/// `ticks` of a clock of `rate` Hz in nanoseconds. Each rate has its own arm, so that the compiler divides by a constant.
#[inline]
pub fn nanos(ticks: i64, rate: u32) -> i64 {
    match rate {
        8_000 => ticks * 125_000,
        16_000 => ticks * 62_500,
        48_000 => ticks * 62_500 / 3,
        90_000 => ticks * 100_000 / 9,
        44_100 => ticks * 10_000_000 / 441,
        22_050 => ticks * 20_000_000 / 441,
        11_025 => ticks * 40_000_000 / 441,
        rate => ticks * 1_000_000_000 / i64::from(rate.max(1)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    fn run(packets: &[(u8, u32, i64)]) -> Jitter {
        let mut jitter = Jitter::default();
        for &(payload_type, timestamp, at_ms) in packets {
            jitter.arrive(payload_type, timestamp, Timestamp(at_ms * MS), true);
        }
        jitter
    }

    #[test]
    fn one_late_packet_counts_a_sixteenth_and_fades() {
        let jitter = run(&[(0, 0, 0), (0, 160, 36)]);
        let summary = jitter.at_rate(8_000).unwrap().summary().unwrap();
        assert_eq!((summary.mean, summary.max), (Span::millis(1), Span::millis(1)));
        let faded = run(&[(0, 0, 0), (0, 160, 36), (0, 320, 56)]).at_rate(8_000).unwrap().summary().unwrap();
        assert_eq!((faded.mean.0, faded.max.0), ((MS + MS * 15 / 16) / 2, MS));
    }

    #[test]
    fn dynamic_type_waits_for_its_clock_rate() {
        let jitter = run(&[(96, 0, 0), (96, 960, 20), (96, 1920, 40)]);
        let mean = |rate| jitter.at_rate(rate).and_then(Running::summary).map(|s| s.mean.0);
        assert_eq!((mean(48_000), mean(44_100)), (Some(0), None));
        assert!(mean(8_000).unwrap() > MS);
    }

    #[test]
    fn telephone_event_and_comfort_noise_do_not_disturb() {
        let event: Vec<_> = (0..12).map(|i| (101, 160, 20 + i * 20)).collect();
        let packets = [&[(0, 0, 0)][..], &event, &[(0, 2080, 260), (13, 9_999, 300), (0, 8_000, 1_000), (0, 8_160, 1_020)]].concat();
        assert_eq!(run(&packets).at_rate(8_000).unwrap().summary().unwrap().max, Span(0));
    }

    #[test]
    fn new_codec_takes_over_after_four_packets() {
        let packets: Vec<_> =
            (0..3).map(|i| (0, i * 160, i64::from(i) * 20)).chain((3..12).map(|i| (9, i * 160, i64::from(i) * 20))).collect();
        let jitter = run(&packets);
        assert_eq!((jitter.payload_type, jitter.at_rate(8_000).unwrap().max), (9, 0));
    }

    #[test]
    fn timestamps_that_begin_anew_are_no_jitter() {
        let jitter = run(&[(8, 400_000, 0), (8, 400_160, 20), (8, 0, 40), (8, 160, 60)]);
        assert_eq!(jitter.at_rate(8_000).unwrap().summary().unwrap().max, Span(0));
    }

    #[test]
    fn timestamps_wrap_and_absurd_times_do_not_overflow() {
        assert_eq!(run(&[(0, u32::MAX - 79, 0), (0, 80, 20)]).at_rate(8_000).unwrap().max, 0);
        let mut jitter = Jitter::default();
        for i in 0..100_000u32 {
            jitter.arrive(0, i << 31, Timestamp(if i % 2 == 0 { i64::MIN } else { i64::MAX }), true);
            jitter.arrive(0, i << 31, Timestamp(i64::from(i % 2) * MAX_DIFFERENCE), true);
        }
        assert!(jitter.at_rate(8_000).is_none_or(|running| running.max <= MAX_DIFFERENCE));
    }
}
