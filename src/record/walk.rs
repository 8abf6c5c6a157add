//! The walk over one input: its blocks and its format, giving heads of records until a limit.

use super::idb::{Clock, Described};
use super::pcap::{HEADER_LEN, Pcap};
use super::pcapng::Pcapng;
use super::secrets::Text;
use super::source::{Registry, Signature, Sources};
use super::tally::{Pass, Stop, Tally};
use super::{Head, InterfaceId, SourceId, Window};
use crate::error::Problem;
use crate::input::{Block, Blocks, Compression, Format, not_a_capture};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::sync::Arc;

/// Records, and bytes of records, that are looked at ahead of the merge to see whether an input is about to end.
const AHEAD_RECORDS: usize = 16_384;
const AHEAD_BYTES: u64 = 16 << 20;
/// Records looked at ahead in one go.
const AHEAD_STEP: usize = 256;

/// What a caller wants of [`Walk::fill`].
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// Number of the window that is filled; a walk adds its block to a window once.
    pub window: u64,
    /// Heads in the window at which to stop.
    pub full: usize,
    /// Highest merge key to take.
    pub limit: Timestamp,
}

/// One input being read.
pub struct Walk {
    blocks: Blocks,
    pos: usize,
    format: Walker,
    /// Counts and times, of records looked at ahead too.
    pub tally: Tally,
    source: Option<SourceId>,
    /// Records that were walked to see what follows, and not yet given out.
    ahead: VecDeque<(Head, Block)>,
    ahead_bytes: u64,
    ended: bool,
    problem: Option<Problem>,
    /// The window that holds the current block, and where in it.
    slot: Option<(u64, u32)>,
}

enum Walker {
    Pcap(Pcap),
    Pcapng(Pcapng),
    /// No capture: the problem says so.
    None,
}

impl Walk {
    /// Reads the beginning of input number `input`. What is no capture has ended, with a problem.
    pub fn open(mut blocks: Blocks, input: u32) -> Walk {
        let pos = blocks.join(0, HEADER_LEN);
        let first: &[u8] = (**blocks.current()).as_ref();
        let (format, pos, problem) = match Format::of(first) {
            Some(Format::Pcapng) => (Walker::Pcapng(Pcapng::new()), pos, None),
            Some(Format::Pcap) => match Pcap::open(first) {
                Some(pcap) => (Walker::Pcap(pcap), HEADER_LEN, None),
                None => (Walker::None, pos, Some(cut("file header", first.len(), HEADER_LEN))),
            },
            None => (Walker::None, pos, Some(not_a_capture(first))),
        };
        let text = problem.map(|text| blocks.fault().unwrap_or(text));
        Walk {
            blocks,
            pos,
            format,
            tally: Tally::new(input),
            source: None,
            ahead: VecDeque::new(),
            ahead_bytes: 0,
            ended: text.is_some(),
            problem: text.map(|text| Problem { offset: 0, text }),
            slot: None,
        }
    }

    /// The merge key of the next record without taking it; `None` when the input has ended.
    pub fn peek(&mut self, sources: &mut Sources) -> Option<Timestamp> {
        match self.fill(&mut Window::default(), Ask { window: u64::MAX, full: usize::MAX, limit: Timestamp(i64::MIN) }, sources) {
            Stop::Limit(key) => Some(key),
            _ => None,
        }
    }

    /// Name and link type of the interfaces described so far in the current section.
    pub fn signature(&self) -> Signature {
        match &self.format {
            Walker::Pcap(pcap) => vec![(None, pcap.link)],
            Walker::Pcapng(pcapng) => pcapng.interfaces().iter().map(|i| (i.name.clone(), i.link)).collect(),
            Walker::None => Vec::new(),
        }
    }

    /// Makes this an input of `source`; when that had ended at `floor`, the merge key goes on from there.
    pub fn bind(&mut self, source: SourceId, floor: Option<Timestamp>, sources: &mut Sources) {
        self.source = Some(source);
        self.tally.run = self.tally.run.max(floor.unwrap_or(Timestamp(i64::MIN)));
        let mut registry = Registry { sources, source };
        match &mut self.format {
            Walker::Pcap(pcap) => pcap.interface = registry.interface(0, &only_interface(pcap)),
            Walker::Pcapng(pcapng) => pcapng.bind(&mut registry),
            Walker::None => {}
        }
    }

