//! Flow: state that belongs to one flow, and the owned facts it gives rise to.

#![cfg_attr(not(test), deny(clippy::indexing_slicing))]
#![expect(clippy::vec_box, reason = "streams are large, and go from list to list")]

pub mod ahead;
pub mod arrival;
pub mod beat;
pub mod bgp;
pub mod connection;
pub mod control;
pub mod copies;
pub mod digits;
pub mod dns;
pub mod exported;
pub mod figures;
pub mod framing;
pub mod gaps;
pub mod half;
pub mod half_open;
pub mod hep;
pub mod intervals;
pub mod jitter;
pub mod keylog;
pub mod lane;
pub mod link_facts;
pub mod located;
pub mod mean;
pub mod media;
pub mod message;
pub mod noted;
pub mod opening;
pub mod pass;
pub mod reading;
pub mod remarks;
pub mod rtcp;
pub mod samples;
pub mod sctp;
pub mod sealed;
pub mod secured;
pub mod seen;
pub mod sequence;
pub mod sightings;
pub mod specimens;
pub mod stream;
pub mod stun;
pub mod stun_tcp;
pub mod tcp;
pub mod tcp_flow;
pub mod text;
pub mod tls;
pub mod turn;
pub mod websocket;

pub use beat::Beat;
pub use bgp::{Routing, Said};
pub use connection::{ConnId, Connection, Content, End};
pub use control::Control;
pub use dns::{Askers, Lookup};
pub use exported::Exported;
pub use figures::Figures;
pub use framing::{FramingFault, Misframed};
pub use half_open::Tcp;
pub use hep::SentOn;
pub use media::{MediaFlow, Place};
pub use message::{Course, Message, Origin, Sighting, Transport};
pub use noted::{Noted, Start};
pub use opening::Opening;
pub use pass::{Joins, Pass, Stands, Steady};
pub use rtcp::{Reception, RtcpReport};
pub use samples::Sample;
pub use sctp::SctpFlow;
pub use seen::Seen;
pub use sightings::{Run, Sightings};
pub use stream::Stream;
pub use stun::StunExchange;
pub use tcp_flow::{HTTPS_PORT, TcpFlow};
pub use text::Text;
pub use turn::Relay;

#[cfg(test)]
pub(crate) mod support;
#[cfg(test)]
mod tshark;
