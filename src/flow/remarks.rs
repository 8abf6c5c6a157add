//! What stands out within a pass: keys pressed, comfort noise, another payload type, timestamps that jump, pauses. Packets that are
//! as the ones before never get here ([`Watch`]).

use crate::flow::{
    arrival::Arrival,
    digits::{self, Digits},
    intervals::Intervals,
    jitter::{DYNAMIC_RATES, nanos},
};
use crate::proto::rtp::{is_comfort_noise, static_clock_rate};
use crate::record::RecordId;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Payload types beside the main one that are counted; packets of further ones are not.
const MAX_OTHERS: usize = 16;
/// A step of the timestamp that is so far from the time that passed is a jump.
const JUMP: i64 = 500_000_000;

/// A shorter pause is that between two packets and needs no reason.
const PAUSE: i64 = 200_000_000;

/// What a packet like the one before it shows; any other is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// Timestamp of a packet that follows in sequence.
    pub(super) timestamp: u32,
    /// Timestamp units from one packet to the next.
    pub(super) step: u32,
    /// When the interval ends.
    pub(super) until: i64,
    /// The longest pause so far, ns.
    pub(super) pause: i64,
}

impl Watch {
    /// After the first packet, which came at `at`.
    pub fn new(timestamp: u32, at: Timestamp) -> Self {
        // A step of one is that of no codec, so that the second packet is looked at, and so is each of a telephone event.
        Self { timestamp, step: 1, until: at.0, pause: 0 }
    }

    /// Whether the interval is over when a packet comes at `at`.
    pub fn is_over(&self, at: Timestamp) -> bool {
        at.0 >= self.until
    }

    /// Whether the packet of the main payload type (`main`) is as expected; moves on to the next.
    #[inline]
    pub fn is_as_expected(&mut self, main: bool, timestamp: u32, at: i64, pause: i64) -> bool {
        let expected = main & (timestamp == self.timestamp) & (at < self.until) & (pause <= self.pause);
        self.timestamp = timestamp.wrapping_add(self.step);
        expected
    }
}

/// Packets of a payload type beside the main one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Other {
    /// The payload type.
    pub payload_type: u8,
    /// Packets.
    pub packets: u64,
    /// How many of them have the shape of a telephone event.
    pub shaped: u64,
}

/// How often something was seen, and where first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counted {
    /// How often.
    pub count: u64,
    /// The record that showed it first.
    pub first: Option<RecordId>,
}

impl Counted {
    fn add(&mut self, record: RecordId) {
        self.count += 1;
        self.first.get_or_insert(record);
    }

    fn join(&mut self, other: &Counted) {
        self.count += other.count;
        self.first = self.first.or(other.first);
    }
}

/// Why nothing came for a while although no packet was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PauseKind {
    /// The timestamps went on with the time: the sender had nothing to say.
    SenderSilent,
    /// The timestamps say that it was sent without a pause: it was held up on the way.
    HeldUp,
}

/// The longest time between two packets that follow each other in sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// How long.
    pub length: Span,
    /// The record that ended it.
    pub record: RecordId,
    /// Why, where timestamps tell and it is longer than packets are apart.
    pub kind: Option<PauseKind>,
}

/// What stood out in a pass.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Remarks {
    /// Packets of comfort noise (RFC 3389) with its static payload type.
    pub comfort_noise: u64,
    /// Payload types beside the main one.
    pub others: SmallVec<[Other; 1]>,
    /// Packets shaped as telephone events.
    pub digits: Digits,
    /// Changes of the main payload type.
    pub payload_type_changes: Counted,
    /// Steps of the timestamp that fit neither the sequence nor the time.
    pub timestamp_jumps: Counted,
    /// The longest pause.
    pub pause: Option<Pause>,
    intervals: Option<Intervals>,
    /// The packet before was not of the main payload type.
    after_other: bool,
}

/// The packet before, and the state of its pass.
#[derive(Debug, Clone, Copy)]
pub struct Before {
    /// Its sequence number.
    pub sequence: u16,
    /// Its RTP timestamp.
    pub timestamp: u32,
    /// When it came.
    pub at: Timestamp,
    /// The main payload type.
    pub main: u8,
    /// The packet at hand makes its payload type the main one.
    pub changes: bool,
}

