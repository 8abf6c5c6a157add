//! Session descriptions (SDP, RFC 8866): a tolerant line reader decides what they say, `sdp-types` gives the full model.
//!
//! A body that `sdp-types` refuses still gives its `m=` and `c=` lines. No key is kept: of `a=crypto` and `k=` only that
//! they are there and which suite they name, of `ice-pwd` only a digest that tells a change.

mod candidate;
mod crypto;
mod outline;
mod read;

use super::payload::static_payload;
use serde::{Deserialize, Serialize};
use std::net::IpAddr;

pub use candidate::{Candidate, CandidateKind};
pub use crypto::Crypto;
pub use outline::{Outline, outline};

/// What a session description says about media.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sdp {
    /// `o=`, the first if there are several.
    pub origin: Option<Origin>,
    /// `s=`, when `sdp-types` accepts the body.
    pub session_name: Option<String>,
    /// The session's own `c=` address; each medium has the one that applies to it.
    pub connection: Option<IpAddr>,
    /// `a=ice-lite` (RFC 8839 section 5.3).
    pub ice_lite: bool,
    /// One per `m=` line in order; at most 256.
    pub media: Vec<MediaDescription>,
    /// What is wrong with its structure.
    pub faults: Faults,
    /// Why `sdp-types` refuses the body or reads other media; `None` when it accepts it.
    pub refused: Option<String>,
}

/// Who made the session (RFC 8866 section 5.2).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// User name, often `-`.
    pub user: String,
    /// Session id, as text: it is the same on both sides of a relay that does not rewrite it.
    pub session_id: String,
    /// Session version; `None` when it is no number of 64 bits.
    pub version: Option<u64>,
    /// Address or name as written.
    pub address_text: String,
}

/// One `m=` section.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MediaDescription {
    /// `audio`, `video`, `image` …
    pub kind: String,
    /// Port; 0 means declined (RFC 3264 section 6), and so does a port that is no number of 16 bits.
    pub port: u16,
    /// Number of ports after `/`, 1 when none is written.
    pub port_count: u16,
    /// Transport such as `RTP/SAVP`, as written.
    pub proto: String,
    /// Formats as written; [`MediaDescription::payload_types`] gives those of RTP.
    pub formats: Vec<String>,
    /// The address of the `c=` line that applies: its own, else the session's. `None` when none applies or it is a name.
    pub connection: Option<IpAddr>,
    /// The text of that address or name, without TTL; empty when no `c=` applies.
    pub connection_text: String,
    /// Direction: its own, else the session's, else `SendRecv` (RFC 8866 section 6.7).
    pub direction: Direction,
    /// `a=rtcp` (RFC 3605): the address if written, and the port.
    pub rtcp: Option<(Option<IpAddr>, u16)>,
    /// `a=rtcp-mux` (RFC 5761).
    pub rtcp_mux: bool,
    /// `a=rtpmap` lines in order.
    pub codecs: Vec<Rtpmap>,
    /// `a=fmtp` lines in order: format and parameters.
    pub fmtp: Vec<(String, String)>,
    /// `a=ptime` in ms.
    pub ptime: Option<u16>,
    /// `a=mid`.
    pub mid: Option<String>,
    /// `a=candidate` lines that could be read.
    pub candidates: Vec<Candidate>,
    /// `a=ice-ufrag`: its own, else the session's.
    pub ice_ufrag: Option<String>,
    /// A digest of `a=ice-pwd` (own, else the session's), good for telling a change and for nothing else.
    pub ice_pwd_digest: Option<u64>,
    /// `a=crypto` lines (RFC 4568) without their keys.
    pub crypto: Vec<Crypto>,
    /// `a=fingerprint`, its own or the session's: DTLS-SRTP (RFC 5763).
    pub fingerprint: bool,
    /// `b=` lines as kind and value, when `sdp-types` accepts the body.
    pub bandwidth: Vec<(String, u64)>,
    /// Protected: the transport is a SAVP profile, or `a=crypto` or `a=fingerprint` is there.
    pub secured: bool,
}

