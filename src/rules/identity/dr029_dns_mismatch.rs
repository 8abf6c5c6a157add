//! DR029: an SBC whose name leads somewhere else.

use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    options::times::{proof, unread},
};
use crate::trunk::{KeepAlive, TrunkHistory, names::Cited};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR029-dns-mismatch",
    title: "The SBC's name leads to another address",
    severity: Severity::Info,
    direction: Direction::Any,
    evidence: "DNS and SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/identity/DR029-dns-mismatch.md"),
    check: Check::Trunk(check),
};

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let alive = &history.alive;
    let own = own(sbc, alive, ctx);
    let names = alive.contacts.iter().filter(|(name, _)| !is_behind_proxy(name, ctx));
    let judged: Vec<Outcome> = names.map(|(name, contact)| judge(sbc, name, contact, &own, ctx)).collect();
    let broken: Vec<Violation> =
        judged.iter().flat_map(|outcome| if let Outcome::Violated(some) = outcome { some.clone() } else { Vec::new() }).collect();
    match () {
        () if !broken.is_empty() => Outcome::Violated(broken),
        () if judged.contains(&Outcome::Clean) => Outcome::Clean,
        () if alive.contacts.is_empty() => unread(alive).map_or(Outcome::NotApplicable, |why| Outcome::NotChecked(why.to_owned())),
        () => judged.into_iter().next().unwrap_or(Outcome::NotApplicable),
    }
}

/// The addresses at which the Internet reaches the SBC: those that a tap or the topology shows.
fn own(sbc: IpAddr, alive: &KeepAlive, ctx: &Ctx<'_>) -> BTreeSet<IpAddr> {
    let told = ctx.topology.sbc(sbc).into_iter().flat_map(|known| &known.signalling).map(|address| **address);
    told.chain(alive.addresses.iter().copied()).chain([sbc]).filter(|ip| ctx.topology.is_public(*ip)).collect()
}

fn judge(sbc: IpAddr, name: &str, contact: &Cited, own: &BTreeSet<IpAddr>, ctx: &Ctx<'_>) -> Outcome {
    let not_checked = |why: String| Outcome::NotChecked(why);
    let Some(known) = ctx.names.of(name) else {
        return not_checked("no name server's answer for the SBC's name is in the capture".to_owned());
    };
    if own.is_empty() {
        return not_checked(format!("{sbc} is a private address, and the topology does not give the public one"));
    }
    let id = |ip: IpAddr| ctx.topology.sbc(ip).map(|known| known.id.as_str());
    let is_own = |ip: &IpAddr| own.contains(ip) || id(*ip).is_some_and(|other| id(sbc) == Some(other));
    // A name server inside tells its own clients inner addresses: Microsoft asks another one.
    let outer = || known.addresses.iter().filter(|(ip, _)| ctx.topology.is_public(**ip) || is_own(ip));
    let of_family: Vec<_> = outer().filter(|(ip, _)| own.iter().any(|own| own.is_ipv4() == ip.is_ipv4())).collect();
    let Some((first, seen)) = of_family.iter().min_by_key(|(_, seen)| seen.seq) else {
        return match known.addresses.is_empty() {
            true => not_checked("no name server's answer for the SBC's name is in the capture".to_owned()),
            false => not_checked("name servers gave no public address of this kind for the SBC's name, as an inner one may do".to_owned()),
        };
    };
    if of_family.iter().any(|(ip, _)| is_own(ip)) {
        return Outcome::Clean;
    }
    let others: Vec<String> = own.iter().map(IpAddr::to_string).collect();
    let message = format!("name servers give {first} for {name}, and the SBC is at {}", others.join(" and "));
    let evidence = vec![Evidence::new(seen, format!("DNS: {name} is {first}")), proof(&contact.first, contact.line.as_str())];
    Outcome::Violated(vec![Violation { severity: RULE.severity, subject: sbc.to_string(), value: name.to_owned(), message, evidence }])
}

/// A gateway behind a proxy SBC needs no address of its own that the Internet reaches.
fn is_behind_proxy(name: &str, ctx: &Ctx<'_>) -> bool {
    let mut gateways = ctx.topology.tables.gateways.iter();
    gateways.any(|gateway| gateway.proxy.is_some() && gateway.fqdn.eq_ignore_ascii_case(name))
}
