//! The two ways reading can go wrong: [`Error`] ends the run, [`Undecoded`] is counted and the run goes on.
//! The third outcome, a fault of the network, is a [`crate::finding::Finding`].

use serde::{Deserialize, Serialize};

/// Ends the run. Each message says what failed, where, and what to do about it; it is lower case and ends bare.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line asks for something that cannot be done (exit 2).
    #[error("{0}")]
    Usage(String),
    /// A file that the user wrote is wrong: the topology, or `callpath.toml` (exit 2). `line` counts from 1.
    #[error("{file}:{line}: {message}")]
    File {
        /// The file as the user named it.
        file: String,
        /// Line of the fault, from 1.
        line: usize,
        /// What is wrong and what to write instead.
        message: String,
    },
    /// No input could be read at all (exit 3).
    #[error("{0}")]
    Input(String),
    /// Saved state does not fit this version or is damaged (exit 2).
    #[error("cannot use saved state: {0}")]
    State(String),
    /// The report could not be written.
    #[error("cannot write the report: {0}")]
    Output(#[from] std::io::Error),
}

/// A record that could not be read further: counted in the ledger under `"<layer>: <reason>"`, never an end of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Undecoded {
    /// The layer that gave up, as the field names it: `ethernet`, `ipv4`, `mpls` …
    pub layer: &'static str,
    /// Why, in a few words: `header is cut`, `not decoded yet` …
    pub reason: &'static str,
}

impl Undecoded {
    /// An undecoded record at `layer` for `reason`.
    pub const fn new(layer: &'static str, reason: &'static str) -> Self {
        Self { layer, reason }
    }
}

/// The same, owned: what a ledger that was saved and loaded holds.
pub type UndecodedKey = std::borrow::Cow<'static, str>;

/// Why an input could not be read, or not to its end (exit 3). The report of what was read is written all the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Byte offset in the (uncompressed) input where reading stopped.
    pub offset: u64,
    /// What is wrong there and what to do, lower case, without a final stop.
    pub text: String,
}
