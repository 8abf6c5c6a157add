//! DR203: media of a user's call goes through Microsoft's processors where the law wants it to stay.

use super::{observed, user_of};
use crate::call::{Leg, LegMessage, media};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::lbr::{Began, Fate, Observed, answer};
use crate::proto::sdp::{self, Sdp};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::{Gateway, Place};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR203-lbr-india-bypass",
    title: "Media leaves India through Microsoft's processors",
    severity: Severity::Warning,
    direction: Direction::Any,
    evidence: "SIP text, packets and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/lbr/DR203-lbr-india-bypass.md"),
    check: Check::Leg(check),
};

/// ISO 3166 code of India.
const INDIA: &str = "IN";

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let outbound = observed(leg, ctx, Began::Outbound).filter(|seen| seen.moved.is_none());
    let Some(seen) = outbound.or_else(|| observed(leg, ctx, Began::Inbound)) else { return Outcome::NotApplicable };
    let Some(gateway) = seen.carriers.gateways.iter().find(|gateway| is_indian(gateway, ctx)).filter(|_| seen.fate == Fate::Answered)
    else {
        return Outcome::NotApplicable;
    };
    if seen.carriers.one().is_none() {
        return Outcome::NotChecked(seen.carriers.lack());
    }
    // Auto attendants and call queues have numbers too, but are no users.
    let (number, role) = match seen.began {
        Began::Outbound => (&seen.caller, "calls"),
        Began::Inbound => (&seen.called, "is called"),
    };
    if user_of(number.as_deref(), role, ctx.topology).is_err() {
        return Outcome::NotApplicable;
    }
    let description = match seen.began {
        Began::Outbound => Some(seen.invite),
        Began::Inbound => ctx.leg.and_then(|(leg, recognition)| answer(leg, recognition)),
    };
    match description.and_then(|message| Some((message, described(message)?))) {
        None => Outcome::NotChecked("no session description of Microsoft's is in the capture".to_owned()),
        Some((message, sdp)) => judge(&seen, gateway, message, &sdp, ctx),
    }
}

/// It is enabled for a site in India.
fn is_indian(gateway: &Gateway, ctx: &Ctx<'_>) -> bool {
    let country = |id: &str| ctx.topology.tables.sites.iter().find(|site| site.id.as_str() == id)?.country.as_deref();
    gateway.sites_lbr.iter().any(|id| country(id).is_some_and(|country| country.eq_ignore_ascii_case(INDIA)))
}

fn described(message: &LegMessage) -> Option<Sdp> {
    message.sip().sdp().and_then(|body| sdp::parse_tolerant(&body))
}

fn judge(seen: &Observed<'_>, gateway: &Gateway, message: &LegMessage, sdp: &Sdp, ctx: &Ctx<'_>) -> Outcome {
    let at = message.message.at();
    let is_microsoft = |ip: IpAddr| ctx.topology.place_of(ip, at) == Place::Microsoft;
    let candidates = || sdp.media.iter().flat_map(|line| &line.candidates);
    if candidates().any(|candidate| !candidate.address.is_some_and(is_microsoft)) {
        return Outcome::Clean;
    }
    if candidates().next().is_some() || sdp.media.iter().any(|line| line.ice_ufrag.is_some()) {
        return Outcome::NotChecked("only addresses of Microsoft's are offered by ICE, and a relay looks like a processor".to_owned());
    }
    let Some(processor) = sdp.audio().and_then(media::endpoint).map(|end| end.ip()).filter(|ip| is_microsoft(*ip)) else {
        return Outcome::NotChecked("where Microsoft wants media is not said".to_owned());
    };
    if seen.began == Began::Inbound {
        return Outcome::NotChecked("a media processor answers: for the user or for voicemail, nothing tells".to_owned());
    }
    let said = format!("a call of {} through {} has its media at {processor}, a processor", number(seen), gateway.fqdn);
    let evidence = vec![Evidence::new(&message.message.seen(), format!("media at {processor}, no candidates"))];
    let subject = gateway.fqdn.to_string();
    Outcome::Violated(vec![Violation { severity: RULE.severity, subject, value: processor.to_string(), message: said, evidence }])
}

fn number<'a>(seen: &'a Observed<'_>) -> &'a str {
    seen.caller.as_deref().unwrap_or("a user")
}
