//! DR104: the SBC takes a REFER and then calls nobody.

use super::{LET_GO, REFER, followers, is_refer, status};
use crate::call::{Call, LegMessage, transfer};
use crate::finding::{Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, Method, NameAddr, lossy};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    identity::written::{absent, single},
};
use crate::time::Timestamp;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR104-refer-invite-missing",
    title: "The SBC accepts a REFER and does not call its target",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &["DR105", "DR106"],
    page: include_str!("../../../rules/transfer/DR104-refer-invite-missing.md"),
    check: Check::Message(REFER, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !is_refer(message, ctx) {
        return Outcome::NotApplicable;
    }
    let status = match status(message, ctx) {
        Some(status @ 200..=299) => status,
        Some(_) => return Outcome::NotApplicable,
        None => return Outcome::NotChecked("the answer to the REFER is not in the capture".to_owned()),
    };
    let Some(target) = single(message, HeaderName::ReferTo) else { return absent(message) };
    if !followers(message, ctx).is_empty() {
        return Outcome::Clean;
    }
    if let Some(why) = unsure(message, &target, ctx) {
        return Outcome::NotChecked(why);
    }
    let sbc = message.message.dst().ip();
    Outcome::Violated(vec![Violation {
        severity: RULE.severity,
        subject: sbc.to_string(),
        value: "no INVITE".to_owned(),
        message: format!("{sbc} answers a REFER of Microsoft's with {status} and sends no INVITE within 10 s"),
        evidence: ctx.proof(message, &lossy(message.sip().start_line())),
    }])
}

/// Why nobody can say that an INVITE is missing.
fn unsure(message: &LegMessage, target: &str, ctx: &Ctx<'_>) -> Option<String> {
    let (Some(call), Some((leg, _))) = (ctx.call, ctx.leg) else { return Some("the call is not known".to_owned()) };
    let (at, until) = (message.message.at(), message.message.at() + transfer::WITHIN);
    let uri = NameAddr::parse(target).uri();
    let lossless = ctx.connection(message).is_none_or(|connection| connection.halves.iter().all(|half| half.lost == 0));
    let why = match () {
        () if leg.let_go > 0 => LET_GO,
        () if ctx.clock < until => "the capture ends within 10 s of the REFER",
        () if !lossless => "bytes of the connection are missing in the capture",
        () if hangs_up(call, at, until) => "the call ends within 10 s of the REFER",
        () if tells_of_a_call(message, ctx) => "the SBC tells of a call that is not in the capture",
        () if uri.header("Replaces").is_some() || uri.has_param("x-tt") => "the SBC may join the two calls by itself",
        () if uri.phone().is_some() && ctx.recognitions.iter().all(|one| one.is_direct_routing()) => {
            "the SBC may call the number on a trunk that is not in the capture"
        }
        () => return None,
    };
    Some(why.to_owned())
}

/// Somebody of the call hangs up in this time.
fn hangs_up(call: &Call, from: Timestamp, until: Timestamp) -> bool {
    let mut all = call.legs.iter().flat_map(|leg| &leg.messages);
    all.any(|m| {
        let at = m.message.at();
        m.start.is_request && matches!(m.start.method, Method::Bye | Method::Cancel) && at >= from && at <= until
    })
}

/// A NOTIFY of the SBC's says that somebody rings or answers.
fn tells_of_a_call(refer: &LegMessage, ctx: &Ctx<'_>) -> bool {
    let Some((leg, _)) = ctx.leg else { return false };
    let later =
        leg.messages.iter().filter(|m| m.start.is_request && m.start.method == Method::Notify && m.message.seq() > refer.message.seq());
    let said =
        later.filter(|m| ctx.to_microsoft(m)).filter_map(|m| lossy(m.sip().body().strip_prefix(b"SIP/2.0 ")?.get(..3)?).parse().ok());
    said.into_iter().any(|status: u16| (101..300).contains(&status))
}