    /// Adds heads to the window until it is full, the limit is met or the input ends.
    pub fn fill(&mut self, window: &mut Window, ask: Ask, sources: &mut Sources) -> Stop {
        if let Some(stop) = self.give_ahead(window, ask) {
            return stop;
        }
        while !self.ended {
            match self.pass(window, ask, sources) {
                Stop::More(need) => self.more(need),
                Stop::Bad(text) => self.end(Some(text)),
                stop => return stop,
            }
        }
        Stop::End
    }

    /// One call of the format's inner loop over the current block.
    #[inline(always)]
    fn pass(&mut self, window: &mut Window, ask: Ask, sources: &mut Sources) -> Stop {
        let known = self.slot.and_then(|(number, slot)| (number == ask.window).then_some(slot));
        let slot = known.unwrap_or(window.blocks.len() as u32);
        let before = window.heads.len();
        let data: &[u8] = (**self.blocks.current()).as_ref();
        let (heads, full, limit) = (&mut window.heads, ask.full, ask.limit);
        let mut pass = Pass { data, pos: self.pos, heads, full, limit, slot, tally: self.tally };
        let stop = match &mut self.format {
            Walker::Pcap(pcap) => pcap.fill(&mut pass),
            Walker::Pcapng(pcapng) => pcapng.fill(&mut pass, self.source.map(|source| Registry { sources, source })),
            Walker::None => Stop::End,
        };
        (self.pos, self.tally) = (pass.pos, pass.tally);
        if let Walker::Pcapng(pcapng) = &mut self.format
            && ask.window != u64::MAX
        {
            window.secrets.append(&mut pcapng.secrets);
        }
        if known.is_none() && window.heads.len() > before {
            window.blocks.push(Arc::clone(self.blocks.current()));
            self.slot = Some((ask.window, slot));
        }
        stop
    }

    /// Gets `need` bytes from the position on, or ends the input where they do not come.
    fn more(&mut self, need: usize) {
        self.pos = self.blocks.join(self.pos, need);
        self.slot = None;
        let have = (**self.blocks.current()).as_ref().len().saturating_sub(self.pos);
        if have < need {
            let told = match &self.format {
                Walker::Pcap(pcap) => pcap.beyond(self.tally.records + 1, have, need).unwrap_or_else(|| cut("last record", have, need)),
                _ => cut("last block", have, need),
            };
            let fault = self.blocks.fault();
            self.end(fault.or_else(|| (have > 0).then_some(told)));
        }
    }

    fn end(&mut self, text: Option<String>) {
        self.ended = true;
        self.problem = text.map(|text| Problem { offset: self.offset(), text });
    }

    /// Says whether the input ends before a record with a key past `until`, looking a bounded number of records ahead; then
    /// [`Tally::run`] is its last key.
    pub fn ends_by(&mut self, until: Timestamp, sources: &mut Sources) -> bool {
        while !self.ended && self.ahead.len() < AHEAD_RECORDS && self.ahead_bytes < AHEAD_BYTES {
            let mut window = Window::default();
            let ask = Ask { window: u64::MAX, full: AHEAD_STEP, limit: until };
            self.slot = None;
            while window.heads.len() < AHEAD_STEP && !self.ended {
                match self.pass(&mut window, ask, sources) {
                    Stop::More(need) => self.more(need),
                    Stop::Bad(text) => self.end(Some(text)),
                    _ => break,
                }
            }
            self.slot = None;
            let found = window.heads.len();
            for head in window.heads {
                if let Some(block) = window.blocks.get(head.block as usize) {
                    self.ahead_bytes += u64::from(head.len);
                    self.ahead.push_back((head, Arc::clone(block)));
                }
            }
            if found < AHEAD_STEP {
                break;
            }
        }
        self.ended && self.tally.run <= until
    }

