//! One stream on two 5-tuples: a NAT or a relay stands between them.

use crate::decode::FlowKey;
use crate::flow::{Pass, Stream};
use crate::proto::rtp::Ssrc;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// NATs and relays pass a packet on within this, media servers with their buffers included.
const PASSED_ON_WITHIN: Span = Span::millis(500);
/// The delay of a relay that encrypts anew differs by no more than this from packet to packet; two calls that began alike do.
const EVEN_WITHIN: Span = Span::millis(200);
/// Where two sources saw the two sides, their clocks may be so far apart, and the first packets no more.
const CLOCKS_WITHIN: Span = Span::secs(32);
/// Samples that have to agree.
const ENOUGH: usize = 2;
/// What SRTP adds to a packet: an authentication tag of 32 or 80 bits, or that of AES-GCM (RFC 3711, RFC 7714).
const TAGS: [u64; 3] = [4, 10, 16];
/// Streams of one source that are compared with each other.
const MOST_ALIKE: usize = 16;

/// How two streams are known to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Relay {
    /// Sequence, timestamp and payload are the same.
    SamePayload,
    /// Sequence and timestamp are, the payload is not: it was encrypted anew on the way. Less sure.
    Reencrypted,
}

/// Whether `far` is the stream `near` on another 5-tuple, further on. `secured`: signalling says that one of them is SRTP, else the
/// length of packets has to say it before other payload is taken for encryption.
pub fn relay(near: &Stream, far: &Stream, secured: bool) -> Option<Relay> {
    if near.ssrc != far.ssrc || near.flow == far.flow || addresses(near) == addresses(far) {
        return None;
    }
    let pairs = || near.passes.iter().flat_map(|a| far.passes.iter().map(move |b| (a, b)));
    if pairs().any(|(a, b)| is_passed_on(a, b, true)) {
        return Some(Relay::SamePayload);
    }
    let tagged = packet_len(near).zip(packet_len(far)).is_some_and(|(a, b)| TAGS.contains(&a.abs_diff(b)));
    ((secured || tagged) && pairs().any(|(a, b)| is_passed_on(a, b, false))).then_some(Relay::Reencrypted)
}

/// Median of how much later packets came by on the far side; `None` where two sources saw them.
pub fn delay(near: &Stream, far: &Stream) -> Option<Span> {
    let (a, b) = (near.last_pass()?, far.last_pass()?);
    let mut delays = delays(a, b, false);
    delays.sort_unstable();
    delays.get(delays.len() / 2).copied().filter(|_| a.first().source == b.first().source)
}

/// Sender and receiver: a middlebox changes one of them at least.
fn addresses(stream: &Stream) -> (IpAddr, IpAddr) {
    let (src, dst) = stream.flow.from_to(stream.dir);
    (src.ip(), dst.ip())
}

fn packet_len(stream: &Stream) -> Option<u64> {
    stream.bytes().checked_div(stream.packets())
}

/// How much later the samples that both took came by `b`. `same`: those with the same payload only.
fn delays(a: &Pass, b: &Pass, same: bool) -> Vec<Span> {
    let theirs: BTreeMap<(u16, u32), _> = b.samples().list().iter().map(|s| ((s.sequence, s.timestamp), s)).collect();
    let common = a.samples().list().iter().filter_map(|mine| Some((mine, theirs.get(&(mine.sequence, mine.timestamp))?)));
    common.filter(|(mine, theirs)| !same || mine.hash == theirs.hash).map(|(mine, theirs)| theirs.at - mine.at).collect()
}

fn is_passed_on(a: &Pass, b: &Pass, same: bool) -> bool {
    let mut delays = delays(a, b, same);
    if delays.len() < ENOUGH {
        return false;
    }
    if a.first().source != b.first().source {
        let apart = b.first().at - a.first().at;
        return apart < CLOCKS_WITHIN && apart > Span(-CLOCKS_WITHIN.0);
    }
    delays.sort_unstable();
    let median = delays.get(delays.len() / 2).copied().unwrap_or_default();
    let spread = delays.last().zip(delays.first()).map_or(0, |(most, least)| most.0.saturating_sub(least.0));
    (Span(0)..=PASSED_ON_WITHIN).contains(&median) && (same || spread <= EVEN_WITHIN.0)
}

