//! Whether a request was answered in time, and why nobody knows.

use crate::call::LegMessage;
use crate::decode::Dir;
use crate::finding::Evidence;
use crate::flow::{Connection, End};
use crate::rules::Ctx;
use crate::time::Span;

/// Timer F: a request other than INVITE is given up (RFC 3261 section 17.1.2.2).
pub const TIMER_F: Span = Span::secs(32);

/// SYN and FIN are acknowledged as a byte each.
const FLAGS: u64 = 2;

/// What became of a request.
pub enum Answer<'a> {
    /// The final response.
    Final(&'a LegMessage),
    /// A final response that came when nobody waited any more.
    Late(&'a LegMessage),
    /// There is none, and one would have been seen; and what ended the connection instead.
    Never(Option<Evidence>),
    /// Nobody knows, because this is missing.
    Unknown(&'static str),
}

/// What became of a request that `message` is.
pub fn of<'a>(message: &LegMessage, ctx: &Ctx<'a>) -> Answer<'a> {
    let sent = message.message.at();
    let last = ctx.leg.zip(ctx.transaction(message)).and_then(|((leg, _), transaction)| leg.message(transaction.last?));
    if let Some(last) = last {
        let in_time = last.message.at() - sent <= TIMER_F;
        return if in_time { Answer::Final(last) } else { Answer::Late(last) };
    }
    if ctx.clock - sent < TIMER_F {
        return Answer::Unknown("the capture ends before 32 s have passed");
    }
    if ctx.leg.is_some_and(|(leg, _)| leg.let_go > 0) {
        return Answer::Unknown("the leg has more messages than are kept");
    }
    let Some(connection) = ctx.connection(message) else { return Answer::Unknown("the message's connection is no longer known") };
    let there = if connection.id.flow.endpoints().0 == message.message.src() { Dir::Up } else { Dir::Down };
    if let Some(why) = lack(connection, there) {
        return Answer::Unknown(why);
    }
    let ended = connection.ended.filter(|(_, seen)| seen.at >= sent && seen.at - sent <= TIMER_F);
    match ended {
        Some((by, _)) if by == there => Answer::Unknown("who asked closes the connection before 32 s have passed"),
        Some((_, seen)) => Answer::Never(Some(Evidence::new(&seen, if connection.end == End::Rst { "RST" } else { "FIN" }))),
        None => Answer::Never(None),
    }
}

/// Why a response to what went `there` may have been missed.
fn lack(connection: &Connection, there: Dir) -> Option<&'static str> {
    let (asks, answers) = (connection.half(there), connection.half(there.reverse()));
    if !asks.is_tcp() {
        return Some("no TCP connection is seen, only messages that somebody handed on");
    }
    if answers.first.is_none() {
        return Some("only one direction of the connection is in the capture");
    }
    let sealed = connection.tls.as_ref().is_some_and(|tls| tls.unopened > 0 || tls.lost > 0);
    // What is acknowledged has come, whether the tap saw it or not.
    let missed = u64::from(asks.acknowledged()) > answers.sightings.bytes() + FLAGS;
    (answers.lost > 0 || sealed || missed).then_some("bytes of the connection are missing")
}