    /// Gives out what was looked at ahead; `None` when that is used up.
    fn give_ahead(&mut self, window: &mut Window, ask: Ask) -> Option<Stop> {
        while let Some((head, _)) = self.ahead.front() {
            if head.clock > ask.limit {
                return Some(Stop::Limit(head.clock));
            }
            if window.heads.len() >= ask.full {
                return Some(Stop::Full);
            }
            let (mut head, block) = self.ahead.pop_front()?;
            self.ahead_bytes -= u64::from(head.len);
            if window.blocks.last().is_none_or(|last| !Arc::ptr_eq(last, &block)) {
                window.blocks.push(block);
            }
            head.block = window.blocks.len() as u32 - 1;
            window.heads.push(head);
        }
        None
    }

    /// Key logs met that no window has.
    pub fn take_secrets(&mut self) -> Vec<Text> {
        if let Walker::Pcapng(pcapng) = &mut self.format { std::mem::take(&mut pcapng.secrets) } else { Vec::new() }
    }

    /// Records given out.
    pub fn given(&self) -> u64 {
        self.tally.records - self.ahead.len() as u64
    }

    /// Records whose time is that of the record before, because they carry none.
    pub fn timeless(&self) -> u64 {
        if let Walker::Pcapng(pcapng) = &self.format { pcapng.timeless } else { 0 }
    }

    /// Offset in the uncompressed input up to which it was walked.
    pub fn offset(&self) -> u64 {
        self.blocks.base() + self.pos as u64
    }

    /// Bytes taken from the file or pipe, packed where it is packed.
    pub fn consumed(&self) -> u64 {
        self.blocks.consumed(self.pos)
    }

    /// Read to its end, and that was a whole record's.
    pub fn is_complete(&self) -> bool {
        self.ended && self.ahead.is_empty() && self.problem.is_none()
    }

    /// Why it could not be read to its end.
    pub fn problem(&self) -> Option<&Problem> {
        self.problem.as_ref()
    }

    /// Capture format, where it is one.
    pub fn format(&self) -> Option<Format> {
        match self.format {
            Walker::Pcap(_) => Some(Format::Pcap),
            Walker::Pcapng(_) => Some(Format::Pcapng),
            Walker::None => None,
        }
    }

    /// Compression around the capture.
    pub fn compression(&self) -> Option<Compression> {
        self.blocks.compression()
    }
}

/// The one interface of a pcap file.
fn only_interface(pcap: &Pcap) -> Described {
    let (link, snaplen) = (pcap.link, pcap.snaplen);
    Described { link, snaplen, name: None, description: None, clock: Clock::default(), id: InterfaceId::default() }
}

