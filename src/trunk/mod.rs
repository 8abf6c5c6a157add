//! Trunks: what is known over time of each SBC that talks to Microsoft, across its connections and calls.

pub mod allowing;
pub mod attempt;
pub mod history;
pub mod keepalive;
pub mod names;
pub mod parties;
pub mod placed;
pub mod ports;
pub mod probes;
pub mod reach;
pub mod service;
pub mod stretches;

pub use attempt::{Attempt, Fate};
pub use history::{Called, How, Peer, TrunkHistory, Trunks};
pub use keepalive::KeepAlive;
pub use parties::Parties;
pub use placed::{Answer, Beside, Placed, PlacedCalls, Tries, TrunkLeg};
pub use ports::{Named, Ports, Tried};
pub use reach::{Link, Reach};
pub use service::{Literal, Name, Service};
pub use stretches::{Mark, Stretch, Stretches};
