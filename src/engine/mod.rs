//! The engine: windows decoded in parallel, fragments joined in record order, state applied per shard, facts out in Seq order.
//!
//! Nothing here looks at threads, window sizes or wall time: a packet's shard comes from its flow, timers from the clock of the merged
//! order, and ticks from the count of records, so the facts are the same however the records were fed.
//!
//! # Why windows
//!
//! Four windows of 4 096 records are applied at a time, shard by shard, while the next four are walked by one thread and decoded, each
//! by whichever thread is free. A window holds nothing of the state and is handed on whole, so that only this crosses from one half to the
//! other, and threads wait for each other once in 16 384 records. The other shape, a reader that decodes and hands packets to workers that
//! own shards, was not built, for what it leaves to one thread: a packet's shard is known only when it is decoded. Of the time of *big* on
//! one core reading the file takes 26 %, the walk 5 %, decoding 13 % and the state of RTP 25 % (`perf`); the rest is SIP, calls and the
//! report. With a reader cores could gain a factor of little more than two, however many they are; with windows the walk alone is serial.
//!
//! What was measured, as time of a whole run of *big* on two cores, each with 2 MB of cache: steps of 16 384 records take 14 % less than
//! steps of 4 096, for a quarter of the waits, and for shards that have 64 packets of a window in place of 16, whose waits for memory
//! overlap. Steps of 8 192 and 32 768 took 7 % and 2 % longer than that, of 65 536 a tenth, of 2 048 a quarter. That decoding begins when the first
//! of four windows is walked, and not the last, saves 4 %. To walk a window while the one before is decoded and the one before that
//! applied cost a tenth, for then each thread fetches from the other's cache what it reads. To walk the mapped file in place of copying
//! it made no difference in the sum. Where more than one packet in eight is no plain RTP, steps have 4 096 records (`analysis::run`): what
//! comes of a window of SIP is larger than its records, and large steps cost *siponly* 15 %.
//!
//! # What a plain RTP packet costs
//!
//! It is read at one go into one cache line (`read`), put in order of shard, and joins its run (`runs`): three lines that hold what the
//! next packet must be and what the packets so far add up to. The first sixteen packets of a stream go to
//! its flow, and so does each that is not as expected. Every 64th is sampled: hashed while it is read, and held by its run until its flow is looked at. What a
//! block of sixteen will need is asked for before the first of them is applied (`apply`).

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
/// Facts that are worth to be sorted by several threads.
const MANY: usize = 8_192;
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
    match facts.len() {
        // What a fact is ordered by lies elsewhere: of a few it is looked at only where two have one Seq.
        ..MANY => facts.sort_by(|(a, one), (b, other)| a.cmp(b).then_with(|| one.order().cmp(&other.order()))),
        _ => par::sort_by_cached_key(&mut facts, |(seq, fact)| (*seq, fact.order())),
    }
    facts
}

#[cfg(test)]
mod tests;
