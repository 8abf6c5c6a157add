//! The engine: windows decoded in parallel, fragments joined in record order, state applied per shard, facts out in Seq order.
//!
//! Nothing here looks at threads, window sizes or wall time: a packet's shard comes from its flow, timers from the clock of the merged
//! order, and ticks from the count of records, so the facts are the same however the records were fed.
//!
//! # Why windows
//!
//! A window is walked by one thread while the window before it is decoded chunk by chunk and applied shard by shard by all. The other
//! shape, a reader that decodes and hands packets to workers that own shards, was not built, for what it leaves to one thread: a packet's
//! shard is known only when it is decoded. Of the instructions of a plain RTP packet 16 % go to the walk, 43 % to reading it and putting
//! it in order of shard and 41 % to its state (callgrind, *big*), so with a reader cores could gain a factor of 1.7, however many they
//! are; with windows the walk alone is serial. In *siponly* and *wide* reading is less and what follows the shards more – call shards,
//! judges, rendering – which windows spread as well. The price is two waits of all threads for each other in a window: 4 096 records make
//! them rare and still fit the cache nearest to the cores. Windows of 2 048 took a fifth to a half longer on two cores, of 8 192 and 16 384
//! records about a fifth (*big*; other machines were not measured).
//!
//! # What a plain RTP packet costs
//!
//! It is read at one go into one cache line (`read`), put in order of shard, and joins its run (`runs`): three lines that hold what the
//! next packet must be and what the packets so far add up to. A packet that is not as expected, one in twenty of *big*, goes to its flow.
//! What a block of sixteen will need is asked for before the first of them is applied (`apply`).

mod apply;
pub mod budget;
mod chunk;
mod elsewhere;
pub mod facts;
mod flows;
pub mod fragment;
mod join;
mod kept;
pub mod par;
mod read;
mod runs;
mod secrets;
pub mod shard;
pub mod taps;
mod tcp_table;
mod udp_flow;
mod window;

pub use budget::Budget;
pub use facts::Fact;
pub use flows::Wanted;
pub use shard::{SHARDS, Shard};
pub use taps::{Tap, Taps};
pub use window::{Decoded, Mask};

use crate::flow::keylog::KeyLog;
use crate::ledger::Ledger;
use crate::proto::rtp::Ssrc;
use crate::record::{Interface, Seq, secrets::Text};
use crate::time::{Span, Timestamp};
use fragment::Reassembler;
use secrets::Secrets;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;

/// Records between ticks.
pub const TICK: u64 = 65_536;
/// Clock between sweeps: ticks at which idle flows are closed.
const SWEEP: Span = Span::secs(10);

/// All state below the call stage.
#[derive(Debug, Serialize, Deserialize)]
pub struct Engine {
    shards: Vec<Shard>,
    /// The table of taps.
    pub taps: Taps,
    reassembler: Reassembler,
    /// Records that reached no shard.
    ledger: Ledger,
    /// Seq of the next record.
    next: Seq,
    /// Clock at the last record.
    clock: Option<Timestamp>,
    last_sweep: Option<Timestamp>,
    /// Secrets of TLS connections; a saved state asks for them again.
    #[serde(skip)]
    secrets: Secrets,
}

impl Default for Engine {
    fn default() -> Self {
        Self {
            shards: (0..SHARDS).map(|_| Shard::default()).collect(),
            taps: Taps::default(),
            reassembler: Reassembler::default(),
            ledger: Ledger::default(),
            next: Seq(0),
            clock: None,
            last_sweep: None,
            secrets: Secrets::default(),
        }
    }
}

impl Engine {
    /// How many records the next window may hold, so that ticks fall between windows.
    pub fn room(&self) -> usize {
        (TICK - self.next.0 % TICK) as usize
    }

    /// Clock at the last record; the epoch before the first.
    pub fn clock(&self) -> Timestamp {
        self.clock.unwrap_or_default()
    }

    /// Seq of the next record.
    pub fn next(&self) -> Seq {
        self.next
    }

    /// Applies windows that follow each other, of at most [`Engine::room`] records together; facts come in Seq order.
    pub fn apply(&mut self, mut windows: Vec<Decoded>, interfaces: &[Interface]) -> Vec<(Seq, Fact)> {
        let facts = window::apply(self, &mut windows, interfaces);
        let (Some(first), Some(last)) = (windows.first().and_then(|w| w.window().heads.first()), windows.last()) else { return facts };
        let window = last.window();
        self.last_sweep.get_or_insert(first.clock);
        self.next = Seq(window.first.0 + window.heads.len() as u64);
        if let Some(head) = window.heads.last() {
            self.clock = Some(head.clock);
        }
        facts
    }

