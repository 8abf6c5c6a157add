//! What is said where an SBC uses no name of the service that is wrong.

use crate::finding::Outcome;
use crate::rules::options::times::{ENCRYPTED, unread};
use crate::trunk::KeepAlive;

/// Clean where the names that it uses are seen, else why they are not.
pub fn unnamed(alive: &KeepAlive) -> Outcome {
    match () {
        () if alive.names.more => Outcome::NotChecked("the SBC uses more names of the service than are remembered".to_owned()),
        () if alive.unnamed => Outcome::NotChecked(format!("{ENCRYPTED}, and a handshake that would name the host is not in the capture")),
        () if !alive.names.is_empty() || !alive.probes.is_empty() => Outcome::Clean,
        () => unread(alive).map_or(Outcome::NotApplicable, |why| Outcome::NotChecked(why.to_owned())),
    }
}
