//! One window: chunks of records decoded in parallel, fragments joined serially in record order, shards applied in parallel.

use super::chunk::{Chunk, Slot, record_id};
use super::fragment::{self, Arrival, Datagram, Expired, Taken};
use super::shard::rtp_header;
use super::{Engine, Fact, Shard, in_order, par};
use crate::decode::{self, Decoded, Packet, TapId, TapKey, Transport};
use crate::error::Undecoded;
use crate::flow::{MediaFlow, Pass};
use crate::record::{Head, Interface, Seq, SourceId, Window};
use crate::time::Timestamp;

/// Records decoded by one task.
const CHUNK: usize = 2048;

/// Packets whose state is touched before they are applied: enough that their waits for memory overlap, few enough that it is still
/// in the nearest cache when they come.
const TOUCHED: usize = 16;

/// Bits that a capture filter left, one a record of the window.
pub type Mask<'m> = Option<&'m [bool]>;

/// A datagram joined from fragments, or given up when another came, and where it belongs.
struct Joined {
    chunk: usize,
    /// The record here, and its index in the window.
    head: Head,
    index: u32,
    tap: u16,
    datagram: Box<Datagram>,
    front: bool,
}

/// Applies one window.
pub fn apply(engine: &mut Engine, window: &Window, interfaces: &[Interface], mask: Mask<'_>) -> Vec<(Seq, Fact)> {
    let starts: Vec<usize> = (0..window.heads.len()).step_by(CHUNK).collect();
    let mut chunks = par::par_map(starts, |start| decode_chunk(window, start, mask));
    for chunk in &mut chunks {
        number_taps(engine, chunk, interfaces);
        engine.ledger.add(&std::mem::take(&mut chunk.ledger));
    }
    let joined = join_fragments(engine, window, &mut chunks);
    for join in &joined {
        match join.front {
            true => reenter_front(engine, join, &mut chunks),
            false => reenter(engine, join, &mut chunks),
        }
    }
    par::par_map_mut(&mut chunks, |_, chunk| chunk.sort());
    let out = par::par_map_mut(&mut engine.shards, |number, shard| {
        let mut out = Vec::new();
        chunks.iter().for_each(|chunk| apply_chunk(chunk, window, number, shard, &mut out));
        out
    });
    in_order(out.into_iter().flatten().collect())
}

/// Gives up datagrams that waited too long at `clock`, or all; what is readable at their front is applied.
pub fn expire(engine: &mut Engine, clock: Timestamp, all: bool) -> Vec<(Seq, Fact)> {
    let mut gone = Vec::new();
    match all {
        true => engine.reassembler.finish(&mut gone),
        false => engine.reassembler.tick(clock, &mut gone),
    }
    let mut out = Vec::new();
    for expired in gone {
        let Some(datagram) = account(engine, expired) else { continue };
        if let Some((transport, source)) = open_front(engine, &datagram) {
            let packet = packet_of(&datagram, &transport, source, clock);
            if let Some(shard) = engine.shards.get_mut(Shard::of(&packet.flow)) {
                shard.apply(&packet, rtp_header(&transport).as_ref(), &mut out);
            }
        }
    }
    out
}

/// Counts the records of a datagram that was given up, and gives its front.
fn account(engine: &mut Engine, expired: Expired) -> Option<Box<Datagram>> {
    engine.ledger.lose(fragment::provisional(expired.key.protocol), expired.why, expired.n_lost);
    engine.ledger.duplicates += expired.n_copies;
    engine.ledger.evicted += u64::from(expired.evicted);
    expired.datagram
}

/// What is readable of a front, with its source; what is no packet is counted here.
fn open_front<'d>(engine: &mut Engine, datagram: &'d Datagram) -> Option<(Transport<'d>, SourceId)> {
    let provisional = fragment::provisional(datagram.key.protocol);
    match decode::open_datagram(&datagram.key, datagram.link, &datagram.payload, datagram.cut) {
        Decoded::Transport(transport) => {
            engine.ledger.take_back(provisional, 1); // its last record is counted again, with the packet
            return Some((transport, engine.taps.get(datagram.arrival.tap).map_or(SourceId(0), |tap| tap.source)));
        }
        Decoded::Other(kind) => engine.ledger.recount(provisional, kind, datagram.n_held),
        Decoded::Fragment(_) => {}
        Decoded::Undecoded(why) => engine.ledger.lose(provisional, why, datagram.n_held),
    }
    None
}

