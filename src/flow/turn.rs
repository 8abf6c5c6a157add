//! TURN within one UDP flow (RFC 8656, [MS-TURN]): what a relay passes on is unwrapped, so that the RTP inside is found. Which channel
//! leads to whom is learned from ChannelBind; a channel that nobody was seen to bind is unwrapped by its number.

use super::{MediaFlow, Stream};
use crate::decode::{FlowKey, Packet};
use crate::ledger::{Kind, Ledger};
use crate::proto::stun::{self, Class, Message, method};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Channels remembered of one flow; the one bound first goes first.
const MOST_CHANNELS: usize = 64;
/// Peers told apart in one flow; of those the one unheard of for longest goes first.
const MOST_PEERS: usize = 16;
/// Ports that relays have by registration (RFC 8656 section 5), for flows whose set-up was not seen.
const RELAY_PORTS: [u16; 2] = [3478, 3479];

/// How something was relayed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Relay {
    /// The relay, as its client reaches it; `None` where nothing says which end it is.
    pub server: Option<SocketAddr>,
    /// Who is behind it.
    pub peer: Option<SocketAddr>,
    /// The channel to that peer, if one is used.
    pub channel: Option<u16>,
    /// The client's address on the relay.
    pub relayed: Option<SocketAddr>,
}

/// What one flow relays.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnFlow {
    /// The flow carried a message of TURN.
    known: bool,
    server: Option<SocketAddr>,
    relayed: Option<SocketAddr>,
    /// Where data go that come unwrapped ([MS-TURN] section 3.1.4.4).
    active: Option<SocketAddr>,
    channels: Vec<(u16, SocketAddr)>,
    inside: Vec<Inside>,
}

/// What goes to and comes from one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inside {
    peer: Option<SocketAddr>,
    channel: Option<u16>,
    /// What its records count as until they prove to be RTP.
    pub kind: Kind,
    /// Clock at its last packet.
    last: Timestamp,
    /// Its streams.
    pub media: MediaFlow,
}

/// What was unwrapped.
#[derive(Debug, Clone, Copy)]
pub struct Unwrapped<'a> {
    /// The payload as it goes to the peer.
    pub payload: &'a [u8],
    /// Bytes of it that snaplen took.
    pub cut: u32,
    peer: Option<SocketAddr>,
    channel: Option<u16>,
}

impl TurnFlow {
    /// Learns from a message, and gives what it wraps.
    pub fn message<'a>(&mut self, packet: &Packet<'a>, message: &Message<'a>, ledger: &mut Ledger) -> Option<Unwrapped<'a>> {
        let (src, dst) = packet.flow.from_to(packet.dir);
        let wraps = match (message.class, message.method) {
            (Class::Request, method::CHANNEL_BIND) => {
                self.bind(message.channel(), message.peer(), ledger);
                self.server = Some(dst);
                false
            }
            (Class::Request, method::ALLOCATE | method::CREATE_PERMISSION) => {
                self.server = Some(dst);
                false
            }
            (Class::Success, method::ALLOCATE) => {
                (self.server, self.relayed) = (Some(src), message.relayed().or(self.relayed));
                false
            }
            (Class::Request, method::SEND) if message.microsoft => {
                (self.server, self.active) = (Some(dst), message.peer());
                false
            }
            (Class::Request, method::REFRESH) if message.microsoft => {
                self.server = Some(dst);
                true
            }
            (Class::Indication, method::SEND) => {
                self.server = Some(dst);
                true
            }
            (Class::Indication, method::DATA | method::MICROSOFT_DATA) => {
                self.server = Some(src);
                true
            }
            (_, method::ALLOCATE..=method::CHANNEL_BIND) => false,
            _ => return None,
        };
        self.known = true;
        let payload = message.data().filter(|_| wraps)?;
        Some(Unwrapped { payload, cut: 0, peer: message.peer(), channel: None })
    }

    fn bind(&mut self, channel: Option<u16>, peer: Option<SocketAddr>, ledger: &mut Ledger) {
        let Some((channel, peer)) = channel.zip(peer) else { return };
        self.channels.retain(|(bound, _)| *bound != channel);
        if self.channels.len() >= MOST_CHANNELS {
            self.channels.remove(0);
            ledger.evicted += 1;
        }
        self.channels.push((channel, peer));
        if let Some(inside) = self.inside.iter_mut().find(|inside| inside.channel == Some(channel) && inside.peer.is_none()) {
            inside.peer = Some(peer);
        }
    }

