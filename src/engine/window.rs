//! One window: chunks of records decoded in parallel, fragments joined serially, shards applied in parallel.

use super::apply::Bytes;
use super::chunk::Chunk;
use super::shard::rtp_header;
use super::taps::View;
use super::{Engine, Fact, Shard, apply, in_order, join, par, read};
use crate::decode::{self, Outer};
use crate::record::{Interface, Seq, SourceId, Window, secrets::Text};
use crate::time::Timestamp;

/// Records decoded by one task.
const CHUNK: usize = 1_024;

/// Bits that a capture filter left, one a record of the window.
pub type Mask<'m> = Option<&'m [bool]>;

/// A window of records that were decoded.
pub struct Decoded {
    window: Window,
    chunks: Vec<Chunk>,
}

impl Decoded {
    /// Decodes a window; records that `mask` leaves out are not looked at.
    pub fn of(window: Window, mask: Mask<'_>) -> Self {
        let starts: Vec<usize> = (0..window.heads.len()).step_by(CHUNK).collect();
        let chunks = par::par_map(starts, |start| read::chunk(&window, start, window.heads.len().min(start + CHUNK), mask));
        Self { window, chunks }
    }

    /// The window.
    pub fn window(&self) -> &Window {
        &self.window
    }
}

/// Applies one window.
pub fn apply(engine: &mut Engine, decoded: &mut Decoded, interfaces: &[Interface]) -> Vec<(Seq, Fact)> {
    let Decoded { window, chunks } = decoded;
    for chunk in chunks.iter_mut() {
        number_views(engine, chunk, interfaces);
        engine.ledger.add(&std::mem::take(&mut chunk.ledger));
    }
    learn(engine, &window.secrets, chunks);
    let joined = join::join(engine, window, chunks);
    join::place(engine, &joined, chunks);
    chunks.iter_mut().filter(|chunk| chunk.has_joined).for_each(Chunk::sort);
    let bytes = Bytes { window, joined: &joined };
    let out = par::par_map_mut(&mut engine.shards, |number, shard| {
        let mut out = Vec::new();
        chunks.iter().for_each(|chunk| apply::chunk(chunk, bytes, number, shard, &mut out));
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
        let decode::Decoded::Transport(transport) = join::open(&datagram, &mut Outer::default()) else { continue };
        let packet = apply::packet_of(&datagram, &transport, view, clock);
        if let Some(shard) = engine.shards.get_mut(Shard::of(&packet.flow)) {
            shard.apply(&packet, rtp_header(&transport).as_ref(), &mut out);
        }
    }
    out
}

/// Takes in key logs, and once an input those that stand elsewhere in it, before the first handshake that its chunks hold.
pub fn learn(engine: &mut Engine, texts: &[Text], chunks: &[Chunk]) {
    let inputs = chunks.iter().flat_map(|chunk| &chunk.handshakes);
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