/// The packet in the front of a datagram that was given up at `clock`.
fn packet_of<'d>(datagram: &'d Datagram, transport: &Transport<'d>, source: SourceId, clock: Timestamp) -> Packet<'d> {
    let arrival = &datagram.arrival;
    Packet {
        seq: arrival.seq,
        id: arrival.id,
        at: arrival.at,
        clock,
        tap: arrival.tap,
        source,
        link: transport.link,
        flow: transport.flow,
        dir: transport.dir,
        tcp: transport.tcp,
        payload: transport.payload,
        cut: transport.cut.max(1),
        fragments: &datagram.records,
        held: datagram.n_held.saturating_sub(1),
    }
}

fn decode_chunk<'a>(window: &'a Window, start: usize, mask: Mask<'_>) -> Chunk<'a> {
    let end = window.heads.len().min(start + CHUNK);
    let mut chunk = Chunk { slots: Vec::with_capacity(end - start), ..Chunk::default() };
    let mut key = TapKey::default();
    let mut here = (u16::MAX, u32::MAX);
    for index in start..end {
        if mask.is_some_and(|mask| !mask.get(index).copied().unwrap_or(true)) {
            continue;
        }
        let (Some(record), Some(head)) = (window.record(index), window.heads.get(index)) else {
            chunk.ledger.undecoded(Undecoded::new("record", "bytes are not there"));
            continue;
        };
        let decoded = decode::open(&record, &mut key);
        match decoded {
            Decoded::Transport(transport) => {
                let tap = chunk.tap(&key);
                if here != (tap, record.id.input) {
                    here = (tap, record.id.input);
                    chunk.inputs.insert(here);
                }
                chunk.slots.push(Slot::new(head, index as u32, tap, transport));
            }
            Decoded::Fragment(fragment) => {
                let tap = chunk.tap(&key);
                chunk.inputs.insert((tap, record.id.input));
                chunk.fragments.push((index as u32, tap, fragment));
            }
            Decoded::Other(kind) => chunk.ledger.count(kind, 1),
            Decoded::Undecoded(why) => chunk.ledger.undecoded(why),
        }
    }
    chunk
}

fn number_taps(engine: &mut Engine, chunk: &mut Chunk<'_>, interfaces: &[Interface]) {
    for key in &chunk.keys {
        let source = interfaces.get(key.interface.0 as usize).map_or(SourceId(0), |i| i.source);
        chunk.taps.push((engine.taps.id(key, source), source));
    }
    for (tap, input) in &chunk.inputs {
        if let Some((id, _)) = chunk.taps.get(*tap as usize) {
            engine.taps.seen_in(*id, *input);
        }
    }
}

