//! DR018: a CSeq whose method is not that of its request, or that is not the one of the request that is answered.

use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, lossy};
use crate::rules::{
    Check, Ctx, Direction, Rule, Towards,
    along::{CUT, Found, line, with_microsoft},
};
use std::collections::{HashMap, HashSet};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR018-cseq-method",
    title: "CSeq names another method than the request",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "RFC",
    since: "always",
    lower_when_accepted: false, // the check does it: a response to such a request may not be found by its CSeq
    hides: &[],
    page: include_str!("../../../rules/identity/DR018-cseq-method.md"),
    check: Check::Leg(check),
};

/// Branches that are unique begin so (RFC 3261 section 8.1.1.7).
const COOKIE: &[u8] = b"z9hG4bK";

/// What has one branch.
#[derive(Default)]
struct Branch<'l> {
    /// The first request.
    first: Option<&'l LegMessage>,
    /// Numbers and methods that requests say in CSeq.
    asked: HashSet<(u32, &'l [u8])>,
    /// The final response, else the last that there is.
    answer: Option<&'l LegMessage>,
    /// Some response takes the request.
    accepted: bool,
}

impl<'l> Branch<'l> {
    fn add(&mut self, message: &'l LegMessage) {
        let cseq = message.sip().cseq();
        if message.start.is_request {
            self.first.get_or_insert(message);
            self.asked.extend(cseq.map(|(number, method)| (number, of_one(method))));
            return;
        }
        self.accepted |= message.start.status.is_some_and(|status| (101..300).contains(&status));
        let is_final = |message: &LegMessage| message.start.status.is_some_and(|status| status >= 200);
        if !self.answer.is_some_and(is_final) {
            self.answer = Some(message);
        }
    }
}

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    if with_microsoft(leg, ctx).all(|message| agrees(message, ctx)) {
        return if with_microsoft(leg, ctx).next().is_some() { Outcome::Clean } else { Outcome::NotApplicable };
    }
    let mut found = Found::default();
    let mut branches: HashMap<&[u8], Branch<'_>> = HashMap::new();
    let mut whole: Vec<&LegMessage> = Vec::new();
    for message in with_microsoft(leg, ctx) {
        let sip = message.sip();
        if sip.head_cut() {
            found.lacks(CUT);
            continue;
        }
        whole.push(message);
        if let Some(branch) = sip.branch().filter(|branch| branch.starts_with(COOKIE)) {
            branches.entry(branch).or_default().add(message);
        }
    }
    for message in whole {
        let of = message.sip().branch().and_then(|branch| branches.get(branch));
        match message.start.is_request {
            true => request(message, of, ctx, &mut found),
            false => response(message, of, ctx, &mut found),
        }
    }
    found.outcome()
}

/// A whole message that surely agrees: a request with itself, a response with the request of its transaction, which has its branch.
fn agrees(message: &LegMessage, ctx: &Ctx<'_>) -> bool {
    let sip = message.sip();
    let Some(cseq) = sip.cseq().filter(|_| !sip.head_cut()) else { return false };
    if message.start.is_request {
        return cseq.1 == sip.method_text();
    }
    let asked = ctx.request(message).filter(|request| ctx.towards(request) != Towards::Elsewhere && !request.retransmission);
    let Some(request) = asked.map(LegMessage::sip) else { return false };
    let branch = sip.branch().filter(|branch| branch.starts_with(COOKIE));
    branch.is_some() && request.branch() == branch && request.cseq() == Some(cseq) && !request.head_cut()
}

fn request(message: &LegMessage, of: Option<&Branch<'_>>, ctx: &Ctx<'_>, found: &mut Found) {
    let sip = message.sip();
    let Some(cseq) = sip.first(HeaderName::CSeq) else { return };
    let said = cseq.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty()).nth(1).unwrap_or_default();
    if said == sip.method_text() || sip.cseq().is_some_and(|(_, method)| method == sip.method_text()) {
        found.clean = true;
        return;
    }
    let (name, said) = (ctx.name_of(message), lossy(said));
    let says = if said.is_empty() { "names no method".to_owned() } else { format!("names {said}") };
    let mut evidence = vec![Evidence::new(&message.message.seen(), line(&sip, HeaderName::CSeq))];
    let answer = of.and_then(|of| of.answer);
    evidence.extend(answer.map(|answer| Evidence::new(&answer.message.seen(), lossy(answer.sip().start_line()))));
    found.violations.push(Violation {
        severity: if of.is_some_and(|of| of.accepted) { RULE.severity.lower() } else { RULE.severity },
        subject: message.message.src().ip().to_string(),
        value: format!("{name}: {said}"),
        message: format!("{name} from {} {says} in CSeq", message.message.src().ip()),
        evidence,
    });
}

fn response(message: &LegMessage, of: Option<&Branch<'_>>, ctx: &Ctx<'_>, found: &mut Found) {
    let sip = message.sip();
    let Some((number, method)) = sip.cseq() else { return };
    let Some((of, first)) = of.and_then(|of| Some((of, of.first?))) else {
        return found.lacks("the request that a response answers is not in the capture");
    };
    if of.asked.contains(&(number, of_one(method))) {
        found.clean = true;
        return;
    }
    let (sender, asked) = (message.message.src().ip(), first.sip());
    let (own, theirs) = (line(&sip, HeaderName::CSeq), line(&asked, HeaderName::CSeq));
    found.violations.push(Violation {
        severity: RULE.severity,
        subject: sender.to_string(),
        value: format!("answer to {}", ctx.name_of(first)),
        message: format!("{} from {sender} says {own}, and has the branch of a request that says {theirs}", ctx.name_of(message)),
        evidence: vec![Evidence::new(&message.message.seen(), own), Evidence::new(&first.message.seen(), theirs)],
    });
}

/// ACK and CANCEL have the branch and number of their INVITE: of the three, one may be missing in the capture.
fn of_one(method: &[u8]) -> &[u8] {
    if matches!(method, b"ACK" | b"CANCEL") { b"INVITE" } else { method }
}