    /// A tick is due: the last window ended on a multiple of [`TICK`].
    pub fn is_at_tick(&self) -> bool {
        self.next.0 > 0 && self.next.0.is_multiple_of(TICK)
    }

    /// Ticks all shards.
    pub fn tick(&mut self) -> Vec<(Seq, Fact)> {
        let (seq, clock) = (self.next, self.clock());
        let mut facts = window::expire(self, clock, false);
        let ticked = par::par_map_mut(&mut self.shards, |_, shard| {
            let mut out = Vec::new();
            shard.tick(seq, clock, &mut out);
            out
        });
        facts.extend(ticked.into_iter().flatten());
        in_order(facts)
    }

    /// A sweep is due at this tick. Asking notes that it is done.
    pub fn is_sweep_due(&mut self) -> bool {
        let clock = self.clock();
        let due = self.last_sweep.is_some_and(|last| clock - last >= SWEEP);
        if due {
            self.last_sweep = Some(clock);
        }
        due
    }

    /// Sweeps all shards; gives facts in order, and the watched endpoints that have streams.
    pub fn sweep(&mut self, wanted: &Wanted) -> (Vec<(Seq, Fact)>, BTreeSet<SocketAddr>) {
        let (seq, clock) = (self.next, self.clock());
        let mut facts = if wanted.all { window::expire(self, clock, true) } else { Vec::new() };
        let swept = par::par_map_mut(&mut self.shards, |_, shard| {
            let mut out = Vec::new();
            let alive = shard.sweep(seq, clock, wanted, &mut out);
            (out, alive)
        });
        let mut alive = BTreeSet::new();
        for (out, endpoints) in swept {
            facts.extend(out);
            alive.extend(endpoints);
        }
        (in_order(facts), alive)
    }

    /// Takes out streams of these sources that began before the place given and fell silent; gives them in order.
    pub fn take_sources(&mut self, sources: &HashMap<Ssrc, Seq>) -> Vec<(Seq, Fact)> {
        let (seq, clock) = (self.next, self.clock());
        let taken = par::par_map_mut(&mut self.shards, |_, shard| {
            let mut out = Vec::new();
            shard.take_sources(seq, clock, sources, &mut out);
            out
        });
        in_order(taken.into_iter().flatten().collect())
    }

    /// Lets TLS connections be read with `log`, and with what `find` finds in an input when its first handshake comes.
    pub fn know(&mut self, log: KeyLog, find: impl FnMut(u32) -> Vec<Text> + Send + Sync + 'static) {
        self.secrets = Secrets::new(log, Box::new(find));
        self.shards.iter_mut().for_each(|shard| shard.know(self.secrets.log()));
    }

    /// Sets what the tables may hold, from here on.
    pub fn limit(&mut self, budget: Budget) {
        self.shards.iter_mut().for_each(|shard| shard.budget = budget);
    }

    /// Takes in what packets added up to aside of their flows: to be called before the state is saved.
    pub fn settle(&mut self) {
        self.shards.iter_mut().for_each(Shard::settle);
    }

    /// Takes in key logs beside records.
    pub fn learn(&mut self, texts: &[Text]) {
        window::learn(self, texts, std::iter::empty());
    }

    /// Secrets of TLS connections that are known.
    pub fn keys(&self) -> &KeyLog {
        self.secrets.log()
    }

    /// Fragments so far that overlapped others of their datagram in part.
    pub fn overlaps(&self) -> u64 {
        self.reassembler.overlaps()
    }

    /// The ledger of all that was applied so far.
    pub fn ledger(&self) -> Ledger {
        let mut sum = self.ledger.clone();
        self.shards.iter().for_each(|shard| sum.add(&shard.ledger));
        sum
    }
}

/// Sorts facts by Seq; those of one Seq by their own first record, so that the number of shards and their order do not show.
fn in_order(mut facts: Vec<(Seq, Fact)>) -> Vec<(Seq, Fact)> {
    facts.sort_by_key(|(seq, fact)| (*seq, fact.order()));
    facts
}

#[cfg(test)]
mod tests;
