//! DR087: an ACK that does not fit the INVITE whose answer it acknowledges.

use crate::call::{Leg, LegMessage};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::proto::sip::{HeaderName, Method, lossy};
use crate::rules::{
    Check, Ctx, Direction, Rule,
    along::{CUT, Found, line, with_microsoft},
};
use crate::time::Span;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR087-ack-mismatch",
    title: "An ACK does not match its INVITE",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "RFC",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR087-ack-mismatch.md"),
    check: Check::Leg(check),
};

/// So long a 2xx is repeated, and its ACK expected: 64·T1 (RFC 3261 section 13.3.1.4).
const AWAITED: Span = Span::secs(32);

/// An INVITE and what answered it.
#[derive(Clone, Copy)]
struct Asked<'l> {
    invite: &'l LegMessage,
    answer: Option<&'l LegMessage>,
}

impl Asked<'_> {
    fn is_taken(&self) -> bool {
        self.answer.and_then(|answer| answer.start.status).is_some_and(|status| status < 300)
    }
}

/// The INVITEs of one sender with one number: sent anew with another branch there are several.
#[derive(Clone, Copy)]
struct Same<'l> {
    last: Asked<'l>,
    /// One of them was taken.
    taken: bool,
    /// The answer to one of them is not in the capture.
    open: bool,
}

/// What is looked up of a leg.
#[derive(Default)]
struct Known<'l> {
    branches: HashMap<(IpAddr, &'l [u8]), Asked<'l>>,
    numbers: HashMap<(IpAddr, u32), Same<'l>>,
    /// In order.
    invites: HashMap<IpAddr, Vec<Asked<'l>>>,
    /// Numbers that some ACK has.
    acknowledged: HashSet<(IpAddr, u32)>,
    /// The last repetition of a response, by its fingerprint.
    repeated: HashMap<u64, &'l LegMessage>,
}

/// A part of the ACK that is wrong, and the line of another message that shows how it should be.
struct Wrong<'l> {
    value: &'static str,
    says: String,
    line: String,
    beside: (&'l LegMessage, String),
    answer: Option<&'l LegMessage>,
}

fn check(leg: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let mut found = Found::default();
    let acks: Vec<&LegMessage> = with_microsoft(leg, ctx).filter(|m| m.start.is_request && m.start.method == Method::Ack).collect();
    if acks.is_empty() {
        return Outcome::NotApplicable;
    }
    let known = known(leg, ctx, &acks);
    for ack in acks {
        match judge(ack, &known, ctx) {
            Ok(None) => found.clean = true,
            Ok(Some(wrong)) => found.violations.push(violation(ack, wrong, &known, ctx)),
            Err(why) => found.lacks(why),
        }
    }
    found.outcome()
}

fn known<'l>(leg: &'l Leg, ctx: &Ctx<'l>, acks: &[&LegMessage]) -> Known<'l> {
    let mut known = Known::default();
    let invites = with_microsoft(leg, ctx).filter(|m| m.start.is_request && m.start.method == Method::Invite);
    for invite in invites.filter(|invite| !invite.sip().head_cut()) {
        let sender = invite.message.src().ip();
        let Some((number, _)) = invite.sip().cseq() else { continue };
        let answer = leg.transaction_of(invite).and_then(|transaction| leg.message(transaction.last?));
        let asked = Asked { invite, answer };
        if let Some(branch) = invite.sip().branch() {
            known.branches.insert((sender, branch), asked);
        }
        let same = known.numbers.entry((sender, number)).or_insert(Same { last: asked, taken: false, open: false });
        *same = Same { last: asked, taken: same.taken || asked.is_taken(), open: same.open || answer.is_none() };
        known.invites.entry(sender).or_default().push(asked);
    }
    known.acknowledged = acks.iter().filter_map(|ack| Some((ack.message.src().ip(), ack.sip().cseq()?.0))).collect();
    known.repeated = leg.messages.iter().filter(|m| m.retransmission && !m.start.is_request).map(|m| (m.fingerprint, m)).collect();
    known
}

