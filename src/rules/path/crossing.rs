//! Hops between your network and Microsoft: which end is which, on what links saw them, and the proof.

use crate::finding::Evidence;
use crate::path::{End, Hop};
use crate::rules::Ctx;
use crate::topology::{Place, Segment};

/// Why a rule says nothing of a hop that no link sees.
pub const NO_LINK: &str = "no link of the topology names the segment";
/// Why a rule says nothing without a topology file.
pub const NO_TOPOLOGY: &str = "no topology says which addresses are yours";

/// A hop between your network and Microsoft.
#[derive(Debug, Clone, Copy)]
pub struct Crossing {
    /// Your end.
    pub inside: End,
    /// Microsoft's.
    pub microsoft: End,
}

impl Crossing {
    /// The two ends of a hop that is one.
    pub fn of(hop: &Hop) -> Option<Self> {
        let of = |inside: End, microsoft: End| {
            (inside.place.is_inside() && microsoft.place == Place::Microsoft).then_some(Self { inside, microsoft })
        };
        of(hop.a, hop.b).or_else(|| of(hop.b, hop.a))
    }

    /// Microsoft's prefix: routes are made for prefixes.
    pub fn network(&self, hop: &Hop, ctx: &Ctx<'_>) -> String {
        let net = ctx.topology.place(self.microsoft.ip, hop.first.at).net;
        net.map_or_else(|| self.microsoft.ip.to_string(), |net| net.to_string())
    }
}

/// Without a topology file a public address that talks to Microsoft may be yours.
pub fn may_be_yours(hop: &Hop, ctx: &Ctx<'_>) -> bool {
    let ends = [hop.a.place, hop.b.place];
    ctx.topology.file.is_none() && ends.contains(&Place::Microsoft) && ends.contains(&Place::Internet)
}

/// The edge segments that links saw packets of the hop on, way by way.
pub fn seen_on(hop: &Hop) -> Vec<Segment> {
    hop.way.iter().filter(|way| way.observed && way.packets > 0).map(|way| way.segment).collect()
}

/// The first packet of each way, with the segment and how it is known.
pub fn proof(hop: &Hop) -> Vec<Evidence> {
    let ways = hop.seen.iter().zip(&hop.way).filter_map(|(seen, way)| {
        let text = format!("{} packets over {}: {}", way.packets, way.segment, way.basis);
        seen.as_ref().map(|seen| Evidence::new(seen, text))
    });
    let mut proof: Vec<Evidence> = ways.collect();
    proof.sort_by_key(|evidence| evidence.seq);
    proof
}
