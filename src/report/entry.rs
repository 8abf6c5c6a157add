//! The entries of `callpath.report/1`: field names are the contract's, what is unknown is `null`, never absent.

use super::{DigitEntry, EventsEntry, IceEntry, IntervalEntry, RelayEntry, RtcpEntry, SrtpEntry, StreamTapEntry, Text, TlsEntry};
use crate::finding::Severity;
use crate::record::RecordId;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// One input file or stream.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct InputEntry {
    /// As the user named it, or as found in a directory; `-` for standard input.
    pub path: String,
    /// `pcap` or `pcapng`; `null` when it is neither.
    pub format: Option<String>,
    /// `gzip`, `zstd`, `lz4`, `xz`, `bzip2`, or `null`.
    pub compression: Option<String>,
    /// Records read.
    pub records: u64,
    /// Bytes read, after decompression.
    pub bytes: u64,
    /// Time of the first record, RFC 3339.
    pub first: Option<String>,
    /// Time of the last record, RFC 3339.
    pub last: Option<String>,
    /// Read to its end.
    pub complete: bool,
    /// Why not.
    pub problem: Option<String>,
}

/// One tap.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct TapEntry {
    /// Number, from 0 in order of first sight.
    pub id: u32,
    /// Indices of the inputs it was seen in.
    pub inputs: Vec<u32>,
    /// Interface name, or number where it has none; `null` for an unnamed pcap interface.
    pub interface: Option<String>,
    /// VLAN ids, outer to inner.
    pub vlan: Vec<u16>,
    /// Mirror encapsulation, `null` where there is none.
    pub encapsulation: Option<String>,
}

/// The ledger.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LedgerEntry {
    /// Records read.
    pub records: u64,
    /// Records by kind.
    pub kinds: BTreeMap<String, u64>,
    /// Records that could not be read further, by `"<layer>: <reason>"`.
    pub undecoded: BTreeMap<String, u64>,
    /// Second copies at one tap.
    pub duplicates: u64,
    /// What was dropped at caps.
    pub evicted: u64,
}

/// One call.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CallEntry<'a> {
    /// 12 hex digits of a hash of (first Call-ID or media 5-tuple, start time).
    pub id: Text<'a>,
    /// `call`, `options`, `register`, `subscribe`, `message`, `media_only`, `other`.
    pub kind: Text<'a>,
    /// `answered`, `rejected`, `cancelled`, `no_answer`, `redirected`, `failed`, `in_progress`.
    pub outcome: Option<Text<'a>>,
    /// First record, RFC 3339.
    pub started: Text<'a>,
    /// The 2xx to the INVITE.
    pub answered: Option<Text<'a>>,
    /// The end of the call.
    pub ended: Option<Text<'a>>,
    /// Calling number or user.
    pub caller: Option<Text<'a>>,
    /// Called number or user.
    pub callee: Option<Text<'a>>,
    /// Its legs.
    pub legs: Vec<LegEntry<'a>>,
    /// Ids of its streams.
    pub streams: Vec<Text<'a>>,
    /// Its ICE connectivity checks, one entry for each way they went; at most 16, the nominated first among what is kept.
    pub ice: Vec<IceEntry>,
    /// Fax that its legs negotiated (T.38 over UDPTL), which is no RTP: `T.38 between 10.0.0.1:4000 and 10.0.0.2:6000`.
    pub fax: Vec<String>,
    /// Rows of the expected call flows that it may be of, joined by `/`; `null` where none is about such a call.
    pub scenario: Option<Text<'a>>,
    /// Why it failed, in a paragraph; `null` where it did not.
    pub failure: Option<Text<'a>>,
    /// Ids of its findings.
    pub findings: Vec<Text<'a>>,
}

