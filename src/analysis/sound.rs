//! What a stream sounded like: its score, whole and by interval, the keys pressed in it, and what stood out.

use crate::call::{
    BoundStream,
    quality::{self, Mos, Received},
};
use crate::flow::{Stream, remarks::PauseKind};
use crate::report::{CountedEntry, Decimal, DigitEntry, EventsEntry, IntervalEntry, Text};
use crate::time::{Span, Timestamp};

/// Nanoseconds in a millisecond.
const MS: i128 = 1_000_000;
/// Packets of sound are so long where nothing tells, in ms.
const PACKET_MS: f64 = 20.0;
/// Largest event code that is a key (RFC 4733 section 3.2, and 16, flash); others count only where signalling names the payload type.
const LAST_KEY: u8 = 16;
/// Clock rate of events and of sound where nothing tells (RFC 4733 section 2.1).
const USUAL_RATE: u32 = 8_000;

/// Scores of a stream.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Sound {
    /// Of the whole stream.
    pub mos: Option<Decimal<2>>,
    /// Of its worst interval.
    pub mos_min: Option<Decimal<2>>,
    /// What the score rests on, or why there is none.
    pub basis: String,
    /// The stream by intervals.
    pub intervals: Vec<IntervalEntry>,
}

/// Scores a stream.
pub fn sound(bound: &BoundStream) -> Sound {
    let stream = &bound.stream;
    let packet_ms = stream.delta().map_or(PACKET_MS, |delta| delta.mean.as_millis_f64().clamp(10.0, 100.0));
    let jitter = bound.clock_rate.and_then(|rate| stream.jitter(rate));
    let whole = Received {
        expected: stream.expected(),
        received: stream.packets(),
        bursts: bursts(stream),
        jitter_ms: jitter.map_or(0.0, |jitter| jitter.max.as_millis_f64()),
        packet_ms,
    };
    let codec = bound.codec.as_deref().and_then(quality::codec);
    let mos = codec.and_then(|codec| quality::mos(&codec, &whole));
    let basis = match (&bound.codec, &codec, &mos) {
        (None, ..) => "codec unknown".to_owned(),
        (Some(name), None, _) => format!("no narrowband Ie is published for {name}"),
        (_, Some(codec), Some(mos)) => quality::basis(codec, mos),
        (_, Some(codec), None) if whole.received < whole.expected && codec.bpl.is_none() => {
            format!("no Bpl is published for {}", codec.name)
        }
        (_, Some(_), None) => "too few packets".to_owned(),
    };
    let intervals = intervals(bound, packet_ms, codec.filter(|_| mos.is_some()));
    let mos_min = intervals.iter().filter_map(|interval| interval.mos).min();
    Sound { mos: mos.map(decimal), mos_min, basis, intervals }
}

fn decimal(mos: Mos) -> Decimal<2> {
    Decimal(mos.hundredths)
}

/// Runs of lost packets. Where more was lost than gaps are kept, those kept stand for all.
fn bursts(stream: &Stream) -> u64 {
    let route = stream.route();
    let kept: u64 = route.iter().map(|pass| pass.gaps().len() as u64).sum();
    let placed: u64 = route.iter().flat_map(|pass| pass.gaps()).map(|gap| gap.count).sum();
    let lost = stream.lost();
    if placed == 0 || lost <= placed { kept } else { (u128::from(kept) * u128::from(lost) / u128::from(placed)) as u64 }
}

fn intervals(bound: &BoundStream, packet_ms: f64, codec: Option<quality::Codec>) -> Vec<IntervalEntry> {
    let mut entries = Vec::new();
    for pass in bound.stream.route() {
        let intervals = pass.intervals();
        let slot = bound.clock_rate.and_then(|rate| pass.jitter_state().slot(rate));
        for interval in intervals.list() {
            let from = intervals.from(interval);
            let jitter = slot.and_then(|slot| interval.jitter.at(slot));
            let within = |at: Timestamp| at >= from && at - from < intervals.length();
            let received = Received {
                expected: interval.expected,
                received: interval.packets,
                bursts: pass.gaps().iter().filter(|gap| within(gap.at)).count() as u64,
                jitter_ms: jitter.map_or(0.0, |us| f64::from(us) / 1e3),
                packet_ms,
            };
            entries.push(IntervalEntry {
                from: Text::time(from),
                seconds: intervals.length().0.max(0) as u64 / Span::secs(1).0 as u64,
                packets: interval.packets,
                lost: interval.expected as i64 - interval.packets as i64,
                jitter_ms: jitter.map(|us| Decimal(i64::from(us))),
                mos: codec.and_then(|codec| quality::mos(&codec, &received)).map(decimal),
            });
        }
    }
    entries
}

/// Keys pressed; `None` where events were sent that cannot be read.
pub fn digits(bound: &BoundStream) -> Option<Vec<DigitEntry>> {
    let remarks = bound.stream.remarks();
    let named = |payload_type: u8| bound.encoding(payload_type);
    let is_event = |payload_type: u8| match named(payload_type) {
        Some((name, _)) => name.eq_ignore_ascii_case("telephone-event"),
        None => {
            let other = remarks.others.iter().find(|other| other.payload_type == payload_type);
            other.is_some_and(|other| other.packets == other.shaped)
        }
    };
    let list: Vec<DigitEntry> = remarks
        .digits
        .list()
        .iter()
        .filter(|digit| is_event(digit.payload_type) && (digit.code <= LAST_KEY || named(digit.payload_type).is_some()))
        .map(|digit| {
            let rate = named(digit.payload_type).map(|(_, rate)| rate).filter(|rate| *rate > 0).or(bound.clock_rate).unwrap_or(USUAL_RATE);
            DigitEntry {
                digit: digit.key(),
                at: Text::time(digit.at),
                duration_ms: Decimal::ratio(i128::from(digit.duration) * 1_000, i128::from(rate)),
                volume: digit.volume,
                record: digit.record,
            }
        })
        .collect();
    let unread = remarks
        .others
        .iter()
        .any(|other| other.packets > other.shaped && named(other.payload_type).is_some() && is_event(other.payload_type));
    (!list.is_empty() || !unread).then_some(list)
}

/// What stood out.
pub fn events(bound: &BoundStream) -> EventsEntry {
    let remarks = bound.stream.remarks();
    let is_noise = |payload_type: u8| bound.encoding(payload_type).is_some_and(|(name, _)| name.eq_ignore_ascii_case("CN"));
    let noise: u64 = remarks.others.iter().filter(|other| is_noise(other.payload_type)).map(|other| other.packets).sum();
    let counted = |counted: &crate::flow::remarks::Counted| CountedEntry { count: counted.count, first: counted.first };
    let pause = remarks.pause;
    EventsEntry {
        comfort_noise: remarks.comfort_noise + noise,
        digits_left_out: remarks.digits.beyond(),
        payload_type_changes: counted(&remarks.payload_type_changes),
        timestamp_jumps: counted(&remarks.timestamp_jumps),
        longest_gap_ms: pause.map(|pause| Decimal::ratio(i128::from(pause.length.0), MS)),
        longest_gap: pause.and_then(|pause| pause.kind).map(|kind| match kind {
            PauseKind::SenderSilent => "sender_silent".into(),
            PauseKind::HeldUp => "held_up".into(),
        }),
        longest_gap_record: pause.map(|pause| pause.record),
    }
}
