//! DR172: what only the Internet carries is sent towards ExpressRoute.

use super::crossing::{NO_LINK, proof, seen_on};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::flow::Connection;
use crate::path::{
    Hop,
    scenario::{Destination, InternetOnly, internet_only},
};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::Segment;
use std::net::SocketAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR172-internet-only-on-er",
    title: "Sent to ExpressRoute, which does not carry it",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "TLS handshake or DNS, and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/path/DR172-internet-only-on-er.md"),
    check: Check::Service(check),
};

fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let Some((hop, asked)) = ctx.hops.first().zip(Asked::of(connection, ctx)) else { return Outcome::NotApplicable };
    match seen_on(hop).as_slice() {
        [] => Outcome::NotChecked(NO_LINK.to_owned()),
        on if on.contains(&Segment::Expressroute) => Outcome::Violated(vec![asked.violation(hop)]),
        _ => Outcome::Clean,
    }
}

/// What a client of yours asks for, of the kind that ExpressRoute never carries.
struct Asked {
    class: &'static InternetOnly,
    client: String,
    /// The host's name, else its address and port.
    host: String,
    hello: Option<Evidence>,
}

impl Asked {
    fn of(connection: &Connection, ctx: &Ctx<'_>) -> Option<Self> {
        let (client, server) = connection.id.flow.from_to(connection.opener);
        let place = |end: SocketAddr| ctx.topology.place_of(end.ip(), connection.first.at);
        if !place(client).is_inside() || place(server).is_inside() {
            return None; // what stays inside is on no provider's line
        }
        let offered = connection.tls.as_ref().and_then(|tls| tls.offered.as_ref());
        let name = offered.and_then(|offered| offered.what.server_name.as_deref().zip(Some(offered.seen)));
        let by_name = name.and_then(|(host, seen)| Some((internet_only(Destination::Host(host))?, host.to_ascii_lowercase(), Some(seen))));
        let by_port = || Some((internet_only(Destination::Port(server.port(), place(server)))?, server.to_string(), None));
        let (class, host, seen) = by_name.or_else(by_port)?;
        let hello = seen.map(|seen| Evidence::new(&seen, format!("ClientHello for {host}")));
        Some(Self { class, client: client.ip().to_string(), host, hello })
    }

    fn violation(self, hop: &Hop) -> Violation {
        let Self { class, client, host, hello } = self;
        let message = format!("{client} goes to {host} over expressroute, which does not carry it: {}", class.matches);
        let mut evidence: Vec<Evidence> = hello.into_iter().chain(proof(hop)).collect();
        evidence.sort_by_key(|evidence| evidence.seq);
        Violation { severity: Severity::Warning, subject: host, value: class.matches.clone(), message, evidence }
    }
}
