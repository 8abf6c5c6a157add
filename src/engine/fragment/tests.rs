//! Facts about joining fragments.

use super::*;
use crate::decode::{Decoded, Outer, open_datagram};

const KEY: FragmentKey = FragmentKey {
    src: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    dst: std::net::IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)),
    id: 7,
    protocol: 17,
};

/// A reassembler, the Seq of its next record, its clock, and what it gave up.
#[derive(Default)]
struct Run {
    joined: Reassembler,
    seq: u64,
    ms: i64,
    gone: Vec<Expired>,
}

impl Run {
    fn take(&mut self, tap: u32, fragment: Fragment<'_>) -> Taken {
        self.seq += 1;
        let time = Timestamp(self.ms * 1_000_000);
        let view = View { tap: TapId(tap), ..View::default() };
        let arrival = Arrival { seq: Seq(self.seq), id: RecordId { input: 0, number: self.seq }, at: time, clock: time, view };
        self.joined.take(&arrival, &fragment, None, &mut self.gone)
    }

    fn held(&mut self, fragment: Fragment<'_>) -> bool {
        match self.take(0, fragment) {
            Taken::Held { duplicate } => duplicate,
            other => panic!("not held: {other:?}"),
        }
    }

    fn complete(&mut self, fragment: Fragment<'_>) -> Datagram {
        match self.take(0, fragment) {
            Taken::Complete(datagram) => *datagram,
            other => panic!("not complete: {other:?}"),
        }
    }

    fn tick(&mut self, ms: i64) -> Vec<Expired> {
        self.ms = ms;
        self.joined.tick(Timestamp(ms * 1_000_000), &mut self.gone);
        std::mem::take(&mut self.gone)
    }
}

fn piece(offset: u32, payload: &[u8], more: bool) -> Fragment<'_> {
    Fragment { key: KEY, link: Link { ttl: 64, ..Link::default() }, offset, more, payload, cut: 0 }
}

