//! DR085: the SBC sends a method that Microsoft does not list in Allow, or that it refuses.

use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity};
use crate::proto::sip::{HeaderName, Method, lossy};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    along::{CUT, Found, line, lowered, with_microsoft},
    by_sender,
};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR085-method-not-allowed",
    title: "The SBC sends a method that Microsoft does not take",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "field-observed",
    since: "always",
    lower_when_accepted: false, // the check does it
    hides: &[],
    page: include_str!("../../../rules/dialog/DR085-method-not-allowed.md"),
    check: Check::Leg(check),
};

/// What Microsoft said last that it takes.
struct Allow<'l> {
    message: &'l LegMessage,
    /// It answers OPTIONS, and so speaks of the service and not of this dialog.
    general: bool,
}

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let mut found = Found::default();
    let (mut allow, mut reliable): (Option<Allow<'_>>, bool) = (None, false);
    for message in with_microsoft(leg, ctx) {
        let sip = message.sip();
        if ctx.to_microsoft(message) {
            if is_judged(message) {
                judge(leg, message, (allow.as_ref(), reliable), ctx, &mut found);
            }
            continue;
        }
        if sip.head_cut() {
            found.lacks(CUT);
        }
        let general = !sip.is_request() && message.start.method == Method::Options;
        // What is said in the dialog outweighs what the service says of itself.
        let outweighed = general && allow.as_ref().is_some_and(|known| !known.general);
        let names_some = || sip.has(HeaderName::Allow) && !sip.values(HeaderName::Allow).is_empty();
        if !outweighed && names_some() {
            allow = Some(Allow { message, general });
        }
        let is_required = || sip.values(HeaderName::Require).iter().any(|option| option.eq_ignore_ascii_case(b"100rel"));
        reliable |= sip.has(HeaderName::Require) && is_required();
    }
    found.outcome()
}

/// ACK, CANCEL and BYE belong to what was allowed before.
fn is_judged(message: &LegMessage) -> bool {
    message.start.is_request && !matches!(message.start.method, Method::Ack | Method::Cancel | Method::Bye)
}

fn judge(leg: &Leg, message: &LegMessage, (allow, reliable): (Option<&Allow<'_>>, bool), ctx: &Ctx<'_>, found: &mut Found) {
    let sip = message.sip();
    let method = sip.method_text();
    let status = ctx.transaction(message).and_then(|transaction| transaction.status(leg));
    let lists = |allow: &&Allow<'_>| allow.message.sip().values(HeaderName::Allow).iter().any(|known| known.eq_ignore_ascii_case(method));
    let (severity, says) = match (status, allow) {
        (Some(status @ (405 | 501)), _) => (RULE.severity, format!("is refused with {status}")),
        (Some(200..=299), _) => return found.clean = true,
        (_, Some(allow)) if lists(&allow) => return found.clean = true,
        _ if message.start.method == Method::Prack && reliable => return found.clean = true,
        (_, Some(allow)) if allow.general => (Severity::Info, "is not in the Allow of Microsoft's answer to OPTIONS".to_owned()),
        (_, Some(_)) => (RULE.severity, "is not in Microsoft's Allow".to_owned()),
        // A call that begins asks what is allowed.
        (_, None) if !message.start.has_to_tag => return,
        (_, None) => return found.lacks("no Allow of Microsoft's is in the dialog as captured"),
    };
    let name = ctx.name_of(message);
    let said = format!("{name} from {} {says}", message.message.src().ip());
    let start = lossy(sip.start_line()).into_owned();
    let mut violation = by_sender(ctx, message, lowered(severity, message, ctx), name, said, &start);
    let unlisted = allow.filter(|allow| !lists(allow));
    violation
        .evidence
        .extend(unlisted.map(|allow| Evidence::new(&allow.message.message.seen(), line(&allow.message.sip(), HeaderName::Allow))));
    found.violations.push(violation);
}