/// Streams by flow, with the flows of one path together: groups of places in `streams`.
pub fn paths(streams: &[Box<Stream>]) -> Vec<Vec<usize>> {
    let mut group_of: BTreeMap<FlowKey, FlowKey> = streams.iter().map(|stream| (stream.flow, stream.flow)).collect();
    let mut alike: BTreeMap<Ssrc, Vec<&Stream>> = BTreeMap::new();
    for stream in streams {
        let list = alike.entry(stream.ssrc).or_default();
        if list.len() < MOST_ALIKE {
            list.push(stream);
        }
    }
    for list in alike.values() {
        for (i, a) in list.iter().enumerate() {
            for b in list.iter().skip(i + 1) {
                if relay(a, b, false).or_else(|| relay(b, a, false)).is_some() {
                    join(&mut group_of, a.flow, b.flow);
                }
            }
        }
    }
    let mut groups: BTreeMap<FlowKey, Vec<usize>> = BTreeMap::new();
    for (i, stream) in streams.iter().enumerate() {
        let group = head(&mut group_of, stream.flow);
        groups.entry(group).or_default().push(i);
    }
    groups.into_values().collect()
}

/// The flow that stands for the path of `flow`; ways there are made shorter.
fn head(group_of: &mut BTreeMap<FlowKey, FlowKey>, flow: FlowKey) -> FlowKey {
    let mut at = flow;
    while let Some(next) = group_of.get(&at).copied().filter(|next| *next != at) {
        let after = group_of.get(&next).copied().unwrap_or(next);
        group_of.insert(at, after);
        at = after;
    }
    at
}

fn join(group_of: &mut BTreeMap<FlowKey, FlowKey>, a: FlowKey, b: FlowKey) {
    let (a, b) = (head(group_of, a), head(group_of, b));
    group_of.insert(a.max(b), a.min(b));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Dir, flow_key};
    use crate::flow::support::{Rtp, packet, run};

    /// 100 packets from 10.0.0.`from` to 192.0.2.`to`, `ms` later than packet 0 is sent.
    fn stream(from: u8, to: u8, ms: i64, change: impl Fn(Rtp) -> Rtp) -> Stream {
        let (media, _) = run((0..100).map(|s| change(packet(s).seen(0, 64, ms * 1_000))));
        let mut stream = media.streams().next().unwrap().clone();
        (stream.flow, stream.dir) = FlowKey::v4([10, 0, 0, from], 4000, [192, 0, 2, to], 4000, flow_key::UDP);
        assert_eq!(stream.dir, Dir::Up);
        stream
    }

    fn other(rtp: Rtp, longer: usize) -> Rtp {
        Rtp { payload: vec![rtp.sequence as u8 ^ 0x5a; rtp.payload.len() + longer], ..rtp }
    }

    #[test]
    fn same_packets_a_moment_later_are_the_far_side() {
        let near = stream(1, 1, 0, |rtp| rtp);
        assert_eq!(relay(&near, &stream(2, 1, 3, |rtp| rtp), false), Some(Relay::SamePayload));
        assert_eq!(delay(&near, &stream(2, 1, 3, |rtp| rtp)), Some(Span::millis(3)));
        assert_eq!(relay(&stream(2, 1, 3, |rtp| rtp), &near, false), None, "not the other way round");
    }

    #[test]
    fn same_recording_played_in_another_call_is_another_stream() {
        let near = stream(1, 1, 0, |rtp| rtp);
        assert_eq!(relay(&near, &stream(2, 1, 900, |rtp| rtp), false), None, "too late for a relay");
        assert_eq!(relay(&near, &stream(1, 1, 3, |rtp| rtp), false), None, "one flow");
        assert_eq!(relay(&near, &stream(2, 1, 3, |rtp| rtp.of(8)), false), None, "another source");
    }

    #[test]
    fn other_payload_needs_a_reason_to_be_encrypted() {
        let near = stream(1, 1, 0, |rtp| rtp);
        let far = |longer| stream(2, 1, 3, move |rtp| other(rtp, longer));
        assert_eq!([relay(&near, &far(0), false), relay(&near, &far(0), true)], [None, Some(Relay::Reencrypted)]);
        assert_eq!([relay(&near, &far(10), false), relay(&near, &far(7), false)], [Some(Relay::Reencrypted), None]);
        let uneven = stream(2, 1, 0, |rtp| {
            let ms = i64::from(rtp.sequence) * 4;
            other(rtp.seen(0, 64, ms * 1_000), 10)
        });
        assert_eq!(relay(&near, &uneven, true), None, "two calls that began alike drift apart");
    }

    #[test]
    fn flows_of_one_path_are_one_group() {
        let streams = [stream(1, 1, 0, |r| r), stream(5, 5, 0, |r| r.of(9)), stream(2, 1, 3, |r| r), stream(3, 1, 6, |r| r)];
        assert_eq!(paths(&streams.map(Box::new)), [vec![0, 2, 3], vec![1]]);
    }
}
