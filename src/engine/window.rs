//! Windows: each decoded by one task, fragments joined serially, and shards applied in parallel, each to a few windows at a time.

use super::apply::Bytes;
use super::chunk::Chunk;
use super::join::Joined;
use super::shard::rtp_header;
use super::taps::View;
use super::{Engine, Fact, Shard, apply, in_order, join, par, read};
use crate::decode::{self, Outer};
use crate::record::{Interface, Seq, SourceId, Window, secrets::Text};
use crate::time::Timestamp;

/// Bits that a capture filter left, one a record of the window.
pub type Mask<'m> = Option<&'m [bool]>;

/// A window of records that were decoded.
pub struct Decoded {
    window: Window,
    chunk: Chunk,
    /// What was joined there.
    joined: Vec<Joined>,
}

impl Decoded {
    /// Decodes a window; records that `mask` leaves out are not looked at.
    pub fn of(window: Window, mask: Mask<'_>) -> Self {
        let chunk = read::chunk(&window, mask);
        Self { window, chunk, joined: Vec::new() }
    }

    /// The window.
    pub fn window(&self) -> &Window {
        &self.window
    }

    /// Packets of it that are no plain RTP.
    pub fn n_others(&self) -> usize {
        self.chunk.n_slots()
    }
}

/// Applies windows that follow each other.
pub fn apply(engine: &mut Engine, windows: &mut [Decoded], interfaces: &[Interface]) -> Vec<(Seq, Fact)> {
    windows.iter_mut().for_each(|decoded| join(engine, decoded, interfaces));
    let windows = &*windows;
    let out = par::par_map_mut(&mut engine.shards, |number, shard| {
        let mut out = Vec::new();
        for Decoded { window, chunk, joined } in windows {
            apply::chunk(chunk, Bytes { window, joined }, number, shard, &mut out);
        }
        out
    });
    in_order(out.into_iter().flatten().collect())
}

/// What has to be done in order of record before a window is applied.
fn join(engine: &mut Engine, decoded: &mut Decoded, interfaces: &[Interface]) {
    let Decoded { window, chunk, joined } = decoded;
    number_views(engine, chunk, interfaces);
    engine.ledger.add(&std::mem::take(&mut chunk.ledger));
    learn(engine, &window.secrets, chunk.handshakes.iter());
    *joined = join::join(engine, window, chunk);
    join::place(engine, joined, chunk);
    if chunk.has_joined {
        chunk.sort();
    }
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
        let decode::Decoded::Transport(transport) = join::open(&datagram, &mut Outer::default()) else { continue };
        let packet = apply::packet_of(&datagram, &transport, view, clock);
        if let Some(shard) = engine.shards.get_mut(Shard::of(&packet.flow)) {
            shard.apply(&packet, rtp_header(&transport).as_ref(), &mut out);
        }
    }
    out
}

/// Takes in key logs, and those that stand elsewhere in inputs where handshakes may begin, once an input and before the first of them.
pub fn learn<'i>(engine: &mut Engine, texts: &'i [Text], inputs: impl Iterator<Item = &'i u32>) {
    if engine.secrets.take(texts.iter(), inputs) {
        let log = engine.secrets.log();
        engine.shards.iter_mut().for_each(|shard| shard.know(log));
    }
}

fn number_views(engine: &mut Engine, chunk: &mut Chunk, interfaces: &[Interface]) {
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
