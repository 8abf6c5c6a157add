//! How a TLS handshake failed, if it did.

use super::parties::Parties;
use crate::decode::Dir;
use crate::flow::{Content, End, Seen, tls::Handshake};
use crate::proto::tls::{Alert, Version};
use crate::time::{Span, Timestamp};

/// A ClientHello without an answer for longer is not answered any more.
const PATIENCE: Span = Span::secs(5);
/// An alert this long after the ClientHello still is about the handshake, although both sides had ended it.
const ABOUT_HANDSHAKE: Span = Span::secs(5);
/// TLS 1.3: a server that closes this soon after its client's last flight does not accept the client.
const REFUSED_WITHIN: Span = Span::secs(1);

/// How it failed.
#[derive(Debug, Clone, Copy)]
pub enum Failure {
    /// The sender of `dir` says why.
    Alert(Dir, Alert, Seen),
    /// The sender of `dir` closed the connection before the handshake was over.
    Closed(Dir, End, Seen),
    /// TLS 1.3: the server closed right after the client's certificate.
    Refused(Dir, Seen),
    /// Nothing came back.
    Silence(Seen),
}

/// What became of a handshake.
#[derive(Debug, Clone, Copy)]
pub enum Ending {
    /// It was completed.
    Complete,
    /// It failed.
    Failed(Failure),
    /// The capture does not show it.
    Unknown(&'static str),
}

/// What became of the handshake of a connection; `clock` is how far the capture has come.
pub fn ending(parties: &Parties<'_>, handshake: &Handshake, clock: Timestamp) -> Ending {
    let connection = parties.connection;
    let Some(offered) = &handshake.offered else { return Ending::Unknown("the beginning of the handshake is not in the capture") };
    let complete = handshake.is_complete();
    if let Some((dir, alert)) = handshake.fault()
        && (!complete || connection.content != Content::Sip && alert.seen.at - offered.seen.at <= ABOUT_HANDSHAKE)
    {
        return Ending::Failed(Failure::Alert(*dir, alert.what, alert.seen));
    }
    if connection.halves.iter().any(|half| half.first.is_none()) {
        return Ending::Unknown("only one direction of the connection is in the capture");
    }
    let server = parties.client().reverse();
    match (complete, connection.ended) {
        (true, ended) => match ended.filter(|(dir, seen)| *dir == server && is_refusal(handshake, server, seen)) {
            Some((dir, seen)) => Ending::Failed(Failure::Refused(dir, seen)),
            None => Ending::Complete,
        },
        (false, _) if connection.halves.iter().any(|half| half.lost > 0) => Ending::Unknown("parts of the handshake are missing"),
        (false, Some((dir, seen))) => Ending::Failed(Failure::Closed(dir, connection.end, seen)),
        (false, None) if handshake.chosen.is_none() && clock - offered.seen.at > PATIENCE => Ending::Failed(Failure::Silence(offered.seen)),
        (false, None) if clock - offered.seen.at > PATIENCE => Ending::Unknown("the handshake stops in the middle, and nobody says why"),
        (false, None) => Ending::Unknown("the capture ends before the handshake does"),
    }
}

/// TLS 1.3: the server had nothing more to say after the client's last flight, and closed at once.
fn is_refusal(handshake: &Handshake, server: Dir, closed: &Seen) -> bool {
    let of = |seen: &[Option<Seen>; 2], dir: Dir| seen.get(dir.index()).copied().flatten();
    let is_13 = handshake.version().is_some_and(|version| version >= Version::TLS13);
    let (Some(finished), Some(said)) = (of(&handshake.first_data, server.reverse()), of(&handshake.last_data, server)) else {
        return false;
    };
    is_13 && said.seq < finished.seq && closed.at - finished.at <= REFUSED_WITHIN
}
