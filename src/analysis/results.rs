//! What is left of calls after they were judged: rendered entries in spools, groups of findings, tallies, totals.

use super::group::Groups;
use super::judge::{Judged, Tally};
use crate::record::Seq;
use crate::report::{CheckEntry, spool::Spool};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::io;

/// Reasons kept of one rule's *not checked*; further ones are in the count.
const MOST_REASONS: usize = 10;

/// Results of a run.
#[derive(Debug, Serialize, Deserialize)]
pub struct Results {
    spools: Spools,
    /// Groups of findings.
    pub groups: Groups,
    checks: BTreeMap<String, CheckEntry>,
    /// Entries of `calls[]`.
    pub calls: u64,
    /// Legs in them.
    pub legs: u64,
    /// Entries of `streams[]`.
    pub streams: u64,
    /// Those that continue no other.
    pub media_streams: u64,
}

/// Spools that can be saved: as their entries.
#[derive(Debug, Default)]
struct Spools(std::cell::RefCell<Vec<Spool>>);

impl Results {
    /// No results yet, of a format with so many sections.
    pub fn new(sections: usize) -> Self {
        let spools = (0..sections).map(|_| Spool::default()).collect();
        Self {
            spools: Spools(std::cell::RefCell::new(spools)),
            groups: Groups::default(),
            checks: BTreeMap::new(),
            calls: 0,
            legs: 0,
            streams: 0,
            media_streams: 0,
        }
    }

    /// Adds a judged call. Fails when the spool cannot be written.
    pub fn add(&mut self, judged: Judged) -> io::Result<()> {
        for (section, first, bytes) in judged.rendered.0 {
            if let Some(spool) = self.spools.0.get_mut().get_mut(section) {
                spool.push(first, &bytes)?;
            }
        }
        self.groups.add(&judged.report.findings);
        for (rule, tally) in &judged.tallies {
            add_tally(self.checks.entry((*rule).to_owned()).or_default(), tally);
        }
        if let Some(call) = &judged.report.call {
            self.calls += 1;
            self.legs += call.legs.len() as u64;
        }
        self.streams += judged.report.streams.len() as u64;
        self.media_streams += judged.report.streams.iter().filter(|(_, stream)| stream.continues.is_none()).count() as u64;
        Ok(())
    }

    /// Outcomes by rule.
    pub fn checks(&self) -> &BTreeMap<String, CheckEntry> {
        &self.checks
    }

    /// The rendered entries by section.
    pub fn into_sections(self) -> Vec<Spool> {
        self.spools.0.into_inner()
    }
}

fn add_tally(check: &mut CheckEntry, tally: &Tally) {
    check.violated += tally.violated;
    check.clean += tally.clean;
    for (reason, n) in &tally.not_checked {
        check.not_checked += n;
        if !check.reasons.contains(reason) && check.reasons.len() < MOST_REASONS {
            check.reasons.push(reason.clone());
        }
    }
}

impl Serialize for Spools {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut spools = self.0.borrow_mut();
        let entries: io::Result<Vec<_>> = spools.iter_mut().map(Spool::entries).collect();
        entries.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Spools {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let saved = Vec::<Vec<(Seq, Vec<u8>)>>::deserialize(deserializer)?;
        let mut spools = Vec::with_capacity(saved.len());
        for entries in saved {
            let mut spool = Spool::default();
            for (first, bytes) in entries {
                spool.push(first, &bytes).map_err(serde::de::Error::custom)?;
            }
            spools.push(spool);
        }
        Ok(Self(std::cell::RefCell::new(spools)))
    }
}
