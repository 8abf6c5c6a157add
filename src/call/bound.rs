//! Streams of a call: what its signalling, its other streams and RTCP say of each.

use super::keyring::Keyring;
use super::proof::{Proof, prove};
use super::relay::{self, Relay};
use super::{
    Leg, Reported, media,
    reported::{Reports, Ways},
};
use crate::address;
use crate::flow::Stream;
use crate::hash;
use crate::proto::payload;
use crate::record::Seq;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::net::SocketAddr;

/// A stream of a call, with what the call says about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BoundStream {
    /// Content id, 12 hex digits.
    pub id: String,
    /// The stream.
    pub stream: Box<Stream>,
    /// Codec of its main payload type.
    pub codec: Option<Cow<'static, str>>,
    /// Its clock rate in Hz.
    pub clock_rate: Option<u32>,
    /// What signalling, else RFC 3551, says of each payload type: number, encoding name, clock rate in Hz.
    pub encodings: Vec<(u8, Cow<'static, str>, u32)>,
    /// SDP says SRTP.
    pub secured: bool,
    /// What its packets say of the key that SDP gave it; `None` where it gave none.
    pub srtp: Option<Proof>,
    /// Id of the stream it is the far side of, through a NAT or relay.
    pub continues: Option<String>,
    /// What RTCP says about it.
    pub reported: Option<Reported>,
    /// How that is known.
    pub relay: Option<Relay>,
    /// Median time that the NAT or relay took, where one clock saw both sides.
    pub relay_delay: Option<Span>,
    /// Id of the stream before it on the same way, whose source it took the place of.
    pub follows: Option<String>,
}

impl BoundStream {
    /// Encoding name and clock rate in Hz of one of its payload types, where anything says it.
    pub fn encoding(&self, payload_type: u8) -> Option<(&str, u32)> {
        let known = self.encodings.iter().find(|(known, ..)| *known == payload_type);
        known.map(|(_, name, rate)| (&**name, *rate))
    }
}

/// Gives streams their ids, codecs and chain, in order of first packet.
pub fn bind(mut streams: Vec<Box<Stream>>, leg: Option<&Leg>, reports: &Reports) -> Vec<BoundStream> {
    streams.sort_by_key(|stream| began(stream));
    let secured = leg.is_some_and(|leg| leg.secured);
    let ring = leg.filter(|_| !streams.is_empty()).map(Keyring::of).unwrap_or_default();
    let mut bound: Vec<BoundStream> = Vec::with_capacity(streams.len());
    for stream in streams {
        let far_of =
            |up: &BoundStream| Some((up.id.clone(), relay::relay(&up.stream, &stream, secured)?, relay::delay(&up.stream, &stream)));
        let near = bound.iter().rev().filter(|up| up.stream.ssrc == stream.ssrc).find_map(far_of);
        let follows = bound.iter().rev().find(|up| is_followed(&up.stream, &stream)).map(|up| up.id.clone());
        let (src, dst) = stream.flow.from_to(stream.dir);
        let main = stream.main_payload_type();
        let encoding = |payload_type: u8| match leg {
            Some(leg) => media::codec(leg, payload_type),
            None => payload::static_payload(payload_type).map(|(name, rate)| (Cow::Borrowed(name), rate)),
        };
        let named = main.and_then(encoding);
        let encodings = stream.payload_types.iter().filter_map(|(number, _)| encoding(*number).map(|(name, rate)| (*number, name, rate)));
        let lines = [dst, src].map(|end| leg.and_then(|leg| media::announced(leg, end)));
        let line = lines.into_iter().flatten().next();
        let [from, to] = ends(&stream);
        let keys = Ways { there: ring.sending(&from, &to), back: ring.sending(&to, &from) };
        // Who answers without a key takes none.
        let keyed = lines.into_iter().flatten().all(|line| !line.crypto.is_empty());
        bound.push(BoundStream {
            id: id(&stream),
            codec: named.as_ref().map(|(name, _)| name.clone()),
            clock_rate: named.map(|(_, rate)| rate),
            encodings: encodings.collect(),
            secured: line.is_some_and(|media| media.secured),
            reported: reports.about(&stream, &keys),
            srtp: prove(&stream, &keys.there).filter(|_| keyed),
            relay: near.as_ref().map(|(_, relay, _)| *relay),
            relay_delay: near.as_ref().and_then(|(.., delay)| *delay),
            continues: near.map(|(id, ..)| id),
            follows,
            stream,
        });
    }
    bound
}

/// Content id of a stream: of its ends, its source and when it began.
fn id(stream: &Stream) -> String {
    let (src, dst) = stream.flow.from_to(stream.dir);
    let source: [u8; 8] = std::array::from_fn(|i| hash::digit((stream.ssrc.0 >> (28 - 4 * i) & 15) as u8));
    let way = [address::endpoint(src).as_bytes(), address::endpoint(dst).as_bytes(), &source].join(&b' ');
    let began = stream.first().map(|seen| seen.at.rfc3339_bytes());
    hash::hex(&[&way, began.as_ref().map_or(&[], |began| began)], 12)
}

/// A source may send on for so long after another took its place.
const OVERLAP: Span = Span::millis(500);

/// `next` began on the same way when `stream` was over.
fn is_followed(stream: &Stream, next: &Stream) -> bool {
    let over = stream.last().zip(next.first()).is_some_and(|(last, first)| first.at - last.at >= Span(-OVERLAP.0));
    stream.flow == next.flow && stream.dir == next.dir && over
}

/// Sender and receiver of a stream, each by all the addresses that signalling may name it by: through a relay, the client has one there as
/// well, and the relay stands for the peer.
pub fn ends(stream: &Stream) -> [SmallVec<[SocketAddr; 2]>; 2] {
    let (src, dst) = stream.flow.from_to(stream.dir);
    let [mut from, mut to]: [SmallVec<[SocketAddr; 2]>; 2] = [src, dst].map(|end| SmallVec::from_iter([end]));
    if let Some(relay) = &stream.relay {
        let outward = relay.server == Some(dst);
        let (client, far) = if outward { (&mut from, &mut to) } else { (&mut to, &mut from) };
        client.extend(relay.relayed);
        far.extend(relay.peer);
    }
    [from, to]
}

/// Place of the first packet of a stream.
pub fn began(stream: &Stream) -> Seq {
    stream.first().map_or(Seq(0), |seen| seen.seq)
}