    /// Unwraps channel data. Of a flow that carried no TURN only what holds RTP or RTCP by its looks: the four octets in front say little.
    pub fn channel_data<'a>(&self, packet: &Packet<'a>) -> Option<Unwrapped<'a>> {
        let found = stun::channel_data(packet.payload, packet.cut)?;
        let media = matches!(found.data, [0x80..=0xbf, _, ..]) && found.data.len() >= 12;
        let peer = self.channels.iter().find(|(channel, _)| *channel == found.channel).map(|(_, peer)| *peer);
        let unwrapped = Unwrapped { payload: found.data, cut: found.cut, peer, channel: Some(found.channel) };
        (self.known || media).then_some(unwrapped)
    }

    /// The state of what goes to the peer that `unwrapped` goes to or came from, with how it is relayed; whatever had to make room for
    /// it goes to `gone`.
    pub fn inside(&mut self, packet: &Packet<'_>, unwrapped: &Unwrapped<'_>, gone: &mut Vec<Box<Stream>>) -> Option<(Relay, &mut Inside)> {
        let is = |inside: &Inside| match (unwrapped.peer, inside.peer) {
            (Some(peer), Some(known)) => peer == known,
            _ => inside.channel == unwrapped.channel,
        };
        let found = self.inside.iter().position(is);
        let at = match found {
            Some(at) => at,
            None => {
                self.make_room(packet.flow, gone);
                let kind = if self.known { Kind::Stun } else { Kind::Udp };
                let (peer, channel, last) = (unwrapped.peer, unwrapped.channel, packet.clock);
                self.inside.push(Inside { peer, channel, kind, last, media: MediaFlow::default() });
                self.inside.len() - 1
            }
        };
        let (server, relayed) = (self.server_of(packet.flow), self.relayed);
        let inside = self.inside.get_mut(at)?;
        inside.channel = unwrapped.channel.or(inside.channel);
        inside.last = packet.clock;
        Some((Relay { server, peer: inside.peer, channel: inside.channel, relayed }, inside))
    }

    fn make_room(&mut self, flow: FlowKey, gone: &mut Vec<Box<Stream>>) {
        if self.inside.len() < MOST_PEERS {
            return;
        }
        let oldest = self.inside.iter().enumerate().min_by_key(|(_, inside)| inside.last).map_or(0, |(at, _)| at);
        let server = self.server_of(flow);
        let relayed = self.relayed;
        self.inside.remove(oldest).take(flow, (server, relayed), |_| true, gone);
    }

    fn server_of(&self, flow: FlowKey) -> Option<SocketAddr> {
        let (a, b) = flow.endpoints();
        self.server.or_else(|| [a, b].into_iter().find(|end| RELAY_PORTS.contains(&end.port())))
    }

    /// Takes out the streams that `ends` names.
    pub fn take(&mut self, flow: FlowKey, mut ends: impl FnMut(&Stream) -> bool, out: &mut Vec<Box<Stream>>) {
        let (server, relayed) = (self.server_of(flow), self.relayed);
        for inside in &mut self.inside {
            inside.take(flow, (server, relayed), &mut ends, out);
        }
    }

    /// Says of streams that came unwrapped where the relay sends them.
    pub fn mark(&self, flow: FlowKey, streams: &mut [Box<Stream>]) {
        let Some(peer) = self.active else { return };
        let relay = Relay { server: self.server_of(flow), peer: Some(peer), channel: None, relayed: self.relayed };
        streams.iter_mut().filter(|stream| stream.relay.is_none()).for_each(|stream| stream.relay = Some(Box::new(relay.clone())));
    }

    /// The flow carried TURN, or what looks like it.
    pub fn is_used(&self) -> bool {
        self.known || !self.inside.is_empty()
    }

    /// The flow carried a message of TURN.
    pub fn is_known(&self) -> bool {
        self.known
    }

    /// No streams are left to hand out.
    pub fn is_silent(&self) -> bool {
        self.inside.iter().all(|inside| inside.media.is_empty())
    }

    /// Addresses that signalling may name for what is relayed.
    pub fn endpoints(&self) -> impl Iterator<Item = SocketAddr> {
        self.relayed.into_iter().chain(self.active).chain(self.inside.iter().filter_map(|inside| inside.peer))
    }
}

