//! The analysis: drives records through engine and call stage, judges what ended, and gathers the results.

mod contact;
mod contradict;
mod control;
pub mod entries;
mod failure;
mod gathered;
pub mod group;
mod hidden;
pub mod judge;
mod keepalive;
mod ladder;
mod peering;
mod placed;
pub mod results;
pub mod run;
mod sound;
mod state;
mod summary;
mod survey;
mod tally;
mod taps;
mod tls;
mod unread;

use crate::call::{CallStage, ahead::STEPS, stage::Ended};
use crate::config::Config;
use crate::engine::{Budget, Decoded, Engine, Taps, par};
use crate::error::Error;
use crate::flow::{Connection, keylog::KeyLog};
use crate::path::{Memos, Network, scenario::Profile};
use crate::record::{Interface, secrets::Text};
use crate::report::{Format, Summary, spool::Spool};
use crate::rules::{Book, Rule};
use crate::time::Timestamp;
use crate::topology::Topology;
use judge::{Judge, Judged};
use results::Results;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use summary::InputFacts;

pub use summary::RunFacts;

/// Calls judged by one task.
const LOT: usize = 32;
/// Lots judged before what came of them is spooled.
const BATCH: usize = 64;

/// What does not change during a run.
#[derive(Clone, Copy)]
pub struct Settings<'a> {
    /// The user's network.
    pub topology: &'a Topology,
    /// Rules to run, in order of id.
    pub rules: &'a [&'static Rule],
    /// The format that entries are rendered in.
    pub format: &'a dyn Format,
    /// What the clients of the organisation are.
    pub profile: Profile,
    /// What the site has decided.
    pub config: &'a Config,
}

/// What the records' inputs say of themselves, as far as they are opened.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    /// Interfaces by number.
    pub interfaces: &'a [Interface],
    /// File names by input.
    pub files: &'a [String],
}

/// The state of a run. It can be saved after any window and loaded again.
#[derive(Serialize, Deserialize)]
pub struct Analysis {
    engine: Engine,
    calls: CallStage,
    results: Results,
}

impl Analysis {
    /// A run that begins, for a format with so many sections.
    pub fn new(format: &dyn Format) -> Self {
        Self { engine: Engine::default(), calls: CallStage::default(), results: Results::new(format.sections()) }
    }

    /// Sets what the run may hold, from here on. A state that is loaded has the usual limits until then.
    pub fn limit(&mut self, budget: Budget) {
        self.engine.limit(budget);
        self.calls.limit(budget);
        self.results.limit(budget.rendered);
    }

    /// Lets TLS connections be read with these secrets, and with what `find` finds in an input, by its number, when its first handshake
    /// comes. A state that is loaded knows none until then.
    pub fn know(&mut self, log: KeyLog, find: impl FnMut(u32) -> Vec<Text> + Send + Sync + 'static) {
        self.engine.know(log, find);
    }

    /// Takes in key logs that stood behind the last record.
    pub fn learn(&mut self, texts: &[Text]) {
        self.engine.learn(texts);
    }

    /// How many records the next window may hold.
    pub fn room(&self) -> usize {
        self.engine.room()
    }

    /// Records applied so far.
    pub fn records(&self) -> u64 {
        self.engine.next().0
    }

    /// Applies windows that follow each other.
    pub fn apply(&mut self, windows: Vec<Decoded>, source: Source<'_>, settings: Settings<'_>) -> io::Result<()> {
        self.calls.know(settings.topology);
        let facts = self.engine.apply(windows, source.interfaces);
        self.calls.apply(facts, settings.topology);
        if self.engine.is_at_tick() {
            let facts = self.engine.tick();
            self.calls.apply(facts, settings.topology);
            if self.engine.is_sweep_due() || self.calls.is_full() {
                self.sweep(source, settings, false)?;
            }
        }
        Ok(())
    }

    /// Writes what the format does not keep for the end of the run.
    pub fn go_on(&mut self, format: &dyn Format, out: &mut dyn io::Write) -> io::Result<()> {
        self.results.go_on(format, out)
    }

    /// Closes everything and gives the summary.
    pub fn finish(&mut self, source: Source<'_>, settings: Settings<'_>, run: &RunFacts<'_>) -> io::Result<Summary> {
        self.sweep(source, settings, true)?;
        let judge = judge_at((&self.engine.taps, &self.calls), source, settings, self.engine.clock());
        let judged = judge.run(&self.results.trunks, &self.results.routes);
        self.results.add(judged)?;
        let mut ledger = self.engine.ledger();
        ledger.add(&self.calls.ledger());
        let (taps, overlaps) = (&self.engine.taps, self.engine.overlaps());
        let facts = InputFacts {
            source,
            taps,
            peerings: self.calls.peerings(),
            ledger: &ledger,
            counts: &self.calls.counts(),
            overlaps,
            keys: self.engine.keys(),
            undecided: self.calls.undecided(),
            clock: self.engine.clock(),
        };
        Ok(summary::summary(&self.results, &facts, run, settings))
    }

