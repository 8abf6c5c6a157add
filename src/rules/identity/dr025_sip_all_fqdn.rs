//! DR025: an SBC that still calls Microsoft by the name that stood for all of its addresses.

use super::names::unnamed;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule, options::times::proof};
use crate::time::Timestamp;
use crate::trunk::{TrunkHistory, names::Cited};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR025-sip-all-fqdn",
    title: "A retired name of the service",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text, TLS handshake or DNS",
    confidence: "documented",
    since: "2022-06-01",
    lower_when_accepted: false, // the check does it: it looks at many messages
    hides: &[],
    page: include_str!("../../../rules/identity/DR025-sip-all-fqdn.md"),
    check: Check::Trunk(check),
};

/// Names that stood for all addresses of a cloud.
const RETIRED: [&str; 2] = ["sip-all.pstnhub.microsoft.com", "sip-all.pstnhub.gov.teams.microsoft.us"];
/// 2022-06-01, when support for them ended (Microsoft, Direct Routing, what's new: SIP support).
const END: Timestamp = Timestamp(1_654_041_600_000_000_000);

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    let broken: Vec<Violation> = RETIRED.iter().filter_map(|name| violation(sbc, name, history, ctx)).collect();
    if broken.is_empty() { unnamed(&history.alive) } else { Outcome::Violated(broken) }
}

fn violation(sbc: IpAddr, name: &str, history: &TrunkHistory, ctx: &Ctx<'_>) -> Option<Violation> {
    let known = history.alive.names.get(name);
    let ends = |cited: &&Cited| cited.first.at >= END;
    let requested = known.and_then(|known| known.requested.as_ref()).filter(ends);
    let asked = known.and_then(|known| known.asked.as_ref()).filter(ends);
    // What the service took all the same was not refused for the name.
    let taken = requested.is_some_and(|cited| cited.accepted == cited.n);
    let severity = if taken { RULE.severity.lower() } else { RULE.severity };
    let cited = [requested, asked].into_iter().flatten().flat_map(|cited| {
        let answer = cited.answer.as_ref().map(|(mark, line)| proof(mark, line.as_str()));
        std::iter::once(proof(&cited.first, cited.line.as_str())).chain(answer)
    });
    let looked_up = looked_up(sbc, name, history, ctx);
    let how = match (requested, asked) {
        (Some(_), _) => "sends requests to",
        (None, Some(_)) => "opens TLS for",
        (None, None) => "asks name servers for",
    };
    let evidence: Vec<Evidence> = cited.chain(looked_up).collect();
    let message = format!("{sbc} {how} {name}, which Microsoft retired on 1 June 2022");
    (!evidence.is_empty()).then(|| Violation { severity, subject: sbc.to_string(), value: name.to_owned(), message, evidence })
}

/// The SBC itself asked a name server for the name; what somebody's tool asks for on another host proves nothing.
fn looked_up(sbc: IpAddr, name: &str, history: &TrunkHistory, ctx: &Ctx<'_>) -> Option<Evidence> {
    let id = |ip: IpAddr| ctx.topology.sbc(ip).map(|known| known.id.as_str());
    let is_sbc =
        |client: IpAddr| client == sbc || history.alive.addresses.contains(&client) || id(client).is_some_and(|own| id(sbc) == Some(own));
    let clients = &ctx.names.of(name)?.clients;
    let (_, seen) = clients.iter().filter(|(client, seen)| is_sbc(**client) && seen.at >= END).min_by_key(|(_, seen)| seen.seq)?;
    Some(Evidence::new(seen, format!("DNS: {name}")))
}
