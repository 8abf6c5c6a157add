//! DR176: media of a VPN client with Microsoft that goes through the VPN.

use super::crossing::{Crossing, proof};
use crate::finding::{Outcome, Severity, Violation};
use crate::path::{Hop, HopKind};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::Place;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR176-media-in-vpn",
    title: "Teams media inside a VPN",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "headers and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/path/DR176-media-in-vpn.md"),
    check: Check::Hop(check),
};

fn check(hop: &Hop, ctx: &Ctx<'_>) -> Outcome {
    let Some(crossing) = Crossing::of(hop).filter(|_| hop.kind == HopKind::Media) else { return Outcome::NotApplicable };
    if crossing.inside.place == Place::VpnPool {
        return Outcome::Violated(vec![violation(hop, &crossing, ctx)]);
    }
    // What an SBC sends to Microsoft is no client's.
    let is_sbc = ctx.topology.sbc(crossing.inside.ip).is_some() || ctx.recognitions.iter().any(|r| r.is_direct_routing());
    if is_sbc {
        return Outcome::NotApplicable;
    }
    match ctx.topology.tables.prefixes.iter().any(|prefix| prefix.place == Place::VpnPool) {
        true => Outcome::Clean,
        false => Outcome::NotChecked("the topology names no VPN pool".to_owned()),
    }
}

fn violation(hop: &Hop, crossing: &Crossing, ctx: &Ctx<'_>) -> Violation {
    let (client, microsoft) = (crossing.inside.ip, crossing.microsoft.ip);
    let pool = ctx.topology.place(client, hop.first.at).net.map_or_else(|| client.to_string(), |net| net.to_string());
    let message = format!("media of VPN client {client} with Microsoft's {microsoft} goes through the VPN (pool {pool})");
    Violation { severity: Severity::Warning, subject: pool, value: crossing.network(hop, ctx), message, evidence: proof(hop) }
}
