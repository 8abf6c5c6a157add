//! What a UDP flow carries beside RTP: RTCP, STUN, and TURN with what that wraps. Boxed in its flow, because most flows have none.

use super::rtcp::{RtcpFlow, RtcpReport};
use super::stun::{StunExchange, StunFlow};
use super::turn::{Inside, Relay, TurnFlow, Unwrapped};
use super::{MediaFlow, Stream};
use crate::decode::{FlowKey, Packet};
use crate::ledger::{Kind, Ledger};
use crate::proto::{
    rtcp,
    rtp::Header,
    stun::{self, Message},
};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// What is silent this long is told: an ended leg waits 40 s before it is judged.
const QUIET: Span = Span::secs(20);
/// What goes on is told this often, so that it is known before its media is given up.
const LONGEST: Span = Span::secs(60);

/// Beside RTP.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    rtcp: RtcpFlow,
    stun: StunFlow,
    turn: TurnFlow,
}

/// How a record counts, and whether it has been counted.
pub type Counted = (Kind, bool);

/// What is told at a sweep.
#[derive(Debug, Default)]
pub struct Told {
    /// Reports.
    pub reports: Vec<RtcpReport>,
    /// Exchanges.
    pub exchanges: Vec<StunExchange>,
}

impl Control {
    /// Takes in a packet that [`rtcp::probe_cut`] recognised; `media` is that of the flow.
    pub fn rtcp(&mut self, packet: &Packet<'_>, media: &mut MediaFlow, ledger: &mut Ledger) {
        let Some(compound) = rtcp::read_cut(packet.payload, packet.cut) else { return };
        media.rtcp_ssrc(packet.dir, compound.sender, ledger);
        self.rtcp.apply(packet, &compound, ledger);
    }

    /// Takes in a packet that [`stun::probe_cut`] recognised, and what it wraps. Streams that had to make room go to `gone`.
    pub fn stun(&mut self, packet: &Packet<'_>, ledger: &mut Ledger, gone: &mut Vec<Box<Stream>>) -> Counted {
        let Some(message) = Message::read(packet.payload) else { return (Kind::Stun, false) };
        self.stun.apply(packet, &message, None, ledger);
        match self.turn.message(packet, &message, ledger) {
            Some(unwrapped) => self.unwrapped(packet, &unwrapped, ledger, gone),
            None => (Kind::Stun, false),
        }
    }

    /// Whether a packet is channel data and holds RTP or RTCP by its looks.
    pub fn holds_media(packet: &Packet<'_>) -> bool {
        TurnFlow::default().channel_data(packet).is_some()
    }

    /// Takes in a packet if it is channel data.
    pub fn channel_data(&mut self, packet: &Packet<'_>, ledger: &mut Ledger, gone: &mut Vec<Box<Stream>>) -> Option<Counted> {
        let unwrapped = self.turn.channel_data(packet)?;
        Some(self.unwrapped(packet, &unwrapped, ledger, gone))
    }

    fn unwrapped(&mut self, outer: &Packet<'_>, unwrapped: &Unwrapped<'_>, ledger: &mut Ledger, gone: &mut Vec<Box<Stream>>) -> Counted {
        let packet = Packet { payload: unwrapped.payload, cut: unwrapped.cut, ..*outer };
        let Some((relay, inside)) = self.turn.inside(outer, unwrapped, gone) else { return (Kind::Stun, false) };
        let kind = inside.kind;
        match packet.payload.first() {
            Some(0x80..=0xbf) if rtcp::probe_cut(packet.payload, packet.cut) => {
                inside_ledger(inside, ledger, |inside, ledger| {
                    if let Some(compound) = rtcp::read_cut(packet.payload, packet.cut) {
                        inside.media.rtcp_ssrc(packet.dir, compound.sender, ledger);
                        self.rtcp.apply(&packet, &compound, ledger);
                    }
                });
                (Kind::Rtcp, false)
            }
            Some(0x80..=0xbf) => match Header::read_cut(packet.payload, packet.cut) {
                Some(header) => {
                    inside_ledger(inside, ledger, |inside, ledger| {
                        inside.media.rtp(&packet, &header, ledger);
                    });
                    (kind, true)
                }
                None => (kind, false),
            },
            Some(0..=3) if stun::probe_cut(packet.payload, packet.cut) => {
                self.checked(&packet, &relay, ledger);
                (Kind::Stun, false)
            }
            _ => (kind, false),
        }
    }

    /// A message within a relayed packet: a connectivity check between client and peer.
    fn checked(&mut self, packet: &Packet<'_>, relay: &Relay, ledger: &mut Ledger) {
        if let Some(message) = Message::read(packet.payload) {
            self.stun.apply(packet, &message, Some(relay), ledger);
        }
    }

    /// Takes out the relayed streams that `ends` names, and says of `streams`, those of the flow itself, how they were relayed.
    pub fn take(&mut self, flow: FlowKey, ends: impl FnMut(&Stream) -> bool, streams: &mut Vec<Box<Stream>>) {
        self.turn.mark(flow, streams);
        self.turn.take(flow, ends, streams);
    }

    /// Takes out what is to be told at `clock`, or everything.
    pub fn tell(&mut self, clock: Timestamp, all: bool, told: &mut Told) {
        let due = |since: Timestamp, until: Timestamp| all || clock - until >= QUIET || clock - since >= LONGEST;
        self.rtcp.take(|report| due(report.since, report.until), &mut told.reports);
        self.stun.take(|exchange| due(exchange.since, exchange.until), &mut told.exchanges);
    }

    /// No relayed streams are left to hand out.
    pub fn is_silent(&self) -> bool {
        self.turn.is_silent()
    }

    /// Nothing is lost when this is let go while its flow still is alive.
    pub fn is_spent(&self) -> bool {
        !self.turn.is_used() && self.stun.is_empty() && !self.rtcp.is_used()
    }

    /// The flow carried a message of TURN.
    pub fn is_relay(&self) -> bool {
        self.turn.is_known()
    }

    /// Addresses that signalling may name for what is relayed.
    pub fn endpoints(&self) -> impl Iterator<Item = SocketAddr> {
        self.turn.endpoints()
    }
}

/// Runs `apply` with a ledger of its own, in which what counts as `udp` counts as what wraps it.
fn inside_ledger(inside: &mut Inside, ledger: &mut Ledger, apply: impl FnOnce(&mut Inside, &mut Ledger)) {
    let mut own = Ledger::default();
    apply(inside, &mut own);
    ledger.add_as(&own, Kind::Udp, inside.kind);
}
