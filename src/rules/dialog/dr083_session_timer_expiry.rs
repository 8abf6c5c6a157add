//! DR083: a call that ends because nobody refreshed its session.

use super::dialogs::microsofts_tag;
use super::{CUT, Said, direct, heard, is_ok, messages, proof, sbc_at};
use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, Method, NameAddr, Sip, lossy};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::{Span, Timestamp};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR083-session-timer-expiry",
    title: "The call ends because nobody refreshed its session",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "RFC",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR083-session-timer-expiry.md"),
    check: Check::Leg(check),
};

/// Who waits in vain for the refresh ends the session so long before it expires, or a third of it (RFC 4028 section 10).
const EARLY: i64 = 32;
/// Timers of devices go so far beside the second.
const SLACK: Span = Span::secs(2);
/// Intervals beyond a day are none that a device keeps.
const LONGEST: i64 = 86_400;

/// A session timer as a 2xx set it.
struct Timer<'l> {
    /// The 2xx.
    by: &'l LegMessage,
    /// Session interval in seconds.
    interval: i64,
    /// Who sent the request refreshes; nothing where neither side says.
    client_refreshes: Option<bool>,
}

fn check(_: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((leg, _)) = direct(ctx) else { return Outcome::NotApplicable };
    let (mut timer, mut tried, mut cut) = (None::<Timer<'_>>, None::<&LegMessage>, false);
    for message in messages(leg) {
        let start = message.start;
        let refreshes = matches!(start.method, Method::Invite | Method::Update);
        match start.is_request {
            false if refreshes && is_ok(message) => {
                cut = message.sip().head_cut();
                (timer, tried) = (if cut { None } else { set_by(message, ctx) }, None);
            }
            true if refreshes && start.has_to_tag => tried = Some(message),
            true if start.method == Method::Bye && is_its(message, timer.as_ref(), ctx) => {
                return match timer {
                    Some(timer) => judge(&timer, tried, message, ctx),
                    None if cut => Outcome::NotChecked(CUT.to_owned()),
                    None => Outcome::NotApplicable,
                };
            }
            _ => {}
        }
    }
    match timer {
        Some(_) => Outcome::NotChecked("the end of the call is not in the capture".to_owned()),
        None => Outcome::NotApplicable,
    }
}

/// The BYE is of the timer's dialog: the other forks of an INVITE end sooner.
fn is_its(bye: &LegMessage, timer: Option<&Timer<'_>>, ctx: &Ctx<'_>) -> bool {
    let tag = |message| microsofts_tag(message, ctx.from_microsoft(message));
    timer.is_none_or(|timer| tag(bye) == tag(timer.by))
}

/// The timer that a 2xx sets; without Session-Expires in it there is none (RFC 4028 section 7.2).
fn set_by<'l>(message: &'l LegMessage, ctx: &Ctx<'_>) -> Option<Timer<'l>> {
    let (interval, refresher) = session_expires(&message.sip())?;
    let asked = || ctx.request(message).and_then(|request| session_expires(&request.sip())).and_then(|(_, refresher)| refresher);
    Some(Timer { by: message, interval, client_refreshes: refresher.or_else(asked) })
}

/// Seconds, and whether the side that sent the request refreshes.
fn session_expires(sip: &Sip<'_>) -> Option<(i64, Option<bool>)> {
    let value = sip.first(HeaderName::SessionExpires)?;
    let value = lossy(&value);
    let interval = value.split(';').next()?.trim().parse().ok().filter(|seconds| (1..=LONGEST).contains(seconds))?;
    let refresher = match NameAddr::parse(&value).param("refresher") {
        Some(who) if who.eq_ignore_ascii_case("uac") => Some(true),
        Some(who) if who.eq_ignore_ascii_case("uas") => Some(false),
        _ => None,
    };
    Some((interval, refresher))
}

fn judge(timer: &Timer<'_>, tried: Option<&LegMessage>, bye: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let since: Timestamp = timer.by.message.at();
    let interval = Span::secs(timer.interval);
    let due = Span(interval.0 - Span::secs(EARLY).0.min(interval.0 / 3));
    let lasted = bye.message.at() - since;
    let is_due = lasted >= Span(due.0 - SLACK.0) && lasted <= Span(interval.0 + SLACK.0);
    if !is_due || hangs_up(bye) {
        return Outcome::Clean;
    }
    if tried.is_some() {
        return Outcome::NotChecked("a refresh was tried and not accepted: the session did not end for want of one".to_owned());
    }
    let Some(client) = timer.client_refreshes else {
        return Outcome::NotChecked("no message says who refreshes the session".to_owned());
    };
    if timer.by.message.course().source != bye.message.course().source {
        return Outcome::NotChecked("the session was agreed upon and ended under two clocks".to_owned());
    }
    let mut said = Said::default();
    said.add(heard_both(timer.by, ctx).map(|()| Some(violation(timer, client, bye, lasted, ctx))));
    said.outcome()
}

/// Both directions of the connection are in the capture.
fn heard_both(by: &LegMessage, ctx: &Ctx<'_>) -> Result<(), String> {
    heard::is_heard(by, ctx)?;
    ctx.request(by)
        .map_or_else(|| Err("the request that set the timer is not in the capture".to_owned()), |request| heard::is_heard(request, ctx))
}

/// The BYE says that somebody hung up (ITU-T Q.850, cause 16, normal call clearing).
fn hangs_up(bye: &LegMessage) -> bool {
    bye.sip().values(HeaderName::Reason).iter().any(|reason| {
        let reason = lossy(reason).to_ascii_lowercase();
        let mut words = reason.split(';').map(str::trim);
        words.next() == Some("q.850")
            && words.any(|word| word.split_once('=').is_some_and(|(k, v)| k.trim() == "cause" && v.trim() == "16"))
    })
}

fn violation(timer: &Timer<'_>, client: bool, bye: &LegMessage, lasted: Span, ctx: &Ctx<'_>) -> Violation {
    let sbc = sbc_at(ctx, bye);
    // The 2xx was sent by who answered.
    let by_microsoft = ctx.from_microsoft(timer.by) != client;
    let name = |microsoft: bool| if microsoft { "Microsoft".to_owned() } else { sbc.to_string() };
    let (refresher, ender) = (name(by_microsoft), name(ctx.from_microsoft(bye)));
    let seconds = lasted.0 / 1_000_000_000;
    let message =
        format!("{ender} ends the call {seconds} s into a session of {} s, which {refresher} was to refresh and did not", timer.interval);
    let value = format!("{} s, refresher {}", timer.interval, if by_microsoft { "Microsoft" } else { "SBC" });
    let agreed = lossy(&timer.by.sip().first(HeaderName::SessionExpires).unwrap_or_default()).into_owned();
    let evidence = vec![proof(bye), Evidence::new(&timer.by.message.seen(), format!("Session-Expires: {agreed}"))];
    Violation { severity: RULE.severity, subject: sbc.to_string(), value, message, evidence }
}
