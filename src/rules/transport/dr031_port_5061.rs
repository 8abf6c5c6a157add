//! DR031: an SBC that calls Microsoft at another port than 5061.

use super::parties::Parties;
use crate::call::recognise::SIGNALLING_PORT;
use crate::finding::{Evidence, Outcome, Severity};
use crate::flow::{Connection, Content};
use crate::rules::{Check, Ctx, Direction, Rule};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR031-port-5061",
    title: "The SBC calls Microsoft at a wrong port",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "packets",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR031-port-5061.md"),
    check: Check::Connection(check),
};

/// The port of SIP without TLS.
const SIP_PORT: u16 = 5060;

fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let Some(parties) = Parties::of(connection, ctx.topology) else { return Outcome::NotApplicable };
    let port = parties.microsoft.port();
    let Some(carries) = carries(connection, port) else { return Outcome::NotApplicable };
    let hello = connection.tls.as_deref().and_then(|tls| tls.client);
    let Some(opener) = parties.opener().or(hello) else {
        return match port {
            SIGNALLING_PORT => Outcome::NotApplicable,
            _ => Outcome::NotChecked("the beginning of the connection is not in the capture, so nobody knows who opened it".to_owned()),
        };
    };
    if opener != parties.from_sbc {
        return Outcome::NotApplicable;
    }
    if port == SIGNALLING_PORT {
        return Outcome::Clean;
    }
    let outcome = if connection.opening.answer().is_none() && connection.opening.syns > 0 { ", and gets no answer" } else { "" };
    let message =
        format!("{} opens a connection{carries} to port {port} of Microsoft's {}{outcome}", parties.sbc.ip(), parties.microsoft.ip());
    let first = connection.half(opener).first.unwrap_or(connection.first);
    let evidence = vec![Evidence::new(&first, format!("to {}", parties.microsoft))];
    Outcome::Violated(vec![parties.by_sbc(Severity::Error, port.to_string(), message, evidence)])
}

/// What says that the connection is for SIP: what it carries, else its port.
fn carries(connection: &Connection, port: u16) -> Option<&'static str> {
    let names_service = connection.tls.as_deref().is_some_and(|tls| tls.from_service().is_some());
    match connection.content {
        Content::Sip => Some(" for SIP"),
        Content::Tls if names_service => Some(" for TLS with the service"),
        _ if port == SIP_PORT || port == SIGNALLING_PORT => Some(""),
        _ => None,
    }
}
