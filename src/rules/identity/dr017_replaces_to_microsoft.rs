//! DR017: the SBC asks Microsoft to replace a dialog, which the service no longer takes.

use super::numbers::{is_transfer_target, request_uri};
use super::written::{clean, repeats_invite, values};
use crate::call::{Call, LegMessage};
use crate::finding::{Evidence, Outcome, Severity};
use crate::proto::sip::{HeaderName, Method, NameAddr, Uri, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender, transport::parties::days};
use crate::time::Timestamp;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR017-replaces-to-microsoft",
    title: "Replaces sent to Microsoft",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "2022-04-01",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR017-replaces-to-microsoft.md"),
    check: Check::Message(Heeds::FROM_SBC.any_request().but_repeats(), check),
};

/// 2022-04-01: from this month on such requests are rejected.
const SINCE: Timestamp = days(19_083);
/// 2018-01-01, before Direct Routing existed: an earlier clock is not set.
const CLOCK_IS_SET: Timestamp = days(17_532);

/// Where a request asks for a replacement.
struct Asked {
    place: &'static str,
    line: String,
    /// The Call-ID of the dialog that is to be replaced.
    call_id: String,
}

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let at = message.message.at();
    let is_before = at < SINCE && at >= CLOCK_IS_SET;
    if !ctx.to_microsoft(message) || !message.start.is_request || repeats_invite(message) || is_before {
        return Outcome::NotApplicable;
    }
    let Some(asked) = asked(message) else { return clean(message) };
    if at < CLOCK_IS_SET {
        return Outcome::NotChecked("the capture's clock is not set".to_owned());
    }
    let said = format!("{} from {} carries Replaces in {}", ctx.name_of(message), message.message.src().ip(), asked.place);
    let refers = refers(message, ctx);
    if let Some((refer, line)) = refers.iter().rev().find_map(|refer| Some((*refer, points_there(refer, &asked)?))) {
        let said = format!("{said}, as a REFER of Microsoft's told it to");
        let mut violation = by_sender(ctx, message, Severity::Info, asked.place.to_owned(), said, &asked.line);
        violation.evidence.push(Evidence::new(&refer.message.seen(), line));
        return Outcome::Violated(vec![violation]);
    }
    let is_transfer = request_uri(message).is_some_and(|uri| is_transfer_target(&Uri::parse(&uri)));
    if is_transfer && refers.is_empty() {
        return Outcome::NotChecked("the REFER that the INVITE follows is not in the capture".to_owned());
    }
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, asked.place.to_owned(), said, &asked.line)])
}

/// The header field Replaces, or one that a URI carries escaped.
fn asked(message: &LegMessage) -> Option<Asked> {
    let call_id = |value: &str| value.split(';').next().unwrap_or_default().trim().to_owned();
    if let Some(value) = values(message, HeaderName::Replaces).into_iter().next() {
        return Some(Asked { place: "a header field", call_id: call_id(&value), line: format!("Replaces: {value}") });
    }
    let in_uri = |place: &'static str, uri: &str, line: String| {
        Uri::parse(uri).header("Replaces").map(|value| Asked { place, call_id: call_id(&value), line })
    };
    let start = lossy(message.sip().start_line()).into_owned();
    let of_request = request_uri(message).and_then(|uri| in_uri("Request-URI", &uri, start));
    let mut of_headers = [(HeaderName::ReferTo, "Refer-To"), (HeaderName::Contact, "Contact")].into_iter().flat_map(|(header, name)| {
        values(message, header).into_iter().filter_map(move |value| in_uri(name, NameAddr::parse(&value).uri, format!("{name}: {value}")))
    });
    of_request.or_else(|| of_headers.next())
}

/// REFERs that Microsoft sent in this call before an INVITE that begins a leg.
fn refers<'a>(message: &LegMessage, ctx: &Ctx<'a>) -> Vec<&'a LegMessage> {
    let Some(call) = ctx.call.filter(|_| ctx.is_initial_invite(message)) else { return Vec::new() };
    let legs = |call: &'a Call| call.legs.iter().zip(ctx.recognitions).filter(|(_, recognition)| recognition.is_direct_routing());
    let messages = legs(call).flat_map(|(leg, recognition)| leg.messages.iter().map(move |m| (m, recognition)));
    let refers = messages.filter(|(m, _)| m.start.is_request && m.start.method == Method::Refer && !m.retransmission);
    let before = refers
        .filter(|(m, recognition)| m.message.seq() < message.message.seq() && recognition.is_microsoft(m.message.src(), m.message.dst()));
    before.map(|(m, _)| m).collect()
}

/// The line of a REFER whose Refer-To names the dialog that is to be replaced.
fn points_there(refer: &LegMessage, asked: &Asked) -> Option<String> {
    let value = values(refer, HeaderName::ReferTo).into_iter().next()?;
    let replaces = NameAddr::parse(&value).uri().header("Replaces")?.into_owned();
    (replaces.split(';').next()?.trim() == asked.call_id).then(|| format!("Refer-To: {value}"))
}
