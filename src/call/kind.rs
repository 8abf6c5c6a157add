//! What a leg is about.

use crate::proto::sip::Method;
use serde::{Deserialize, Serialize};

/// What a leg is about: its first request, INVITE before all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegKind {
    /// INVITE, or what only a dialog made by INVITE has.
    Call,
    /// OPTIONS.
    Options,
    /// REGISTER.
    Register,
    /// SUBSCRIBE and NOTIFY.
    Subscribe,
    /// MESSAGE.
    Message,
    /// Anything else.
    Other,
}

impl LegKind {
    /// Of a leg that begins with a message of this method.
    pub fn of(method: Method) -> Self {
        match method {
            Method::Invite | Method::Ack | Method::Bye | Method::Cancel | Method::Prack | Method::Update | Method::Refer | Method::Info => {
                Self::Call
            }
            Method::Options => Self::Options,
            Method::Register => Self::Register,
            Method::Subscribe | Method::Notify => Self::Subscribe,
            Method::Message => Self::Message,
            _ => Self::Other,
        }
    }
}
