//! TLS connections: what their handshakes say, and with a key log what they carry.

mod derive;
mod handshake;
mod late;
mod opener;
mod session;

pub use handshake::{At, Chain, Handshake, Keys, SERVICE_DOMAINS, SILENCE, is_service};
pub use late::{Dropped, Kept, Late};
pub use session::{Content, Session};
