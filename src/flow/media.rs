//! Media of one UDP flow: which of its packets are RTP, and their streams. Signalling never steers this: a
//! stream is started by two packets that follow each other and settled by more; SDP binds it afterwards.

use crate::decode::{Dir, FlowKey, Packet, TapId};
use crate::flow::{
    arrival::Arrival,
    pass::Steady,
    samples::{self, Sample},
    stream::{Settled, Stream},
};
use crate::ledger::{Kind, Ledger};
use crate::prefetch;
use crate::proto::rtp::{Header, Ssrc};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Sources of one direction that wait for their second packet.
const MAX_CANDIDATES: usize = 4;
/// Streams of one direction; of those that are not settled, else of all, the one that is silent longest goes first.
const MAX_STREAMS: usize = 64;
/// Sources of one direction that RTCP has named and that are remembered; the oldest goes first.
const MAX_REPORTED: usize = 16;
/// Numbers between the first two packets of a stream, either way.
const MAX_STEP: u16 = 100;

/// Where a run of packets is seen: a direction of the flow, at a tap, with a time to live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The direction.
    pub dir: Dir,
    /// The tap.
    pub tap: TapId,
    /// The time to live.
    pub ttl: u8,
}

/// The media state of one UDP flow, both directions.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MediaFlow {
    ways: [Way; 2],
}

/// One direction.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Way {
    /// In order of start. Boxed: each is handed on for good when it ends, and never copied. Most flows have one each way.
    streams: SmallVec<[Box<Stream>; 1]>,
    /// Index of the stream that the last packet belonged to.
    current: usize,
    doubts: Option<Box<Doubts>>,
}

/// What is not a stream yet. Boxed, because most flows either have none or soon have none; then it is let go.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Doubts {
    /// In order of arrival.
    candidates: SmallVec<[Candidate; 1]>,
    /// Sources that RTCP has named, in order.
    reported: Vec<Ssrc>,
}

/// A packet that may be the first of a stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Candidate {
    ssrc: Ssrc,
    arrival: Arrival,
    hash: u32,
}

impl MediaFlow {
    /// Takes in a packet of this flow whose payload begins with `header`: a candidate, the second packet of a new stream or the next of a
    /// known one. Counts its record: `udp` until the stream is settled, which recounts it, and `rtp` from then on. True when a stream or
    /// a pass began, and another may have gone for it: runs of this flow are not what they were.
    #[inline]
    pub fn rtp(&mut self, packet: &Packet<'_>, header: &Header, ledger: &mut Ledger) -> bool {
        let way = self.way(packet.dir);
        match way.find(header.ssrc).filter(|current| way.carries_on(*current, packet, header)) {
            Some(current) => way.next_packet(current, packet, header, ledger),
            None => way.first_packets(packet, header, ledger),
        }
    }

    /// Asks for the memory of the stream that the next packet going `dir` most likely belongs to.
    #[inline]
    pub fn ask(&self, dir: Dir) {
        let [up, down] = &self.ways;
        let way = if dir == Dir::Up { up } else { down };
        if let Some(stream) = way.streams.get(way.current) {
            prefetch::lines(&**stream, usize::MAX);
        }
    }

    /// The run that the next packets of this source can join; `None` while anything about them is not plain.
    pub fn steady(&self, at: Place, ssrc: Ssrc) -> Option<Steady> {
        let [up, down] = &self.ways;
        let way = if at.dir == Dir::Up { up } else { down };
        let mut known = way.streams.iter().filter(|stream| stream.ssrc == ssrc);
        known.next().filter(|_| known.next().is_none())?.steady(at.tap, at.ttl)
    }

    /// Keeps the sample of a packet that joined a run; the bits of the next one's number that are zero.
    pub fn sample(&mut self, at: Place, ssrc: Ssrc, sample: Sample, datagram: &[u8]) -> Option<u16> {
        self.way(at.dir).streams.iter_mut().find(|stream| stream.ssrc == ssrc)?.sample(at.tap, at.ttl, sample, datagram)
    }

