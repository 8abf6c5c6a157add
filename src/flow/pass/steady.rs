//! A pass while its packets are as expected of it: the next number, the next timestamp, from the same neighbour, soon enough. What such
//! packets add is summed up here, in three cache lines, and given to the pass before anybody looks at it. The first packet that is
//! anything else goes to the pass itself. So the answer is that of the pass alone, in a fraction of the memory and the work.

use super::Pass;
use crate::decode::{MacPair, TunnelsId};
use crate::flow::{beat::Beat, copies::Print, jitter::nanos, samples::Sample, stream::SILENCE};
use crate::proto::rtp::{is_comfort_noise, static_clock_rate};
use crate::record::{RecordId, Seq};
use crate::time::Timestamp;

/// Packets that are summed up at most; enough of the shortest fill no sum.
const MOST: u32 = 1 << 16;
/// Packets that a pass must have: what ends sooner is not worth a run.
const WORTH: u64 = 16;
/// Payload types from here on have no static clock rate (RFC 3551 section 6).
const FIRST_DYNAMIC: u8 = 96;

/// What all packets of a run have in common, what the next must be, and the sums.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub struct Steady {
    // What the next packet is compared with.
    last_at: i64,
    until: i64,
    ssrc: u32,
    timestamp: u32,
    step: u32,
    pause: u32,
    macs: MacPair,
    sequence: u16,
    sampled: u16,
    input: u32,
    second: u8,
    dscp: u8,
    // The last four packets, which tell copies; the n-th in place n mod 4.
    lens: [u16; 4],
    heads: [u64; 4],
    apart: [u32; 4],
    // The sums.
    n: u32,
    bytes: u32,
    seq: u64,
    number: u64,
    lag: u32,
    step_time: i32,
    scaled: i64,
    jitter_max: i64,
    jitter_sum: i64,
    began: i64,
    delta_min: u32,
    delta_max: u32,
}

/// Where a packet stands in the merged order.
#[derive(Debug, Clone, Copy)]
pub struct Stands {
    /// Its place.
    pub seq: Seq,
    /// Its record.
    pub id: RecordId,
    /// Running maximum of capture time there.
    pub clock: Timestamp,
}

/// What a run says to a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joins {
    /// It is not as expected; nothing has changed.
    No,
    /// It has joined.
    Yes,
    /// It has joined, and its pass samples it.
    Sampled,
}

impl Steady {
    /// Takes the next packet in if it is as expected.
    #[inline(always)]
    pub fn arrive(&mut self, beat: &Beat, stands: Stands) -> Joins {
        let apart = beat.at.0.wrapping_sub(self.last_at);
        let lag = stands.clock.0.wrapping_sub(beat.at.0);
        // Times that go back are very large here.
        let follows = (beat.sequence == self.sequence) & (beat.timestamp == self.timestamp) & (beat.ssrc == self.ssrc);
        let alike = (beat.second == self.second) & (beat.dscp == self.dscp) & (beat.macs == self.macs);
        let in_time = (apart as u64 <= u64::from(self.pause)) & (beat.at.0 < self.until) & (lag as u64 <= u64::from(u32::MAX));
        let plain = (stands.id.input == self.input) & (self.n < MOST);
        if !(follows & alike & in_time & plain) {
            return Joins::No;
        }
        let apart = apart as u32;
        let difference = (i64::from(apart) - i64::from(self.step_time)).abs();
        self.scaled += difference - ((self.scaled + 8) >> 4);
        let estimate = self.scaled >> 4;
        self.jitter_max = self.jitter_max.max(estimate);
        self.jitter_sum += estimate;
        self.delta_min = self.delta_min.min(apart);
        self.delta_max = self.delta_max.max(apart);
        let slot = self.n as usize % 4;
        if let (Some(head), Some(time), Some(len)) = (self.heads.get_mut(slot), self.apart.get_mut(slot), self.lens.get_mut(slot)) {
            (*head, *time, *len) = (beat.head, apart, beat.len);
        }
        self.last_at = beat.at.0;
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(self.step);
        self.bytes += u32::from(beat.len);
        self.n += 1;
        (self.seq, self.number, self.lag) = (stands.seq.0, stands.id.number, lag as u32);
        if beat.sequence & self.sampled == 0 { Joins::Sampled } else { Joins::Yes }
    }

    /// The pass samples packets whose number has none of these bits.
    pub fn sample_by(&mut self, mask: u16) {
        self.sampled = mask;
    }

    /// Packets summed up.
    pub fn packets(&self) -> u64 {
        u64::from(self.n)
    }

    /// Source of all of them.
    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Payload type of all of them.
    pub fn payload_type(&self) -> u8 {
        self.second
    }

