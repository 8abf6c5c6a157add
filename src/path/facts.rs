//! What is known of a flow beside where its packets were seen.

use crate::call::{self, Call, media};
use crate::flow::Connection;
use crate::proto::sdp::MediaDescription;
use crate::time::Span;
use smallvec::SmallVec;
use std::net::{IpAddr, SocketAddr};

/// Facts of the flows between two addresses, a and b. Way 0 is from a to b.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// Times that TCP handshakes took from end to end and back.
    pub round_trips: SmallVec<[Span; 1]>,
    /// Whether any TCP connection got beyond its SYN; nothing where there is none whose opening was seen.
    pub opened: Option<bool>,
    /// Packets of each way answer what came the other way, seen or not.
    pub answers: [bool; 2],
    /// What the inside end announced for its media, where that is not what it sends from.
    pub announced: Option<Announced>,
    /// What BGP says of where packets to a and to b come back, in the order of the receivers.
    pub routes: [Option<Route>; 2],
}

/// What BGP says of an address of yours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Announced on Microsoft peering.
    pub announced: call::Announced,
    /// And on a link to the Internet.
    pub on_internet: bool,
}

/// An address that SDP gives for media of a host that sends from another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// The way on which the host sends.
    pub way: usize,
    /// Where it wants to receive.
    pub at: SocketAddr,
}

impl Facts {
    /// Takes in a TCP connection; `from_a` says whether its first end is a.
    pub fn connection(&mut self, connection: &Connection, from_a: bool) {
        let opening = &connection.opening;
        self.round_trips.extend(opening.round_trip());
        if opening.is_seen() {
            self.opened = Some(self.opened == Some(true) || opening.goes_on);
        }
        for (half, way) in connection.halves.iter().zip(if from_a { [0, 1] } else { [1, 0] }) {
            if let Some(answers) = self.answers.get_mut(way) {
                *answers |= half.acknowledges();
            }
        }
        let opener = usize::from((connection.opener.index() == 0) != from_a);
        if let Some(answers) = self.answers.get_mut(opener) {
            *answers |= opening.goes_on && opening.is_seen();
        }
    }

    /// Receivers of both ways, that of way 1 first: the ends themselves where nothing else was announced.
    pub fn receivers(&self, [a, b]: [IpAddr; 2]) -> [IpAddr; 2] {
        match self.announced {
            Some(Announced { way: 0, at }) => [at.ip(), b],
            Some(Announced { at, .. }) => [a, at.ip()],
            None => [a, b],
        }
    }

    /// What BGP says of where packets to a receiver come back.
    pub fn route(&self, to: IpAddr) -> Option<Route> {
        self.routes.iter().flatten().find(|route| route.announced.net.contains(&to)).copied()
    }
}

/// Where `host`, which sends to `peers`, wants to receive, if no description of it names the address it sends from.
pub fn announced(call: &Call, host: IpAddr, peers: &[SocketAddr]) -> Option<SocketAddr> {
    for leg in &call.legs {
        let line = |message, line: usize| -> Option<&MediaDescription> {
            leg.described.iter().find(|described| described.message == message).and_then(|described| described.lines(leg).get(line))
        };
        for binding in media::bindings(leg) {
            let offered = (binding.a, line(binding.offer, binding.line), binding.b);
            let answered = (binding.b, binding.answer.and_then(|answer| line(answer, binding.line)), binding.a);
            for (own, line, peer) in [offered, answered] {
                let (Some(own), Some(line), Some(peer)) = (own, line, peer) else { continue };
                let names = media::endpoints(line).any(|end| end.ip() == host);
                if own.ip() != host && !names && peers.contains(&peer) {
                    return Some(own);
                }
            }
        }
    }
    None
}
