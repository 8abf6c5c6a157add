//! Requests of Microsoft's within a call that do not get through to the SBC, told as DR078 tells them.

use crate::call::{Leg, LegMessage, Transaction};
use crate::finding::{Evidence, Violation};
use crate::proto::sip::{Method, lossy};
use crate::rules::Ctx;
use crate::time::Span;

/// A request that nobody answers is given up after so long: timer F (RFC 3261 section 17.1.2.2).
const UNANSWERED: Span = Span::secs(32);
/// Requests that failed and are looked at closely; one is enough.
const MOST_FAILED: usize = 8;

/// A request that did not get through.
pub struct Undelivered<'a> {
    request: &'a LegMessage,
    answer: Option<&'a LegMessage>,
}

impl Undelivered<'_> {
    /// Adds to a finding what became of the request.
    pub fn adds_to(&self, violation: &mut Violation, ctx: &Ctx<'_>) {
        let method = ctx.name_of(self.request);
        let fate = match self.answer.and_then(|answer| answer.start.status) {
            Some(status) => format!("is answered {status}"),
            None => "gets no answer".to_owned(),
        };
        violation.message = format!("{}, and a later {method} of Microsoft's {fate}", violation.message);
        for message in std::iter::once(self.request).chain(self.answer) {
            violation.evidence.push(Evidence::new(&message.message.seen(), lossy(message.sip().start_line())));
        }
    }
}

/// The first request within the dialog of `message`, which the SBC sent, that Microsoft sent later and that did not get through.
pub fn undelivered<'a>(message: &LegMessage, ctx: &Ctx<'a>) -> Option<Undelivered<'a>> {
    let (leg, _) = ctx.leg?;
    let later = leg.transactions.iter().skip(message.transaction as usize + 1);
    let mut failed = later.filter_map(|transaction| fails(transaction, leg, ctx)).take(MOST_FAILED);
    failed.find(|found| is_within(found.request, message))
}

/// The request is within the dialog: it names the tag of the SBC.
fn is_within(request: &LegMessage, message: &LegMessage) -> bool {
    let (sip, request) = (message.sip(), request.sip());
    let own = if sip.is_request() { sip.from_tag() } else { sip.to_tag() };
    own.is_some() && request.to_tag() == own
}

fn fails<'a>(transaction: &Transaction, leg: &'a Leg, ctx: &Ctx<'a>) -> Option<Undelivered<'a>> {
    let request = leg.message(transaction.request?)?;
    let method = request.start.method;
    if !request.start.has_to_tag || method == Method::Ack || !ctx.from_microsoft(request) {
        return None;
    }
    let answer = transaction.last.and_then(|idx| leg.message(idx));
    let is_lost = match answer.and_then(|answer| answer.start.status) {
        Some(404) => true,
        Some(481) => method != Method::Notify,
        Some(_) => false,
        None => transaction.provisional.is_empty() && ctx.clock - request.message.at() > UNANSWERED && sees_both_ways(request, ctx),
    };
    (is_lost && !is_over(transaction, leg)).then_some(Undelivered { request, answer })
}

/// Another BYE was sent before the request was given up: then it may have crossed that.
fn is_over(transaction: &Transaction, leg: &Leg) -> bool {
    let request = transaction.request.and_then(|idx| leg.message(idx));
    let until = request.map(|request| request.message.at() + UNANSWERED);
    let byes = leg.transactions.iter().filter(|other| other.method == Method::Bye && other.request != transaction.request);
    byes.filter_map(|bye| leg.message(bye.request?)).any(|bye| until.is_some_and(|until| bye.message.at() < until))
}

/// Both directions of the connection pass the tap, and nothing of the SBC's is missing there.
fn sees_both_ways(request: &LegMessage, ctx: &Ctx<'_>) -> bool {
    ctx.connection(request).is_some_and(|connection| connection.halves.iter().all(|half| half.first.is_some() && half.lost == 0))
}
