//! One window: chunks of records decoded in parallel, fragments joined serially, shards applied in parallel.

use super::chunk::{Chunk, Slot};
use super::fragment::Datagram;
use super::shard::rtp_header;
use super::taps::View;
use super::{Engine, Fact, Shard, in_order, join, par};
use crate::decode::{self, Decoded, Home, Outer, Packet, Transport};
use crate::error::Undecoded;
use crate::flow::{MediaFlow, Pass};
use crate::record::{Interface, Seq, SourceId, Window};
use crate::time::Timestamp;

/// Records decoded by one task.
const CHUNK: usize = 512;

/// Packets whose state is touched before they are applied: enough that their waits for memory overlap, few enough that it is still
/// in the nearest cache when they come.
const TOUCHED: usize = 16;

/// Bits that a capture filter left, one a record of the window.
pub type Mask<'m> = Option<&'m [bool]>;

/// Applies one window.
pub fn apply(engine: &mut Engine, window: &Window, interfaces: &[Interface], mask: Mask<'_>) -> Vec<(Seq, Fact)> {
    let starts: Vec<usize> = (0..window.heads.len()).step_by(CHUNK).collect();
    let mut chunks = par::par_map(starts, |start| decode_chunk(window, start, mask));
    for chunk in &mut chunks {
        number_views(engine, chunk, interfaces);
        engine.ledger.add(&std::mem::take(&mut chunk.ledger));
    }
    let joined = join::join(engine, window, &mut chunks);
    join::place(engine, &joined, &mut chunks);
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
        let Some((datagram, view)) = join::account(engine, expired) else { continue };
        let Decoded::Transport(transport) = join::open(&datagram, &mut Outer::default()) else { continue };
        let packet = packet_of(&datagram, &transport, view, clock);
        if let Some(shard) = engine.shards.get_mut(Shard::of(&packet.flow)) {
            shard.apply(&packet, rtp_header(&transport).as_ref(), &mut out);
        }
    }
    out
}

/// The packet in the front of a datagram that was given up at `clock`.
fn packet_of<'d>(datagram: &'d Datagram, transport: &Transport<'d>, view: View, clock: Timestamp) -> Packet<'d> {
    let arrival = &datagram.arrival;
    Packet {
        seq: arrival.seq,
        id: arrival.id,
        at: arrival.at,
        clock,
        tap: view.tap,
        source: view.source,
        tunnels: view.tunnels,
        link: transport.link,
        flow: transport.flow,
        dir: transport.dir,
        tcp: transport.tcp,
        payload: transport.payload,
        cut: transport.cut.max(1),
        fragments: &datagram.records,
        held: datagram.n_held.saturating_sub(1),
        correlation: &[],
        home: Home::default(),
    }
}

fn decode_chunk<'a>(window: &'a Window, start: usize, mask: Mask<'_>) -> Chunk<'a> {
    let end = window.heads.len().min(start + CHUNK);
    let mut chunk = Chunk::with_room(end - start);
    let mut outer = Outer::default();
    let mut here = (u16::MAX, u32::MAX);
    for index in start..end {
        if mask.is_some_and(|mask| !mask.get(index).copied().unwrap_or(true)) {
            continue;
        }
        let (Some(record), Some(head)) = (window.record(index), window.heads.get(index)) else {
            chunk.ledger.undecoded(Undecoded::new("record", "bytes are not there"));
            continue;
        };
        let decoded = decode::open(&record, &mut outer);
        let view = match decoded {
            Decoded::Other(kind) => {
                chunk.ledger.count(kind, 1);
                continue;
            }
            Decoded::Undecoded(why) => {
                chunk.ledger.undecoded(why);
                continue;
            }
            _ => chunk.view(&outer),
        };
        if here != (view, record.id.input) {
            here = (view, record.id.input);
            chunk.inputs.insert(here);
        }
        let index = index as u32;
        let agent = outer.agent.take();
        match decoded {
            Decoded::Transport(transport) => {
                let mut slot = Slot::new(head, index, view, transport);
                slot.at = agent.as_ref().and_then(|agent| agent.at).unwrap_or(slot.at);
                chunk.slots.push(slot);
            }
            Decoded::Fragment(fragment) => chunk.fragments.push((index, view, fragment)),
            Decoded::Deflated(transport) => chunk.deflated.push((index, view, transport)),
            Decoded::Other(_) | Decoded::Undecoded(_) => {}
        }
        if let Some(agent) = agent {
            chunk.agents.insert(index, *agent);
        }
    }
    chunk
}

