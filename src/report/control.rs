//! Entries on what RTCP, SRTP, STUN and TURN tell of streams and calls: field names are the contract's, what is unknown is `null`, never absent.

use super::{Decimal, MeanMax, MinMeanMax};
use serde::{Deserialize, Serialize};

/// What RTCP says about a stream: its receiver's reports, and what its sender says of itself.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RtcpEntry {
    /// Report blocks about it.
    pub reports: u64,
    /// Cumulative packets lost, as reported last; negative with duplicates.
    pub lost: Option<i64>,
    /// Largest part lost between two reports.
    pub fraction_max_percent: Option<Decimal<2>>,
    /// Interarrival jitter as reported; `null` where the clock rate is unknown.
    pub jitter_ms: MeanMax,
    /// Round-trip time from the tap to the receiver and back: from a sender report passing the tap to the report that answers it
    /// passing there, less the delay that the receiver says it took.
    pub rtt_ms: MinMeanMax,
    /// Packets that the sender had sent at its last sender report.
    pub sent: Option<u32>,
    /// Canonical name of the sender.
    pub cname: Option<String>,
    /// RTCP packets of the receiver that could not be read, because they are encrypted or cut.
    pub unread: u64,
    /// VoIP metrics of the receiver (RFC 3611 section 4.7), as reported last.
    pub voip: Option<VoipEntry>,
}

/// Whether the SRTP key that SDP gave a stream (RFC 4568) is the one in use.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SrtpEntry {
    /// The crypto suite; `null` where several were offered and none is proven.
    pub suite: Option<String>,
    /// Packets, of a few that are looked at, that were sealed with an announced key of the sender.
    pub verified: u64,
    /// Those that were not.
    pub failed: u64,
    /// They show that one key took the place of another.
    pub rekeyed: bool,
}

/// VoIP metrics (RFC 3611 section 4.7).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct VoipEntry {
    /// Packets lost in the network.
    pub loss_percent: Decimal<2>,
    /// Packets that the jitter buffer discarded.
    pub discard_percent: Decimal<2>,
    /// Round-trip time between the endpoints.
    pub round_trip_ms: Option<u16>,
    /// Delay within the receiver.
    pub end_system_ms: Option<u16>,
    /// R factor.
    pub r_factor: Option<u8>,
    /// Listening quality.
    pub mos_lq: Option<Decimal<2>>,
    /// Conversational quality.
    pub mos_cq: Option<Decimal<2>>,
}

/// How a stream or a check was relayed (TURN, RFC 8656).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RelayEntry {
    /// The relay, `ip:port`; `null` where nothing says which end it is.
    pub server: Option<String>,
    /// Who is behind it, `ip:port`.
    pub peer: Option<String>,
    /// The channel that was used.
    pub channel: Option<u16>,
}

/// Connectivity checks from one candidate to another (RFC 8445).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct IceEntry {
    /// Who checked, `ip:port`.
    pub local: String,
    /// Who was checked, `ip:port`.
    pub remote: String,
    /// A check with USE-CANDIDATE was answered.
    pub nominated: bool,
    /// Checks, retransmissions left out.
    pub checks: u64,
    /// Checks that were answered with success.
    pub successes: u64,
    /// Time from the tap to who was checked and back.
    pub rtt_ms: MinMeanMax,
    /// The relay that they went through.
    pub relay: Option<RelayEntry>,
}
