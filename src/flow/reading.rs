//! What is read of one direction of a connection goes somewhere: messages with how they came, counts, and what an agent sent on.

use super::keylog::KeyLog;
use super::tcp;
use super::tls::Session;
use super::{ConnId, Course, Message, Origin, Seen, SentOn, Sighting, Text, Transport, hep};
use crate::decode::Dir;
use crate::ledger::{Kind, Ledger};
use crate::proto::sip::HeaderIndex;
use crate::time::Timestamp;
use std::net::SocketAddr;
use std::sync::Arc;

/// Who sends to whom, over which connection.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// Its direction.
    pub dir: Dir,
    /// Sender.
    pub src: SocketAddr,
    /// Receiver.
    pub dst: SocketAddr,
    /// The connection.
    pub id: ConnId,
    /// Clock at its last packet.
    pub clock: Timestamp,
}

/// Where what is read of a direction goes, and what it is read with.
pub struct Reading<'s> {
    /// The direction.
    pub way: Way,
    /// The TLS connection, once there is one.
    pub tls: &'s mut Option<Box<Session>>,
    /// Secrets of TLS connections.
    pub keys: &'s KeyLog,
    /// Counts.
    pub ledger: &'s mut Ledger,
    /// Messages.
    pub out: &'s mut Vec<Message>,
    /// Messages that an agent sent on.
    pub sent_on: &'s mut Vec<SentOn>,
    /// It is read from what TLS carried.
    pub secured: bool,
}

impl Reading<'_> {
    /// What a record counts as before a message is read from it.
    pub(super) fn kind(&self) -> Kind {
        if self.secured { Kind::Tls } else { Kind::Tcp }
    }

    /// Moves records that are named for the first time to SIP.
    pub(super) fn recount(&mut self, held: &[(Seen, bool)]) {
        let from = self.kind();
        self.ledger.recount(from, Kind::Sip, fresh(held));
    }

    pub(super) fn emit(
        &mut self,
        (transport, text, index): (Transport, Text, HeaderIndex),
        held: &[(Seen, bool)],
        course: &mut Option<Arc<Course>>,
    ) {
        let Some((seen, _)) = held.last().copied() else { return };
        self.recount(held);
        let transport = match (transport, self.secured) {
            (Transport::Tcp, true) => Transport::Tls,
            (Transport::Ws, true) => Transport::Wss,
            (transport, _) => transport,
        };
        let origin = if self.secured { Origin::Decrypted } else { Origin::Clear };
        let course = Course { origin, ..Course::of(&seen, (self.way.src, self.way.dst), transport, self.way.id) }.shared(course);
        let sighting = Sighting { course, id: seen.id, seq: seen.seq, at: seen.at };
        self.out.push(Message::new(sighting, self.way.clock, text, index, false).carried_by(&tcp::ids(held)));
    }

    /// Hands on what a HEP message holds.
    pub(super) fn send_on(&mut self, message: &[u8], held: &[(Seen, bool)]) {
        match hep::open(message, held, self.way.clock) {
            Ok(sent) => {
                self.recount(held);
                self.sent_on.push(sent);
            }
            Err(why) => {
                let kind = self.kind();
                self.ledger.lose(kind, why, fresh(held));
            }
        }
    }
}

/// Records that are named for the first time.
pub(super) fn fresh(held: &[(Seen, bool)]) -> u64 {
    held.iter().filter(|(_, first)| *first).count() as u64
}
