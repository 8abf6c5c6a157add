//! DR072: the SBC takes one fork of its call for another.

use super::dialogs::{Dialogs, microsofts_tag};
use super::{CUT, LET_GO, NOT_BEGUN, Said, acknowledged, direct, proof, rtp, start_line};
use crate::call::{Call, Described, Leg, LegMessage, MessageIdx, Recognition, media};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{Method, lossy};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};
use crate::time::Span;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR072-fork-handling",
    title: "The SBC confuses the endpoints that ring",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR072-fork-handling.md"),
    check: Check::Leg(check),
};

/// Media may go on to the endpoint that did not answer for so long after the ACK (catalogue DR072).
const LINGER: Span = Span::secs(1);

/// Microsoft's responses to one INVITE.
#[derive(Default)]
struct Responses<'l> {
    /// Provisional ones above 100, with their index in the leg.
    early: Vec<(MessageIdx, &'l LegMessage)>,
    /// Accepting ones.
    ok: Vec<&'l LegMessage>,
    /// One of these was acknowledged.
    acked: bool,
}

fn check(_: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((leg, recognition)) = direct(ctx) else { return Outcome::NotApplicable };
    let of_microsoft = |m: &LegMessage| recognition.is_microsoft(m.message.src(), m.message.dst());
    let dialogs = Dialogs::of(leg, recognition);
    let mut responses: BTreeMap<u32, Responses<'_>> = BTreeMap::new();
    let mut said = Said::default();
    for (idx, message) in leg.messages.iter().enumerate().filter(|(_, message)| !message.retransmission) {
        let start = message.start;
        match (start.is_request, of_microsoft(message)) {
            (false, true) if start.method == Method::Invite => {
                let known = responses.entry(message.transaction).or_default();
                match start.status {
                    Some(101..=199) => known.early.push((idx as MessageIdx, message)),
                    Some(200..=299) => known.ok.push(message),
                    _ => {}
                }
            }
            (true, false) if start.has_to_tag => match start.method {
                Method::Bye | Method::Prack => said.add(judge_tag(message, &dialogs, None, ctx)),
                Method::Ack => {
                    let answered = acknowledged(leg, message).and_then(|idx| responses.get_mut(&idx)).filter(|known| !known.ok.is_empty());
                    match answered {
                        Some(known) => {
                            said.add(judge_tag(message, &dialogs, Some(known), ctx));
                            let is_first = !std::mem::replace(&mut known.acked, true);
                            said.add(Ok(is_first.then(|| lingers(message, known, (leg, recognition), ctx)).flatten()));
                        }
                        None if !dialogs.begun => said.lacks(NOT_BEGUN),
                        None => {}
                    }
                }
                _ => {}
            },
            _ => {}
        }
    }
    said.outcome()
}

/// The tag by which the SBC means one of Microsoft's endpoints; of an ACK with the responses that it follows.
fn judge_tag(
    message: &LegMessage,
    dialogs: &Dialogs<'_>,
    responses: Option<&Responses<'_>>,
    ctx: &Ctx<'_>,
) -> Result<Option<Violation>, String> {
    let Some(tag) = microsofts_tag(message, false) else { return Ok(None) };
    if !dialogs.begun {
        return Err(NOT_BEGUN.to_owned());
    }
    let (name, sbc) = (ctx.name_of(message), message.message.src().ip());
    let shown = lossy(tag).into_owned();
    let violated = |value: &str, text: String| {
        Ok(Some(by_sender(ctx, message, RULE.severity, format!("{name}: {value}"), text, &start_line(message))))
    };
    if !dialogs.used.contains(tag) {
        if dialogs.cut {
            return Err(CUT.to_owned());
        }
        if ctx.leg.is_some_and(|(leg, _)| leg.let_go > 0) {
            return Err(LET_GO.to_owned());
        }
        return violated("unknown tag", format!("{name} from {sbc} is for the To tag {shown}, which Microsoft never had in this call"));
    }
    let Some(known) = responses else { return Ok(None) };
    let has_tag = |m: &LegMessage| m.sip().to_tag() == Some(tag);
    if known.ok.iter().any(|m| has_tag(m) || m.sip().head_cut()) {
        return Ok(None);
    }
    let early = known.early.iter().rev().find(|(_, m)| has_tag(m));
    let Some(status) = early.and_then(|(_, m)| m.start.status) else { return Ok(None) };
    let text = format!("{name} from {sbc} is for the endpoint that sent {status}, and the 2xx came from another one");
    violated("tag of an early dialog", text)
}

/// The SBC goes on sending media to where the 183 wanted it, and the 2xx wants it elsewhere.
fn lingers(ack: &LegMessage, known: &Responses<'_>, (leg, recognition): (&Leg, &Recognition), ctx: &Ctx<'_>) -> Option<Violation> {
    let call: &Call = ctx.call?;
    let ends = |described: &Described| -> Vec<SocketAddr> { described.lines(leg).iter().flat_map(media::endpoints).collect() };
    let own = known.ok.iter().find(|m| m.sip().to_tag() == ack.sip().to_tag())?;
    // What Microsoft wants from its 2xx on, renewed descriptions included.
    let is_later = |m: &LegMessage| m.message.seq() >= own.message.seq() && recognition.is_microsoft(m.message.src(), m.message.dst());
    let later = leg.described.iter().filter(|described| leg.message(described.message).is_some_and(is_later));
    let first = later.clone().find_map(|described| ends(described).first().copied())?; // else the 183's description stays in force
    let wanted: BTreeSet<SocketAddr> = later.flat_map(ends).collect();
    let (source, until) = (ack.message.course().source, ack.message.at() + LINGER);
    let early = known.early.iter().filter(|(_, m)| m.start.status == Some(183)).flat_map(|(idx, m)| {
        let described = leg.described.binary_search_by_key(idx, |described| described.message).ok().and_then(|at| leg.described.get(at));
        described.into_iter().flat_map(ends).map(|end| (*m, end))
    });
    let mut forgotten = early.filter(|(_, end)| !wanted.contains(end));
    let (progress, end, stream) = forgotten.find_map(|(progress, end)| {
        let mut streams = rtp::to(call, end).filter(|bound| rtp::packets_after(bound, until, source).is_some_and(|n| n > 0));
        streams.next().map(|stream| (progress, end, stream))
    })?;
    let sbc = ack.message.src().ip();
    let message = format!("{sbc} sends media to {end} of a 183 for more than a second after its ACK, and the 2xx wants it at {first}");
    let mut evidence: Vec<Evidence> = stream.stream.last().map(|seen| Evidence::new(seen, format!("RTP to {end}"))).into_iter().collect();
    evidence.extend([progress, own, ack].map(proof));
    Some(Violation { severity: RULE.severity, subject: sbc.to_string(), value: "media of an early dialog".to_owned(), message, evidence })
}
