//! A waiver: findings of a rule about a subject that a site accepts, why, and until when.

use super::Name;
use crate::error::Error;
use crate::finding::{Severity, Violation};
use crate::rules::Rule;
use crate::time::{Span, Timestamp};
use crate::topology::{At, Date, Topology, Word, written::Source};
use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Id of the finding that a waiver has expired; it is of no rule, and cannot be waived.
pub const EXPIRED: &str = "CP001-waiver-expired";
/// A day.
const DAY: Span = Span::secs(24 * 60 * 60);

/// The waiver as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    rule: At<Name>,
    sbc: Option<String>,
    number: Option<At<Pattern>>,
    address: Option<At<IpNet>>,
    reason: At<String>,
    expires: At<Date>,
}

/// A waiver.
#[derive(Debug, Clone)]
pub struct Waiver {
    /// The rules that it is for, as the file names them.
    pub rule: String,
    /// The SBC, by name, id or address.
    sbc: Option<String>,
    /// The numbers.
    number: Option<Pattern>,
    /// The addresses.
    address: Option<IpNet>,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it holds, in UTC.
    pub expires: Date,
}

/// A number, in which `*` stands for any digits and `?` for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Word for Pattern {
    const WHAT: &'static str = "a number";
    fn word(text: &str) -> Result<Self, String> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '?' | '#' | '-' | '.' | '_');
        match !text.is_empty() && text.len() <= 64 && text.chars().all(allowed) {
            true => Ok(Self(text.to_owned())),
            false => Err(format!("'{text}' is no pattern of numbers: write one like \"+4420*\"")),
        }
    }
}

impl Pattern {
    /// Whether a number is like it. One star is looked at at a time, so that no number takes long.
    fn fits(&self, number: &str) -> bool {
        let (pattern, number) = (self.0.as_bytes(), number.as_bytes());
        let (mut p, mut n, mut back) = (0, 0, None);
        while let Some(digit) = number.get(n) {
            match pattern.get(p) {
                Some(b'*') => {
                    back = Some((p, n));
                    p += 1;
                }
                Some(own) if *own == b'?' || own == digit => (p, n) = (p + 1, n + 1),
                _ => match &mut back {
                    Some((star, from)) => {
                        *from += 1;
                        (p, n) = (*star + 1, *from);
                    }
                    None => return false,
                },
            }
        }
        pattern.get(p..).is_none_or(|rest| rest.iter().all(|own| *own == b'*'))
    }
}

/// What is known of a finding's subject besides the finding.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// Names of SBCs.
    pub topology: &'a Topology,
    /// Callers and callees of its call.
    pub numbers: &'a [String],
}

/// How many findings each waiver covered, and how many it would have if it had not expired; by its place in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived(BTreeMap<usize, (u64, u64)>);

impl Waived {
    /// One more is covered.
    pub fn note(&mut self, waiver: usize) {
        self.0.entry(waiver).or_default().0 += 1;
    }

    /// One more is not, because the waiver expired.
    pub fn note_expired(&mut self, waiver: usize) {
        self.0.entry(waiver).or_default().1 += 1;
    }

    /// Adds those of other calls.
    pub fn add(&mut self, other: &Self) {
        for (waiver, (covered, expired)) in &other.0 {
            let own = self.0.entry(*waiver).or_default();
            *own = (own.0 + covered, own.1 + expired);
        }
    }

    /// Findings that a waiver covered.
    pub fn covered(&self, waiver: usize) -> u64 {
        self.0.get(&waiver).map_or(0, |(covered, _)| *covered)
    }
}

impl Table {
    pub(super) fn read(self, source: Source<'_>) -> Result<Waiver, Error> {
        if self.sbc.is_none() && self.number.is_none() && self.address.is_none() {
            let why = format!("a waiver says whom it is for: write sbc, number or address, or 'ignore = [\"{}\"]'", self.rule.0);
            return Err(source.fault(self.rule.offset, why));
        }
        Ok(Waiver {
            rule: self.rule.0.clone(),
            sbc: self.sbc,
            number: self.number.map(|number| (*number).clone()),
            address: self.address.map(|address| *address),
            reason: (*self.reason).clone(),
            expires: *self.expires,
        })
    }
}

impl Waiver {
    /// Whom it is for, in words.
    pub fn subject(&self) -> String {
        let sbc = self.sbc.as_ref().map(|sbc| format!("sbc {sbc}"));
        let number = self.number.as_ref().map(|number| format!("number {}", number.0));
        let address = self.address.map(|address| format!("address {address}"));
        [sbc, number, address].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// It has expired by then.
    pub fn is_over(&self, at: Timestamp) -> bool {
        at >= self.expires.start() + DAY
    }

    /// What is found once it has expired: it is to be renewed or removed, whether something still needs it or not.
    pub fn expired(&self) -> Violation {
        Violation {
            severity: Severity::Warning,
            subject: format!("{}: {}", self.rule, self.subject()),
            value: self.expires.to_string(),
            message: format!("the waiver of {} for {} held until {}: {}", self.rule, self.subject(), self.expires, self.reason),
            evidence: Vec::new(),
        }
    }

    /// It is for this finding, apart from when that was: all that it names agrees.
    pub fn covers(&self, rule: &Rule, violation: &Violation, subject: &Subject<'_>) -> bool {
        let named = super::named(&self.rule).is_ok_and(|rules| rules.iter().any(|of| of.id == rule.id));
        let ips = || [&violation.subject, &violation.value].into_iter().filter_map(|text| address(text));
        let is_sbc = |name: &String| {
            let of_address = |ip: IpAddr| {
                let sbc = subject.topology.sbc(ip);
                let is = |own: &str| own.eq_ignore_ascii_case(name);
                address(name) == Some(ip) || sbc.is_some_and(|sbc| is(&sbc.id) || sbc.fqdn.as_ref().is_some_and(|fqdn| is(fqdn)))
            };
            violation.subject.eq_ignore_ascii_case(name) || address(&violation.subject).is_some_and(of_address)
        };
        named
            && self.sbc.as_ref().is_none_or(is_sbc)
            && self.address.is_none_or(|net| ips().any(|ip| net.contains(&ip)))
            && self.number.as_ref().is_none_or(|own| own.fits(&violation.value) || subject.numbers.iter().any(|number| own.fits(number)))
    }
}

fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_digits() {
        let fits = |pattern: &str, number: &str| Pattern::word(pattern).unwrap().fits(number);
        assert!(fits("+4420*", "+442079460000") && fits("*0000", "+442079460000") && fits("+44*46*", "+442079460000"));
        assert!(fits("1??", "112") && fits("*", "") && fits("*", "anonymous"));
        assert!(!fits("+4420*", "+4320") && !fits("1??", "1122") && !fits("112", "1122") && !fits("112", "11"));
        assert!(Pattern::word("").is_err() && Pattern::word("+44 20").is_err());
    }

    #[test]
    fn a_pattern_of_many_stars_takes_no_longer_than_its_length_times_the_numbers() {
        assert!(!Pattern(format!("{}b", "*a".repeat(30))).fits(&"a".repeat(20_000)));
    }
}
