//! The taps of a TCP connection that agree on its sequence numbers. Usually all do, and the connection is read from the union of
//! what they saw. Where two sites use the same private addresses, or a firewall renumbers, they do not, and each is read apart.

use super::half::Half;
use super::keylog::KeyLog;
use super::tls::{Dropped, Kept, Session};
use crate::decode::{Dir, TapId, TcpHeader};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Most taps remembered of a lane; a further one is fitted in again at every segment.
const MOST_TAPS: usize = 16;
/// Most lanes of a connection; taps that fit into none of them go with the last.
const MOST_LANES: usize = 8;

/// Both directions as some taps saw them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Lane {
    taps: SmallVec<[TapId; 4]>,
    /// Sequence numbers of the SYNs, by direction.
    starts: [Option<u32>; 2],
    /// Only once payload came.
    halves: [Option<Box<Half>>; 2],
    /// Only once a TLS record came.
    tls: Option<Box<Session>>,
}

/// The lanes of a connection.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Lanes(SmallVec<[Lane; 1]>);

impl Lanes {
    /// The lane of a segment with payload or SYN, seen at `tap`: the tap's own, else one that its numbers fit into, else a new one.
    pub fn of(&mut self, tap: TapId, dir: Dir, header: &TcpHeader) -> Option<&mut Lane> {
        let own = self.0.iter().position(|lane| lane.taps.contains(&tap));
        let idx = own.or_else(|| self.0.iter().position(|lane| lane.fits(dir, header))).unwrap_or_else(|| {
            if self.0.len() < MOST_LANES {
                self.0.push(Lane::default());
            }
            self.0.len() - 1
        });
        let lane = self.0.get_mut(idx)?;
        if own.is_none() && lane.taps.len() < MOST_TAPS {
            lane.taps.push(tap);
        }
        Some(lane)
    }

    /// A SYN with this number, seen at `tap`, begins another connection than those that the tap saw.
    pub fn is_other_start(&self, tap: TapId, dir: Dir, sequence: u32) -> bool {
        self.0.iter().any(|lane| lane.taps.contains(&tap) && lane.is_other_start(dir, sequence))
    }

    /// No lane begins with a SYN of this number, and none is joined in the middle.
    pub fn is_unknown_start(&self, dir: Dir, sequence: u32) -> bool {
        self.0.iter().all(|lane| lane.is_other_start(dir, sequence))
    }

    /// The halves of one direction.
    pub fn halves(&self, dir: Dir) -> impl Iterator<Item = &Half> {
        self.0.iter().filter_map(move |lane| lane.halves.get(dir.index())?.as_deref())
    }

    /// The halves of one direction, to change, each with the TLS connection of its lane.
    pub fn halves_mut(&mut self, dir: Dir) -> impl Iterator<Item = (&mut Half, &mut Option<Box<Session>>)> {
        self.0.iter_mut().filter_map(move |lane| Some((lane.halves.get_mut(dir.index())?.as_deref_mut()?, &mut lane.tls)))
    }

    /// TLS connections that keep records which the key log may open now.
    pub fn late_mut(&mut self, keys: &KeyLog, closed: bool) -> impl Iterator<Item = &mut Lane> {
        self.0.iter_mut().filter(move |lane| lane.tls.as_ref().is_some_and(|session| session.is_due(keys, closed)))
    }

    /// The TLS connections.
    pub fn sessions(&self) -> impl Iterator<Item = &Session> {
        self.0.iter().filter_map(|lane| lane.tls.as_deref())
    }

    /// The TLS connections, to change.
    pub fn sessions_mut(&mut self) -> impl Iterator<Item = &mut Session> {
        self.0.iter_mut().filter_map(|lane| lane.tls.as_deref_mut())
    }

    /// The TLS connection, of the first lane that has one.
    pub fn tls(&self) -> Option<&Session> {
        self.sessions().next()
    }
}

impl Lane {
    /// A SYN was seen.
    pub fn syn(&mut self, dir: Dir, sequence: u32) {
        if let Some(start) = self.starts.get_mut(dir.index()).filter(|start| start.is_none()) {
            *start = Some(sequence);
        }
    }

    /// One direction, made when its first payload comes, and the TLS connection of both.
    pub fn half(&mut self, dir: Dir) -> Option<(&mut Half, &mut Option<Box<Session>>)> {
        let start = self.starts.get(dir.index()).copied().flatten();
        let half = self.halves.get_mut(dir.index())?;
        let half = half.get_or_insert_with(|| {
            let mut half = Box::<Half>::default();
            start.into_iter().for_each(|sequence| half.ordered.syn(sequence));
            half
        });
        Some((half, &mut self.tls))
    }

    /// The numbers of a segment are those of this lane: of a SYN exactly, else not far off. The acknowledgment counts too.
    fn fits(&self, dir: Dir, header: &TcpHeader) -> bool {
        if header.syn() {
            let answers_other = header.ack_set() && self.is_other_start(dir.reverse(), header.ack.wrapping_sub(1));
            return !answers_other && !self.is_other_start(dir, header.seq);
        }
        let near = |dir, number| self.is_near(dir, number).unwrap_or(true);
        near(dir, header.seq) && (!header.ack_set() || near(dir.reverse(), header.ack))
    }

    /// What its TLS connection keeps until keys come, and what there was no room for.
    pub fn take_late(&mut self) -> Option<(Vec<Kept>, [Dropped; 2])> {
        let session = self.tls.as_mut()?;
        let (records, dropped) = session.late.take();
        session.retry(records.len());
        Some((records, dropped))
    }

    fn is_near(&self, dir: Dir, sequence: u32) -> Option<bool> {
        match self.halves.get(dir.index()).and_then(Option::as_ref) {
            Some(half) => half.ordered.is_near(sequence),
            None => self.starts.get(dir.index()).copied().flatten().map(|start| super::tcp::is_near(start, sequence)),
        }
    }

    fn is_other_start(&self, dir: Dir, sequence: u32) -> bool {
        match (self.starts.get(dir.index()).copied().flatten(), self.halves.get(dir.index()).and_then(Option::as_ref)) {
            (Some(start), _) => start != sequence,
            (None, Some(half)) => half.ordered.is_other_start(sequence),
            (None, None) => false,
        }
    }
}
