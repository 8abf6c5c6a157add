//! The RTP flows of a call that figures are judged of, and the targets that hold for each.

use crate::call::{BoundStream, Call};
use crate::finding::Evidence;
use crate::flow::{Pass, stream::Settled};
use crate::path::{Hop, HopKind};
use crate::record::SourceId;
use crate::rules::Ctx;
use crate::time::Span;
use crate::topology::Place;
use std::net::IpAddr;

/// Why losses say nothing where the capture itself has holes.
pub(super) const HOLED: &str = "the capture lacks TCP segments of the call's signalling, so packets may be missing in it only";
/// Packets of sound are so far apart where nothing tells.
const USUAL: Span = Span::millis(20);

/// Network targets of Microsoft ("Media quality and network connectivity performance", [MQ] and [NET] of the catalogue).
#[derive(Debug, PartialEq)]
pub(super) struct Targets {
    /// What they are of.
    pub name: &'static str,
    /// Packets lost in any 15 s, one in so many.
    pub loss: u64,
    /// Packets lost in any 200 ms, one in so many.
    pub burst: u64,
}

/// Between your edge and Microsoft's: 0.1 % and 1 %.
pub(super) const EDGE: Targets = Targets { name: "edge", loss: 1_000, burst: 100 };
/// Between a client and Microsoft's edge: 1 % and 10 %.
pub(super) const CLIENT: Targets = Targets { name: "client", loss: 100, burst: 10 };

/// One RTP flow of a call.
pub(super) struct Flow<'c> {
    /// The stream.
    pub bound: &'c BoundStream,
    /// What its last tap saw.
    pub pass: &'c Pass,
    /// Who sends it.
    pub from: IpAddr,
    /// Who receives it.
    pub to: IpAddr,
    /// The targets for it.
    pub targets: &'static Targets,
}

/// The flows of a call as seen last on their way: what a NAT or relay passes on is judged behind it.
pub(super) fn flows<'c>(call: &'c Call, ctx: &Ctx<'c>) -> impl Iterator<Item = Flow<'c>> {
    let hops = ctx.hops;
    let goes_on = |bound: &BoundStream| call.streams.iter().any(|other| other.continues.as_deref() == Some(bound.id.as_str()));
    let settled = call.streams.iter().filter(move |bound| bound.stream.settled == Settled::Settled && !goes_on(bound));
    settled.filter_map(move |bound| {
        let (from, to) = bound.stream.flow.from_to(bound.stream.dir);
        let (from, to) = (from.ip(), to.ip());
        let targets = if at_edge(bound, hops, from, to) { &EDGE } else { &CLIENT };
        Some(Flow { bound, pass: bound.stream.last_pass()?, from, to, targets })
    })
}

/// The topology places the one tap that saw the stream on a link between your edge and Microsoft.
fn at_edge(bound: &BoundStream, hops: &[Hop], from: IpAddr, to: IpAddr) -> bool {
    let [_] = bound.stream.passes.as_slice() else { return false };
    hops.iter().filter(|hop| hop.kind == HopKind::Media && [hop.a.place, hop.b.place].contains(&Place::Microsoft)).any(|hop| {
        let way = match (hop.a.ip, hop.b.ip) {
            (a, b) if (a, b) == (from, to) => &hop.way[0],
            (a, b) if (b, a) == (from, to) => &hop.way[1],
            _ => return false,
        };
        way.observed && way.segment.is_edge()
    })
}

/// The source of the capture lost segments of this call's connections.
pub(super) fn is_holed(call: &Call, source: SourceId) -> bool {
    call.connections.iter().any(|known| known.first.source == source && known.halves.iter().any(|half| half.lost > 0))
}

impl Flow<'_> {
    /// Packets that are sent within `window` of talk.
    pub fn sent_within(&self, window: Span) -> u64 {
        let apart = self.pass.delta().map_or(USUAL, |delta| delta.mean).0.max(1);
        // Losses draw arrivals apart.
        let (expected, received) = (i128::from(self.pass.expected()), i128::from(self.pass.packets().max(1)));
        let taken = (i128::from(apart) * received).max(1);
        let sent = (i128::from(window.0) * expected + taken / 2) / taken;
        u64::try_from(sent).unwrap_or(u64::MAX).clamp(1, self.pass.expected().max(1))
    }

    /// Between whom it goes.
    pub fn between(&self) -> String {
        format!("{} to {}", self.from, self.to)
    }

    /// Its first packet and its last, with what the figures are of.
    pub fn proof(&self) -> Vec<Evidence> {
        let pass = self.pass;
        let codec = self.bound.codec.as_deref().unwrap_or("unknown codec");
        let text =
            format!("first packet of {:#010x}, {codec}: {} of {} packets came", self.bound.stream.ssrc.0, pass.packets(), pass.expected());
        vec![Evidence::new(pass.first(), text), Evidence::new(pass.last(), "last packet of it")]
    }
}
