//! Reading: the records of a window decoded into a chunk. Plain RTP is read at one go, all else layer by layer.

use super::chunk::{Chunk, Lies, Slot};
use super::window::Mask;
use crate::decode::{self, Decoded, Fragment, Outer, Plain, Transport};
use crate::error::Undecoded;
use crate::flow::Beat;
use crate::prefetch;
use crate::record::{Head, InterfaceId, LinkType, Window};

/// How many records ahead of the one that is decoded memory is asked for.
const ASKED: usize = 8;

/// Decodes the records of a window.
pub fn chunk(window: &Window, mask: Mask<'_>) -> Chunk {
    let heads = &window.heads[..];
    let mut reading = Reading { window, chunk: Chunk::with_room(heads.len()), outer: Outer::default(), here: (u16::MAX, u32::MAX) };
    let mut views = PlainViews::default();
    reading.chunk.before = before(heads);
    let mut block = (u32::MAX, &[][..]);
    for (index, head) in heads.iter().enumerate() {
        if block.0 != head.block {
            block = (head.block, window.block(head.block));
        }
        if let Some(ahead) = heads.get(index + ASKED).filter(|ahead| ahead.block == block.0) {
            prefetch::byte(block.1, ahead.offset as usize);
            prefetch::byte(block.1, ahead.offset as usize + 64);
        }
        if mask.is_some_and(|mask| !mask.get(index).copied().unwrap_or(true)) {
            continue;
        }
        let frame = (head.offset as usize).checked_add(head.len as usize).and_then(|end| block.1.get(head.offset as usize..end));
        if let Some(frame) = frame
            && head.link == LinkType::ETHERNET
            && index <= usize::from(u16::MAX)
            && let Some(plain) = decode::plain(frame)
        {
            let view = views.of(&plain, head.interface, &mut reading);
            reading.seen(view, head.input);
            reading.chunk.beat(Beat::new(&plain, head, index as u16, view), frame);
            continue;
        }
        reading.layers(head, index);
    }
    reading.chunk.sort();
    reading.chunk
}

/// Input and number of the record before the window's first, if these records are one input's and follow each other.
fn before(heads: &[Head]) -> Option<(u32, u64)> {
    let (first, last) = (heads.first()?, heads.last()?);
    // Numbers of an input rise by one each: from one end to the other there is no room for another's.
    let mut inputs = heads.iter().map(|head| head.input);
    let alone = last.number.wrapping_sub(first.number) == heads.len() as u64 - 1 && inputs.all(|input| input == first.input);
    let before = first.number.checked_sub(1)?;
    alone.then_some((first.input, before))
}

/// A chunk while it is read.
struct Reading<'a> {
    window: &'a Window,
    chunk: Chunk,
    /// What stands around the packet at hand.
    outer: Outer,
    /// The last view, and the input it was seen in.
    here: (u16, u32),
}

impl Reading<'_> {
    #[inline(always)]
    fn seen(&mut self, view: u16, input: u32) {
        if self.here != (view, input) {
            self.here = (view, input);
            self.chunk.inputs.insert(self.here);
        }
    }

    /// Reads a record layer by layer.
    #[inline(never)]
    fn layers(&mut self, head: &Head, index: usize) {
        let Some(record) = self.window.record(index) else {
            return self.chunk.ledger.undecoded(Undecoded::new("record", "bytes are not there"));
        };
        let decoded = decode::open(&record, &mut self.outer);
        match decoded {
            Decoded::Other(kind) => return self.chunk.ledger.count(kind, 1),
            Decoded::Undecoded(why) => return self.chunk.ledger.undecoded(why),
            _ => {}
        }
        let view = self.chunk.view(&self.outer);
        self.seen(view, head.input);
        let index = index as u32;
        let agent = self.outer.agent.take();
        match decoded {
            Decoded::Transport(transport) => {
                let mut slot = Slot::new(head, index, view, &transport, record.bytes);
                slot.at = agent.as_ref().and_then(|agent| agent.at).unwrap_or(slot.at);
                self.chunk.slot(slot);
            }
            Decoded::Fragment(fragment) => {
                let lies = Lies::of(fragment.payload, record.bytes);
                self.chunk.fragments.push((index, view, Fragment { payload: &[], ..fragment }, lies));
            }
            Decoded::Deflated(transport) => {
                let lies = Lies::of(transport.payload, record.bytes);
                self.chunk.deflated.push((index, view, Transport { payload: &[], ..transport }, lies));
            }
            Decoded::Other(_) | Decoded::Undecoded(_) => {}
        }
        if let Some(agent) = agent {
            self.chunk.agents.insert(index, *agent);
        }
    }
}

/// The views of the last few plain packets.
#[derive(Default)]
struct PlainViews {
    known: [Option<(InterfaceId, Option<u16>, u16)>; 2],
}

impl PlainViews {
    #[inline(always)]
    fn of(&mut self, plain: &Plain, interface: InterfaceId, reading: &mut Reading<'_>) -> u16 {
        let known = self.known.iter().flatten().find(|(other, vlan, _)| (*other, *vlan) == (interface, plain.vlan));
        match known {
            Some((.., view)) => *view,
            None => self.add(plain, interface, reading),
        }
    }

    #[cold]
    fn add(&mut self, plain: &Plain, interface: InterfaceId, reading: &mut Reading<'_>) -> u16 {
        reading.outer.reset(interface);
        reading.outer.tap.vlan.extend(plain.vlan.filter(|id| *id != 0));
        let view = reading.chunk.view(&reading.outer);
        let [first, second] = &mut self.known;
        (*second, *first) = (*first, Some((interface, plain.vlan, view)));
        view
    }
}
