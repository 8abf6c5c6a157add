//! Which findings are only what another one leads to: a root cause hides its consequences, on the same message, and between a leg and
//! its messages (catalogue section 4). Which rule hides which is in the rules, [`Rule::hides`].

use crate::finding::Outcome;
use crate::rules::Rule;
use std::collections::BTreeSet;

/// What a rule says of a subject.
pub type Said = (&'static Rule, Outcome);

/// Short ids of rules that are hidden.
#[derive(Debug, Clone, Default)]
pub struct Hidden(BTreeSet<&'static str>);

impl Hidden {
    /// What these findings hide.
    pub fn by(said: &[Said]) -> Self {
        let broken = said.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Violated(_)));
        Self(broken.flat_map(|(rule, _)| rule.hides).copied().collect())
    }

    /// Hides what others hide as well.
    pub fn also(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// Leaves out what is hidden: of that nothing is counted, for it is not known apart from its cause.
    pub fn part(&self, said: &mut Vec<Said>) {
        if !self.0.is_empty() {
            said.retain(|(rule, _)| !self.0.contains(rule.id.split('-').next().unwrap_or(rule.id)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{RULES, find};
    use std::collections::BTreeMap;

    #[test]
    fn a_finding_hides_its_consequences_and_a_clean_rule_hides_nothing() {
        let rule = |id| find(id).unwrap();
        let mut said =
            vec![(rule("DR033"), Outcome::Violated(Vec::new())), (rule("DR032"), Outcome::Clean), (rule("DR034"), Outcome::Clean)];
        let mut hidden = Hidden::by(&said[1..]);
        hidden.part(&mut said);
        assert_eq!(said.len(), 3);
        hidden.also(&Hidden::by(&said));
        hidden.part(&mut said);
        assert_eq!(said.iter().map(|(rule, _)| &rule.id[..5]).collect::<Vec<_>>(), ["DR033", "DR034"]);
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
