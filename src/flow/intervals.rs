//! A pass cut into equal lengths of arrival time, so that a bad half minute shows in a long call.

use crate::flow::jitter::Peaks;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// Length of an interval at first.
pub const LENGTH: Span = Span::secs(10);
/// Most intervals; when there are more, their length doubles.
const MAX_INTERVALS: usize = 64;

/// What came in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// Its place: it begins so many lengths after the first packet. Those without packets are left out.
    pub index: u32,
    /// Packets received.
    pub packets: u64,
    /// Packets expected. The packet that ends a loss is counted where it came, the loss where it began; late packets can make
    /// this less than those received.
    pub expected: u64,
    /// Largest jitter estimates.
    pub jitter: Peaks,
}

/// The intervals of a pass that are over, and where the present one began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intervals {
    list: Vec<Interval>,
    start: Timestamp,
    length: Span,
    /// The sums when the present interval began.
    packets: u64,
    expected: u64,
}

impl Intervals {
    /// Of a pass whose first packet came at `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { list: Vec::new(), start, length: LENGTH, packets: 0, expected: 0 }
    }

    /// When the interval ends that `at` lies in.
    pub fn end(&self, at: Timestamp) -> Timestamp {
        self.start + Span(i64::from(self.index(at)).saturating_add(1).saturating_mul(self.length.0))
    }

    /// How long each is.
    pub fn length(&self) -> Span {
        self.length
    }

    /// When an interval began.
    pub fn from(&self, interval: &Interval) -> Timestamp {
        self.start + Span(i64::from(interval.index).saturating_mul(self.length.0))
    }

    fn index(&self, at: Timestamp) -> u32 {
        u32::try_from((at - self.start).0 / self.length.0.max(1)).unwrap_or(0)
    }

    /// The interval that `last` lies in is over: the pass has received and expected so many packets in all.
    pub fn close(&mut self, last: Timestamp, packets: u64, expected: u64, jitter: Peaks) {
        let open = self.open(last, packets, expected, jitter);
        (self.packets, self.expected) = (packets, expected);
        match self.list.last_mut() {
            Some(known) if known.index >= open.index => known.join(&open),
            _ => self.list.push(open),
        }
        while self.list.len() >= MAX_INTERVALS {
            self.double();
        }
    }

    /// All intervals, with the one that is not over.
    pub fn all(&self, last: Timestamp, packets: u64, expected: u64, jitter: Peaks) -> Intervals {
        let mut all = self.clone();
        if packets > self.packets {
            all.close(last, packets, expected, jitter);
        }
        all
    }

    /// The intervals, in order of time.
    pub fn list(&self) -> &[Interval] {
        &self.list
    }

    fn open(&self, last: Timestamp, packets: u64, expected: u64, jitter: Peaks) -> Interval {
        let (packets, expected) = (packets.saturating_sub(self.packets), expected.saturating_sub(self.expected));
        Interval { index: self.index(last), packets, expected, jitter }
    }

    fn double(&mut self) {
        self.length = Span(self.length.0.saturating_mul(2));
        let mut list: Vec<Interval> = Vec::with_capacity(self.list.len());
        for interval in &self.list {
            let halved = Interval { index: interval.index / 2, ..*interval };
            match list.last_mut() {
                Some(last) if last.index == halved.index => last.join(&halved),
                _ => list.push(halved),
            }
        }
        self.list = list;
    }
}

impl Interval {
    fn join(&mut self, other: &Interval) {
        self.packets += other.packets;
        self.expected += other.expected;
        self.jitter.join(&other.jitter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::{Rtp, packet, run};

    fn packets(count: u32) -> impl Iterator<Item = Rtp> {
        (0..count).map(|n| Rtp { at: i64::from(n) * 20_000_000, timestamp: n * 160, ..packet(n as u16) })
    }

    #[test]
    fn loss_and_jitter_stand_in_the_interval_that_had_them() {
        let lost = |rtp: &Rtp| (600..620).contains(&rtp.sequence);
        let late = |rtp: Rtp| if rtp.sequence == 1_100 { rtp.seen(0, 64, 15_000) } else { rtp };
        let (media, _) = run(packets(1_250).filter(|rtp| !lost(rtp)).map(late));
        let intervals = media.streams().next().unwrap().passes[0].intervals();
        let got: Vec<_> =
            intervals.list().iter().map(|i| (i.index, i.packets, i.expected - i.packets, i.jitter.at(0).unwrap() > 0)).collect();
        assert_eq!(got, [(0, 500, 0, false), (1, 480, 20, false), (2, 250, 0, true)]);
        assert_eq!(intervals.length(), LENGTH);
    }

    #[test]
    fn long_passes_have_longer_intervals_and_add_up() {
        let (media, _) = run(packets(200_000).filter(|rtp| rtp.timestamp / 160 % 1_000 != 7));
        let pass = &media.streams().next().unwrap().passes[0];
        let intervals = pass.intervals();
        assert!(intervals.list().len() <= MAX_INTERVALS && intervals.length() == Span::secs(80));
        assert_eq!(intervals.list().iter().map(|i| i.packets).sum::<u64>(), pass.packets());
        assert_eq!(intervals.list().iter().map(|i| i.expected).sum::<u64>(), pass.expected());
    }

    #[test]
    fn silence_is_no_interval() {
        let (media, _) = run(packets(100).map(|rtp| if rtp.sequence < 50 { rtp } else { rtp.seen(0, 64, 60_000_000) }));
        let got: Vec<_> = media.streams().next().unwrap().passes[0].intervals().list().iter().map(|i| (i.index, i.packets)).collect();
        assert_eq!(got, [(0, 50), (6, 50)]);
    }
}
