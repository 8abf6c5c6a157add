//! DR047: a message on TCP or TLS whose Content-Length does not tell where it ends.

use crate::call::LegMessage;
use crate::decode::Dir;
use crate::finding::{Outcome, Severity};
use crate::flow::{Connection, FramingFault, Misframed, Transport};
use crate::rules::{Check, Ctx, Direction, Heeds, Rule, by_sender};
use crate::time::Span;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR047-content-length",
    title: "Content-Length is missing or wrong",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "RFC",
    since: "always",
    lower_when_accepted: false,
    hides: &["DR079"],
    page: include_str!("../../../rules/transport/DR047-content-length.md"),
    check: Check::Message(Heeds::ALL, check),
};

/// Who closes so soon after the message closes because of it.
const AFTER: Span = Span::secs(5);

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    if !matches!(message.message.course().transport, Transport::Tcp | Transport::Tls) {
        return Outcome::NotApplicable;
    }
    let not_checked = |why: &str| Outcome::NotChecked(why.to_owned());
    let Some(connection) = ctx.connection(message) else { return not_checked("the message's connection is no longer known") };
    let dir = if connection.id.flow.endpoints().0 == message.message.src() { Dir::Up } else { Dir::Down };
    let half = connection.half(dir);
    let length = message.sip().index.content_length;
    let of_message = |misframed: &&Misframed| {
        let agrees = match misframed.fault {
            FramingFault::Missing => length.is_none(),
            FramingFault::Wrong(wrong) => length == Some(wrong),
        };
        misframed.seen.id == message.message.seen().id && agrees
    };
    match half.misframed.iter().find(of_message) {
        Some(misframed) => violated(message, ctx, (connection, dir), misframed),
        None if half.lost > 0 => not_checked("bytes of the connection are missing"),
        None => Outcome::Clean,
    }
}

fn violated(message: &LegMessage, ctx: &Ctx<'_>, (connection, dir): (&Connection, Dir), misframed: &Misframed) -> Outcome {
    let closed =
        connection.ended.is_some_and(|(by, seen)| by != dir && seen.at >= misframed.seen.at && seen.at - misframed.seen.at <= AFTER);
    let (severity, then) = match closed {
        true => (Severity::Error, ", and the other side closes the connection"),
        false => (Severity::Warning, ""),
    };
    let (value, says, line) = match misframed.fault {
        FramingFault::Missing => ("missing", "has no Content-Length, and more follows".to_owned(), "no Content-Length".to_owned()),
        FramingFault::Wrong(length) => {
            let says = format!("says Content-Length {length}, and no message begins behind so many bytes of body");
            ("wrong", says, format!("Content-Length: {length}"))
        }
    };
    let name = ctx.name_of(message);
    let text = format!("{name} from {} {says}{then}", message.message.src().ip());
    Outcome::Violated(vec![by_sender(ctx, message, severity, format!("{name}: {value}"), text, &line)])
}