impl Remarks {
    /// Looks at the first packet of a pass.
    pub fn first(&mut self, arrival: &Arrival) {
        if digits::is_shaped(arrival) {
            self.digits.arrive(arrival);
        }
    }

    /// The intervals that are over.
    pub fn intervals(&self) -> Option<&Intervals> {
        self.intervals.as_ref()
    }

    /// Begins the interval that `at` lies in; `close` ends the one before it, where there is one.
    pub fn next_interval(&mut self, watch: &mut Watch, start: Timestamp, at: Timestamp, close: impl FnOnce(&mut Intervals)) {
        let intervals = match &mut self.intervals {
            Some(intervals) => {
                close(intervals);
                intervals
            }
            none => none.insert(Intervals::new(start)),
        };
        watch.until = intervals.end(at).0;
    }

    /// Looks at a packet that is not as expected.
    pub fn look(&mut self, watch: &mut Watch, arrival: &Arrival, before: &Before) {
        let event = digits::is_shaped(arrival);
        if event {
            self.digits.arrive(arrival);
        }
        let follows = arrival.sequence == before.sequence.wrapping_add(1);
        let (step, pause) = (arrival.timestamp.wrapping_sub(before.timestamp), (arrival.seen.at - before.at).0);
        let is_main = arrival.payload_type == before.main;
        let comparable = is_main && !self.after_other && !event;
        self.after_other = !is_main;
        if follows && pause > watch.pause {
            watch.pause = pause;
            let kind = comparable.then(|| pause_kind(before.main, step, pause)).flatten();
            self.pause = Some(Pause { length: Span(pause), record: arrival.seen.id, kind });
        }
        if before.changes {
            self.payload_type_changes.add(arrival.seen.id);
            self.after_other = false;
        } else if !is_main {
            self.count_other(arrival.payload_type, event);
        }
        if comparable && follows {
            if step != watch.step && !fits(before.main, step, pause) {
                self.timestamp_jumps.add(arrival.seen.id);
            }
            watch.step = step;
            watch.timestamp = arrival.timestamp.wrapping_add(step);
        }
    }

    fn count_other(&mut self, payload_type: u8, event: bool) {
        if is_comfort_noise(payload_type) {
            self.comfort_noise += 1;
            return;
        }
        let shaped = u64::from(event);
        let full = self.others.len() >= MAX_OTHERS;
        match self.others.iter_mut().find(|other| other.payload_type == payload_type) {
            Some(other) => (other.packets, other.shaped) = (other.packets + 1, other.shaped + shaped),
            None if full => {}
            None => self.others.push(Other { payload_type, packets: 1, shaped }),
        }
    }

    /// Takes in what stood out in a later pass of the same stream. Intervals stay those of each pass.
    pub fn join(&mut self, later: &Remarks) {
        self.comfort_noise += later.comfort_noise;
        self.payload_type_changes.join(&later.payload_type_changes);
        self.timestamp_jumps.join(&later.timestamp_jumps);
        let longer = later.pause.filter(|pause| self.pause.is_none_or(|known| known.length < pause.length));
        self.pause = longer.or(self.pause);
        for other in &later.others {
            match self.others.iter_mut().find(|known| known.payload_type == other.payload_type) {
                Some(known) => (known.packets, known.shaped) = (known.packets + other.packets, known.shaped + other.shaped),
                None => self.others.push(*other),
            }
        }
        self.digits.join(&later.digits);
    }
}

/// Clock rates that a payload type may have.
fn rates(payload_type: u8) -> SmallVec<[u32; 4]> {
    static_clock_rate(payload_type).map_or_else(|| SmallVec::from(DYNAMIC_RATES), |rate| SmallVec::from_iter([rate]))
}

/// Whether a timestamp that moves by `step` goes with `pause` ns of time, at a clock rate that the type may have.
fn fits(payload_type: u8, step: u32, pause: i64) -> bool {
    let step = i64::from(step as i32);
    rates(payload_type).iter().any(|rate| nanos(step, *rate).saturating_sub(pause).saturating_abs() <= JUMP)
}

