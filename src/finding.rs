//! What rules say: [`Outcome`] of one check on one subject, and the [`Finding`] a violation becomes.

use crate::flow::Seen;
use crate::record::{RecordId, Seq};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Explanation or advice.
    Info,
    /// Works by luck, or quality or redundancy is harmed.
    Warning,
    /// Documented rejection, or the call or path demonstrably breaks.
    Error,
}

impl Severity {
    /// One level lower; info stays info.
    pub fn lower(self) -> Self {
        match self {
            Severity::Error => Severity::Warning,
            _ => Severity::Info,
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        })
    }
}

/// A record and the text in it that proves a violation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The record.
    pub id: RecordId,
    /// Its place in the merged order.
    pub seq: Seq,
    /// Its capture time.
    pub at: Timestamp,
    /// The offending line or figure, as captured; writers escape it.
    pub excerpt: String,
}

impl Evidence {
    /// `excerpt` as seen in `seen`.
    pub fn new(seen: &Seen, excerpt: impl Into<String>) -> Self {
        Self { id: seen.id, seq: seen.seq, at: seen.at, excerpt: excerpt.into() }
    }
}

/// One violation of a rule by one subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// How much it matters here.
    pub severity: Severity,
    /// Who or what is blamed: an SBC's address or name, a prefix pair. Findings are grouped by it.
    pub subject: String,
    /// The offending value. Findings are grouped by it.
    pub value: String,
    /// What happened, in one sentence, lower case, bare end.
    pub message: String,
    /// The proof, first the offending record, then what followed (the refusal).
    pub evidence: Vec<Evidence>,
}

/// A violation with its rule and call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Content id: rule and 8 hex digits of a hash of (subject, value).
    pub id: String,
    /// Full id of the rule, `DR001-contact-ip`.
    pub rule: String,
    /// The violation.
    pub violation: Violation,
    /// The call's id; `None` for a connection nobody could read.
    pub call: Option<String>,
    /// Display filter to use when records lie in several inputs: Call-ID, SSRC or 5-tuple.
    pub filter: String,
}

/// What a check needs and the capture does not show.
pub type Missing = String;

/// What a rule says of one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Broken, once or more.
    Violated(Vec<Violation>),
    /// Kept, with the evidence to say so.
    Clean,
    /// Cannot be said, because this is missing.
    NotChecked(Missing),
    /// The rule is not for this subject; counted nowhere.
    NotApplicable,
}
