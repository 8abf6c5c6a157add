//! DR204: Local Media Optimization and Location-Based Routing together, and a downstream SBC that only one of them knows.

use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::gateway;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::{BypassMode, Gateway, Topology};
use crate::trunk::TrunkHistory;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR204-lbr-lmo",
    title: "A downstream SBC is not enabled for Location-Based Routing",
    severity: Severity::Info,
    direction: Direction::Any,
    evidence: "topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lbr/DR204-lbr-lmo.md"),
    check: Check::Trunk(check),
};

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let Some(first) = history.first else { return Outcome::NotApplicable };
    let own = gateway::at_address(ctx.topology, sbc);
    let is_behind = |gateway: &&Gateway| {
        let has_mode = gateway.bypass_mode.is_some_and(|mode| mode != BypassMode::None);
        has_mode && gateway.proxy.as_ref().is_some_and(|proxy| own.iter().any(|own| own.fqdn.eq_ignore_ascii_case(proxy)))
    };
    let (mut violations, mut judged) = (Vec::new(), false);
    for behind in ctx.topology.tables.gateways.iter().filter(is_behind) {
        let sites = lbr_sites(behind, ctx.topology);
        judged |= !sites.is_empty();
        let missing: Vec<&str> = sites.into_iter().filter(|site| !behind.sites_lbr.iter().any(|own| own.as_str() == *site)).collect();
        if missing.is_empty() {
            continue;
        }
        let missing = missing.join(", ");
        let message = format!("{} has Local Media Optimization and is not enabled for Location-Based Routing at {missing}", behind.fqdn);
        let evidence = vec![Evidence::new(&first, format!("{sbc} is the proxy SBC of {}", behind.fqdn))];
        violations.push(Violation { severity: RULE.severity, subject: behind.fqdn.to_string(), value: missing, message, evidence });
    }
    match (violations.is_empty(), judged) {
        (false, _) => Outcome::Violated(violations),
        (true, true) => Outcome::Clean,
        (true, false) => Outcome::NotApplicable,
    }
}

/// Sites of the gateway where Location-Based Routing is on.
fn lbr_sites<'g>(gateway: &'g Gateway, topology: &Topology) -> Vec<&'g str> {
    let is_on = |id: &&str| topology.tables.sites.iter().any(|site| site.lbr && site.id.as_str() == *id);
    gateway.sites.iter().map(|id| id.as_str()).filter(is_on).collect()
}
