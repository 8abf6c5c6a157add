//! A UDP flow: its streams, its signalling, its control traffic, and what a sweep asks of it.

use super::facts::Fact;
use super::flows::Wanted;
use super::runs::RunId;
use crate::decode::{FlowKey, Packet};
use crate::flow::{Connection, Control, Exported, MediaFlow, Stream, control::Told};
use crate::record::Seq;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::net::SocketAddr;

/// The state of a UDP flow.
#[derive(Debug, Serialize, Deserialize)]
pub struct UdpFlow {
    /// Its streams.
    pub media: MediaFlow,
    /// Its SIP, if it carries some.
    pub signalling: Option<Box<Connection>>,
    /// Its RTCP, STUN and TURN, if it carries some.
    pub control: Option<Box<Control>>,
    /// Its exported PDUs, if it has some.
    pub exported: Option<Box<Exported>>,
    /// Its signalling changed since it was last told.
    pub changed: bool,
    /// Its runs ([`super::runs`]); taken in before anything is asked of it.
    #[serde(skip)]
    pub runs: SmallVec<[RunId; 2]>,
    /// Seq of its last packet.
    pub last_seq: Seq,
    /// Clock at its last packet.
    pub last_clock: Timestamp,
}

impl UdpFlow {
    /// Of a flow whose first packet is this.
    pub fn open(packet: &Packet<'_>) -> Self {
        Self {
            media: MediaFlow::default(),
            signalling: None,
            control: None,
            exported: None,
            changed: false,
            runs: SmallVec::new(),
            last_seq: packet.seq,
            last_clock: packet.clock,
        }
    }

    /// Entries of the table that it stands for.
    pub fn entries(&self) -> usize {
        self.media.streams().count().max(1)
    }

    /// A packet came.
    pub fn touch(&mut self, packet: &Packet<'_>) {
        self.last_seq = packet.seq;
        self.last_clock = packet.clock;
    }

    /// Tells all that is left of it.
    pub fn close(mut self, key: FlowKey, seq: Seq, clock: Timestamp, out: &mut Vec<(Seq, Fact)>) {
        let mut streams = Vec::new();
        self.media.take(key, |_| true, &mut streams);
        if let Some(control) = &mut self.control {
            control.take(key, |_| true, &mut streams);
        }
        out.extend(streams.into_iter().map(|stream| (seq, Fact::Stream(stream))));
        self.tell((seq, clock), true, out);
        if let Some(connection) = self.signalling {
            let left = self.exported.into_iter().flat_map(|exported| exported.end(&connection, clock));
            out.extend(left.map(|message| (seq, Fact::Message(Box::new(message)))));
            out.push((seq, Fact::Connection { connection, closed: Some(clock) }));
        }
    }

    /// Tells what RTCP and STUN said, as far as it is due.
    fn tell(&mut self, (seq, clock): (Seq, Timestamp), all: bool, out: &mut Vec<(Seq, Fact)>) {
        let Some(control) = &mut self.control else { return };
        let mut told = Told::default();
        control.tell(clock, all, &mut told);
        out.extend(told.reports.into_iter().map(|report| (seq, Fact::Rtcp(Box::new(report)))));
        out.extend(told.exchanges.into_iter().map(|exchange| (seq, Fact::Stun(Box::new(exchange)))));
        if control.is_spent() {
            self.control = None;
        }
    }

    /// Hands out what is wanted and tells what changed; endpoints that are watched and have streams go to `alive`.
    pub fn sweep(
        &mut self,
        key: FlowKey,
        (seq, clock): (Seq, Timestamp),
        wanted: &Wanted,
        alive: &mut Vec<SocketAddr>,
        out: &mut Vec<(Seq, Fact)>,
    ) {
        if self.changed
            && let Some(connection) = &self.signalling
        {
            self.changed = false;
            out.push((seq, Fact::Connection { connection: connection.clone(), closed: None }));
        }
        let (a, b) = key.endpoints();
        let mut ends: SmallVec<[SocketAddr; 4]> = SmallVec::from_slice(&[a, b]);
        ends.extend(self.control.iter().flat_map(|control| control.endpoints()));
        let silent = self.media.is_empty() && self.control.as_ref().is_none_or(|control| control.is_silent());
        alive.extend(ends.iter().filter(|end| wanted.watched.contains(*end) && !silent));
        let until = ends.iter().filter_map(|end| wanted.taken.get(end)).max();
        if let Some(until) = until {
            let taken = |stream: &Stream| stream.first().is_some_and(|seen| seen.seq <= *until);
            let mut streams = Vec::new();
            self.media.take(key, taken, &mut streams);
            if let Some(control) = &mut self.control {
                control.take(key, taken, &mut streams);
            }
            out.extend(streams.into_iter().map(|stream| (seq, Fact::Stream(stream))));
        }
        self.tell((seq, clock), until.is_some(), out);
    }
}
