//! Facts: what shards tell the call stage, owned and in Seq order.

use crate::flow::{Connection, Lookup, Message, Routing, RtcpReport, Stream, StunExchange};
use crate::record::Seq;
use crate::time::Timestamp;

/// Something that a flow gave rise to.
#[derive(Debug)]
pub enum Fact {
    /// A SIP message is complete.
    Message(Box<Message>),
    /// A stream ended, or was taken for a call that did.
    Stream(Box<Stream>),
    /// What is known of a signalling flow now.
    Connection {
        /// The flow.
        connection: Box<Connection>,
        /// Clock at which it ended or was given up: nothing more will come of it.
        closed: Option<Timestamp>,
    },
    /// A TLS connection is over that is no signalling: which host it was for, and where it was seen. Also the first question of a client
    /// to a name server.
    Service(Box<Connection>),
    /// What RTCP in one direction of a flow said since it was told last.
    Rtcp(Box<RtcpReport>),
    /// What became of STUN requests of one flow since they were told last.
    Stun(Box<StunExchange>),
    /// A name server was asked for a name of the service, or told addresses.
    Lookup(Box<Lookup>),
    /// A router said something to another, or that it is still there.
    Routing(Box<Routing>),
}

impl Fact {
    /// Order among facts of one Seq that come from several shards: their own first record, which no two share in one kind.
    pub fn order(&self) -> (u8, Seq) {
        match self {
            Fact::Message(message) => (0, message.seq()),
            Fact::Connection { connection, .. } => (1, connection.id.opened),
            Fact::Stream(stream) => (2, stream.first().map_or(Seq(0), |seen| seen.seq)),
            Fact::Rtcp(report) => (3, report.first.seq),
            Fact::Stun(exchange) => (4, exchange.first.seq),
            Fact::Service(connection) => (5, connection.id.opened),
            Fact::Lookup(lookup) => (6, lookup.seen.seq),
            Fact::Routing(routing) => (7, routing.seen.seq),
        }
    }
}
