//! What is told of each input after the run: `inputs[]` of the report.

use super::LinkType;
use super::walk::Walk;
use crate::error::Problem;
use crate::input::{Compression, Format, Found, Origin};
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// How far one input was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputReport {
    /// As the user named it, or the path that a directory or glob led to.
    pub path: String,
    /// Capture format, if it is one.
    pub format: Option<Format>,
    /// Compression around it.
    pub compression: Option<Compression>,
    /// Records read.
    pub records: u64,
    /// Bytes walked, unpacked where it is packed.
    pub bytes: u64,
    /// Earliest capture time.
    pub first: Option<Timestamp>,
    /// Latest capture time.
    pub last: Option<Timestamp>,
    /// Read to its end. False with no problem when the run was told to stop before.
    pub complete: bool,
    /// Why it could not be read, or not to its end.
    pub problem: Option<Problem>,
    /// Link types of its interfaces, as far as they are described.
    pub links: Vec<LinkType>,
}

impl InputReport {
    /// Of an input that has not been read.
    pub fn unread(found: &Found) -> Self {
        let (format, compression, problem) = match &found.origin {
            Origin::File { format, compression, .. } => (Some(*format), *compression, None),
            Origin::Unreadable(problem) => (None, None, Some(problem.clone())),
            Origin::Stdin | Origin::Pipe(_) => (None, None, None),
        };
        let path = found.path.clone();
        Self { path, format, compression, records: 0, bytes: 0, first: None, last: None, complete: false, problem, links: Vec::new() }
    }

    /// Takes over how far a walk has come.
    pub fn read(&mut self, walk: &Walk) {
        let any = walk.tally.records > 0;
        self.format = walk.format();
        self.compression = walk.compression();
        self.records = walk.given();
        self.bytes = walk.offset();
        self.first = any.then_some(walk.tally.earliest);
        self.last = any.then_some(walk.tally.latest);
        self.complete = walk.is_complete();
        self.problem = walk.problem().cloned();
        self.links = walk.signature().into_iter().map(|(_, link)| link).collect();
    }
}

/// What is worth a line although nothing is wrong with the file.
pub fn note(path: &str, walk: &Walk) -> Option<String> {
    let tally = &walk.tally;
    if tally.records == 0 {
        return walk.is_complete().then(|| format!("'{path}' holds no records"));
    }
    let mut parts = Vec::new();
    if tally.back > 0 {
        parts.push(format!("times go back {} times, by at most {}", tally.back, seconds(tally.back_most)));
    }
    if walk.timeless() > 0 {
        parts.push(format!("{} records carry no time: they take that of the record before", walk.timeless()));
    }
    (!parts.is_empty()).then(|| format!("'{path}': {}", parts.join("; ")))
}

fn seconds(span: Span) -> String {
    format!("{}.{:06} s", span.0 / 1_000_000_000, span.0 % 1_000_000_000 / 1_000)
}
