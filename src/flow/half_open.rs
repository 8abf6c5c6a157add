//! TCP flows in the table of a shard: a million SYNs that nothing follows must cost little, so the first of a flow is kept as it is
//! until a second packet comes.

use super::tcp_flow::SIPS_PORT;
use super::{Seen, TcpFlow};
use crate::decode::{Dir, FlowKey, Home, Link, Packet, TcpHeader};
use crate::record::Seq;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// A connection without a packet for this long is closed; SIP connections idle between keep-alives.
const IDLE: Span = Span::secs(30 * 60);
/// A connection that was closed by FIN or RST is kept this long for stragglers.
const ENDED: Span = Span::secs(60);
/// SYNs are repeated for about two minutes (RFC 9293 section 3.8.3 asks for three at least).
const UNANSWERED: Span = Span::secs(3 * 60);

/// A TCP flow: one SYN of it, or all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Tcp {
    half_open: Option<Box<HalfOpen>>,
    flow: Option<Box<TcpFlow>>,
}

/// A SYN without payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HalfOpen {
    seen: Seen,
    clock: Timestamp,
    dir: Dir,
    numbers: (u32, u32),
    flags: u8,
}

impl Tcp {
    /// Keeps `packet` as it is, if it is the first of the flow and a bare SYN. On the port of SIP over TLS a SYN alone is worth telling,
    /// so there it is none.
    pub fn keep(&mut self, packet: &Packet<'_>) -> bool {
        let (a, b) = packet.flow.ports();
        let bare = packet.payload.is_empty() && packet.cut == 0 && a != SIPS_PORT && b != SIPS_PORT;
        let Some(syn) = packet.tcp.filter(|tcp| tcp.syn() && bare) else { return false };
        if self.flow.is_some() || self.half_open.is_some() {
            return false;
        }
        let (seen, numbers) = (Seen::of(packet), (syn.seq, syn.ack));
        self.half_open = Some(Box::new(HalfOpen { seen, clock: packet.clock, dir: packet.dir, numbers, flags: syn.flags }));
        true
    }

    /// The flow, made of the SYN that was kept, or opened by `packet`.
    pub fn flow(&mut self, packet: &Packet<'_>) -> &mut TcpFlow {
        let Self { half_open, flow } = self;
        flow.get_or_insert_with(|| {
            Box::new(half_open.take().map_or_else(|| TcpFlow::open(packet), |half_open| half_open.flow(packet.flow)))
        })
    }

    /// The flow, if more than a SYN was seen of it.
    pub fn known(&self) -> Option<&TcpFlow> {
        self.flow.as_deref()
    }

    /// The flow, to change, if more than a SYN was seen of it.
    pub fn known_mut(&mut self) -> Option<&mut TcpFlow> {
        self.flow.as_deref_mut()
    }

    /// Seq of its last packet.
    pub fn last_seq(&self) -> Seq {
        let kept = self.half_open.as_ref().map(|half_open| half_open.seen.seq);
        self.flow.as_ref().map(|flow| flow.last_seq).or(kept).unwrap_or_default()
    }

    /// Nothing came for so long that it is over at `clock`.
    pub fn is_over(&self, clock: Timestamp) -> bool {
        match (&self.flow, &self.half_open) {
            (Some(flow), _) => clock - flow.last_clock >= if flow.is_ended() { ENDED } else { IDLE },
            (None, Some(half_open)) => clock - half_open.clock >= UNANSWERED,
            (None, None) => true,
        }
    }
}

impl HalfOpen {
    fn flow(&self, key: FlowKey) -> TcpFlow {
        let Seen { id, seq, at, tap, source, ttl, dscp, macs, tunnels } = self.seen;
        let packet = Packet {
            seq,
            id,
            at,
            clock: self.clock,
            tap,
            source,
            tunnels,
            link: Link { macs, ttl, dscp },
            flow: key,
            dir: self.dir,
            tcp: Some(TcpHeader { seq: self.numbers.0, ack: self.numbers.1, flags: self.flags }),
            payload: &[],
            cut: 0,
            fragments: &[],
            held: 0,
            agent: None,
            home: Home::default(),
        };
        let mut flow = TcpFlow::open(&packet);
        flow.note(&packet);
        flow
    }
}
