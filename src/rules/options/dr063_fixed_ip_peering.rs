//! DR063: the SBC names Microsoft by an address.

use super::placed::without_calls;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::{Span, Timestamp};
use crate::trunk::{Link, Literal, PlacedCalls, TrunkHistory};
use std::net::{IpAddr, Ipv4Addr};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR063-fixed-ip-peering",
    title: "The SBC is set to a fixed address of Microsoft's",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/options/DR063-fixed-ip-peering.md"),
    check: Check::Trunk(check),
};

/// Addresses that Microsoft listed until 2020, before it gave prefixes. The first is a host in spite of its end.
const FORMER: [Ipv4Addr; 8] = [
    Ipv4Addr::new(52, 114, 148, 0),
    Ipv4Addr::new(52, 114, 132, 46),
    Ipv4Addr::new(52, 114, 75, 24),
    Ipv4Addr::new(52, 114, 76, 76),
    Ipv4Addr::new(52, 114, 7, 24),
    Ipv4Addr::new(52, 114, 14, 70),
    Ipv4Addr::new(52, 114, 16, 74),
    Ipv4Addr::new(52, 114, 20, 29),
];
/// In a shorter time an SBC need not ask for a name again.
const LONG: Span = Span::secs(3600);

fn check(sbc: IpAddr, history: &TrunkHistory, _: &Ctx<'_>) -> Outcome {
    let service = &history.placed.service;
    if !service.literals.is_empty() {
        return Outcome::Violated(service.literals.iter().map(|(ip, literal)| violation(sbc, *ip, literal)).collect());
    }
    match service.by_host {
        Some(_) => Outcome::Clean,
        None if is_suspect(&history.placed) => Outcome::NotChecked(
            "for more than an hour only addresses of Microsoft's former list are used, and nothing shows whether a name stands behind them"
                .to_owned(),
        ),
        None => without_calls(&history.placed),
    }
}

/// All connections that the SBC opened in a long time went to addresses of the former list.
fn is_suspect(placed: &PlacedCalls) -> bool {
    let mut opened = placed.reach.links().filter(|link| link.tried.is_some()).peekable();
    let first = opened.peek().map(|link| link.first.at);
    let is_former = |link: &Link| matches!(link.to.ip(), IpAddr::V4(ip) if FORMER.contains(&ip));
    let mut last: Option<Timestamp> = None;
    let all = opened.all(|link| {
        last = last.max(Some(link.until));
        is_former(link)
    });
    all && first.zip(last).is_some_and(|(first, last)| last - first > LONG)
}

fn violation(sbc: IpAddr, ip: IpAddr, literal: &Literal) -> Violation {
    let place = if literal.line.starts_with("Route") { "Route" } else { "Request-URI" };
    let message = format!("{} of {sbc} names {ip} in its {place} where a name of the service belongs", literal.method);
    let evidence = vec![Evidence::new(&literal.seen, literal.line.clone())];
    Violation { severity: RULE.severity, subject: sbc.to_string(), value: ip.to_string(), message, evidence }
}
