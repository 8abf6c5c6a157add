//! DR008: the SBC writes Record-Route although no proxy SBC stands there that would need it.

use super::written::{NO_REQUEST, clean, host_and_port, repeats_invite, routes, shown, values};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::path::{gateway, lmo::Told};
use crate::proto::sip::{HeaderName, Method, TypedHost, typed};
use crate::rules::{Answer, Check, Ctx, Direction, Heeds, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR008-record-route-unneeded",
    title: "Record-Route without a proxy SBC",
    severity: Severity::Info,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR008-record-route-unneeded.md"),
    check: Check::Message(Heeds::FROM_SBC.but_repeats().and_answers(&[Method::Invite], &[Answer::Progress, Answer::Ok]), check),
};

/// Requests within a call that are looked at to learn the habits of a stack.
const MOST_ASKED: usize = 8;

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let start = message.start;
    let answers = start.method == Method::Invite && start.status.is_some_and(|status| (101..300).contains(&status));
    // Within a dialog the route is set, and Record-Route means nothing (RFC 3261 section 12.2).
    let begins = start.is_request && !start.has_to_tag && !repeats_invite(message);
    if !ctx.to_microsoft(message) || !(begins || answers) {
        return Outcome::NotApplicable;
    }
    let Some(routes) = routes(message, ctx) else { return Outcome::NotChecked(NO_REQUEST.to_owned()) };
    let Some(top) = routes.first() else { return clean(message) };
    if routes.iter().any(|route| is_of_proxy(route, message, ctx)) || knows_no_switch(message, top, ctx) {
        return Outcome::Clean;
    }
    let (name, sender) = (ctx.name_of(message), message.message.src().ip());
    let (value, why) = match ctx.topology.tables.gateways.is_empty() {
        true => ("Record-Route".to_owned(), "and no proxy SBC is known".to_owned()),
        false => (shown(top), format!("and the topology has no proxy SBC {}", shown(top))),
    };
    let said = format!("{name} from {sender} carries Record-Route, {why}");
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, value, said, &format!("Record-Route: {top}"))])
}

/// A proxy SBC wrote it, as the topology or the path that Microsoft gave for the media says.
fn is_of_proxy(route: &str, message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    match typed::host(route) {
        TypedHost::Name(name) => ctx.topology.is_proxy_sbc(&name) || is_on_path(&name, message, ctx),
        TypedHost::Ip(ip) => gateway::at_address(ctx.topology, ip).iter().any(|own| ctx.topology.is_proxy_sbc(&own.fqdn)),
        TypedHost::None => false,
    }
}

/// The request told a way for the media on which this SBC comes before the target.
fn is_on_path(name: &str, message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    let path = ctx.request(message).filter(|_| !message.start.is_request).and_then(|request| Told::of(&request.sip()).path);
    path.is_some_and(|path| path.iter().rev().skip(1).any(|proxy| proxy.eq_ignore_ascii_case(name)))
}

/// It stands in all requests within the call too, where it means nothing: a stack that does so has no switch for it. As long as it agrees
/// with Contact, no harm is done.
fn knows_no_switch(message: &LegMessage, top: &str, ctx: &Ctx<'_>) -> bool {
    let agrees = values(message, HeaderName::Contact).first().is_some_and(|contact| host_and_port(contact) == host_and_port(top));
    let Some((leg, _)) = ctx.leg.filter(|_| agrees) else { return false };
    let within = leg.messages.iter().filter(|m| m.start.is_request && m.start.has_to_tag && !m.retransmission && ctx.to_microsoft(m));
    // The ACK to a refusal is a matter of its transaction, not of the call.
    let own = within.filter(|m| m.start.method != Method::Ack || leg.transaction_of(m).is_some_and(|t| t.method == Method::Ack));
    let mut asked = own.take(MOST_ASKED).map(|m| m.sip().has(HeaderName::RecordRoute)).peekable();
    asked.peek().is_some() && asked.all(|has| has)
}