fn number_views(engine: &mut Engine, chunk: &mut Chunk<'_>, interfaces: &[Interface]) {
    for (tap, tunnels) in &chunk.keys {
        let source = interfaces.get(tap.interface.0 as usize).map_or(SourceId(0), |i| i.source);
        chunk.views.push(View { tap: engine.taps.id(tap, source), source, tunnels: engine.taps.stack(tunnels) });
    }
    for (view, input) in &chunk.inputs {
        if let Some(view) = chunk.views.get(usize::from(*view)) {
            engine.taps.seen_in(view.tap, *input);
        }
    }
}

fn apply_chunk(chunk: &Chunk<'_>, window: &Window, number: usize, shard: &mut Shard, out: &mut Vec<(Seq, Fact)>) {
    for block in chunk.of_shard(number).chunks(TOUCHED) {
        touch(chunk, block, shard);
        apply_block(chunk, block, window, shard, out);
    }
}

/// Reads, for a block of packets, the state that they will change, step by step for all of them: the waits for memory overlap, where
/// packet after packet would wait for each. Changes nothing.
fn touch(chunk: &Chunk<'_>, block: &[u32], shard: &Shard) {
    let mut flows: [Option<&MediaFlow>; TOUCHED] = [None; TOUCHED];
    let mut passes: [Option<&Pass>; TOUCHED] = [None; TOUCHED];
    let mut read = 0;
    for (slot, flow) in chunk.at(block).zip(&mut flows) {
        *flow = shard.media_of(&slot.transport.flow);
    }
    for ((slot, flow), pass) in chunk.at(block).zip(&flows).zip(&mut passes) {
        *pass = flow.and_then(|flow| flow.likely(slot.transport.dir));
    }
    for pass in passes.iter().flatten() {
        read ^= pass.touch();
    }
    std::hint::black_box(read);
}

fn apply_block(chunk: &Chunk<'_>, block: &[u32], window: &Window, shard: &mut Shard, out: &mut Vec<(Seq, Fact)>) {
    for slot in chunk.at(block) {
        let here = Seq(window.first.0 + u64::from(slot.index));
        match slot.datagram.filter(|_| slot.front) {
            Some(datagram) => {
                let before = out.len();
                shard.apply(&packet_of(datagram, &slot.transport, chunk.view_of(slot), slot.clock), slot.rtp.as_ref(), out);
                // Its packet keeps the place of its last record; what it gives rise to happens here.
                out.iter_mut().skip(before).for_each(|(seq, _)| *seq = here);
            }
            None => shard.apply(&packet_at(chunk, window, slot, here), slot.rtp.as_ref(), out),
        }
    }
}

/// The packet of a record, or of the datagram that the record completed.
#[inline]
fn packet_at<'p>(chunk: &'p Chunk<'_>, window: &'p Window, slot: &'p Slot<'_>, seq: Seq) -> Packet<'p> {
    let View { tap, source, tunnels } = chunk.view_of(slot);
    let transport = &slot.transport;
    Packet {
        seq,
        id: slot.id,
        at: slot.at,
        clock: slot.clock,
        tap,
        source,
        tunnels,
        link: transport.link,
        flow: transport.flow,
        dir: transport.dir,
        tcp: transport.tcp,
        payload: transport.payload,
        cut: transport.cut,
        fragments: slot.datagram.map_or(&[], |d| &d.records),
        held: slot.datagram.map_or(0, |d| d.n_held),
        correlation: chunk.correlation(slot),
        home: Home(Some(window)),
    }
}
