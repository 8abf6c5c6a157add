//! The TCP handshake of a connection, as far as it was seen (RFC 9293 section 3.5).

use super::Seen;
use crate::decode::{Dir, Packet, TapId, TcpHeader};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// What was seen of it. Who opens is [`Connection::opener`](super::Connection::opener).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// SYNs of the opener, as its first tap saw them.
    pub syns: u16,
    /// The last of them.
    last: Option<(TapId, Timestamp)>,
    /// The SYN that acknowledges one, and the opener's next packet at that tap.
    answer: Option<Box<(Seen, Option<Timestamp>)>>,
    /// The opener sent something else than SYN and RST: it got an answer, seen or not.
    pub goes_on: bool,
}

impl Opening {
    /// Takes in a packet that is no copy.
    pub fn note(&mut self, packet: &Packet<'_>, tcp: TcpHeader, opener: Dir) {
        match (tcp.syn(), tcp.ack_set(), packet.dir == opener) {
            (true, false, true) if self.last.is_none_or(|(tap, _)| tap == packet.tap) => {
                self.syns = self.syns.saturating_add(1);
                self.last = Some((packet.tap, packet.at));
            }
            (true, true, false) if self.answer.is_none() => self.answer = Some(Box::new((Seen::of(packet), None))),
            (false, _, true) if !tcp.rst() => {
                self.goes_on = true;
                if let Some((answer, next)) = self.answer.as_deref_mut()
                    && next.is_none()
                    && answer.tap == packet.tap
                {
                    *next = Some(packet.at);
                }
            }
            _ => {}
        }
    }

    /// All of it was seen: nothing is to be noted any more.
    pub fn is_over(&self) -> bool {
        self.answer.as_deref().is_some_and(|(_, next)| next.is_some())
    }

    /// The SYN that acknowledges one.
    pub fn answer(&self) -> Option<&Seen> {
        self.answer.as_deref().map(|(seen, _)| seen)
    }

    /// A SYN was seen, so that who opened the connection is known.
    pub fn is_seen(&self) -> bool {
        self.syns > 0 || self.answer.is_some()
    }

    /// When the last SYN was sent.
    pub fn last_syn(&self) -> Option<Timestamp> {
        self.last.map(|(_, at)| at)
    }

    /// Time from end to end and back: from the SYN to its answer, and from that to the acknowledgment, where one tap saw all three. A
    /// SYN that was repeated measures nothing, for nobody knows which one was answered (RFC 6298 section 3).
    pub fn round_trip(&self) -> Option<Span> {
        let ((tap, syn), (answer, next)) = (self.last?, self.answer.as_deref()?);
        let trip = (*next)? - syn;
        (self.syns == 1 && answer.tap == tap && trip >= Span(0)).then_some(trip)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::support::packet;

    const SYN: u8 = 2;
    const RST: u8 = 4;
    const ACK: u8 = 16;

    /// The opening of packets: direction, flags, milliseconds, tap.
    fn opening(packets: &[(Dir, u8, i64, u32)]) -> Opening {
        let mut opening = Opening::default();
        for (dir, flags, ms, tap) in packets {
            let tcp = TcpHeader { seq: 0, ack: 0, flags: *flags };
            packet(0).at_ms(*ms).seen(*tap, 64, 0).give(|packet, _| opening.note(&Packet { dir: *dir, ..*packet }, tcp, Dir::Up));
        }
        opening
    }

    #[test]
    fn handshake_gives_the_time_from_end_to_end() {
        let seen = opening(&[(Dir::Up, SYN, 0, 0), (Dir::Down, SYN | ACK, 20, 0), (Dir::Up, ACK, 25, 0), (Dir::Up, ACK, 90, 0)]);
        assert_eq!((seen.round_trip(), seen.is_over(), seen.goes_on, seen.syns), (Some(Span::millis(25)), true, true, 1));
    }

    #[test]
    fn repeated_syn_and_another_tap_measure_nothing() {
        let repeated = opening(&[(Dir::Up, SYN, 0, 0), (Dir::Up, SYN, 9, 0), (Dir::Down, SYN | ACK, 20, 0), (Dir::Up, ACK, 25, 0)]);
        assert_eq!((repeated.round_trip(), repeated.syns), (None, 2));
        let elsewhere = opening(&[(Dir::Up, SYN, 0, 0), (Dir::Up, SYN, 1, 1), (Dir::Down, SYN | ACK, 20, 1), (Dir::Up, ACK, 25, 1)]);
        assert_eq!((elsewhere.round_trip(), elsewhere.syns, elsewhere.answer().is_some()), (None, 1, true));
    }

    #[test]
    fn nothing_but_syn_and_reset_goes_not_on() {
        let refused = opening(&[(Dir::Up, SYN, 0, 0), (Dir::Down, RST | ACK, 1, 0), (Dir::Up, RST, 2, 0)]);
        assert_eq!((refused.goes_on, refused.is_seen(), refused.is_over(), refused.answer()), (false, true, false, None));
        assert!(!opening(&[(Dir::Up, ACK, 0, 0)]).is_seen());
    }
}
