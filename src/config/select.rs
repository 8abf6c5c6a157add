//! Names of rules: an id, its number or its words, the beginning of a number, a family; and the choice that they make.

use crate::rules::{RULES, Rule};

/// Rules to judge.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choice {
    /// Names of those that are judged; all, where there are none.
    pub select: Vec<String>,
    /// Names of those that are not, selected or not.
    pub ignore: Vec<String>,
}

impl Choice {
    /// All rules.
    pub const NONE: Self = Self { select: Vec::new(), ignore: Vec::new() };

    /// The choice, with the parts of another where this one says nothing.
    pub fn or(&self, other: &Self) -> Self {
        let either = |own: &[String], other: &[String]| if own.is_empty() { other.to_vec() } else { own.to_vec() };
        Self { select: either(&self.select, &other.select), ignore: either(&self.ignore, &other.ignore) }
    }

    /// The rule is judged. Names that are none choose nothing.
    pub fn takes(&self, rule: &Rule) -> bool {
        let any = |names: &[String]| names.iter().any(|name| is(rule, &name.to_ascii_lowercase()));
        (self.select.is_empty() || any(&self.select)) && !any(&self.ignore)
    }

    /// Fails with the place of a selected name of which nothing is left, and why.
    pub fn check(&self) -> Result<(), (usize, String)> {
        for (at, name) in self.select.iter().enumerate() {
            let rules = named(name).map_err(|why| (at, why))?;
            if !rules.iter().any(|rule| self.takes(rule)) {
                let why =
                    format!("'{name}' is selected, and 'ignore' leaves nothing of it ({}): remove one of the two", self.ignore.join(", "));
                return Err((at, why));
            }
        }
        self.ignore.iter().enumerate().try_for_each(|(at, name)| named(name).map(|_| ()).map_err(|why| (at, why)))
    }
}

/// The rules that a name stands for, in any letter case: `DR012`, `DR012-ruri-no-plus`, `ruri-no-plus`, `identity`, `DR01`. There is one
/// at least; else the words say which names are near.
pub fn named(name: &str) -> Result<Vec<&'static Rule>, String> {
    let wanted = name.to_ascii_lowercase();
    let found: Vec<&'static Rule> = RULES.iter().copied().filter(|rule| is(rule, &wanted)).collect();
    if found.is_empty() { Err(format!("no rule and no family '{name}': write one that 'callpath rules' lists")) } else { Ok(found) }
}

/// Whether a name in lower case stands for the rule.
fn is(rule: &Rule, wanted: &str) -> bool {
    let id = rule.id.to_ascii_lowercase();
    let (number, words) = id.split_once('-').unwrap_or((&id, &id));
    let begins = wanted.len() > 2 && wanted.starts_with("dr") && number.starts_with(wanted);
    rule.family() == wanted || id == wanted || words == wanted || begins
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(select: &[&str], ignore: &[&str]) -> Choice {
        let own = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect();
        Choice { select: own(select), ignore: own(ignore) }
    }

    fn ids(choice: &Choice) -> Vec<&'static str> {
        RULES.iter().filter(|rule| choice.takes(rule)).map(|rule| &rule.id[..5]).collect()
    }

    #[test]
    fn rules_are_named_by_id_words_beginning_and_family() {
        for name in ["DR012", "dr012", "DR012-ruri-no-plus", "RURI-no-plus"] {
            assert_eq!(named(name).unwrap().iter().map(|rule| rule.id).collect::<Vec<_>>(), ["DR012-ruri-no-plus"], "{name}");
        }
        assert!(named("DR20").unwrap().iter().all(|rule| rule.id.starts_with("DR20")) && named("DR20").unwrap().len() > 2);
        assert!(named("lmo").unwrap().iter().all(|rule| rule.family() == "lmo"));
        assert!(["", "D", "DR", "DR9", "12", "identities"].iter().all(|name| named(name).is_err()));
    }

    #[test]
    fn what_is_ignored_is_left_out_of_what_is_selected() {
        assert_eq!(ids(&choice(&["DR01"], &["DR012", "DR011"]))[0], "DR010");
        assert!(!ids(&choice(&[], &["lbr"])).contains(&"DR200"));
        assert_eq!(ids(&Choice::NONE).len(), RULES.len());
        assert_eq!(choice(&["DR012"], &[]).or(&choice(&["lbr"], &["lmo"])), choice(&["DR012"], &["lmo"]));
    }

    #[test]
    fn a_choice_that_contradicts_itself_is_refused() {
        assert_eq!(choice(&["identity"], &["DR012"]).check(), Ok(()));
        let (at, why) = choice(&["lbr", "DR012"], &["identity"]).check().unwrap_err();
        assert_eq!((at, why.as_str()), (1, "'DR012' is selected, and 'ignore' leaves nothing of it (identity): remove one of the two"));
        assert!(choice(&[], &["DR999"]).check().unwrap_err().1.starts_with("no rule and no family 'DR999'"));
    }
}
