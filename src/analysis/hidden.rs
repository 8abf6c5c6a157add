//! Which findings are only what another one leads to: a root cause hides its consequences, on the same message, and between a leg and
//! its messages (catalogue section 4). Which rule hides which is in the rules, [`Rule::hides`].

use crate::finding::Outcome;
use crate::rules::{Book, Rule, RuleIdx, RuleSet};

/// What a rule says of a subject, where it says more than that all is well.
pub type Said = (RuleIdx, &'static Rule, Outcome);

/// What rules say of one subject.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// Rules that are kept.
    pub clean: RuleSet,
    /// What the others say, in order of id.
    pub said: Vec<Said>,
}

impl Outcomes {
    /// Takes in what a rule says.
    #[inline]
    pub fn add(&mut self, idx: RuleIdx, rule: &'static Rule, outcome: Outcome) {
        match outcome {
            Outcome::NotApplicable => {}
            Outcome::Clean => self.clean.insert(idx),
            other => self.said.push((idx, rule, other)),
        }
    }
}

/// Rules that are hidden.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hidden(RuleSet);

impl Hidden {
    /// What these findings hide.
    pub fn by(outcomes: &Outcomes, book: &Book) -> Self {
        let mut hidden = Self::default();
        let broken = outcomes.said.iter().filter(|(.., outcome)| matches!(outcome, Outcome::Violated(_)));
        broken.for_each(|(idx, ..)| hidden.0.extend(&book.hides(*idx)));
        hidden
    }

    /// Hides what others hide as well.
    pub fn also(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// Leaves out what is hidden: of that nothing is counted, for it is not known apart from its cause.
    pub fn part(&self, outcomes: &mut Outcomes) {
        if !self.0.is_empty() {
            outcomes.clean.remove(&self.0);
            outcomes.said.retain(|(idx, ..)| !self.0.contains(*idx));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::RULES;
    use std::collections::BTreeMap;

    #[test]
    fn a_finding_hides_its_consequences_and_a_clean_rule_hides_nothing() {
        let book = Book::new(RULES);
        let says = |outcomes: &mut Outcomes, id: &str, outcome| {
            let idx = RULES.iter().position(|rule| rule.number() == id).unwrap();
            outcomes.add(idx as RuleIdx, RULES[idx], outcome);
        };
        let of = |outcomes: &Outcomes| {
            let clean = outcomes.clean.iter().map(|idx| RULES[usize::from(idx)].number());
            outcomes.said.iter().map(|(_, rule, _)| rule.number()).chain(clean).collect::<Vec<_>>()
        };
        let mut outcomes = Outcomes::default();
        says(&mut outcomes, "DR032", Outcome::Clean);
        says(&mut outcomes, "DR034", Outcome::NotChecked(String::new()));
        let mut hidden = Hidden::by(&outcomes, &book);
        hidden.part(&mut outcomes);
        assert_eq!(of(&outcomes), ["DR034", "DR032"]);
        says(&mut outcomes, "DR033", Outcome::Violated(Vec::new()));
        hidden.also(&Hidden::by(&outcomes, &book));
        hidden.part(&mut outcomes);
        assert_eq!(of(&outcomes), ["DR034", "DR033"]);
    }

    /// Pairs of catalogue section 4, as far as both rules are built.
    #[test]
    fn rules_hide_what_the_catalogue_says() {
        let pairs: [(&str, &[&str]); 12] = [
            ("DR001", &["DR004", "DR023", "DR032"]),
            ("DR003", &["DR053"]),
            ("DR024", &["DR079"]),
            ("DR033", &["DR032"]),
            ("DR047", &["DR079"]),
            ("DR050", &["DR051"]),
            ("DR104", &["DR105", "DR106"]),
            ("DR105", &["DR106"]),
            ("DR120", &["DR125"]),
            ("DR121", &["DR125"]),
            ("DR123", &["DR125"]),
            ("DR126", &["DR125"]),
        ];
        let expected: BTreeMap<&str, &[&str]> = pairs.into_iter().collect();
        for rule in RULES {
            let hides = expected.get(&rule.id[..5]).copied().unwrap_or_default();
            assert_eq!(rule.hides, hides, "{}", rule.id);
        }
    }
}