fn cut(what: &str, have: usize, need: usize) -> String {
    format!("the {what} is cut, {have} of {need} bytes are there: all before was read, copy the file again if it should be longer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::test_blocks;
    use crate::record::bytes::Order;
    use crate::record::synth::{Ng, pcap, simple};

    /// Time in ns, wire length, bytes, link type, interface id of every record, and the problem.
    type Seen = (Vec<(i64, u32, Vec<u8>, u16, u32)>, Option<Problem>);

    fn walk_blocks(blocks: Blocks, at_a_time: usize) -> (Seen, Sources) {
        let mut sources = Sources::default();
        let mut walk = Walk::open(blocks, 0);
        let first = walk.peek(&mut Sources::default());
        let source = sources.open(&crate::record::source::Begin::new("x", &walk.signature(), first.unwrap_or_default()));
        walk.bind(source, None, &mut sources);
        let mut seen = Vec::new();
        for number in 0.. {
            let mut window = Window::default();
            let ask = Ask { window: number, full: at_a_time, limit: Timestamp(i64::MAX) };
            let stop = walk.fill(&mut window, ask, &mut sources);
            assert!(window.heads.len() <= at_a_time);
            for i in 0..window.heads.len() {
                let r = window.record(i).expect("heads point into their blocks");
                assert_eq!(r.id.number, seen.len() as u64 + 1);
                seen.push((r.at.0, r.wire_len, r.bytes.to_vec(), r.link.0, r.interface.0));
            }
            if matches!(stop, Stop::End) {
                break;
            }
        }
        ((seen, walk.problem().cloned()), sources)
    }

    fn walk(bytes: &[u8]) -> Seen {
        walk_blocks(Blocks::whole(Arc::new(bytes.to_vec())), 1_000).0
    }

    fn texts(seen: &Seen) -> (usize, u64, String) {
        let problem = seen.1.clone().expect("a problem");
        (seen.0.len(), problem.offset, problem.text)
    }

    fn all_kinds() -> Vec<u8> {
        let mut ng = Ng::new(Order::Big);
        ng.block(0x0000_0bad, b"not known");
        ng.interface(1, 0, &[(2, b"eth0"), (9, &[9])], false);
        ng.interface(113, 4, &[(2, b"any\0"), (9, &[0x80 | 10]), (14, &5_i64.to_be_bytes())], true);
        ng.simple(3, b"abc");
        ng.enhanced(0, 77, 1_500, b"ethernet bytes");
        ng.enhanced(1, 1_536, 2, b"cook");
        ng.obsolete(1, 2_048, 4, b"old!");
        ng.block(4, b"names");
        ng.statistics(1, 12);
        ng.section(Order::Little);
        ng.interface(101, 2, &[], false);
        ng.interface(1, 0, &[(2, b"eth0")], true);
        ng.enhanced(0, 8_000_000, 1, b"x");
        ng.simple(9, b"xy\0\0");
        ng.block(10, b"TLSK secrets");
        ng.enhanced(1, 8_000_001, 1, b"");
        ng.out
    }

    #[test]
    fn pcap_is_read_in_all_variants_and_byte_orders() {
        let records = [(1_000_000_001_000, 60, &b"first"[..]), (1_999_999_999_999, 2, b"second"), (2_000_000_000_000, 0, b"")];
        for order in [Order::Little, Order::Big] {
            for (magic, unit) in [(0xa1b2_c3d4, 1_000), (0xa1b2_3c4d, 1), (0xa1b2_cd34, 1_000)] {
                let (seen, problem) = walk(&pcap(order, magic, 0x1400_0071, &records));
                assert_eq!(problem, None);
                let cut = |at: i64| at / unit * unit;
                let want = records.map(|(at, wire, bytes)| (cut(at), wire.max(bytes.len() as u32), bytes.to_vec(), 113, 0));
                assert_eq!(seen, want);
            }
        }
    }

    #[test]
    fn pcapng_is_read_with_all_its_packets_sections_and_clocks() {
        let ((seen, problem), sources) = walk_blocks(Blocks::whole(Arc::new(all_kinds())), 1_000);
        assert_eq!(problem, None);
        let want = [
            (0, 3, &b"abc"[..], 1, 0),
            (77, 1_500, b"ethernet bytes", 1, 0),
            (6_500_000_000, 4, b"cook", 113, 1),
            (7_000_000_000, 4, b"old!", 113, 1),
            (8_000_000_000, 1, b"x", 101, 2),
            (8_000_000_000, 9, b"xy", 101, 2),
            (8_000_001_000, 1, b"", 1, 3),
        ];
        assert_eq!(seen, want.map(|(at, wire, bytes, link, id)| (at, if bytes.is_empty() { 1 } else { wire }, bytes.to_vec(), link, id)));
        let interfaces: Vec<_> = sources.interfaces().iter().map(|i| (i.name.as_deref(), i.index, i.snaplen, i.dropped)).collect();
        assert_eq!(interfaces, [(Some("eth0"), 0, 0, 0), (Some("any"), 1, 4, 12), (None, 0, 2, 0), (Some("eth0"), 1, 0, 0)]);
    }

    #[test]
    fn blocks_of_any_size_give_the_same_records() {
        let noise: Vec<u8> = (0..9_000_u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        let records: Vec<_> = (0..60).map(|i| (i as i64 * 1_000, 9_999, &noise[i * 7..i * 7 + (i * i * 37) % 5_000])).collect();
        for file in [pcap(Order::Little, 0xa1b2_c3d4, 1, &records), pcap(Order::Big, 0xa1b2_cd34, 1, &records), all_kinds()] {
            let whole = walk_blocks(Blocks::whole(Arc::new(file.clone())), 1_000);
            assert_eq!(whole.0.1, None);
            for size in [1, 3, 16, 64, 100, 1_000, 4_096] {
                assert_eq!(walk_blocks(test_blocks(&file, size), 7), whole, "{size}");
            }
        }
    }

    #[test]
    fn a_truncation_anywhere_keeps_all_whole_records_and_names_the_place() {
        for file in [all_kinds(), simple(&[1, 2, 3])] {
            let (whole, _) = walk(&file);
            for len in 0..file.len() {
                let (seen, problem) = walk(&file[..len]);
                assert_eq!(seen, whole[..seen.len()]);
                assert_eq!((seen.clone(), problem.clone()), walk_blocks(test_blocks(&file[..len], 64), 2).0);
                assert!(problem.is_none_or(|p| p.offset <= len as u64));
            }
        }
        let file = simple(&[1, 2]);
        assert_eq!(walk(&file[..24]), (vec![], None));
        let (n, offset, text) = texts(&walk(&file[..file.len() - 1]));
        assert!((n, offset) == (1, 41) && text.contains("last record is cut, 16 of 17 bytes"), "{text}");
        assert!(texts(&walk(&file[..20])).2.contains("the file header is cut, 20 of 24"));
        let mut beyond = file.clone();
        beyond[49] = 100;
        let (n, offset, text) = texts(&walk(&beyond));
        assert!((n, offset) == (1, 41) && text.contains("record 2 claims 100 bytes, more than the file's snaplen of 64"), "{text}");
        assert!(texts(&walk(b"")).2.contains("empty"));
    }

    #[test]
    fn flipped_bits_never_panic_and_read_the_same_from_blocks() {
        for file in [all_kinds(), simple(&[1, 2, 3])] {
            for bit in 0..file.len() * 8 {
                let mut flipped = file.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(walk(&flipped), walk_blocks(test_blocks(&flipped, 64), 3).0);
            }
        }
    }

    #[test]
    fn a_captured_length_beyond_snaplen_is_accepted_and_beyond_reason_is_a_problem() {
        let long = vec![7; super::super::pcap::LONGEST];
        let (seen, problem) = walk(&pcap(Order::Little, 0xa1b2_c3d4, 1, &[(0, 0, &long), (1_000, 1, b"x")]));
        assert_eq!((seen.len(), problem), (2, None));
        let longer = vec![7; long.len() + 1];
        let (n, offset, text) = texts(&walk(&pcap(Order::Little, 0xa1b2_c3d4, 1, &[(0, 1, b"x"), (0, 0, &longer)])));
        assert!((n, offset) == (1, 41) && text.starts_with("record 2 claims 262145 bytes"), "{text}");
    }

    #[test]
    fn a_broken_block_length_is_a_problem_at_its_offset() {
        let mut ng = Ng::new(Order::Little);
        ng.interface(1, 0, &[], true);
        ng.enhanced(0, 1, 4, b"good");
        let (at, good) = (ng.out.len(), ng.out.clone());
        ng.enhanced(0, 2, 4, b"bad!");
        let end = ng.out.len() - 4;
        for (place, value, why) in [
            (at + 4, 7_u32, "claims 7 bytes"),
            (at + 4, 62, "claims 62 bytes"),
            (at + 4, 0x7000_0000, "claims 1879048192 bytes"),
            (end, 8, "does not end with its length"),
            (at + 8, 1, "names interface 1"),
            (at + 20, 5_000, "claims 5000 bytes, more than its block"),
        ] {
            let mut bad = ng.out.clone();
            bad[place..place + 4].copy_from_slice(&value.to_le_bytes());
            let (n, offset, text) = texts(&walk(&bad));
            assert!(n == 1 && offset == at as u64 && text.contains(why), "{text}");
        }
        let beyond = [&good[..], &6_u32.to_le_bytes(), &4_096_u32.to_le_bytes(), &[0; 40]].concat();
        assert!(texts(&walk(&beyond)).2.contains("the last block is cut, 48 of 4096 bytes"));
    }

    #[test]
    fn a_stream_that_breaks_gives_what_was_read_and_says_so() {
        let file = simple(&[1, 2, 3]);
        let seen = walk_blocks(crate::input::test_broken_blocks(&file, 64), 10).0;
        let (n, offset, text) = texts(&seen);
        assert!(n == 3 && offset == file.len() as u64 && text.contains("cannot read on: torn"), "{text}");
    }
}
