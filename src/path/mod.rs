//! Which way packets went, by what evidence, whether both directions of a flow went the same way, which mode a trunk is in, which way
//! Local Media Optimization wants media to go, and which gateways Location-Based Routing lets a call go through.

mod facts;
mod gather;
mod observe;
mod window;

pub mod asymmetry;
pub mod classify;
pub mod gateway;
pub mod hop;
pub mod lbr;
pub mod lmo;
pub mod memo;
pub mod mode;
pub mod routes;
pub mod scenario;
pub mod segment;
pub mod traffic;

pub use asymmetry::{Asymmetry, Verdict, judge};
pub use gateway::{Carriers, carriers};
pub use hop::{End, Hop, HopKind, Network, hops, unread};
pub use memo::{Memo, Memos};
pub use mode::{Mode, mode};
pub use routes::Routes;
pub use segment::{Sighting, Way, way, ways};
pub use traffic::{Bound, Sums, Traffic};

#[cfg(test)]
mod support;
