//! DR020: an initial request to Microsoft whose Request-URI names a host that is not the service's.

use crate::call::{Leg, LegMessage};
use crate::finding::{Outcome, Severity};
use crate::flow::tls::SERVICE_DOMAINS;
use crate::proto::sip::{HeaderName, Method, TypedHost, lossy, typed};
use crate::record::Seq;
use crate::rules::{
    Check, Ctx, Direction, Rule,
    along::{Found, lowered, with_microsoft},
    by_sender,
};
use crate::topology::Place;
use std::cell::OnceCell;
use std::collections::HashMap;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR020-ruri-host",
    title: "The Request-URI names a host that is not the service's",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false, // the check does it
    hides: &[],
    page: include_str!("../../../rules/identity/DR020-ruri-host.md"),
    check: Check::Leg(check),
};

/// What stands before a domain of the service's: its three connection points, the retired one (DR025), and those that test certificates (DR026).
const POINTS: [&str; 6] = ["sip.", "sip2.", "sip3.", "sip-all.", "sip.mspki.", "sip.g1."];
/// Where certificates are tested with what is not released yet.
const TEST_POINT: &str = "x.sip.pstnhub.infra.";

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let mut found = Found::default();
    let given = OnceCell::new();
    for message in with_microsoft(leg, ctx).filter(|message| is_judged(message, ctx)) {
        let Some(uri) = message.sip().request_uri().map(lossy) else { continue };
        let host = typed::uri_host(&uri);
        let is_given = || given.get_or_init(|| hosts_given(ctx)).get(&host).is_some_and(|at| *at < message.message.seq());
        if is_services(&host, message, ctx) || is_driven(message) || is_given() {
            found.clean = true;
            continue;
        }
        let status = ctx.transaction(message).and_then(|transaction| transaction.status(leg));
        match (message.start.method, status) {
            (Method::Options, Some(200..=299)) => found.clean = true,
            (Method::Options, None) => found.lacks("the answer to OPTIONS is not in the capture"),
            _ => {
                let (host, says) = match host {
                    TypedHost::Ip(ip) => (ip.to_string(), ", which is no host of the service"),
                    TypedHost::Name(name) => (name, ", which is no host of the service"),
                    TypedHost::None => ("no host".to_owned(), ""),
                };
                let said = format!("{} from {} names {host} in Request-URI{says}", ctx.name_of(message), message.message.src().ip());
                let line = lossy(message.sip().start_line()).into_owned();
                found.violations.push(by_sender(ctx, message, lowered(RULE.severity, message, ctx), host, said, &line));
            }
        }
    }
    found.outcome()
}

/// INVITE and OPTIONS outside a dialog, to an address of the service's.
fn is_judged(message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    let start = message.start;
    let initial = start.is_request && matches!(start.method, Method::Invite | Method::Options) && !start.has_to_tag;
    initial && ctx.to_microsoft(message) && ctx.topology.is_microsoft_signalling(message.message.dst().ip(), message.message.at())
}

fn is_services(host: &TypedHost, message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    match host {
        // A fixed address is another rule's matter.
        TypedHost::Ip(ip) => *ip == message.message.dst().ip() || ctx.topology.place_of(*ip, message.message.at()) == Place::Microsoft,
        TypedHost::Name(name) => {
            let is_point = |domain| name.strip_suffix(domain).is_some_and(|point| POINTS.contains(&point));
            SERVICE_DOMAINS.into_iter().any(is_point) || name.starts_with(TEST_POINT)
        }
        TypedHost::None => false,
    }
}

/// The request follows a REFER, whose target Microsoft wrote.
fn is_driven(message: &LegMessage) -> bool {
    let sip = message.sip();
    sip.has(HeaderName::ReferredBy) || sip.has(HeaderName::Replaces)
}

/// Hosts that Microsoft gave in Contact and Refer-To on the legs of the call, and where first.
fn hosts_given(ctx: &Ctx<'_>) -> HashMap<TypedHost, Seq> {
    let mut given = HashMap::new();
    let Some(call) = ctx.call else { return given };
    let legs = call.legs.iter().zip(ctx.recognitions).filter(|(_, recognition)| recognition.is_direct_routing());
    let messages = legs.flat_map(|(leg, recognition)| {
        leg.messages.iter().filter(|message| recognition.is_microsoft(message.message.src(), message.message.dst()))
    });
    for message in messages {
        let (sip, at) = (message.sip(), message.message.seq());
        let values = [HeaderName::Contact, HeaderName::ReferTo].into_iter().flat_map(|name| sip.values(name));
        for host in values.map(|value| typed::host(&lossy(&value))) {
            let first = given.entry(host).or_insert(at);
            *first = at.min(*first);
        }
    }
    given
}