/// Who sends (RFC 3264 section 5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// Only the one who wrote this.
    SendOnly,
    /// Only the other.
    RecvOnly,
    /// Nobody.
    Inactive,
}

/// One `a=rtpmap` line.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Rtpmap {
    /// RTP payload type.
    pub payload_type: u8,
    /// Encoding name as written; letter case does not matter.
    pub name: String,
    /// Clock rate in Hz; 0 when it is missing or no number.
    pub clock_rate: u32,
    /// Channels, 1 when none are written.
    pub channels: u8,
}

/// Faults of structure (RFC 8866 section 5); a cut body has them without being at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Faults {
    /// No `v=` line.
    pub no_version: bool,
    /// No `o=` line.
    pub no_origin: bool,
    /// No `s=` line.
    pub no_session_name: bool,
    /// No `t=` line.
    pub no_time: bool,
    /// Lines that do not match `<letter>=`, and `m=`, `c=`, `rtpmap` and `candidate` lines that cannot be read.
    pub malformed: u16,
    /// `rtpmap`, `fmtp`, `candidate`, `crypto` and `rtcp` before the first `m=`.
    pub misplaced: u16,
    /// Control characters other than CR, LF and TAB.
    pub control: bool,
}

/// Reads a session description. `None` when no line of it is one of `v=`, `o=`, `c=`, `m=`.
pub fn parse(body: &[u8]) -> Option<Sdp> {
    let mut sdp = read::lines(body)?;
    match model(body) {
        Ok(model) if model.medias.len() == sdp.media.len() => adopt(&mut sdp, model),
        Ok(_) => sdp.refused = Some("reads another number of media".to_owned()),
        Err(why) => sdp.refused = Some(why),
    }
    Some(sdp)
}

/// Reads what the tolerant reader says alone: a fifth of the work, where nobody asks for what `sdp-types` thinks of it.
pub fn parse_tolerant(body: &[u8]) -> Option<Sdp> {
    read::lines(body)
}

/// The full model of `sdp-types`, or why it refuses the body.
pub fn model(body: &[u8]) -> Result<sdp_types::Session, String> {
    sdp_types::Session::parse(body).map_err(|error| error.to_string())
}

/// Takes over what only the model reads.
fn adopt(sdp: &mut Sdp, model: sdp_types::Session) {
    sdp.session_name = (!sdp.faults.no_session_name).then_some(model.session_name);
    for (media, model) in sdp.media.iter_mut().zip(model.medias) {
        media.bandwidth = model.bandwidths.into_iter().map(|line| (line.bwtype, line.bandwidth)).collect();
    }
}

impl Sdp {
    /// The first audio section that is not declined.
    pub fn audio(&self) -> Option<&MediaDescription> {
        self.media.iter().find(|media| media.kind.eq_ignore_ascii_case("audio") && media.port != 0)
    }
}

impl MediaDescription {
    /// The RTP payload types among the formats, in order of preference.
    pub fn payload_types(&self) -> impl Iterator<Item = u8> + '_ {
        self.formats.iter().filter_map(|format| format.parse().ok()).filter(|pt| *pt < 128)
    }

    /// Encoding name and clock rate in Hz of a payload type: as its `rtpmap` says, else as RFC 3551 fixes it.
    pub fn codec(&self, payload_type: u8) -> Option<(&str, u32)> {
        let mapped = self.codecs.iter().find(|codec| codec.payload_type == payload_type);
        mapped.map(|codec| (codec.name.as_str(), codec.clock_rate)).or_else(|| static_payload(payload_type))
    }

    /// Where RTCP is expected (RFC 3605, RFC 5761): the RTP port when multiplexed, else `a=rtcp`, else the next port.
    pub fn rtcp_port(&self) -> u16 {
        match self.rtcp {
            _ if self.rtcp_mux => self.port,
            Some((_, port)) => port,
            None => self.port.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests;
