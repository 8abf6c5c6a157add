//! Messages for the tests of this module.

use super::{Leg, shard::CallShard};
use crate::decode::{FlowKey, MacPair, TapId, TunnelsId, flow_key};
use crate::flow::{ConnId, Message, Origin, Seen, Text, Transport};
use crate::proto::sip;
use crate::record::{RecordId, Seq, SourceId};
use crate::time::Timestamp;
use std::net::SocketAddr;

/// Alice's end.
pub const A: &str = "192.0.2.1:5060";
/// Bob's end.
pub const B: &str = "192.0.2.2:5060";

/// A message from `src` to `dst` at `ms`: its start line, `CSeq: 1 <method>`, one Via branch a method, and `more` header lines.
pub fn message(ms: i64, (src, dst): (&str, &str), start: &str, method: &str, more: &str) -> Message {
    let text = format!(
        "{start}\r\nVia: SIP/2.0/UDP {A};branch=z9hG4bK{method}\r\nCall-ID: c\r\nCSeq: 1 {method}\r\nFrom: <sip:a@x>;tag=1\r\n{more}l: 0\r\n\r\n"
    );
    let (src, dst): (SocketAddr, SocketAddr) = (src.parse().unwrap(), dst.parse().unwrap());
    let (seq, at) = (Seq(ms as u64), Timestamp(ms * 1_000_000));
    let seen = Seen {
        id: RecordId { input: 0, number: ms as u64 + 1 },
        seq,
        at,
        tap: TapId(0),
        source: SourceId(0),
        tunnels: TunnelsId(0),
        ttl: 64,
        dscp: 0,
        macs: MacPair::default(),
    };
    Message {
        seen,
        clock: at,
        src,
        dst,
        transport: Transport::Udp,
        origin: Origin::Clear,
        connection: ConnId { flow: FlowKey::new(src, dst, flow_key::UDP).0, opened: Seq(0) },
        index: sip::scan(text.as_bytes(), false).unwrap(),
        text: Text::copy(text.as_bytes()),
        correlation: None,
        records: [seen.id].into_iter().collect(),
        cut: false,
    }
}

/// A shard that was given `messages`.
pub fn shard(messages: Vec<Message>) -> CallShard {
    let mut shard = CallShard::default();
    messages.into_iter().for_each(|message| shard.apply(message, &mut Vec::new()));
    shard
}

/// The leg that `messages` make.
pub fn leg(messages: Vec<Message>) -> Leg {
    let mut shard = shard(messages);
    let due = shard.due(Timestamp(0), true);
    shard.close(&due[0]).unwrap()
}
