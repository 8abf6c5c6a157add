//! DR023: the SBC's Contact names a port on which it does not listen for Microsoft.

use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule, along::Found};
use crate::trunk::{Attempt, Fate, Named, Tried, TrunkHistory};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR023-contact-port",
    title: "Contact names a port on which the SBC does not listen",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text, packets and topology",
    confidence: "documented, inference",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/identity/DR023-contact-port.md"),
    check: Check::Trunk(check),
};

/// A port is closed when so many SYNs were in vain: one and two repetitions of it (catalogue, DR023).
const IN_VAIN: u64 = 3;

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let mut found = Found::default();
    if history.ports.named.is_empty() {
        return match history.first {
            Some(_) => Outcome::NotChecked("no Contact with the SBC's name can be read in the capture".to_owned()),
            None => Outcome::NotApplicable,
        };
    }
    for named in &history.ports.named {
        match judge(sbc, named, history, ctx) {
            Ok(None) => found.clean = true,
            Ok(Some(violation)) => found.violations.push(violation),
            Err(why) => found.lacks(why),
        }
    }
    found.outcome()
}

/// A violation, none where the port is right, or what is missing.
fn judge(sbc: IpAddr, named: &Named, history: &TrunkHistory, ctx: &Ctx<'_>) -> Result<Option<Violation>, String> {
    let (ports, port) = (&history.ports, named.port);
    let tried = ports.tried.get(&port);
    let closed = tried.and_then(|tried| in_vain(tried, history));
    // A port that another name of the SBC's has is another trunk's.
    let others = ports.tried.iter().filter(|(other, _)| ports.named.iter().all(|named| named.port != **other));
    let other = others.filter_map(|(_, tried)| tried.spoken).min_by_key(|attempt| attempt.syn.seq);
    let listens = listens(&named.host, ctx);
    let translated = format!("the port is translated perhaps: {sbc} is the address of the SBC inside of a NAT");
    match listens {
        Some(own) if own != port && is_inside(sbc, ctx) => match ports.tried.get(&own).is_some_and(|tried| tried.taken > 0) {
            true => Ok(None),
            false => Err(translated),
        },
        Some(own) if own != port => {
            let says = format!("Contact of {sbc} names port {port} of {}, which listens on {own} by the topology", named.host);
            Ok(Some(violation(sbc, named, says, (closed, other))))
        }
        _ if closed.is_some() && other.is_some() => {
            Ok(Some(violation(sbc, named, format!("Contact of {sbc} names port {port} of {}", named.host), (closed, other))))
        }
        _ if tried.is_some_and(|tried| tried.taken > 0) => Ok(None),
        Some(_) => Ok(None),
        None if tried.is_none() && other.is_some() && is_inside(sbc, ctx) => Err(translated),
        None if tried.is_none() => {
            Err(format!("Microsoft opens no connection to port {port} of {sbc}, and no topology says where the SBC listens"))
        }
        None => Err(format!("the capture does not show a connection of Microsoft's that {sbc} takes on the port that its Contact names")),
    }
}

/// The port on which the SBC of this name listens, by the topology.
fn listens(host: &str, ctx: &Ctx<'_>) -> Option<u16> {
    let sbcs = &ctx.topology.tables.sbcs;
    sbcs.iter().find(|sbc| sbc.fqdn.as_ref().is_some_and(|fqdn| fqdn.eq_ignore_ascii_case(host)))?.sip_port
}

/// What is outside of a NAT in front of the SBC may be another port.
fn is_inside(sbc: IpAddr, ctx: &Ctx<'_>) -> bool {
    !ctx.topology.is_public(sbc) || ctx.topology.tables.static_nats.iter().any(|nat| *nat.inside == sbc)
}

/// The first attempt at a port that takes nothing, where the SBC would be heard.
fn in_vain(tried: &Tried, history: &TrunkHistory) -> Option<Attempt> {
    let heard = |attempt: &Attempt| !matches!(attempt.fate, Fate::Unanswered(_)) || history.heard.contains(&attempt.syn.tap);
    let none = tried.taken == 0 && tried.unknown == 0 && tried.refused >= IN_VAIN;
    tried.first_refused.filter(|attempt| none && heard(attempt))
}

fn violation(sbc: IpAddr, named: &Named, says: String, (closed, other): (Option<Attempt>, Option<Attempt>)) -> Violation {
    let port = named.port;
    let mut evidence = vec![Evidence::new(&named.seen, named.excerpt.as_str())];
    let mut message = says;
    if let Some(attempt) = closed {
        message.push_str(", where Microsoft's SYNs are in vain");
        evidence.push(Evidence::new(&attempt.syn, format!("SYN to port {port} from {}", attempt.from.ip())));
    }
    if let Some(attempt) = other.filter(|_| closed.is_some()) {
        let taken = attempt.to.port();
        message.push_str(&format!("; the SBC takes connections on port {taken}"));
        evidence.push(Evidence::new(&attempt.syn, format!("SYN to port {taken} from {}, taken", attempt.from.ip())));
    }
    let severity = if closed.is_some() { Severity::Error } else { Severity::Warning };
    Violation { severity, subject: sbc.to_string(), value: format!("{}:{port}", named.host), message, evidence }
}
