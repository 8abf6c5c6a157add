//! Whether an SBC says which methods it takes: Allow in the messages that Microsoft reads it from.

use super::names::Cited;
use serde::{Deserialize, Serialize};

/// What was seen of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowing {
    /// An INVITE, a ringing or accepting response to one, an OPTIONS or a 200 to one carries it.
    pub carried: bool,
    /// Another message carries it.
    pub elsewhere: bool,
    /// The snap length cut the head of such a message before it was seen to carry one.
    pub cut: bool,
    /// INVITEs that were not accepted, and ringing or accepting responses, without it.
    pub in_calls: Option<Cited>,
    /// INVITEs without it that were accepted.
    pub accepted: Option<Cited>,
    /// OPTIONS and responses to them without it.
    pub in_options: Option<Cited>,
}

impl Allowing {
    /// Takes in others.
    pub fn merge(&mut self, other: Allowing) {
        self.carried |= other.carried;
        self.elsewhere |= other.elsewhere;
        self.cut |= other.cut;
        let pairs = [(&mut self.in_calls, other.in_calls), (&mut self.accepted, other.accepted), (&mut self.in_options, other.in_options)];
        for (known, other) in pairs {
            other.into_iter().for_each(|cited| Cited::add(known, cited));
        }
    }
}