/// Takes all fragments through the reassembler, in record order.
fn join_fragments(engine: &mut Engine, window: &Window, chunks: &mut [Chunk<'_>]) -> Vec<Joined> {
    let (mut joined, mut gone) = (Vec::new(), Vec::new());
    for (number, chunk) in chunks.iter_mut().enumerate() {
        for (index, tap, fragment) in std::mem::take(&mut chunk.fragments) {
            let Some(head) = window.heads.get(index as usize) else { continue };
            let arrival = Arrival {
                seq: Seq(window.first.0 + u64::from(index)),
                id: record_id(head),
                at: head.at,
                clock: head.clock,
                tap: chunk.taps.get(tap as usize).map_or(TapId(0), |(id, _)| *id),
            };
            let taken = engine.reassembler.take(&arrival, &fragment, &mut gone);
            for expired in gone.drain(..) {
                let front = account(engine, expired);
                joined.extend(front.map(|datagram| Joined { chunk: number, head: *head, index, tap, datagram, front: true }));
            }
            match taken {
                Taken::Held { duplicate } => {
                    engine.ledger.count(fragment::provisional(fragment.key.protocol), 1);
                    engine.ledger.duplicates += u64::from(duplicate);
                }
                Taken::Complete(datagram) => joined.push(Joined { chunk: number, head: *head, index, tap, datagram, front: false }),
                Taken::Refused(why) => engine.ledger.undecoded(why),
            }
        }
    }
    joined
}

/// Decodes a joined datagram; it takes the place of the record that completed it.
fn reenter<'a>(engine: &mut Engine, join: &'a Joined, chunks: &mut [Chunk<'a>]) {
    let Some(chunk) = chunks.get_mut(join.chunk) else { return };
    let datagram = &join.datagram;
    let provisional = fragment::provisional(datagram.key.protocol);
    match decode::open_datagram(&datagram.key, datagram.link, &datagram.payload, datagram.cut) {
        Decoded::Transport(transport) => {
            chunk.slots.push(Slot { datagram: Some(datagram), ..Slot::new(&join.head, join.index, join.tap, transport) });
        }
        Decoded::Other(kind) => {
            engine.ledger.count(kind, 1);
            engine.ledger.recount(provisional, kind, datagram.n_held);
        }
        Decoded::Fragment(_) => engine.ledger.count(provisional, 1),
        Decoded::Undecoded(why) => {
            engine.ledger.undecoded(why);
            engine.ledger.lose(provisional, why, datagram.n_held);
        }
    }
}

/// The front of a datagram that was given up is applied just before the record that had it given up.
fn reenter_front<'a>(engine: &mut Engine, join: &'a Joined, chunks: &mut [Chunk<'a>]) {
    if let (Some((transport, source)), Some(chunk)) = (open_front(engine, &join.datagram), chunks.get_mut(join.chunk)) {
        let known = (join.datagram.arrival.tap, source);
        let tap = chunk.taps.iter().position(|tap| *tap == known).unwrap_or_else(|| {
            chunk.taps.push(known);
            chunk.taps.len() - 1
        }) as u16;
        chunk.slots.push(Slot { front: true, datagram: Some(&*join.datagram), ..Slot::new(&join.head, join.index, tap, transport) });
    }
}

fn apply_chunk(chunk: &Chunk<'_>, window: &Window, number: usize, shard: &mut Shard, out: &mut Vec<(Seq, Fact)>) {
    for block in chunk.of_shard(number).chunks(TOUCHED) {
        touch(block, shard);
        apply_block(block, chunk, window, shard, out);
    }
}

/// Reads, for a block of packets, the state that they will change, step by step for all of them: the waits for memory overlap, where
/// packet after packet would wait for each. Changes nothing.
fn touch(block: &[Slot<'_>], shard: &Shard) {
    let mut flows: [Option<&MediaFlow>; TOUCHED] = [None; TOUCHED];
    let mut passes: [Option<&Pass>; TOUCHED] = [None; TOUCHED];
    let mut read = 0;
    for (slot, flow) in block.iter().zip(&mut flows) {
        *flow = shard.media_of(&slot.transport.flow);
    }
    for ((slot, flow), pass) in block.iter().zip(&flows).zip(&mut passes) {
        *pass = flow.and_then(|flow| flow.likely(slot.transport.dir));
    }
    for pass in passes.iter().flatten() {
        read ^= pass.touch();
    }
    std::hint::black_box(read);
}

fn apply_block(block: &[Slot<'_>], chunk: &Chunk<'_>, window: &Window, shard: &mut Shard, out: &mut Vec<(Seq, Fact)>) {
    for slot in block {
        let here = Seq(window.first.0 + u64::from(slot.index));
        match slot.datagram.filter(|_| slot.front) {
            Some(datagram) => {
                let (before, source) = (out.len(), chunk.tap_of(slot).1);
                shard.apply(&packet_of(datagram, &slot.transport, source, slot.clock), slot.rtp.as_ref(), out);
                // Its packet keeps the place of its last record; what it gives rise to happens here.
                out.iter_mut().skip(before).for_each(|(seq, _)| *seq = here);
            }
            None => shard.apply(&packet_at(chunk, slot, here), slot.rtp.as_ref(), out),
        }
    }
}

/// The packet of a record, or of the datagram that the record completed.
#[inline]
fn packet_at<'p>(chunk: &Chunk<'_>, slot: &'p Slot<'_>, seq: Seq) -> Packet<'p> {
    let (tap, source) = chunk.tap_of(slot);
    let transport = &slot.transport;
    Packet {
        seq,
        id: slot.id,
        at: slot.at,
        clock: slot.clock,
        tap,
        source,
        link: transport.link,
        flow: transport.flow,
        dir: transport.dir,
        tcp: transport.tcp,
        payload: transport.payload,
        cut: transport.cut,
        fragments: slot.datagram.map_or(&[], |d| &d.records),
        held: slot.datagram.map_or(0, |d| d.n_held),
    }
}
