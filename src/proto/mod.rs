//! Proto: the bytes of one datagram or message to typed facts. No state.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]

pub mod bgp;
pub mod dns;
pub mod dtls;
pub mod payload;
pub mod rtcp;
pub mod rtp;
pub mod sctp;
pub mod sdp;
pub mod sip;
pub mod srtp;
pub mod stun;
pub mod tls;
pub mod websocket;
pub mod x509;
