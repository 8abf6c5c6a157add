//! Findings and outcomes of one call or connection, as they are gathered: weighed as the site says, without what it has accepted.

use super::hidden::Outcomes;
use super::tally::Tallies;
use crate::call::Call;
use crate::config::{Config, Subject, Waived};
use crate::finding::{Finding, Outcome, Violation};
use crate::hash;
use crate::rules::{Book, Rule, RuleIdx};
use crate::topology::Topology;

/// Findings and outcomes, as they are gathered.
pub(super) struct Gathered<'a> {
    pub findings: Vec<Finding>,
    pub tallies: &'a mut Tallies,
    pub book: &'a Book,
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
    pub fn take(&mut self, outcomes: &mut Outcomes, call: Option<&Call>, filter: impl Fn() -> String) {
        for idx in std::mem::take(&mut outcomes.clean).iter() {
            if let Some(rule) = self.book.rules.get(usize::from(idx)) {
                self.tallies.clean(idx, rule);
            }
        }
        for (idx, rule, outcome) in outcomes.said.drain(..) {
            self.outcome(idx, rule, outcome, call, &filter);
        }
    }

    pub fn outcome(&mut self, idx: RuleIdx, rule: &'static Rule, outcome: Outcome, call: Option<&Call>, filter: impl Fn() -> String) {
        match outcome {
            Outcome::NotApplicable => {}
            Outcome::Clean => self.tallies.clean(idx, rule),
            Outcome::NotChecked(why) => self.tallies.not_checked(idx, rule, &why),
            Outcome::Violated(violations) => {
                self.tallies.violated(idx, rule);
                self.violations(rule, violations, call, filter);
            }
        }
    }

    fn violations(&mut self, rule: &'static Rule, violations: Vec<Violation>, call: Option<&Call>, filter: impl Fn() -> String) {
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
