//! What is left of calls after they were judged: rendered entries in spools, groups of findings, tallies, totals.

use super::group::Groups;
use super::judge::Judged;
use super::tally::note_reason;
use crate::config::Waived;
use crate::path::{Routes, Traffic};
use crate::record::Seq;
use crate::report::{
    CheckEntry, Format,
    spool::{Part, Spool},
};
use crate::trunk::Trunks;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use std::io;

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
    /// TLS connections with Microsoft that nobody could read, by reason.
    pub unread: BTreeMap<String, u64>,
    /// What calls and connections showed of the SBCs.
    pub trunks: Trunks,
    /// What went over each segment.
    pub traffic: Traffic,
    /// What all flows together show of the ways to Microsoft.
    pub routes: Routes,
    /// Findings that waivers cover.
    pub waived: Waived,
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
            unread: BTreeMap::new(),
            trunks: Trunks::default(),
            traffic: Traffic::default(),
            routes: Routes::default(),
            waived: Waived::default(),
        }
    }

    /// Sets how many rendered bytes a section keeps in memory.
    pub fn limit(&mut self, bytes: usize) {
        self.spools.0.get_mut().iter_mut().for_each(|spool| spool.most = bytes);
    }

    /// Adds judged calls. Fails when the spool cannot be written.
    pub fn add(&mut self, judged: Judged) -> io::Result<()> {
        for (spool, part) in self.spools.0.get_mut().iter_mut().zip(judged.rendered.0) {
            spool.append(part)?;
        }
        judged.findings.iter().for_each(|findings| self.groups.add(findings));
        for (rule, check) in judged.tallies.into_checks() {
            add_check(self.checks.entry(rule.to_owned()).or_default(), check);
        }
        self.calls += judged.calls;
        self.legs += judged.legs;
        self.streams += judged.streams;
        self.media_streams += judged.media_streams;
        self.trunks.merge(judged.trunks);
        self.traffic.merge(&judged.traffic);
        self.routes.merge(judged.routes);
        self.waived.add(&judged.waived);
        for (reason, n) in judged.unread {
            *self.unread.entry(reason).or_default() += n;
        }
        Ok(())
    }

    /// Writes what the format does not keep for the end.
    pub fn go_on(&mut self, format: &dyn Format, out: &mut dyn io::Write) -> io::Result<()> {
        format.go_on(self.spools.0.get_mut(), out)
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

/// Adds what other calls made of a rule: the reasons that came first stay first.
fn add_check(check: &mut CheckEntry, other: CheckEntry) {
    check.violated += other.violated;
    check.clean += other.clean;
    check.not_checked += other.not_checked;
    other.reasons.into_iter().for_each(|reason| note_reason(check, reason));
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
            let (mut spool, mut part) = (Spool::default(), Part::default());
            entries.iter().for_each(|(first, bytes)| part.entry(*first, |text| text.extend_from_slice(bytes)));
            spool.append(part).map_err(serde::de::Error::custom)?;
            spools.push(spool);
        }
        Ok(Self(std::cell::RefCell::new(spools)))
    }
}
