//! callpath beside tshark on every shared capture: records, SIP messages, RTP streams, RTCP reports, STUN messages, and which call a
//! stream belongs to. What differs stands in `oracle-differences.toml`, with the reason.

mod support;

#[path = "oracle/calls.rs"]
mod calls;
#[path = "oracle/cases.rs"]
mod cases;
#[path = "oracle/counts.rs"]
mod counts;
#[path = "oracle/datagrams.rs"]
mod datagrams;
#[path = "oracle/differences.rs"]
mod differences;
#[path = "oracle/rtcp.rs"]
mod rtcp;
#[path = "oracle/score.rs"]
mod score;
#[path = "oracle/sip.rs"]
mod sip;
#[path = "support/skipped.rs"]
mod skipped;
#[path = "oracle/streams.rs"]
mod streams;
#[path = "oracle/stun.rs"]
mod stun;
#[path = "oracle/tshark.rs"]
mod tshark;