/// What is wrong with an ACK, nothing, or what is missing to tell.
fn judge<'l>(ack: &LegMessage, known: &Known<'l>, ctx: &Ctx<'_>) -> Result<Option<Wrong<'l>>, &'static str> {
    const NO_INVITE: &str = "the INVITE of an ACK is not in the capture";
    const NO_ANSWER: &str = "the answer that an ACK acknowledges is not in the capture";
    let sip = ack.sip();
    let sender = ack.message.src().ip();
    let number = sip.cseq().map(|(number, _)| number).filter(|_| !sip.head_cut()).ok_or(CUT)?;
    if let Some(asked) = sip.branch().and_then(|branch| known.branches.get(&(sender, branch))) {
        let answer = asked.answer.ok_or(NO_ANSWER)?;
        return Ok(by_branch(ack, *asked, answer, number, ctx));
    }
    match known.numbers.get(&(sender, number)) {
        Some(same) if same.taken => Ok(None),
        Some(same) if same.open => Err(NO_ANSWER),
        Some(Same { last: asked, .. }) => {
            let says = format!("to {} has another branch than its INVITE", asked.answer.map(|a| ctx.name_of(a)).unwrap_or_default());
            Ok(Some(Wrong {
                value: "other branch",
                says,
                line: line(&sip, HeaderName::Via),
                beside: (asked.invite, line(&asked.invite.sip(), HeaderName::Via)),
                answer: asked.answer,
            }))
        }
        None => Ok(Some(awaited(ack, known).map(|asked| other_number(ack, asked)).ok_or(NO_INVITE)?)),
    }
}

/// An ACK with the branch of an INVITE: right for a refusal, and then the same in all else.
fn by_branch<'l>(ack: &LegMessage, asked: Asked<'l>, answer: &'l LegMessage, number: u32, ctx: &Ctx<'_>) -> Option<Wrong<'l>> {
    let (sip, invite) = (ack.sip(), asked.invite.sip());
    let wrong = |value, says: &str, line: String, beside: (&'l LegMessage, String)| {
        let says = format!("to {} has {says}", ctx.name_of(answer));
        Some(Wrong { value, says, line, beside, answer: Some(answer) })
    };
    if invite.cseq().is_some_and(|(asked, _)| asked != number) {
        return Some(other_number(ack, asked));
    }
    if asked.is_taken() {
        let beside = (asked.invite, line(&invite, HeaderName::Via));
        return wrong("branch of the INVITE", "the branch of its INVITE", line(&sip, HeaderName::Via), beside);
    }
    if sip.request_uri() != invite.request_uri() {
        let start = |text: &[u8]| lossy(text).into_owned();
        let beside = (asked.invite, start(invite.start_line()));
        return wrong("Request-URI", "another Request-URI than its INVITE", start(sip.start_line()), beside);
    }
    let theirs = answer.sip().to_tag();
    if theirs.is_some() && sip.to_tag() != theirs {
        let beside = (answer, line(&answer.sip(), HeaderName::To));
        return wrong("To tag", "another To tag than that", line(&sip, HeaderName::To), beside);
    }
    None
}

/// The INVITE whose ACK is due when an ACK comes that fits none: the last of the sender's, answered with the tag that the ACK has.
fn awaited<'l>(ack: &LegMessage, known: &Known<'l>) -> Option<Asked<'l>> {
    let sender = ack.message.src().ip();
    let before = known.invites.get(&sender)?;
    let at = before.partition_point(|asked| asked.invite.message.seq() < ack.message.seq());
    let asked = before.get(at.checked_sub(1)?)?;
    let answer = asked.answer?;
    let number = asked.invite.sip().cseq()?.0;
    let soon = answer.message.seq() < ack.message.seq() && ack.message.at() - answer.message.at() <= AWAITED;
    let same = answer.sip().to_tag() == ack.sip().to_tag();
    (soon && same && !known.acknowledged.contains(&(sender, number))).then_some(*asked)
}

fn other_number<'l>(ack: &LegMessage, asked: Asked<'l>) -> Wrong<'l> {
    let (own, theirs) = (line(&ack.sip(), HeaderName::CSeq), line(&asked.invite.sip(), HeaderName::CSeq));
    let says = format!("says {own}, and its INVITE says {theirs}");
    Wrong { value: "CSeq", says, line: own, beside: (asked.invite, theirs), answer: asked.answer }
}

fn violation(ack: &LegMessage, wrong: Wrong<'_>, known: &Known<'_>, ctx: &Ctx<'_>) -> Violation {
    let sender = ack.message.src().ip();
    let repeated = wrong.answer.and_then(|answer| known.repeated.get(&answer.fingerprint));
    let repeated = repeated.filter(|repeated| repeated.message.seq() > ack.message.seq());
    let then = repeated.map(|repeated| format!(", and {} is repeated", ctx.name_of(repeated))).unwrap_or_default();
    let mut evidence = vec![Evidence::new(&ack.message.seen(), wrong.line)];
    evidence.extend(repeated.map(|m| Evidence::new(&m.message.seen(), lossy(m.sip().start_line()))));
    evidence.push(Evidence::new(&wrong.beside.0.message.seen(), wrong.beside.1));
    Violation {
        severity: if repeated.is_some() { Severity::Error } else { Severity::Warning },
        subject: sender.to_string(),
        value: wrong.value.to_owned(),
        message: format!("ACK from {sender} {}{then}", wrong.says),
        evidence,
    }
}