    /// Takes a run in; of several, in the order of their last packets.
    pub fn take_in(&mut self, at: Place, run: &mut Steady, ledger: &mut Ledger) {
        let way = self.way(at.dir);
        let Some(found) = way.streams.iter().position(|stream| stream.ssrc.0 == run.ssrc()).filter(|_| run.packets() > 0) else { return };
        way.current = found;
        if let Some(stream) = way.streams.get_mut(found) {
            stream.take_in(at.tap, at.ttl, run, ledger);
        }
    }

    /// RTCP of this flow (multiplexed) or of its neighbour that goes `dir` named `ssrc` as its sender: three packets settle that stream.
    pub fn rtcp_ssrc(&mut self, dir: Dir, ssrc: Ssrc, ledger: &mut Ledger) {
        let way = self.way(dir);
        let known = way.find(ssrc).and_then(|found| way.streams.get_mut(found));
        match known {
            Some(stream) if stream.counted_rtp => return,
            Some(stream) => stream.settle(true, ledger),
            None => {}
        }
        let reported = &mut way.doubts.get_or_insert_default().reported;
        if !reported.contains(&ssrc) {
            if reported.len() >= MAX_REPORTED {
                reported.remove(0);
            }
            reported.push(ssrc);
        }
    }

    /// Takes out the streams that `ends` names, and hands them to `out` in order of start. A source of one packet is asked about and handed
    /// out like them, as [`Settled::Candidate`], so that signalling can bind it. `flow` is the key of this flow.
    pub fn take(&mut self, flow: FlowKey, mut ends: impl FnMut(&Stream) -> bool, out: &mut Vec<Box<Stream>>) {
        for (way, dir) in self.ways.iter_mut().zip([Dir::Up, Dir::Down]) {
            for stream in std::mem::take(&mut way.streams) {
                if ends(&stream) { out.push(stream) } else { way.streams.push(stream) }
            }
            way.current = 0;
            let Some(doubts) = &mut way.doubts else { continue };
            doubts.candidates.retain(|candidate| {
                let stream = candidate.stream(flow, dir);
                let stays = !ends(&stream);
                if !stays {
                    out.push(Box::new(stream));
                }
                stays
            });
            if doubts.candidates.is_empty() && way.streams.is_empty() {
                way.doubts = None;
            }
        }
    }

    /// Nothing is left to hand out.
    pub fn is_empty(&self) -> bool {
        self.ways.iter().all(|way| way.streams.is_empty() && way.doubts.as_ref().is_none_or(|doubts| doubts.candidates.is_empty()))
    }

    /// The streams so far, candidates left out.
    pub fn streams(&self) -> impl Iterator<Item = &Stream> {
        self.ways.iter().flat_map(|way| &way.streams).map(|stream| &**stream)
    }

    #[inline]
    fn way(&mut self, dir: Dir) -> &mut Way {
        let [up, down] = &mut self.ways;
        match dir {
            Dir::Up => up,
            Dir::Down => down,
        }
    }
}

impl Way {
    #[inline]
    fn find(&self, ssrc: Ssrc) -> Option<usize> {
        match self.streams.get(self.current) {
            Some(stream) if stream.ssrc == ssrc => Some(self.current),
            _ => self.streams.iter().rposition(|stream| stream.ssrc == ssrc),
        }
    }

    #[inline]
    fn carries_on(&self, current: usize, packet: &Packet<'_>, header: &Header) -> bool {
        self.streams.get(current).is_some_and(|stream| stream.carries_on(packet, header.sequence))
    }

    #[inline]
    fn next_packet(&mut self, current: usize, packet: &Packet<'_>, header: &Header, ledger: &mut Ledger) -> bool {
        self.current = current;
        let Some(stream) = self.streams.get_mut(current) else { return false };
        let reported = !stream.counted_rtp && self.doubts.as_ref().is_some_and(|doubts| doubts.reported.contains(&header.ssrc));
        stream.arrive(packet, header, reported, ledger)
    }