/// One leg.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct LegEntry<'a> {
    /// Call-ID; `null` for media without signalling.
    pub call_id: Option<Text<'a>>,
    /// From URI.
    pub from: Option<Text<'a>>,
    /// To URI.
    pub to: Option<Text<'a>>,
    /// `udp`, `tcp`, `tls`, `ws`, `wss`, `sctp`: the top Via's.
    pub transport: Option<Text<'a>>,
    /// Endpoint that sent the first request, `ip:port`.
    pub a: Text<'a>,
    /// The other endpoint.
    pub b: Text<'a>,
    /// `microsoft`, `trunk`, `internal`, `unknown`.
    pub side: Text<'a>,
    /// Requests, retransmissions left out.
    pub requests: u64,
    /// Responses, retransmissions left out.
    pub responses: u64,
    /// Retransmitted messages.
    pub retransmissions: u64,
    /// Status that decided the leg.
    pub status: Option<u16>,
    /// Its reason phrase.
    pub reason: Option<Text<'a>>,
    /// INVITE to first ringing or final response, ms with three decimals.
    pub setup_ms: Option<Decimal<3>>,
    /// Ids of its hops.
    pub hops: Vec<Text<'a>>,
    /// Why it belongs to this call, `null` for the first leg.
    pub joined_by: Option<Text<'a>>,
    /// Correlation id that a capture agent (HEP) gave its messages.
    pub correlation: Option<Text<'a>>,
}

/// One RTP stream.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct StreamEntry<'a> {
    /// Content hash.
    pub id: Text<'a>,
    /// Its call.
    pub call: Option<Text<'a>>,
    /// Its hop.
    pub hop: Option<Text<'a>>,
    /// The stream it continues on the far side of a NAT or relay.
    pub continues: Option<Text<'a>>,
    /// How that is known: `same_payload`, or `reencrypted` where sequence and timestamps are the same and the payload is not.
    pub continues_by: Option<Text<'a>>,
    /// Median time that the NAT or relay took, where one clock saw both sides.
    pub continues_ms: Option<Decimal<3>>,
    /// The stream before it on the same way, whose source it took the place of.
    pub follows: Option<Text<'a>>,
    /// Sender, `ip:port`.
    pub src: Text<'a>,
    /// Receiver, `ip:port`.
    pub dst: Text<'a>,
    /// `0x%08x`.
    pub ssrc: Text<'a>,
    /// Payload types seen, most packets first.
    pub payload_types: Vec<u8>,
    /// Codec of the first payload type that carries sound or pictures.
    pub codec: Option<Text<'a>>,
    /// Its clock rate in Hz.
    pub clock_rate: Option<u32>,
    /// SDP says SRTP.
    pub secured: bool,
    /// What its packets say of the key that SDP gave it; `null` where it gave none.
    pub srtp: Option<SrtpEntry>,
    /// Packets received by the last pass.
    pub packets: u64,
    /// Packets expected there (RFC 3550 A.3).
    pub expected: u64,
    /// Expected less received.
    pub lost: i64,
    /// Lost of expected, two decimals.
    pub loss_percent: Decimal<2>,
    /// Second copies, left out above.
    pub duplicates: u64,
    /// Packets that came after a later one.
    pub reordered: u64,
    /// RFC 3550 jitter, `null` where the clock rate is unknown.
    pub jitter_ms: MeanMax,
    /// Time between packets.
    pub delta_ms: MinMeanMax,
    /// Listening quality by the E-model (ITU-T G.107); `null` where the codec is unknown or has no published values.
    pub mos: Option<Decimal<2>>,
    /// That of the worst interval.
    pub mos_min: Option<Decimal<2>>,
    /// What `mos` rests on, or why there is none.
    pub mos_basis: Text<'a>,
    /// The stream by equal lengths of arrival time; those without packets are left out.
    pub intervals: Vec<IntervalEntry>,
    /// Keys pressed (RFC 4733), in order, at most 64; `null` where they were sent and cannot be read.
    pub dtmf: Option<Vec<DigitEntry>>,
    /// What stood out.
    pub events: EventsEntry,
    /// Code point of most packets.
    pub dscp: u8,
    /// First packet, RFC 3339.
    pub first: Text<'a>,
    /// Last packet, RFC 3339.
    pub last: Text<'a>,
    /// Segment of its direction.
    pub segment: Text<'a>,
    /// Why.
    pub basis: Text<'a>,
    /// Where it was seen.
    pub taps: Vec<StreamTapEntry>,
    /// What RTCP says about it; `null` where none was seen.
    pub rtcp: Option<RtcpEntry>,
    /// The relay that wrapped it; `null` where none did.
    pub relay: Option<RelayEntry>,
}

/// Mean and maximum in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MeanMax {
    /// Mean.
    pub mean: Option<Decimal<3>>,
    /// Maximum.
    pub max: Option<Decimal<3>>,
}

/// Minimum, mean and maximum in ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MinMeanMax {
    /// Minimum.
    pub min: Option<Decimal<3>>,
    /// Mean.
    pub mean: Option<Decimal<3>>,
    /// Maximum.
    pub max: Option<Decimal<3>>,
}

