//! Local Media Optimization: what Microsoft tells an SBC of the user's place, the way that media should take then, and which of its
//! addresses the SBC announces.
//!
//! Source: Microsoft, Local Media Optimization for Direct Routing and its page on configuration. Two rows of the table stand in prose
//! only and are read so: a user outside goes through the proxy SBC in either mode, and a user at another site may meet either address of it.

mod announced;
mod table;
mod told;

pub use announced::{Announced, Realm, announced, is_private, realm};
pub use table::{Near, Way, way};
pub use told::{LOCATION, PATH, SITE, Told, UserLocation};
