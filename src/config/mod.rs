//! `callpath.toml`: what a site has decided about the rules – which to judge, how much each matters there, and which findings it has
//! accepted until when.

mod select;
mod waiver;

pub use select::{Choice, named};
pub use waiver::{EXPIRED, Subject, Waived, Waiver};

use crate::error::Error;
use crate::finding::{Severity, Violation};
use crate::rules::Rule;
use crate::topology::{
    At, Word,
    written::{self, Examples, Source},
};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The name that the file has beside a topology.
pub const FILE_NAME: &str = "callpath.toml";

/// One line of the file for each key that a fault may be about.
const EXAMPLES: &Examples = &[
    ("address", "address = \"198.51.100.0/28\""),
    ("expires", "expires = 2027-03-31"),
    ("ignore", "ignore = [\"DR008\", \"quality\"]"),
    ("number", "number = \"+4420*\""),
    ("reason", "reason = \"the carrier changes this in March\""),
    ("rule", "rule = \"DR013\""),
    ("sbc", "sbc = \"sbc1.contoso.com\""),
    ("select", "select = [\"identity\", \"DR17\"]"),
];

/// What the file says.
#[derive(Debug, Default)]
pub struct Config {
    /// Rules to judge, where the command line names none.
    pub choice: Choice,
    /// Severities by the full id of the rule.
    severities: BTreeMap<&'static str, Severity>,
    /// Findings that are accepted.
    pub waivers: Vec<Waiver>,
}

/// Nothing is decided.
pub static NONE: Config = Config { choice: Choice::NONE, severities: BTreeMap::new(), waivers: Vec::new() };

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(default)]
    select: Vec<At<Name>>,
    #[serde(default)]
    ignore: Vec<At<Name>>,
    #[serde(default)]
    severity: BTreeMap<String, At<Level>>,
    #[serde(default, rename = "waiver")]
    waivers: Vec<waiver::Table>,
}

/// A name of rules.
#[derive(Debug, Clone)]
struct Name(String);

impl Word for Name {
    const WHAT: &'static str = "a rule, a family or the beginning of an id";
    fn word(text: &str) -> Result<Self, String> {
        named(text).map(|_| Self(text.to_owned()))
    }
}

/// A severity.
#[derive(Debug, Clone, Copy)]
struct Level(Severity);

impl Word for Level {
    const WHAT: &'static str = "a severity";
    fn word(text: &str) -> Result<Self, String> {
        match text {
            "error" => Ok(Self(Severity::Error)),
            "warning" => Ok(Self(Severity::Warning)),
            "info" => Ok(Self(Severity::Info)),
            _ => Err(format!("'{text}' is no severity: write error, warning or info")),
        }
    }
}

impl Config {
    /// Reads the file's `text`; `file` names it in messages. Fails with [`Error::File`] on the first fault.
    pub fn parse(text: &str, file: &str) -> Result<Self, Error> {
        let source = Source { text, file };
        let tables: Tables = written::read(source, EXAMPLES)?;
        let names = |list: &[At<Name>]| list.iter().map(|name| name.0.clone()).collect::<Vec<_>>();
        let choice = Choice { select: names(&tables.select), ignore: names(&tables.ignore) };
        if let Err((at, why)) = choice.check() {
            return Err(source.fault(tables.select.get(at).map_or(0, |name| name.offset), why));
        }
        let mut severities = BTreeMap::new();
        for (name, level) in &tables.severity {
            let rules = named(name).map_err(|why| source.fault(level.offset, why))?;
            severities.extend(rules.iter().map(|rule| (rule.id, level.0)));
        }
        // A rule's own line says more than its family's.
        for (name, level) in &tables.severity {
            if let Ok([rule]) = named(name).as_deref() {
                severities.insert(rule.id, level.0);
            }
        }
        let waivers = tables.waivers.into_iter().map(|table| table.read(source)).collect::<Result<_, _>>()?;
        Ok(Self { choice, severities, waivers })
    }

    /// How much this rule's findings matter here, where the site has said so.
    pub fn severity(&self, rule: &Rule) -> Option<Severity> {
        self.severities.get(rule.id).copied()
    }

    /// Which waiver covers the finding, and whether it had expired by then.
    pub fn waived(&self, rule: &Rule, violation: &Violation, subject: &Subject<'_>) -> Option<(usize, bool)> {
        let at = violation.evidence.first().map(|evidence| evidence.at);
        let mut covering = self.waivers.iter().enumerate().filter(|(_, waiver)| waiver.covers(rule, violation, subject));
        let mut expired = None;
        covering
            .find_map(|(i, waiver)| {
                let is_over = at.is_some_and(|at| waiver.is_over(at));
                if is_over {
                    expired = expired.or(Some((i, true)));
                }
                (!is_over).then_some((i, false))
            })
            .or(expired)
    }
}

#[cfg(test)]
mod tests;