    /// The rendered entries of a finished run, by section of its format.
    pub fn into_sections(self) -> Vec<Spool> {
        self.results.into_sections()
    }

    /// The state as bytes.
    pub fn save(&mut self) -> Result<Vec<u8>, Error> {
        self.engine.settle();
        let body = postcard::to_stdvec(self).map_err(|e| Error::State(e.to_string()))?;
        Ok(state::seal(&body))
    }

    /// A run that goes on where the saved one stopped. Fails with [`Error::State`] on bytes that are damaged or of another version.
    pub fn load(bytes: &[u8]) -> Result<Self, Error> {
        let body = state::open(bytes)?;
        postcard::from_bytes(body).map_err(|e| Error::State(format!("{e}; it was saved by another version, or is damaged")))
    }

    fn sweep(&mut self, source: Source<'_>, settings: Settings<'_>, all: bool) -> io::Result<()> {
        let clock = self.engine.clock();
        let mut due = self.calls.due(clock, all);
        let (facts, alive) = self.engine.sweep(&due.wanted(all));
        self.calls.apply(facts, settings.topology);
        let sources = if all { HashMap::new() } else { self.calls.sources(&due) };
        if !sources.is_empty() {
            let facts = self.engine.take_sources(&sources);
            self.calls.apply(facts, settings.topology);
        }
        if all {
            due = self.calls.due(clock, true); // messages that only the end of the capture completed may have opened legs
        }
        let ended = self.calls.close(due, &alive, (clock, all));
        self.judge(ended, (clock, all), source, settings)
    }

    fn judge(&mut self, ended: Vec<Ended>, (clock, all): (Timestamp, bool), source: Source<'_>, settings: Settings<'_>) -> io::Result<()> {
        let judge = judge_at((&self.engine.taps, &self.calls), source, settings, clock);
        let memos = Memos::default();
        let mut waiting = lots(ended).into_iter();
        loop {
            let batch: Vec<Vec<Ended>> = waiting.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                break;
            }
            let correlator = self.calls.correlator();
            let of_lot = |lot: Vec<Ended>| {
                let mut judged = Judged::default();
                let mut lot = lot.into_iter();
                memos.lend(|memo| {
                    while let Some(ended) = lot.next() {
                        lot.as_slice().iter().zip(1..=STEPS).for_each(|(next, ahead)| next.ask(ahead));
                        ended.call(correlator, clock).iter().for_each(|call| judge.call(call, memo, &mut judged));
                    }
                });
                judged.shrink();
                judged
            };
            par::par_map(batch, of_lot).into_iter().try_for_each(|judged| self.results.add(judged))?;
        }
        // Calls had to be made with them.
        let (connections, services) = (self.calls.retire(clock, all), self.calls.services());
        let judge = judge_at((&self.engine.taps, &self.calls), source, settings, clock);
        let of_lot = |lot: Vec<Arc<Connection>>| {
            let mut judged = Judged::default();
            memos.lend(|memo| lot.iter().for_each(|connection| judge.connection(connection, memo, &mut judged)));
            judged
        };
        par::par_map(lots(connections), of_lot).into_iter().try_for_each(|judged| self.results.add(judged))?;
        let of_lot = |lot: Vec<Connection>| {
            let mut judged = Judged::default();
            memos.lend(|memo| lot.iter().for_each(|connection| judge.service(connection, memo, &mut judged)));
            judged
        };
        par::par_map(lots(services), of_lot).into_iter().try_for_each(|judged| self.results.add(judged))
    }
}

fn judge_at<'a>((taps, calls): (&'a Taps, &'a CallStage), source: Source<'a>, settings: Settings<'a>, clock: Timestamp) -> Judge<'a> {
    let Source { interfaces, files } = source;
    let Settings { topology, rules, format, profile, config } = settings;
    let network = Network { topology, taps, interfaces, files, peerings: calls.peerings() };
    Judge { network, book: Book::new(rules), format, clock, profile, names: calls.names(), config }
}

/// Parts a list into lots that are judged by one task each.
fn lots<T>(list: Vec<T>) -> Vec<Vec<T>> {
    let mut list = list.into_iter();
    let lots = std::iter::from_fn(|| Some(list.by_ref().take(LOT).collect()).filter(|lot: &Vec<T>| !lot.is_empty()));
    lots.collect()
}
