//! Outcomes of checks by rule, counted as they come.

use crate::report::CheckEntry;
use crate::rules::{Rule, RuleIdx};

/// Reasons kept of one rule's *not checked*; further ones are in the count.
const MOST_REASONS: usize = 10;

/// Outcomes by rule.
#[derive(Default)]
pub struct Tallies {
    /// By place of the rule; without its id where it said nothing yet.
    rules: Vec<(Option<&'static str>, CheckEntry)>,
    /// Reasons that the call at hand brought up, with the rule's place.
    new: Vec<(RuleIdx, String)>,
}

/// Takes in a reason why a rule was not checked, if it is a new one.
pub fn note_reason(check: &mut CheckEntry, reason: String) {
    if check.reasons.len() < MOST_REASONS && !check.reasons.contains(&reason) {
        check.reasons.push(reason);
    }
}

impl Tallies {
    #[inline]
    fn of(&mut self, idx: RuleIdx, rule: &'static Rule) -> Option<&mut CheckEntry> {
        let at = usize::from(idx);
        if self.rules.len() <= at {
            self.rules.resize_with(at + 1, Default::default);
        }
        let (id, check) = self.rules.get_mut(at)?;
        *id = Some(rule.id);
        Some(check)
    }

    /// A subject violates the rule.
    pub fn violated(&mut self, idx: RuleIdx, rule: &'static Rule) {
        self.of(idx, rule).into_iter().for_each(|check| check.violated += 1);
    }

    /// A subject keeps the rule.
    pub fn clean(&mut self, idx: RuleIdx, rule: &'static Rule) {
        self.of(idx, rule).into_iter().for_each(|check| check.clean += 1);
    }

    /// A subject could not be judged.
    pub fn not_checked(&mut self, idx: RuleIdx, rule: &'static Rule, reason: &str) {
        let Some(check) = self.of(idx, rule) else { return };
        check.not_checked += 1;
        if check.reasons.len() < MOST_REASONS && !check.reasons.iter().any(|known| known == reason) {
            self.new.push((idx, reason.to_owned()));
        }
    }

    /// The call at hand is judged: its reasons come in order of text, whichever of its subjects came first.
    pub fn settle(&mut self) {
        self.new.sort_unstable();
        for (idx, reason) in self.new.drain(..) {
            if let Some((_, check)) = self.rules.get_mut(usize::from(idx)) {
                note_reason(check, reason);
            }
        }
    }

    /// Outcomes of each rule that said something, in order of id.
    pub fn into_checks(self) -> impl Iterator<Item = (&'static str, CheckEntry)> {
        self.rules.into_iter().filter_map(|(id, check)| Some((id?, check)))
    }
}