/// Silent if the timestamps went on for at least half the time at some rate, held up if for less at all; in between nobody can tell.
fn pause_kind(payload_type: u8, step: u32, pause: i64) -> Option<PauseKind> {
    let went_on = |rate: &u32| nanos(i64::from(step as i32), *rate) >= pause / 2;
    if pause < PAUSE {
        return None;
    }
    let rates = rates(payload_type);
    match rates.iter().filter(|rate| went_on(rate)).count() {
        0 => Some(PauseKind::HeldUp),
        all if all == rates.len() => Some(PauseKind::SenderSilent),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::{Rtp, packet, run};

    fn remarks(packets: impl IntoIterator<Item = Rtp>) -> Remarks {
        run(packets).0.streams().next().unwrap().passes[0].remarks().unwrap().clone()
    }

    fn event(sequence: u16, timestamp: u32, code: u8, end: bool) -> Rtp {
        Rtp { timestamp, payload_type: 101, payload: vec![code, u8::from(end) << 7 | 10, 0, 160], ..packet(sequence) }
    }

    #[test]
    fn steady_stream_has_nothing_to_remark() {
        let got = remarks((0..100).map(packet));
        let pause = got.pause.unwrap();
        assert_eq!((pause.length, pause.record.number, pause.kind), (Span::millis(20), 2, None));
        assert_eq!(Remarks { pause: None, intervals: None, ..got }, Remarks::default());
    }

    #[test]
    fn digits_are_found_among_the_sound_and_at_its_start() {
        let among = (0..50).map(packet).chain((50..60).map(|s| event(s, 8_000, 5, s > 56))).chain((60..90).map(packet));
        let got = remarks(among);
        assert_eq!(got.digits.list().iter().map(|d| (d.key(), d.ended)).collect::<Vec<_>>(), [("5".to_owned(), true)]);
        assert_eq!(got.others.as_slice(), [Other { payload_type: 101, packets: 10, shaped: 10 }]);
        assert_eq!((got.timestamp_jumps.count, got.payload_type_changes.count), (0, 0));
        let at_start = (0..5).map(|s| event(s, 0, 1, s > 2)).chain((5..30).map(packet));
        assert_eq!(remarks(at_start).digits.list().iter().map(|d| (d.key(), d.ended)).collect::<Vec<_>>(), [("1".to_owned(), true)]);
    }

    #[test]
    fn other_payload_type_is_a_change_once_it_lasts() {
        let other = |s: u16| Rtp { payload_type: 0, ..packet(s) };
        let got = remarks((0..50).map(packet).chain((50..100).map(other)));
        assert_eq!((got.payload_type_changes.count, got.payload_type_changes.first.map(|id| id.number)), (1, Some(54)));
        assert_eq!(remarks((0..50).map(packet).chain((50..53).map(other)).chain((53..80).map(packet))).payload_type_changes.count, 0);
    }

    #[test]
    fn silence_of_the_sender_is_no_jump_and_an_outage_is_held_up() {
        let later = |s: u16, ms: i64, ticks: u32| {
            let rtp = packet(s);
            Rtp { timestamp: rtp.timestamp + ticks, at: rtp.at + ms * 1_000_000, ..rtp }
        };
        let silent = remarks((0..50).map(packet).chain((50..100).map(|s| later(s, 2_000, 16_000))));
        assert_eq!((silent.timestamp_jumps.count, silent.pause.unwrap().kind), (0, Some(PauseKind::SenderSilent)));
        assert_eq!(silent.pause.unwrap().length, Span::millis(2_020));
        let held = remarks((0..50).map(packet).chain((50..100).map(|s| later(s, 300, 0))));
        assert_eq!((held.timestamp_jumps.count, held.pause.unwrap().kind), (0, Some(PauseKind::HeldUp)));
        let jump = remarks((0..50).map(packet).chain((50..100).map(|s| later(s, 0, 80_000))));
        assert_eq!((jump.timestamp_jumps.count, jump.timestamp_jumps.first.map(|id| id.number)), (1, Some(51)));
    }

    #[test]
    fn comfort_noise_is_counted_and_a_loss_is_no_pause() {
        let noise = |s: u16| if s % 10 == 5 { Rtp { payload_type: 13, payload: vec![40], ..packet(s) } } else { packet(s) };
        assert_eq!(remarks((0..100).map(noise)).comfort_noise, 10);
        let lost = remarks((0..100).filter(|s| !(40..80).contains(s)).map(packet));
        assert_eq!(lost.pause.unwrap().length, Span::millis(20));
    }
}
