//! DR022: a device between the SBC and Microsoft that is not the SBC, and may change whom the SBC calls.

use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity};
use crate::flow::tls::is_service;
use crate::proto::sip::{HeaderName, Method, TypedHost, lossy, typed};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    along::{CUT, Found, lowered, with_microsoft},
    by_sender,
};
use std::cell::OnceCell;
use std::collections::HashMap;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR022-proxy-changed-ruri",
    title: "A proxy stands between the SBC and Microsoft",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false, // the check does it
    hides: &[],
    page: include_str!("../../../rules/identity/DR022-proxy-changed-ruri.md"),
    check: Check::Leg(check),
};

/// What a request keeps through a proxy: number and method of the CSeq, and the From tag.
type Kept<'l> = (u32, &'l [u8], &'l [u8]);

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let mut found = Found::default();
    let (before, local) = (OnceCell::new(), OnceCell::new());
    for message in with_microsoft(leg, ctx).filter(|message| is_judged(message, ctx)) {
        if message.sip().head_cut() {
            found.lacks(CUT);
            continue;
        }
        let before: &HashMap<Kept<'_>, &LegMessage> = before.get_or_init(|| beyond(leg, ctx));
        let earlier = kept(message).and_then(|kept| before.get(&kept)).filter(|earlier| sender(earlier) != sender(message));
        let changed = earlier.filter(|earlier| earlier.sip().request_uri() != message.sip().request_uri());
        match changed {
            _ if is_paired(sender(message), ctx) || *local.get_or_init(|| has_local_media(leg)) => found.clean = true,
            Some(earlier) => changes(message, earlier, ctx, &mut found),
            None => passes(message, ctx, &mut found),
        }
    }
    found.outcome()
}

/// A request that is passed on; an ACK follows its INVITE, and CANCEL goes from hop to hop.
fn is_judged(message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    let start = message.start;
    start.is_request && !matches!(start.method, Method::Ack | Method::Cancel | Method::Options) && ctx.to_microsoft(message)
}

/// The requests of the leg on hops without Microsoft, the first of each.
fn beyond<'l>(leg: &'l Leg, ctx: &Ctx<'_>) -> HashMap<Kept<'l>, &'l LegMessage> {
    let mut before = HashMap::new();
    let others = leg.messages.iter().filter(|m| m.start.is_request && !m.retransmission && !ctx.to_microsoft(m) && !ctx.from_microsoft(m));
    for message in others.filter(|message| !message.sip().head_cut()) {
        if let Some(kept) = kept(message) {
            before.entry(kept).or_insert(message);
        }
    }
    before
}

fn kept(message: &LegMessage) -> Option<Kept<'_>> {
    let sip = message.sip();
    let (number, method) = sip.cseq()?;
    Some((number, method, sip.from_tag()?))
}

fn sender(message: &LegMessage) -> IpAddr {
    message.message.src().ip()
}

/// The topology knows the address as an SBC that is paired with Microsoft, a proxy SBC for others perhaps.
fn is_paired(ip: IpAddr, ctx: &Ctx<'_>) -> bool {
    ctx.topology.sbc(ip).is_some_and(|sbc| sbc.fqdn.is_some())
}

/// Local Media Optimization, where a proxy SBC before others is as it should be.
fn has_local_media(leg: &Leg) -> bool {
    let headers = [HeaderName::XMsUserLocation, HeaderName::XMsUserSite, HeaderName::XMsMediaPath];
    leg.messages.iter().any(|message| headers.iter().any(|name| message.sip().has(*name)))
}

/// The device changed the Request-URI: wrong, if it was the paired SBC that wrote it.
fn changes(message: &LegMessage, earlier: &LegMessage, ctx: &Ctx<'_>, found: &mut Found) {
    let uri = |message: &LegMessage| lossy(message.sip().request_uri().unwrap_or_default()).into_owned();
    let (first, then, device, from) = (uri(earlier), uri(message), sender(message), sender(earlier));
    let for_service = matches!(typed::uri_host(&first), TypedHost::Name(name) if is_service(&name));
    if !for_service && !is_paired(from, ctx) {
        return found.lacks(format!("nothing tells which of {from} and {device} is the paired SBC"));
    }
    let said = format!("{device} changes the Request-URI of {} from {from}: {first} becomes {then}", ctx.name_of(message));
    let line = lossy(message.sip().start_line()).into_owned();
    let mut violation = by_sender(ctx, message, lowered(RULE.severity, message, ctx), from.to_string(), said, &line);
    violation.evidence.push(Evidence::new(&earlier.message.seen(), lossy(earlier.sip().start_line())));
    found.violations.push(violation);
}

/// The list of Via shows that the INVITE passed another device after the one that its Contact names.
fn passes(message: &LegMessage, ctx: &Ctx<'_>, found: &mut Found) {
    found.clean = true;
    if !ctx.is_initial_invite(message) {
        return;
    }
    let sip = message.sip();
    let hosts: Vec<TypedHost> = sip.values(HeaderName::Via).iter().map(|value| typed::via_host(&lossy(value))).collect();
    let contact = sip.values(HeaderName::Contact).first().map(|value| typed::host(&lossy(value)));
    let (Some((top, lower)), Some(contact)) = (hosts.split_first(), contact) else { return };
    if contact == TypedHost::None || *top == contact || !lower.contains(&contact) {
        return;
    }
    let name = |host: &TypedHost| match host {
        TypedHost::Ip(ip) => ip.to_string(),
        TypedHost::Name(name) => name.clone(),
        TypedHost::None => "an unnamed device".to_owned(),
    };
    let (top, contact) = (name(top), name(&contact));
    let said = format!("INVITE from {} comes from {contact}, which is its Contact, and passed {top} on its way", sender(message));
    let vias: Vec<String> = sip.values(HeaderName::Via).iter().map(|value| lossy(value).into_owned()).collect();
    found.violations.push(by_sender(ctx, message, Severity::Info, top, said, &format!("Via: {}", vias.join(", "))));
}
