//! Runs of packets of one direction by tap and link addresses: the evidence that segments and asymmetry are judged from.

use super::Seen;
use crate::decode::{MacPair, Packet, TapId, TunnelsId};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Most runs kept for one direction; packets of further ones are counted in the last.
const MOST_RUNS: usize = 16;

/// A run longer than this without a packet is closed, so that a route change and its reverse stay two runs.
const RUN_BREAK_NS: i64 = 60_000_000_000;

/// Packets of one direction at one tap with one pair of link addresses and one TTL, through the same tunnels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// The tap.
    pub tap: TapId,
    /// Tunnels that they came through there.
    pub tunnels: TunnelsId,
    /// Link-layer addresses.
    pub macs: MacPair,
    /// Time to live.
    pub ttl: u8,
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// How many.
    pub packets: u64,
    /// Their payload bytes.
    pub bytes: u64,
}

/// The runs of one direction, in order of first packet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sightings(pub SmallVec<[Run; 1]>);

impl Sightings {
    /// Counts one packet.
    pub fn count(&mut self, packet: &Packet<'_>) {
        self.add(&Seen::of(packet), packet.payload.len() as u64);
    }

    /// Counts one packet seen as `seen` with `bytes` of payload.
    pub fn add(&mut self, seen: &Seen, bytes: u64) {
        let alike = |run: &Run| (run.tap, run.tunnels, run.macs, run.ttl) == (seen.tap, seen.tunnels, seen.macs, seen.ttl);
        let fits = |run: &Run| alike(run) && (seen.at - run.last).0 < RUN_BREAK_NS;
        let full = self.0.len() >= MOST_RUNS;
        let found = self.0.iter().rposition(fits);
        if found.is_none() && !full {
            let Seen { tap, tunnels, macs, ttl, at, .. } = *seen;
            self.0.push(Run { tap, tunnels, macs, ttl, first: at, last: at, packets: 0, bytes: 0 });
        }
        let last = self.0.len().saturating_sub(1);
        let Some(run) = self.0.get_mut(found.unwrap_or(last)) else { return };
        run.first = run.first.min(seen.at);
        run.last = run.last.max(seen.at);
        run.packets += 1;
        run.bytes += bytes;
    }

    /// Adds the runs of another flow between the same hosts.
    pub fn extend(&mut self, other: &Sightings) {
        self.0.extend(other.0.iter().copied());
    }

    /// All packets.
    pub fn packets(&self) -> u64 {
        self.0.iter().map(|run| run.packets).sum()
    }

    /// All payload bytes.
    pub fn bytes(&self) -> u64 {
        self.0.iter().map(|run| run.bytes).sum()
    }
}
