//! Messages for the tests of this module.

use super::{
    Leg,
    shard::{CallShard, Told},
};
use crate::decode::{FlowKey, MacPair, TapId, TunnelsId, flow_key};
use crate::flow::{ConnId, Course, Message, Seen, Sighting, Text, Transport};
use crate::proto::sip;
use crate::record::{RecordId, Seq, SourceId};
use crate::time::Timestamp;
use std::net::SocketAddr;
use std::sync::Arc;

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
    let connection = ConnId { flow: FlowKey::new(src, dst, flow_key::UDP).0, opened: Seq(0) };
    let id = RecordId { input: 0, number: ms as u64 + 1 };
    let (tap, source, tunnels, macs) = (TapId(0), SourceId(0), TunnelsId(0), MacPair::default());
    let seen = Seen { id, seq, at, tap, source, tunnels, ttl: 64, dscp: 0, macs };
    let course = Arc::new(Course::of(&seen, (src, dst), Transport::Udp, connection));
    let index = sip::scan(text.as_bytes(), false).unwrap();
    Message::new(Sighting { course, id, seq, at }, at, Text::copy(text.as_bytes()), index, false)
}

/// A shard that was given `messages`.
pub fn shard(messages: Vec<Message>) -> CallShard {
    let mut shard = CallShard::default();
    messages.into_iter().for_each(|message| shard.apply(message, &mut Told::default()));
    shard
}

/// The leg that `messages` make.
pub fn leg(messages: Vec<Message>) -> Leg {
    let mut shard = shard(messages);
    let due = shard.due(Timestamp(0), true);
    *shard.close(&due[0]).unwrap()
}
