//! Findings and outcomes of one call or connection, as they are gathered: weighed as the site says, without what it has accepted.

use super::hidden::Said;
use crate::call::Call;
use crate::config::{Config, Subject, Waived};
use crate::finding::{Finding, Outcome, Violation};
use crate::hash;
use crate::rules::Rule;
use crate::topology::Topology;
use std::collections::BTreeMap;

/// A rule's outcomes on the subjects of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Subjects that violate it.
    pub violated: u64,
    /// Subjects that do not.
    pub clean: u64,
    /// Subjects that could not be judged, by reason.
    pub not_checked: BTreeMap<String, u64>,
}

/// Findings and outcomes, as they are gathered.
pub(super) struct Gathered<'a> {
    pub findings: Vec<Finding>,
    pub tallies: BTreeMap<&'static str, Tally>,
    pub config: &'a Config,
    pub topology: &'a Topology,
    /// Callers and callees of the call, where a waiver may ask for them.
    pub numbers: Vec<String>,
    pub waived: Waived,
}

/// A violation as a finding, whose id is of its content.
pub(super) fn finding(rule: &str, violation: Violation, call: Option<String>, filter: String) -> Finding {
    let digits = hash::hex(&[violation.subject.as_bytes(), violation.value.as_bytes()], 8);
    Finding { id: format!("{rule}-{digits}"), rule: rule.to_owned(), violation, call, filter }
}

impl Gathered<'_> {
    pub fn take(&mut self, said: Vec<Said>, call: Option<&Call>, filter: impl Fn() -> String) {
        for (rule, outcome) in said {
            self.tally(rule, &outcome);
            self.violations(rule, outcome, call, &filter);
        }
    }

    pub fn tally(&mut self, rule: &'static Rule, outcome: &Outcome) {
        let tally = match outcome {
            Outcome::NotApplicable => return,
            _ => self.tallies.entry(rule.id).or_default(),
        };
        match outcome {
            Outcome::Violated(_) => tally.violated += 1,
            Outcome::Clean => tally.clean += 1,
            Outcome::NotChecked(why) => *tally.not_checked.entry(why.clone()).or_default() += 1,
            Outcome::NotApplicable => {}
        }
    }

    pub fn violations(&mut self, rule: &'static Rule, outcome: Outcome, call: Option<&Call>, filter: impl Fn() -> String) {
        let Outcome::Violated(violations) = outcome else { return };
        for violation in violations {
            let severity = self.config.severity(rule).unwrap_or(violation.severity);
            let violation = Violation { severity, ..violation };
            let subject = Subject { topology: self.topology, numbers: &self.numbers };
            match self.config.waived(rule, &violation, &subject) {
                Some((waiver, false)) => self.waived.note(waiver),
                expired => {
                    expired.into_iter().for_each(|(waiver, _)| self.waived.note_expired(waiver));
                    self.findings.push(finding(rule.id, violation, call.map(|c| c.id.clone()), filter()));
                }
            }
        }
    }
}
