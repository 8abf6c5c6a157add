//! Short numbers that need no '+': those of the private numbering plan, and emergency numbers.

use super::At;
use super::written::Source;
use crate::error::Error;
use regex_lite::Regex;

/// Emergency numbers of the world's numbering plans with three digits, for a topology that names none; 112 and 911 reach help from
/// any mobile phone (3GPP TS 22.101 section 10.1). 933 is the test of 911 in North America.
pub(super) const EMERGENCY: [&str; 25] = [
    "000", "110", "111", "112", "113", "114", "115", "117", "118", "119", "120", "122", "133", "144", "190", "191", "192", "193", "199",
    "911", "933", "995", "997", "998", "999",
];

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
    fn emergency_numbers_are_the_topologys_or_else_the_worlds() {
        let of = |text: &str| Topology::parse(text, "t.toml").unwrap();
        let own = of("schema = 1\n[numbers]\nemergency = ['112', '+49110']\n");
        assert!(own.is_emergency("112") && own.is_emergency("+49110") && !own.is_emergency("911"));
        let any = of("schema = 1\n");
        assert!(any.is_emergency("911") && any.is_emergency("000") && !any.is_emergency("2041") && !any.is_emergency("+911"));
    }

    #[test]
    fn a_broken_expression_is_named_with_its_line() {
        let fault = Topology::parse("schema = 1\n[numbers]\nprivate_ranges = ['^1(']\n", "t.toml").unwrap_err().to_string();
        assert!(fault.starts_with("t.toml:3: '^1(' is not a regular expression"), "{fault}");
    }
}
