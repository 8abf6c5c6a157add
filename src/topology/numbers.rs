//! The private numbering plan: which short numbers are extensions and need no '+'.

use super::At;
use super::load::Source;
use crate::error::Error;
use regex_lite::Regex;

/// Expressions of `numbers.private_ranges`, ready to match.
#[derive(Debug, Clone, Default)]
pub(super) struct PrivateNumbers(Vec<Regex>);

impl PrivateNumbers {
    /// Fails on the first expression that is none.
    pub fn new(ranges: &[At<String>], source: Source<'_>) -> Result<Self, Error> {
        let read = |range: &At<String>| {
            Regex::new(range).map_err(|e| {
                source.fault(range.offset, format!("'{range}' is not a regular expression ({e}): write something like '^1\\d{{3}}$'"))
            })
        };
        ranges.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    /// Some expression matches the number.
    pub fn hold(&self, number: &str) -> bool {
        self.0.iter().any(|range| range.is_match(number))
    }
}

#[cfg(test)]
mod tests {
    use crate::topology::Topology;

    #[test]
    fn a_number_of_the_plan_is_private() {
        let topology = Topology::parse("schema = 1\n[numbers]\nprivate_ranges = ['^1\\d{3}$']\n", "t.toml").unwrap();
        assert!(topology.is_private_number("1234"));
        assert!(!topology.is_private_number("12345"));
    }

    #[test]
    fn a_broken_expression_is_named_with_its_line() {
        let fault = Topology::parse("schema = 1\n[numbers]\nprivate_ranges = ['^1(']\n", "t.toml").unwrap_err().to_string();
        assert!(fault.starts_with("t.toml:3: '^1(' is not a regular expression"), "{fault}");
    }
}