    fn first_packets(&mut self, packet: &Packet<'_>, header: &Header, ledger: &mut Ledger) -> bool {
        let doubts = self.doubts.get_or_insert_default();
        let known = doubts.candidates.iter().position(|candidate| candidate.ssrc == header.ssrc);
        let first = known.map(|place| doubts.candidates.remove(place));
        if let Some(first) = first.filter(|first| first.is_followed_by(header)) {
            if doubts.candidates.is_empty() && doubts.reported.is_empty() {
                self.doubts = None;
            }
            self.start(first.stream(packet.flow, packet.dir), ledger);
            let current = self.streams.len().saturating_sub(1);
            self.next_packet(current, packet, header, ledger);
            return true;
        }
        ledger.count(Kind::Udp, 1);
        if doubts.candidates.len() >= MAX_CANDIDATES {
            doubts.candidates.remove(0);
            ledger.evicted += 1;
        }
        let hash = samples::hash(header.payload(packet.payload));
        doubts.candidates.push(Candidate { ssrc: header.ssrc, arrival: Arrival::of(packet, header), hash });
        false
    }

    fn start(&mut self, stream: Stream, ledger: &mut Ledger) {
        if self.streams.len() >= MAX_STREAMS {
            let idle = |stream: &Stream| (stream.settled == Settled::Settled, stream.last().map(|seen| seen.seq));
            let oldest = self.streams.iter().enumerate().min_by_key(|(_, stream)| idle(stream)).map_or(0, |(i, _)| i);
            self.streams.remove(oldest);
            ledger.evicted += 1;
        }
        self.streams.push(Box::new(stream));
    }
}

impl Candidate {
    /// The second packet is within 100 numbers of the first, either way. The same number counts: it is the first packet at another tap.
    fn is_followed_by(&self, header: &Header) -> bool {
        let step = header.sequence.wrapping_sub(self.arrival.sequence);
        step.min(step.wrapping_neg()) <= MAX_STEP
    }