/// One hop.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HopEntry<'a> {
    /// Content hash.
    pub id: Text<'a>,
    /// Its call; `null` for a connection nobody could read.
    pub call: Option<Text<'a>>,
    /// `signalling` or `media`.
    pub kind: Text<'a>,
    /// One end.
    pub a: EndEntry<'a>,
    /// The other end.
    pub b: EndEntry<'a>,
    /// From a to b.
    pub a_to_b: WayEntry<'a>,
    /// From b to a.
    pub b_to_a: WayEntry<'a>,
    /// The verdict on both directions.
    pub asymmetric: AsymmetricEntry<'a>,
    /// TLS connections of its call between both ends, at most eight.
    pub tls: Vec<TlsEntry<'a>>,
}

/// One end of a hop.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EndEntry<'a> {
    /// Address.
    pub ip: Text<'a>,
    /// Its place.
    pub place: Text<'a>,
}

/// One direction of a hop.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WayEntry<'a> {
    /// Segment.
    pub segment: Text<'a>,
    /// Why.
    pub basis: Text<'a>,
    /// Packets of this call.
    pub packets: u64,
    /// Their payload bytes.
    pub bytes: u64,
}

/// Whether both directions of a hop use one segment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AsymmetricEntry<'a> {
    /// `no`, `possible`, `likely`, `confirmed`, `cannot_tell`.
    pub verdict: Text<'a>,
    /// What it rests on, or what is missing.
    pub evidence: Cow<'a, [String]>,
}

/// One grouped finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingEntry {
    /// Rule and 8 hex digits of a hash of (subject, value).
    pub id: String,
    /// The rule.
    pub rule: String,
    /// The highest of its occurrences.
    pub severity: Severity,
    /// The rule's title.
    pub title: String,
    /// What happened, in one sentence.
    pub message: String,
    /// Who or what is blamed.
    pub subject: String,
    /// The offending value.
    pub value: String,
    /// The first call.
    pub call: Option<String>,
    /// How many calls.
    pub calls: u64,
    /// How many occurrences.
    pub count: u64,
    /// Records of up to five occurrences.
    pub records: Vec<RecordId>,
    /// Excerpts of up to five occurrences.
    pub evidence: Vec<EvidenceEntry>,
    /// What to do.
    pub remedy: String,
    /// Where the rule comes from.
    pub sources: Vec<String>,
    /// A Wireshark display filter.
    pub filter: String,
}

/// An excerpt that proves a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceEntry {
    /// Index of the input.
    pub input: u32,
    /// Record number.
    pub number: u64,
    /// Capture time, RFC 3339.
    pub time: String,
    /// The text.
    pub excerpt: String,
}

/// A rule's outcomes.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CheckEntry {
    /// Subjects that violate it.
    pub violated: u64,
    /// Subjects that do not.
    pub clean: u64,
    /// Subjects that could not be judged.
    pub not_checked: u64,
    /// Why not, each reason once.
    pub reasons: Vec<String>,
}

/// A waiver of `callpath.toml`, and what it did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct WaiverEntry {
    /// The rules, as the file names them.
    pub rule: String,
    /// Whom it is for.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// Its last day, `2027-03-31`.
    pub expires: String,
    /// The capture ends later than that.
    pub expired: bool,
    /// Occurrences that it covered: 0 where nothing needs it any more.
    pub findings: u64,
}

/// A number with `N` decimals, kept as a whole number of its last place, so that it prints the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Deserialize)]
pub struct Decimal<const N: u32>(pub i64);

impl<const N: u32> Decimal<N> {
    /// `numerator / denominator`, rounded half away from zero; zero when the denominator is.
    pub fn ratio(numerator: i128, denominator: i128) -> Self {
        if denominator == 0 {
            return Self(0);
        }
        let scaled = numerator * 10i128.pow(N) * 2;
        let twice = scaled / denominator;
        let rounded = (twice + twice.signum()) / 2;
        Self(i64::try_from(rounded).unwrap_or(i64::MAX))
    }
    /// For arithmetic and printing.
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 10f64.powi(N as i32)
    }
}

impl<const N: u32> std::fmt::Display for Decimal<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.*}", N as usize, self.as_f64())
    }
}

impl<const N: u32> Serialize for Decimal<N> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}
