//! Applying: the packets of a chunk that belong to a shard, in order of record. Plain RTP joins its run, all else goes to its flow.

use super::chunk::{At, Chunk, Found, Slot};
use super::fragment::Datagram;
use super::join::Joined;
use super::runs::{Key, RunId};
use super::taps::View;
use super::{Fact, Shard};
use crate::decode::{Dir, Home, Packet, Transport};
use crate::flow::{Beat, Joins, MediaFlow, Sample, Stands, specimens};
use crate::record::{RecordId, Seq, Window};
use crate::time::Timestamp;

/// Packets whose runs are asked for before they are applied: enough that their waits for memory overlap, few enough that they are
/// still in the nearest cache when they come.
const TOUCHED: usize = 16;

/// Where the bytes of packets lie.
#[derive(Clone, Copy)]
pub struct Bytes<'w> {
    /// The window that they were found in.
    pub window: &'w Window,
    /// What was joined there.
    pub joined: &'w [Joined],
}

/// Applies the packets of shard `number` in a chunk.
pub fn chunk(chunk: &Chunk, bytes: Bytes<'_>, number: usize, shard: &mut Shard, out: &mut Vec<(Seq, Fact)>) {
    let window = bytes.window;
    let mut rest = chunk.of_shard(number);
    while !rest.is_empty() {
        let (block, behind) = rest.split_at(rest.len().min(TOUCHED));
        chunk.ask(behind.get(..TOUCHED).unwrap_or(behind));
        rest = behind;
        let mut found = [RunId::MAX; TOUCHED];
        let changes = shard.runs.changes;
        for (at, found) in block.iter().zip(&mut found) {
            if let Some(Found::Beat(beat)) = chunk.at(*at) {
                *found = shard.runs.find(Key::of(beat, chunk.view_of_beat(beat).tap));
                shard.runs.ask(*found);
            }
        }
        if found.iter().take(block.len()).any(|run| *run == RunId::MAX) {
            ask_flows(chunk, block, &found, shard);
        }
        for (at, run) in block.iter().zip(found) {
            match chunk.at(*at) {
                Some(Found::Beat(beat)) if changes == shard.runs.changes => apply_beat(chunk, beat, run, window, shard),
                Some(Found::Beat(beat)) => {
                    // Runs began or ended since.
                    let run = shard.runs.find(Key::of(beat, chunk.view_of_beat(beat).tap));
                    apply_beat(chunk, beat, run, window, shard);
                }
                Some(Found::Slot(slot)) => apply_slot(chunk, slot, bytes, shard, out),
                None => {}
            }
        }
    }
}

/// Asks for the streams of those packets of a block that no run takes, step by step for all of them: their waits overlap.
fn ask_flows(chunk: &Chunk, block: &[At], found: &[RunId; TOUCHED], shard: &Shard) {
    let mut flows: [Option<(&MediaFlow, Dir)>; TOUCHED] = [None; TOUCHED];
    for ((at, run), flow) in block.iter().zip(found).zip(&mut flows) {
        if let (RunId::MAX, Some(Found::Beat(beat))) = (*run, chunk.at(*at)) {
            *flow = shard.media_of(&beat.key()).map(|media| (media, beat.dir()));
        }
    }
    flows.iter().flatten().for_each(|(media, dir)| media.ask(*dir));
}

/// Lets a plain RTP packet join the run that was found for it, or gives it to its flow.
#[inline(always)]
fn apply_beat(chunk: &Chunk, beat: &Beat, run: RunId, window: &Window, shard: &mut Shard) {
    let stands = chunk.stands(beat, window);
    match shard.runs.arrive(run, beat, stands) {
        Joins::Yes => {}
        Joins::No => give_beat(chunk, beat, stands, window, shard),
        Joins::Sampled => sample(chunk, beat, run, window, shard),
    }
}

/// Keeps the sample of a plain RTP packet that joined a run.
#[inline(never)]
fn sample(chunk: &Chunk, beat: &Beat, run: RunId, window: &Window, shard: &mut Shard) {
    let header = beat.header();
    let datagram = specimens::may_be_sealed(&header, usize::from(beat.len)).then(|| beat.payload(frame(beat, window)));
    let sample = Sample { at: beat.at, timestamp: beat.timestamp, hash: chunk.hash_of(beat), sequence: beat.sequence };
    shard.sample(run, &beat.key(), header.ssrc, sample, datagram);
}

fn frame<'w>(beat: &Beat, window: &'w Window) -> &'w [u8] {
    window.record(usize::from(beat.index)).map_or(&[], |record| record.bytes)
}

/// Gives a plain RTP packet to its flow.
#[inline(never)]
fn give_beat(chunk: &Chunk, beat: &Beat, stands: Stands, window: &Window, shard: &mut Shard) {
    let View { tap, source, tunnels } = chunk.view_of_beat(beat);
    let packet = Packet {
        seq: stands.seq,
        id: stands.id,
        at: beat.at,
        clock: stands.clock,
        tap,
        source,
        tunnels,
        link: beat.link(),
        flow: beat.key(),
        dir: beat.dir(),
        tcp: None,
        payload: beat.payload(frame(beat, window)),
        cut: 0,
        fragments: &[],
        held: 0,
        agent: None,
        home: Home::default(),
    };
    shard.beat(&packet, &beat.header(), Key::of(beat, tap));
}

fn apply_slot(chunk: &Chunk, slot: &Slot, bytes: Bytes<'_>, shard: &mut Shard, out: &mut Vec<(Seq, Fact)>) {
    let here = Seq(bytes.window.first.0 + u64::from(slot.index));
    let joined = slot.joined.and_then(|number| bytes.joined.get(number as usize));
    let transport = Transport { payload: slot.payload(bytes.window, joined), ..slot.transport };
    let datagram = joined.and_then(Joined::datagram);
    match datagram.filter(|_| slot.front) {
        Some(datagram) => {
            let before = out.len();
            shard.apply(&packet_of(datagram, &transport, chunk.view_of(slot), slot.clock), slot.rtp.as_ref(), out);
            // Its packet keeps the place of its last record; what it gives rise to happens here.
            out.iter_mut().skip(before).for_each(|(seq, _)| *seq = here);
        }
        None => {
            let records = datagram.map(|datagram| (&datagram.records[..], datagram.n_held)).unwrap_or_default();
            shard.apply(&packet_at(chunk, bytes.window, slot, &transport, records, here), slot.rtp.as_ref(), out);
        }
    }
}

/// The packet of a record, or of the datagram that the record completed.
#[inline]
fn packet_at<'p>(
    chunk: &'p Chunk,
    window: &'p Window,
    slot: &Slot,
    transport: &Transport<'p>,
    (fragments, held): (&'p [RecordId], u64),
    seq: Seq,
) -> Packet<'p> {
    let View { tap, source, tunnels } = chunk.view_of(slot);
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
        fragments,
        held,
        agent: chunk.agent(slot),
        home: Home(Some(window)),
    }
}

/// The packet in the front of a datagram that was given up at `clock`.
pub fn packet_of<'d>(datagram: &'d Datagram, transport: &Transport<'d>, view: View, clock: Timestamp) -> Packet<'d> {
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
        agent: None,
        home: Home::default(),
    }
}
