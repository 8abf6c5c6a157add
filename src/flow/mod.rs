//! Flow: state that belongs to one flow, and the owned facts it gives rise to.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod seen;

pub use seen::Seen;
