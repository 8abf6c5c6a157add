//! DR021: the top Via of a request does not say TLS, or has no branch that tells the transaction.

use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::flow::Transport;
use crate::proto::sip::{HeaderName, lossy};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, along::CUT, along::line, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR021-via-transport",
    title: "The top Via does not say TLS",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "RFC",
    since: "always",
    lower_when_accepted: true,
    hides: &[],
    page: include_str!("../../../rules/identity/DR021-via-transport.md"),
    check: Check::Message(Heeds::FROM_SBC.any_request(), check),
};

/// A branch that is unique begins so (RFC 3261 section 8.1.1.7).
const COOKIE: &[u8] = b"z9hG4bK";

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !message.start.is_request || !ctx.to_microsoft(message) {
        return Outcome::NotApplicable;
    }
    let sip = message.sip();
    if sip.is_half(HeaderName::Via) || (sip.head_cut() && !sip.has(HeaderName::Via)) {
        return Outcome::NotChecked(CUT.to_owned());
    }
    let transport = lossy(sip.via_transport().unwrap_or_default());
    let says_tls = transport.eq_ignore_ascii_case("TLS");
    let seen_as_tls = message.message.course().transport == Transport::Tls;
    let branch = sip.branch().unwrap_or_default();
    let has_cookie = branch.get(..COOKIE.len()).is_some_and(|head| head.eq_ignore_ascii_case(COOKIE));
    let branch = lossy(branch);
    let (value, says) = match (sip.has(HeaderName::Via), has_cookie) {
        (false, _) => ("no Via", "has no Via".to_owned()),
        (true, _) if seen_as_tls && transport.is_empty() => ("no transport", "names no transport in the top Via".to_owned()),
        (true, _) if seen_as_tls && !says_tls => (&*transport, format!("says '{transport}' in the top Via, and goes over TLS")),
        (true, false) if branch.is_empty() => ("no branch", "has no branch in the top Via".to_owned()),
        (true, false) => ("no z9hG4bK", format!("has the branch {branch} in the top Via, which does not begin with z9hG4bK")),
        (true, true) if says_tls || seen_as_tls => return Outcome::Clean,
        (true, true) => {
            let why = "the connection is not seen as TLS on the wire, so that its Via cannot be compared with it";
            return Outcome::NotChecked(why.to_owned());
        }
    };
    let said = format!("{} from {} {says}", ctx.name_of(message), message.message.src().ip());
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, value.to_owned(), said, &line(&sip, HeaderName::Via))])
}