impl Inside {
    fn take(
        &mut self,
        flow: FlowKey,
        (server, relayed): (Option<SocketAddr>, Option<SocketAddr>),
        ends: impl FnMut(&Stream) -> bool,
        out: &mut Vec<Box<Stream>>,
    ) {
        let before = out.len();
        self.media.take(flow, ends, out);
        let relay = Relay { server, peer: self.peer, channel: self.channel, relayed };
        for stream in out.iter_mut().skip(before) {
            stream.relay = Some(Box::new(relay.clone()));
            stream.counted_before = self.kind;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::Dir;
    use crate::flow::support::packet;

    /// The first attribute of every message of [MS-TURN].
    const COOKIE: [u8; 8] = [0, 0x0f, 0, 4, 0x72, 0xc6, 0x4b, 0xc6];

    fn message(kind: u16, cookie: u32, attributes: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &(attributes.len() as u16).to_be_bytes(), &cookie.to_be_bytes(), &[0; 12], attributes].concat()
    }

    /// Gives a payload that goes `dir` to `turn`, and what is unwrapped of it with the relay.
    fn give(turn: &mut TurnFlow, dir: Dir, bytes: &[u8]) -> Option<(Vec<u8>, Relay)> {
        packet(0).give(|packet, _| {
            let packet = Packet { dir, payload: bytes, ..*packet };
            let unwrapped = match Message::read(bytes).filter(|_| stun::probe(bytes)) {
                Some(message) => turn.message(&packet, &message, &mut Ledger::default()),
                None => turn.channel_data(&packet),
            }?;
            let (relay, _) = turn.inside(&packet, &unwrapped, &mut Vec::new())?;
            Some((unwrapped.payload.to_vec(), relay))
        })
    }

    #[test]
    fn microsofts_data_messages_are_unwrapped_both_ways() {
        let mut turn = TurnFlow::default();
        let sent = [&COOKIE[..], &[0, 0x11, 0, 8, 0, 1, 0x0f, 0xa0, 192, 0, 2, 1, 0, 0x13, 0, 2, 0x80, 8, 0, 0]].concat();
        let (payload, relay) = give(&mut turn, Dir::Up, &message(0x0004, 0, &sent)).unwrap();
        assert_eq!(
            (payload.as_slice(), relay.peer, relay.server),
            (&[0x80, 8][..], "192.0.2.1:4000".parse().ok(), "192.0.2.2:5000".parse().ok())
        );
        let came = [&COOKIE[..], &[0, 0x12, 0, 8, 0, 1, 0x0f, 0xa0, 192, 0, 2, 1, 0, 0x13, 0, 2, 0x80, 8, 0, 0]].concat();
        assert_eq!(give(&mut turn, Dir::Down, &message(0x0115, 0, &came)).unwrap().1, relay);
        assert_eq!(turn.inside.len(), 1);
    }

    #[test]
    fn streams_that_come_unwrapped_are_those_of_the_active_destination() {
        let mut turn = TurnFlow::default();
        let active = [&COOKIE[..], &[0, 0x11, 0, 8, 0, 1, 0x0f, 0xa0, 192, 0, 2, 1]].concat();
        assert_eq!(give(&mut turn, Dir::Up, &message(0x0006, 0, &active)), None);
        let flow = crate::flow::support::flow();
        let arrival = packet(1).arrival();
        let mut streams = [Box::new(Stream::new(flow, Dir::Up, crate::proto::rtp::Ssrc(7), &arrival, 0))];
        turn.mark(flow, &mut streams);
        assert_eq!(streams[0].relay.as_ref().and_then(|relay| relay.peer), "192.0.2.1:4000".parse().ok());
    }

    #[test]
    fn channel_that_is_bound_late_and_indications_lead_to_one_peer() {
        let (mut turn, cookie) = (TurnFlow::default(), 0x2112_a442);
        let peer = [0, 0x12, 0, 8, 0, 1, 0x2e, 0xb2, 0xe1, 0x12, 0xa6, 0x43]; // 192.0.2.1:4000
        let data = [0x40, 1, 0, 12, 0x80, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
        assert_eq!(give(&mut turn, Dir::Up, &data).unwrap().1.peer, None);
        assert_eq!(give(&mut turn, Dir::Up, &message(0x0009, cookie, &[&[0, 0x0c, 0, 4, 0x40, 1, 0, 0][..], &peer].concat())), None);
        assert_eq!(give(&mut turn, Dir::Up, &data).unwrap().1.peer, "192.0.2.1:4000".parse().ok());
        let indication = message(0x0017, cookie, &[&peer[..], &[0, 0x13, 0, 1, 0x80, 0, 0, 0]].concat());
        assert_eq!(give(&mut turn, Dir::Down, &indication).unwrap().1.channel, Some(0x4001));
        assert_eq!(turn.inside.len(), 1);
        assert_eq!(give(&mut TurnFlow::default(), Dir::Up, &[0x40, 1, 0, 1, 22, 0, 0, 0]), None, "nothing says that it is TURN");
    }

    #[test]
    fn peers_and_channels_have_caps() {
        let (mut turn, mut ledger) = (TurnFlow::default(), Ledger::default());
        for n in 0..200u16 {
            turn.bind(Some(0x4000 + n), Some(SocketAddr::new([192, 0, 2, 1].into(), n)), &mut ledger);
            let [high, low] = (0x4000 + n).to_be_bytes();
            give(&mut turn, Dir::Up, &[high, low, 0, 12, 0x80, 8, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1]);
        }
        assert_eq!((turn.channels.len(), turn.inside.len(), ledger.evicted), (MOST_CHANNELS, MOST_PEERS, 200 - MOST_CHANNELS as u64));
    }
}
