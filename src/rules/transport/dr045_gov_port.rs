//! DR045: an SBC of a government cloud that is not called at port 5061.

use crate::call::recognise::SIGNALLING_PORT;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::trunk::{Called, How, TrunkHistory};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR045-gov-port",
    title: "A government cloud must call the SBC at port 5061",
    severity: Severity::Error,
    direction: Direction::MicrosoftToSbc,
    evidence: "packets, topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR045-gov-port.md"),
    check: Check::Trunk(check),
};

fn check(sbc: IpAddr, history: &TrunkHistory, _: &Ctx<'_>) -> Outcome {
    let wrong: Vec<Violation> = history.called.iter().filter(|c| c.port != SIGNALLING_PORT).map(|called| violation(sbc, called)).collect();
    match (history.called.is_empty(), wrong.is_empty()) {
        (true, _) => Outcome::NotApplicable,
        (false, true) => Outcome::Clean,
        (false, false) => Outcome::Violated(wrong),
    }
}

fn violation(sbc: IpAddr, called: &Called) -> Violation {
    let Called { port, cloud, .. } = called;
    let says = match called.how {
        How::Opened => format!("Microsoft opens a connection to port {port} of {sbc}"),
        How::Contact => format!("Contact of {sbc} names port {port}"),
    };
    Violation {
        severity: Severity::Error,
        subject: sbc.to_string(),
        value: port.to_string(),
        message: format!("{says}, and {} calls port {SIGNALLING_PORT} only", cloud.name()),
        evidence: vec![Evidence::new(&called.seen, called.excerpt.as_str())],
    }
}