    fn stream(&self, flow: FlowKey, dir: Dir) -> Stream {
        Stream::new(flow, dir, self.ssrc, &self.arrival, self.hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::{Rtp, feed, flow, packet, run};

    fn counts(ledger: &Ledger) -> (u64, u64, u64) {
        (ledger.of(Kind::Udp), ledger.of(Kind::Rtp), ledger.duplicates)
    }

    fn all(media: &mut MediaFlow) -> Vec<Box<Stream>> {
        let mut out = Vec::new();
        media.take(flow(), |_| true, &mut out);
        out
    }

    #[test]
    fn second_packet_starts_a_stream_and_the_eighth_settles_it() {
        let (mut media, mut ledger) = run((0..7).map(packet));
        assert_eq!((counts(&ledger), media.streams().next().unwrap().settled), ((7, 0, 0), Settled::Started));
        feed(&mut media, &mut ledger, [packet(7)]);
        assert_eq!((counts(&ledger), media.streams().next().unwrap().packets()), ((0, 8, 0), 8));
    }

    #[test]
    fn rtcp_settles_three_packets_before_or_after() {
        let (mut media, mut ledger) = run((0..3).map(packet));
        media.rtcp_ssrc(Dir::Down, Ssrc(7), &mut ledger);
        assert_eq!(counts(&ledger), (3, 0, 0), "the other direction's source");
        media.rtcp_ssrc(Dir::Up, Ssrc(7), &mut ledger);
        assert_eq!(counts(&ledger), (0, 3, 0));
        let (mut media, mut ledger) = run([]);
        media.rtcp_ssrc(Dir::Up, Ssrc(7), &mut ledger);
        feed(&mut media, &mut ledger, (0..3).map(packet));
        assert_eq!(counts(&ledger), (0, 3, 0));
    }

    #[test]
    fn hundred_thousand_streams_find_room() {
        // Captures of many short calls have as many at a time: what one grows by, they all do.
        let sizes =
            [size_of::<MediaFlow>(), size_of::<Stream>(), size_of::<crate::flow::Pass>(), size_of::<crate::flow::remarks::Remarks>()];
        assert!(sizes.iter().zip([80, 640, 528, 248]).all(|(size, most)| *size <= most), "{sizes:?}");
    }

    #[test]
    fn single_packet_is_handed_out_as_a_candidate() {
        let (mut media, ledger) = run([packet(5)]);
        assert!(!media.is_empty());
        let streams = all(&mut media);
        assert_eq!((streams[0].settled, streams[0].packets(), streams[0].records, counts(&ledger)), (Settled::Candidate, 1, 1, (1, 0, 0)));
        assert!(media.is_empty());
    }

    #[test]
    fn random_sources_never_become_streams() {
        let noise = |i: u32| packet((i * 7_919) as u16).of(i.wrapping_mul(2_654_435_761));
        let (mut media, ledger) = run((0..1_000).map(noise));
        assert_eq!((counts(&ledger), ledger.evicted, all(&mut media).len()), ((1_000, 0, 0), 996, 4));
    }

    #[test]
    fn first_packets_may_come_reordered_or_far_apart() {
        let (media, _) = run([packet(101), packet(100), packet(102)]);
        let stream = media.streams().next().unwrap();
        assert_eq!((stream.packets(), stream.expected(), stream.reordered()), (3, 3, 1));
        assert_eq!(run([packet(0), packet(101), packet(202)]).0.streams().count(), 0);
    }

    #[test]
    fn copies_at_one_tap_count_as_duplicates_and_nothing_else() {
        let twice = |s: u16| [packet(s), packet(s).seen(0, 64, 50)];
        let (media, ledger) = run((0..100).flat_map(twice));
        let stream = media.streams().next().unwrap();
        assert_eq!(counts(&ledger), (0, 200, 100));
        assert_eq!((stream.packets(), stream.lost(), stream.duplicates(), stream.records), (100, 0, 100, 200));
        assert_eq!(stream.payload_types.as_slice(), [(8, 100)]);
        assert_eq!(stream.jitter(8_000).unwrap().max.0, 0);
    }

    #[test]
    fn repeat_after_20_ms_is_a_duplicate_of_the_stream_but_no_copy() {
        let (media, ledger) = run((0..10).map(packet).chain([packet(9).seen(0, 64, 20_001)]));
        assert_eq!((media.streams().next().unwrap().duplicates(), ledger.duplicates), (1, 0));
        let (_, ledger) = run((0..10).map(packet).chain([packet(9).seen(0, 64, 20_000)]));
        assert_eq!(ledger.duplicates, 1);
        let other = Rtp { payload: vec![9; 160], ..packet(9) };
        assert_eq!(run((0..10).map(packet).chain([other])).1.duplicates, 0);
    }

    #[test]
    fn other_ttl_or_tap_is_another_pass_with_a_state_of_its_own() {
        let routed = |s: u16| [packet(s), packet(s).seen(0, 63, 300), packet(s).seen(1, 63, 900)];
        let lost = |rtp: &Rtp| rtp.tap == 1 && rtp.sequence == 50;
        let (media, ledger) = run((0..100).flat_map(routed).filter(|rtp| !lost(rtp)));
        let stream = media.streams().next().unwrap();
        let passes: Vec<_> = stream.passes.iter().map(|p| (p.tap().0, p.ttl(), p.packets(), p.lost(), p.duplicates())).collect();
        assert_eq!(passes, [(0, 64, 100, 0, 0), (0, 63, 100, 0, 0), (1, 63, 99, 1, 0)]);
        let last = stream.last_pass().unwrap();
        assert_eq!((last.tap().0, stream.packets(), stream.lost(), ledger.duplicates), (1, 99, 1, 0));
        assert_eq!((last.gaps()[0].count, last.gaps()[0].at.0), (1, 1_020_900_000));
        assert!(crate::flow::pass::samples_match(&stream.passes[0], last));
    }

    #[test]
    fn change_of_route_is_one_way_in_two_parts() {
        let hop = |s: u16| if s < 500 { packet(s) } else { packet(s).seen(0, 60, 0) };
        let (media, _) = run((0..1_000).filter(|s| !(498..503).contains(s)).map(hop));
        let stream = media.streams().next().unwrap();
        assert_eq!((stream.passes.len(), stream.route().len(), stream.packets(), stream.expected(), stream.lost()), (2, 2, 995, 1_000, 5));
        assert_eq!(stream.last_pass().unwrap().ttl(), 60);
    }

    #[test]
    fn change_of_route_that_overlaps_loses_nothing() {
        let order = (0..500).chain([501, 500]).chain(502..1_000);
        let (media, _) = run(order.map(|s: u16| if s <= 500 { packet(s) } else { packet(s).seen(0, 66, 0) }));
        let stream = media.streams().next().unwrap();
        assert_eq!((stream.route().len(), stream.packets(), stream.lost()), (2, 1_000, 0));
    }

    #[test]
    fn streams_of_a_direction_have_a_cap() {
        let pairs = (0..70u32).flat_map(|ssrc| [packet(1).of(ssrc), packet(2).of(ssrc)]);
        let (media, ledger) = run((0..9).map(|s| packet(s).of(999)).chain(pairs));
        assert_eq!((media.streams().count(), ledger.evicted), (MAX_STREAMS, 7));
        assert!(media.streams().any(|stream| stream.ssrc == Ssrc(999)), "settled streams stay longest");
    }

    #[test]
    fn source_that_restarts_its_sequence_expects_nothing_between() {
        let restarted = |s: u16| Rtp { sequence: s.wrapping_add(30_000), timestamp: 9_000_000 + u32::from(s) * 160, ..packet(s) };
        let (media, _) = run((0..100).map(packet).chain((100..200).map(restarted)));
        let stream = media.streams().next().unwrap();
        assert_eq!((stream.packets(), stream.lost(), stream.passes[0].strays()), (200, 0, 0));
        assert_eq!((stream.jitter(8_000).unwrap().max.0, stream.delta().unwrap().max.0), (0, 20_000_000));
    }

    #[test]
    fn source_that_begins_anew_after_a_silence_is_another_stream() {
        let again = |s: u16, ms: i64| packet(s).at_ms(i64::from(s) * 20 + ms);
        for first in [0, 30_000] {
            let second = (first..first + 80).map(|s| again(s, 2_200 - i64::from(first) * 20));
            let (media, ledger) = run((0..80).map(packet).chain(second).flat_map(|p| [p.clone(), p.seen(1, 63, 300)]));
            let streams: Vec<_> = media.streams().map(|s| (s.passes.len(), s.packets(), s.lost(), s.duplicates())).collect();
            assert_eq!(streams, [(2, 80, 0, 0), (2, 80, 0, 0)], "from {first}");
            assert_eq!(counts(&ledger), (0, 320, 0));
        }
    }

    #[test]
    fn source_that_counts_on_after_a_silence_is_one_stream() {
        let later = |s: u16| packet(s).at_ms(i64::from(s) * 20 + 30_000);
        let (media, _) = run((0..80).map(packet).chain((82..200).map(later)));
        assert_eq!((media.streams().count(), media.streams().next().map(Stream::lost)), (1, Some(2)));
    }

    #[test]
    fn what_only_looks_like_rtp_makes_one_stream_however_it_numbers() {
        let (media, _) = run((0..50).map(|n| Rtp { sequence: 272, ..packet(n).at_ms(i64::from(n) * 750) }));
        assert_eq!(media.streams().count(), 1);
    }

    #[test]
    fn packet_that_comes_after_a_long_while_starts_nothing() {
        let late = (80..200).map(|s| packet(s).at_ms(i64::from(s) * 20 + 1_500));
        let (media, ledger) = run((0..80).map(packet).chain([packet(40).at_ms(3_000)]).chain(late));
        assert_eq!((media.streams().count(), media.streams().next().map(Stream::packets), counts(&ledger).0), (1, Some(200), 1));
    }

    #[test]
    fn saved_state_goes_on_as_if_never_saved() {
        let packets: Vec<Rtp> = (0..300).filter(|s| s % 17 != 3).flat_map(|s| [packet(s), packet(s).seen(0, 63, 200)]).collect();
        let (mut whole, _) = run(packets.clone());
        for at in [0, 1, 2, 15, 400] {
            let (media, mut ledger) = run(packets[..at].iter().cloned());
            let mut media: MediaFlow = postcard::from_bytes(&postcard::to_stdvec(&media).unwrap()).unwrap();
            feed(&mut media, &mut ledger, packets[at..].iter().cloned());
            assert_eq!(media, whole);
        }
        assert_eq!(all(&mut whole)[0].records, 2 * 282);
    }
}
