//! Calls: SIP messages to transactions, dialogs and legs, streams bound to them by offer and answer, legs to calls.
//!
//! [`shard::CallShard`] keeps the legs of its share of the Call-IDs; [`join::Joins`] finds the legs that an SBC sent on because it received
//! others; [`correlate::Correlator`] is the serial stage that binds media and makes a [`Call`] of legs that ended, and of media that nobody
//! signalled.
#![expect(clippy::vec_box, reason = "streams are large, and go from list to list")]

pub mod ahead;
mod bound;
pub mod codes;
pub mod correlate;
pub mod dialog;
pub mod ice;
pub mod invite;
pub mod join;
mod keyring;
pub mod kind;
pub mod leg;
pub mod media;
pub mod message;
pub mod names;
pub mod outcome;
pub mod peerings;
mod prints;
mod proof;
pub mod quality;
pub mod reason;
pub mod recognise;
pub mod relay;
pub mod reported;
pub mod shard;
pub mod stage;
pub mod transaction;
pub mod transfer;
mod unclaimed;

#[cfg(test)]
pub(crate) mod support;

pub use crate::flow::Start;
pub use bound::BoundStream;
pub use correlate::{Call, Correlator};
pub use dialog::Dialog;
pub use invite::{Agreement, Invite};
pub use join::Joins;
pub use leg::{Leg, LegId, LegKind};
pub use media::{Binding, Described};
pub use message::{Copy, LegMessage};
pub use names::Names;
pub use outcome::CallOutcome;
pub use peerings::{Announced, Peering, Peerings};
pub use proof::Proof;
pub use reason::{Explanation, Reason, explain, reasons};
pub use recognise::{Recognition, Side};
pub use reported::Reported;
pub use shard::{CallShard, Claim, Due};
pub use stage::CallStage;
pub use transaction::{MessageIdx, Transaction, TransactionIdx};
pub use transfer::Reference;