fn with_id(id: u32, fragment: Fragment<'_>) -> Fragment<'_> {
    Fragment { key: FragmentKey { id, ..KEY }, ..fragment }
}

fn with_ttl(ttl: u8, fragment: Fragment<'_>) -> Fragment<'_> {
    Fragment { link: Link { ttl, ..fragment.link }, ..fragment }
}

fn numbers(datagram: &Datagram) -> Vec<u64> {
    datagram.records.iter().map(|id| id.number).collect()
}

#[test]
fn fragments_in_order_make_a_datagram_in_the_time_of_the_last() {
    let mut run = Run::default();
    assert!(!run.held(piece(0, b"12345678", true)));
    run.ms = 3;
    assert!(!run.held(piece(8, b"abcdefgh", true)));
    run.ms = 5;
    let datagram = run.complete(piece(16, b"end", false));
    assert_eq!((datagram.payload.as_slice(), datagram.cut, datagram.key), (&b"12345678abcdefghend"[..], 0, KEY));
    assert_eq!((numbers(&datagram), datagram.n_held), (vec![1, 2, 3], 2));
    assert_eq!((datagram.arrival.seq, datagram.arrival.at), (Seq(3), Timestamp(5_000_000)));
    assert!(run.tick(100_000).is_empty());
}

#[test]
fn fragments_in_any_order_make_the_same_datagram() {
    let text = b"0123456789abcdefghijklmnopqrstuvw";
    let pieces = [piece(0, &text[..8], true), piece(8, &text[8..24], true), piece(24, &text[24..], false)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let mut run = Run::default();
        run.held(pieces[order[0]]);
        run.held(pieces[order[1]]);
        let datagram = run.complete(pieces[order[2]]);
        assert_eq!((datagram.payload.as_slice(), datagram.n_held, numbers(&datagram)), (&text[..], 2, vec![1, 2, 3]));
    }
}

#[test]
fn facts_of_the_datagram_are_those_of_its_first_bytes() {
    let mut run = Run::default();
    run.held(Fragment { link: Link { ttl: 64, dscp: 0, ..Link::default() }, ..piece(8, b"end", false) });
    let datagram = run.complete(Fragment { link: Link { ttl: 64, dscp: 46, ..Link::default() }, ..piece(0, b"12345678", true) });
    assert_eq!(datagram.link.dscp, 46);
}

#[test]
fn overlapping_bytes_are_those_that_came_first() {
    let mut run = Run::default();
    run.held(piece(8, b"BBBBBBBB", true));
    run.held(piece(0, b"aaaaaaaaaaaaaaaaaaaaaaaa", true));
    assert_eq!(run.joined.overlaps(), 1);
    let datagram = run.complete(piece(16, b"ccccccccCC", false));
    assert_eq!(datagram.payload, b"aaaaaaaaBBBBBBBBaaaaaaaaCC");
    assert_eq!((run.joined.overlaps(), numbers(&datagram)), (2, vec![1, 2, 3]));
}

#[test]
fn duplicate_is_held_once_and_brings_nothing() {
    let mut run = Run::default();
    assert!(!run.held(piece(0, b"12345678", true)));
    assert!(run.held(piece(0, b"XXXXXXXX", true)));
    let datagram = run.complete(piece(8, b"end", false));
    assert_eq!((datagram.payload.as_slice(), datagram.n_held, numbers(&datagram)), (&b"12345678end"[..], 2, vec![1, 3]));
}

#[test]
fn late_copy_of_a_fragment_is_a_duplicate_and_not_a_lost_datagram() {
    let mut run = Run::default();
    run.held(piece(0, b"12345678", true));
    run.held(piece(0, b"12345678", true));
    run.complete(piece(8, b"end", false));
    run.ms = 1;
    run.held(piece(8, b"end", false));
    let gone = run.tick(50);
    assert_eq!((gone.len(), gone[0].n_copies, gone[0].n_lost, gone[0].datagram.is_some()), (1, 1, 0, false));
}

#[test]
fn whole_second_copy_is_a_second_datagram() {
    let mut run = Run::default();
    for _ in 0..2 {
        run.ms += 1;
        run.held(piece(0, b"12345678", true));
        assert_eq!(run.complete(piece(8, b"end", false)).payload, b"12345678end");
    }
    assert!(run.tick(60_000).is_empty());
}

#[test]
fn identification_may_be_used_again_after_a_copy() {
    let mut run = Run::default();
    run.held(piece(0, b"12345678", true));
    run.complete(piece(8, b"end", false));
    run.held(piece(8, b"end", false));
    run.ms = 21;
    run.held(piece(0, b"87654321", true));
    assert_eq!(run.gone.pop().map(|e| e.n_copies), Some(1));
    assert_eq!(run.complete(piece(8, b"new", false)).payload, b"87654321new");
}

#[test]
fn the_same_datagram_at_two_taps_makes_two() {
    let mut run = Run::default();
    let (front, back) = (piece(0, b"12345678", true), piece(8, b"end", false));
    assert!(matches!(run.take(1, front), Taken::Held { duplicate: false }));
    assert!(matches!(run.take(2, front), Taken::Held { duplicate: false }));
    for tap in [1, 2] {
        let Taken::Complete(datagram) = run.take(tap, back) else { panic!("not complete") };
        assert_eq!((datagram.arrival.view.tap, datagram.n_held, datagram.payload.len()), (TapId(tap), 1, 11));
    }
}

#[test]
fn datagram_routed_past_one_tap_twice_makes_two() {
    let mut run = Run::default();
    let (front, back) = (piece(0, b"12345678", true), piece(8, b"end", false));
    assert!(!run.held(front));
    assert!(!run.held(with_ttl(63, front)));
    assert_eq!(run.complete(back).link.ttl, 64);
    assert_eq!(run.complete(with_ttl(63, back)).link.ttl, 63);
}

#[test]
fn fragments_that_took_different_ways_make_one() {
    let mut run = Run::default();
    run.held(piece(0, b"12345678", true));
    assert_eq!(run.complete(with_ttl(60, piece(8, b"end", false))).payload, b"12345678end");
}

#[test]
fn snaplen_leaves_the_front_and_says_how_much_it_took() {
    let mut run = Run::default();
    run.held(Fragment { cut: 24, ..piece(0, b"12345678", true) });
    run.held(piece(32, b"abcdefgh", true));
    let datagram = run.complete(Fragment { cut: 9, ..piece(40, b"", false) });
    assert_eq!((datagram.payload.as_slice(), datagram.cut, numbers(&datagram)), (&b"12345678"[..], 41, vec![1, 2, 3]));
}

#[test]
fn front_of_a_datagram_that_times_out_is_still_read() {
    let mut run = Run::default();
    let mut sip = vec![0x13, 0xc4, 0x13, 0xc4, 0x00, 0x30, 0, 0];
    sip.extend(b"INVITE sip:alice");
    run.held(piece(0, &sip, true));
    run.ms = 10;
    run.held(piece(0, &sip, true));
    run.held(piece(32, b"lostlost", true));
    assert!(run.tick(30_000).is_empty());
    let gone = run.tick(30_001);
    let front = gone[0].datagram.as_ref().unwrap();
    assert_eq!((front.cut, numbers(front), front.n_held, gone[0].n_lost), (16, vec![1], 2, 1));
    assert_eq!((front.arrival.seq, front.arrival.at, gone[0].evicted), (Seq(3), Timestamp(10_000_000), false));
    assert_eq!((gone[0].why.layer, gone[0].why.reason), ("ipv4", "datagram never completed"));
    let Decoded::Transport(packet) = open_datagram(&front.key, front.link, &front.payload, front.cut, &mut Outer::default()) else {
        panic!("not read")
    };
    assert_eq!((packet.payload, packet.cut), (&b"INVITE sip:alice"[..], 0x30 - 24));
}

#[test]
fn datagram_without_its_front_is_lost_with_every_record() {
    let mut run = Run::default();
    let six = FragmentKey { src: "2001:db8::1".parse().unwrap(), dst: "2001:db8::2".parse().unwrap(), ..KEY };
    run.held(Fragment { key: six, ..piece(8, b"abcdefgh", true) });
    run.held(Fragment { key: six, ..piece(16, b"end", false) });
    run.joined.finish(&mut run.gone);
    assert_eq!((run.gone.len(), run.gone[0].n_lost, run.gone[0].datagram.is_some()), (1, 2, false));
    assert_eq!(run.gone[0].why, Undecoded::new("ipv6", "datagram never completed"));
}

#[test]
fn timed_out_datagram_leaves_its_identification_to_the_next() {
    let mut run = Run::default();
    run.held(piece(0, b"old old ", true));
    run.ms = 30_001;
    run.held(piece(0, b"new new ", true));
    assert_eq!(run.gone[0].datagram.as_ref().unwrap().payload, b"old old ");
    assert_eq!(run.complete(piece(8, b"end", false)).payload, b"new new end");
}

#[test]
fn fragment_beyond_64_kib_is_refused() {
    let mut run = Run::default();
    let refused = Taken::Refused(Undecoded::new("ipv4", "fragment ends beyond 64 KiB"));
    assert_eq!(run.take(0, piece(65_528, b"12345678", false)), refused);
    assert_eq!(run.take(0, Fragment { cut: u32::MAX, ..piece(8, b"12345678", true) }), refused);
    assert!(!run.held(piece(65_528, b"1234567", false)));
}

#[test]
fn largest_datagram_is_joined() {
    let mut run = Run::default();
    let text: Vec<u8> = (0..65_535u32).map(|i| (i % 251) as u8).collect();
    for (i, part) in text[..65_120].chunks(1_480).enumerate() {
        run.held(piece(i as u32 * 1_480, part, true));
    }
    let datagram = run.complete(piece(65_120, &text[65_120..], false));
    assert!(datagram.payload == text && datagram.records.len() == 45);
}

#[test]
fn where_a_datagram_ends_is_what_was_said_first() {
    let mut run = Run::default();
    run.held(piece(8, b"end", false));
    run.held(piece(16, b"beyond the end", false));
    assert_eq!(run.complete(piece(0, b"12345678", true)).payload, b"12345678end");
    // An end before what has come is no end.
    let mut run = Run::default();
    run.held(piece(16, b"abcdefgh", true));
    run.held(piece(8, b"12", false));
    run.held(piece(0, b"12345678", true));
    run.held(piece(24, b"end", false));
    assert_eq!(run.complete(piece(8, b"ABCDEFGH", true)).payload, b"12345678ABCDEFGHabcdefghend");
}

#[test]
fn all_but_the_last_fragment_hold_whole_units() {
    let mut run = Run::default();
    run.held(piece(0, b"12345678xyz", true));
    assert_eq!(run.complete(piece(8, b"end", false)).payload, b"12345678end");
}

#[test]
fn oldest_datagram_makes_room_for_the_newest() {
    let mut run = Run::default();
    for id in 0..MAX_PENDING as u32 {
        run.held(with_id(id, piece(0, b"12345678", true)));
    }
    run.held(with_id(0, piece(8, b"12345678", true)));
    assert!(run.gone.is_empty());
    run.held(with_id(99_999, piece(0, b"12345678", true)));
    let gone = std::mem::take(&mut run.gone);
    assert_eq!((gone.len(), gone[0].key.id, gone[0].evicted), (1, 1, true));
    run.complete(with_id(0, piece(16, b"end", false)));
}

#[test]
fn memory_is_bounded() {
    let mut run = Run::default();
    let big = vec![7; 60_000];
    for id in 0..2_000 {
        run.held(with_id(id, piece(0, &big, true)));
        assert!(run.joined.size <= MAX_SIZE);
    }
    let (pending, gone) = (run.joined.pending.len(), run.gone.len());
    assert!(gone > 0 && pending + gone == 2_000 && run.joined.by_last.len() == pending);
    run.joined.finish(&mut run.gone);
    assert_eq!((run.joined.size, run.joined.by_last.len(), run.gone.len()), (0, 0, 2_000));
}

#[test]
fn work_is_linear_for_any_order() {
    // Every second unit from the back, then the whole again and again: the worst a bitmap meets.
    let mut run = Run::default();
    let unit = *b"12345678";
    for i in (0..4_000u32).rev() {
        run.held(piece(i * 16, &unit, true));
    }
    let steps = |run: &Run| run.joined.pending.values().map(Partial::steps).sum::<u64>();
    assert!(steps(&run) <= 2 * 4_000, "{}", steps(&run));
    let whole = vec![0; 64_000];
    for _ in 0..100 {
        run.held(piece(0, &whole, true));
    }
    assert!(steps(&run) <= 2 * 4_000 + 4_200 + 100 * 128, "{}", steps(&run));
}

#[test]
fn endless_fragments_of_one_datagram_are_given_up() {
    let mut run = Run::default();
    for _ in 0..MAX_FRAGMENTS {
        run.held(piece(8, b"12345678", true));
    }
    assert_eq!((run.gone.len(), run.gone[0].n_lost, run.joined.pending.len()), (1, MAX_FRAGMENTS, 0));
}

#[test]
fn saved_state_goes_on_as_if_nothing_had_been() {
    let mut run = Run::default();
    run.held(with_id(1, piece(0, b"12345678", true)));
    run.complete(with_id(1, piece(8, b"end", false)));
    run.held(with_id(1, piece(8, b"end", false)));
    run.held(with_id(2, piece(8, b"end", false)));
    let saved = postcard::to_stdvec(&run.joined).unwrap();
    let mut loaded = Run { joined: postcard::from_bytes(&saved).unwrap(), seq: run.seq, ..Run::default() };
    for run in [&mut run, &mut loaded] {
        assert_eq!(run.complete(with_id(2, piece(0, b"12345678", true))).payload, b"12345678end");
    }
    assert_eq!(run.tick(40_000), loaded.tick(40_000));
    assert_eq!((run.joined.size, loaded.joined.size), (0, 0));
}

#[test]
fn every_record_is_counted_once_whatever_comes() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move |n: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % n
    };
    let bytes = [0x5a; 200];
    let (mut run, mut held, mut moved, mut whole, mut refused) = (Run::default(), 0i64, 0i64, 0u64, 0u64);
    for _ in 0..20_000 {
        run.ms += random(200) as i64;
        let fragment =
            Fragment { cut: random(30) as u32 / 25 * 40, ..piece(random(40) as u32 * 8, &bytes[..random(200) as usize], random(4) > 0) };
        let fragment = with_ttl(60 + random(3) as u8, with_id(random(6) as u32, fragment));
        match run.take(random(2) as u32, fragment) {
            Taken::Held { .. } => held += 1,
            Taken::Complete(datagram) => {
                (whole, moved) = (whole + 1, moved + datagram.n_held as i64);
                assert!(datagram.records.len() as u64 <= datagram.n_held + 1);
            }
            Taken::Refused(_) => refused += 1,
        }
    }
    run.joined.finish(&mut run.gone);
    for e in &run.gone {
        moved += (e.n_lost + e.n_copies + e.datagram.as_ref().map_or(0, |d| d.n_held)) as i64;
    }
    assert_eq!((held, run.seq), (moved, held as u64 + whole + refused));
    assert!(whole > 100 && run.gone.len() > 100 && run.joined.overlaps() > 100, "{whole} {}", run.gone.len());
}