    /// Where the last of them stands.
    pub fn last(&self) -> Stands {
        let (seq, id) = (Seq(self.seq), RecordId { input: self.input, number: self.number });
        Stands { seq, id, clock: Timestamp(self.last_at + i64::from(self.lag)) }
    }

    /// The last packets, up to four, with how many came after each.
    fn prints(&self) -> impl Iterator<Item = (u64, Print)> {
        let mut at = self.last_at;
        let run = *self;
        let (sequence, timestamp, step) = (self.sequence, self.timestamp, self.step);
        (1..=self.n.min(4) as u16).map(move |back| {
            let slot = (run.n - u32::from(back)) as usize % 4;
            let [head, apart] =
                [run.heads.get(slot).copied(), run.apart.get(slot).map(|apart| u64::from(*apart))].map(Option::unwrap_or_default);
            let bytes = run.lens.get(slot).copied().unwrap_or_default();
            let print = Print {
                at,
                head,
                timestamp: timestamp.wrapping_sub(step.wrapping_mul(u32::from(back))),
                bytes,
                sequence: sequence.wrapping_sub(back),
            };
            at -= apart as i64;
            (u64::from(back) - 1, print)
        })
    }

    fn clear(&mut self) {
        (self.n, self.bytes, self.jitter_sum, self.jitter_max) = (0, 0, 0, 0);
        (self.began, self.delta_min, self.delta_max) = (self.last_at, u32::MAX, 0);
    }
}

impl Pass {
    /// The run that the next packets can join; `None` while anything about the pass is not plain.
    pub fn steady(&self, ssrc: u32) -> Option<Steady> {
        let payload_type = self.jitter.payload_type().filter(|kind| *kind < FIRST_DYNAMIC && !is_comfort_noise(*kind))?;
        let rate = static_clock_rate(payload_type)?;
        let quiet = self.packets >= WORTH
            && self.jitter.is_quiet()
            && !self.after_comfort_noise
            && !self.delta.mean.is_empty()
            && self.last_stray().is_none();
        let sampled = self.samples.is_under_way().filter(|_| quiet)?;
        let sequence = self.numbers.next()?;
        let step_time = i32::try_from(nanos(i64::from(self.watch.step as i32), rate)).ok()?;
        let last = &self.last;
        // Jitter compares with the last packet too: no other came between.
        if self.watch.timestamp != self.jitter.last_timestamp().wrapping_add(self.watch.step) || self.jitter.last_at() != last.at.0 {
            return None;
        }
        let mut steady = Steady {
            last_at: last.at.0,
            until: self.watch.until,
            ssrc,
            timestamp: self.watch.timestamp,
            step: self.watch.step,
            pause: u32::try_from(self.watch.pause.min(SILENCE.0 - 1)).ok()?,
            macs: self.link.macs_now(),
            sequence,
            sampled,
            input: last.id.input,
            second: payload_type,
            dscp: self.link.dscp_now(),
            lens: [0; 4],
            heads: [0; 4],
            apart: [0; 4],
            n: 0,
            bytes: 0,
            seq: last.seq.0,
            number: last.id.number,
            lag: 0,
            step_time,
            scaled: self.jitter.estimate(),
            jitter_max: 0,
            jitter_sum: 0,
            began: 0,
            delta_min: 0,
            delta_max: 0,
        };
        steady.clear();
        Some(steady)
    }

    /// Keeps the sample of a packet that joined a run; what [`Steady::sample_by`] is to know.
    pub fn sample(&mut self, sample: Sample) -> Option<u16> {
        self.samples.keep(sample);
        self.samples.is_under_way()
    }

    /// Takes a run in; the run goes on from there.
    pub fn take_in(&mut self, run: &mut Steady) {
        let n = run.packets();
        if n == 0 {
            return;
        }
        self.numbers.advance(n);
        for (back, print) in run.prints() {
            self.copies.put(self.packets + n - 1 - back, print);
        }
        let at = Timestamp(run.last_at);
        self.delta.take_in(i64::from(run.delta_min), i64::from(run.delta_max), run.last_at - run.began, n);
        self.jitter.take_in(at, run.timestamp.wrapping_sub(run.step), (run.scaled, run.jitter_max, run.jitter_sum), n);
        self.watch.timestamp = run.timestamp;
        self.packets += n;
        self.bytes = self.bytes.saturating_add(u64::from(run.bytes));
        let stands = run.last();
        (self.last.id, self.last.seq, self.last.at, self.last.tunnels) = (stands.id, stands.seq, at, TunnelsId(0));
        (self.last.macs, self.last.dscp) = (run.macs, run.dscp);
        run.clear();
    }
}
