//! Bytes to typed facts, without any state: what a payload says, never what it means for the call.
#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod sip;

pub mod payload;

pub mod sdp;
