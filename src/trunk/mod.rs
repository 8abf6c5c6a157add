//! Trunks: what is known over time of each SBC that talks to Microsoft, across its connections and calls.

pub mod attempt;
pub mod history;
pub mod parties;
pub mod ports;

pub use attempt::{Attempt, Fate};
pub use history::{Called, How, Peer, TrunkHistory, Trunks};
pub use parties::Parties;
pub use ports::{Named, Ports, Tried};
