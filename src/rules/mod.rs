//! Rules: one file each, pure functions over typed facts. A rule's page, `rules/<family>/<ID-name>.md`, is its manual and its test.

use crate::call::{Call, Leg, LegMessage};
use crate::finding::{Outcome, Severity, Violation};
use crate::flow::Connection;
use crate::path::{Hop, Routes};
use crate::trunk::TrunkHistory;
use std::net::IpAddr;

pub mod along;
pub mod book;
mod ctx;
pub mod dialog;
pub mod heeds;
pub mod identity;
pub mod lbr;
pub mod lmo;
pub mod media;
pub mod options;
pub mod page;
pub mod path;
pub mod quality;
pub mod transfer;
pub mod transport;
pub mod trunk;

pub use book::{Book, RuleIdx, RuleSet};
pub use ctx::Ctx;
pub use heeds::{Answer, Bound, Heeds, Towards, courses};
pub use page::Page;

/// All rules, in order of id.
pub const RULES: &[&Rule] = &[
    &identity::dr001_contact_ip::RULE,
    &identity::dr002_record_route_ip::RULE,
    &identity::dr003_contact_missing::RULE,
    &identity::dr004_contact_fqdn_unknown::RULE,
    &identity::dr005_contact_onmicrosoft::RULE,
    &identity::dr006_contact_multiple::RULE,
    &identity::dr007_contact_rr_mismatch::RULE,
    &identity::dr008_record_route_unneeded::RULE,
    &identity::dr009_contact_transport::RULE,
    &identity::dr010_sips_uri::RULE,
    &identity::dr011_empty_user::RULE,
    &identity::dr012_ruri_no_plus::RULE,
    &identity::dr013_from_no_plus::RULE,
    &identity::dr014_to_no_plus::RULE,
    &identity::dr015_to_ruri_digits_differ::RULE,
    &identity::dr016_user_phone::RULE,
    &identity::dr017_replaces_to_microsoft::RULE,
    &identity::dr018_cseq_method::RULE,
    &identity::dr019_max_forwards::RULE,
    &identity::dr020_ruri_host::RULE,
    &identity::dr021_via_transport::RULE,
    &identity::dr022_proxy_changed_ruri::RULE,
    &identity::dr023_contact_port::RULE,
    &identity::dr024_header_syntax::RULE,
    &identity::dr025_sip_all_fqdn::RULE,
    &identity::dr026_test_endpoint::RULE,
    &identity::dr027_acs_name_clash::RULE,
    &identity::dr028_x_ms_sbc::RULE,
    &identity::dr029_dns_mismatch::RULE,
    &transport::dr030_signalling_cleartext::RULE,
    &transport::dr031_port_5061::RULE,
    &transport::dr032_cert_name::RULE,
    &transport::dr033_cert_wildcard_depth::RULE,
    &transport::dr034_cert_validity::RULE,
    &transport::dr035_cert_expiring::RULE,
    &transport::dr036_cert_chain::RULE,
    &transport::dr037_cert_eku::RULE,
    &transport::dr038_tls_version::RULE,
    &transport::dr039_tls_cipher::RULE,
    &transport::dr040_tls_handshake::RULE,
    &transport::dr041_microsoft_cert::RULE,
    &transport::dr042_cert_ecdsa::RULE,
    &transport::dr043_cert_key_size::RULE,
    &transport::dr044_acl_blocks_microsoft::RULE,
    &transport::dr045_gov_port::RULE,
    &transport::dr046_foreign_peer_claims_microsoft::RULE,
    &transport::dr047_content_length::RULE,
    &options::dr050_options_missing::RULE,
    &options::dr051_options_interval::RULE,
    &options::dr052_options_rejected::RULE,
    &options::dr053_options_unanswered::RULE,
    &options::dr054_options_from_microsoft::RULE,
    &options::dr055_options_regions::RULE,
    &options::dr057_allow_missing::RULE,
    &options::dr060_retry_after_ignored::RULE,
    &options::dr061_fqdn_order::RULE,
    &options::dr062_no_failover::RULE,
    &options::dr063_fixed_ip_peering::RULE,
    &options::dr064_retry_after_603::RULE,
    &options::dr065_failover_code::RULE,
    &options::dr066_no_progress_10s::RULE,
    &options::dr067_early_18x_blocks_failover::RULE,
    &dialog::dr070_delayed_offer::RULE,
    &dialog::dr071_multi_183_nonbypass::RULE,
    &dialog::dr072_fork_handling::RULE,
    &dialog::dr073_no_local_ringback::RULE,
    &dialog::dr074_183_stops_ringback::RULE,
    &dialog::dr075_183_in_lmo::RULE,
    &dialog::dr076_in_dialog_next_hop::RULE,
    &dialog::dr077_ack_missing::RULE,
    &dialog::dr078_in_dialog_unreachable::RULE,
    &dialog::dr079_invite_unanswered::RULE,
    &dialog::dr080_hold_direction::RULE,
    &dialog::dr081_hold_c_zero::RULE,
    &dialog::dr082_session_timer_mode::RULE,
    &dialog::dr083_session_timer_expiry::RULE,
    &dialog::dr084_media_retarget::RULE,
    &dialog::dr085_method_not_allowed::RULE,
    &dialog::dr086_failure_reason::RULE,
    &dialog::dr087_ack_mismatch::RULE,
    &dialog::dr088_tag_missing::RULE,
    &dialog::dr089_cseq_order::RULE,
    &transfer::dr102_refer_rejected::RULE,
    &transfer::dr104_refer_invite_missing::RULE,
    &transfer::dr105_refer_target_altered::RULE,
    &transfer::dr106_referred_by_lost::RULE,
    &media::dr120_no_srtp::RULE,
    &media::dr121_srtp_suite::RULE,
    &media::dr122_crypto_params::RULE,
    &media::dr123_dtls_only::RULE,
    &media::dr125_codec::RULE,
    &media::dr126_payload_duplicate::RULE,
    &media::dr133_ice_many_candidates::RULE,
    &media::dr137_ice_changed_after_183::RULE,
    &media::dr147_sdp_malformed::RULE,
    &trunk::dr150_udp_1500::RULE,
    &trunk::dr152_ice_to_trunk::RULE,
    &trunk::dr153_trunk_class::RULE,
    &quality::dr164_loss::RULE,
    &quality::dr165_burst_loss::RULE,
    &path::dr170_asymmetric_segment::RULE,
    &path::dr171_er_expected::RULE,
    &path::dr172_internet_only_on_er::RULE,
    &path::dr173_path_mismatch::RULE,
    &path::dr174_p2p_relayed_inside::RULE,
    &path::dr175_conference_edge_missing::RULE,
    &path::dr176_media_in_vpn::RULE,
    &path::dr177_prefix_data_stale::RULE,
    &path::dr178_hairpin::RULE,
    &path::dr179_third_party_relay::RULE,
    &lmo::dr190_lmo_headers_missing::RULE,
    &lmo::dr191_lmo_mediapath_last::RULE,
    &lmo::dr192_lmo_site_case::RULE,
    &lmo::dr193_lmo_not_local::RULE,
    &lmo::dr194_lmo_external_private::RULE,
    &lmo::dr195_lmo_record_route::RULE,
    &lmo::dr196_lmo_path_mode::RULE,
    &lmo::dr197_lmo_vpn::RULE,
    &lbr::dr200_lbr_outbound::RULE,
    &lbr::dr201_lbr_inbound::RULE,
    &lbr::dr202_lbr_transfer::RULE,
    &lbr::dr203_lbr_india_bypass::RULE,
    &lbr::dr204_lbr_lmo::RULE,
    &lbr::dr210_emergency::RULE,
    &lbr::dr211_pidf_lo_missing::RULE,
];

/// Who a rule blames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// What the SBC sends to Microsoft.
    SbcToMicrosoft,
    /// What Microsoft sends to the SBC.
    MicrosoftToSbc,
    /// Either.
    Any,
}

impl Direction {
    /// As pages write it.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::SbcToMicrosoft => "SBC→Microsoft",
            Direction::MicrosoftToSbc => "Microsoft→SBC",
            Direction::Any => "any",
        }
    }
}

/// A rule: what it is called, how much it matters, what it needs to see, and its check.
#[derive(Debug)]
pub struct Rule {
    /// Full id, `DR001-contact-ip`.
    pub id: &'static str,
    /// Title, as on its page.
    pub title: &'static str,
    /// Severity where the check says nothing else.
    pub severity: Severity,
    /// Who is blamed.
    pub direction: Direction,
    /// What the capture must show: `SIP text`, `headers and topology` …
    pub evidence: &'static str,
    /// `documented`, `RFC`, `field-observed`, `inference`, `heuristic`.
    pub confidence: &'static str,
    /// Date from which it holds, by the capture's clock; `always`.
    pub since: &'static str,
    /// A refusal-type rule: one level lower when the service accepted that very message (catalogue section 4).
    pub lower_when_accepted: bool,
    /// Ids of rules whose findings on the same message this one explains.
    pub hides: &'static [&'static str],
    /// Text of its page.
    pub page: &'static str,
    /// The check.
    pub check: Check,
}

impl Rule {
    /// It reads SIP messages or what they make up: of a connection that nobody could read it can say nothing.
    pub fn reads_sip(&self) -> bool {
        match self.check {
            Check::Message(..) => true,
            Check::Leg(_) | Check::Call(_) => self.evidence.starts_with("SIP text"),
            Check::Connection(_) | Check::Service(_) | Check::Hop(_) | Check::Path(..) | Check::Trunk(_) => false,
        }
    }

    /// Its short id, `DR001`.
    pub fn number(&self) -> &'static str {
        self.id.split('-').next().unwrap_or(self.id)
    }

    /// Its family: the folder of its file and page, by its number's section of the catalogue.
    pub fn family(&self) -> &'static str {
        match self.id.get(2..5).and_then(|number| number.parse::<u16>().ok()).unwrap_or_default() {
            0..=29 => "identity",
            30..=49 => "transport",
            50..=69 => "options",
            70..=99 => "dialog",
            100..=119 => "transfer",
            120..=149 => "media",
            150..=159 => "trunk",
            160..=169 => "quality",
            170..=189 => "path",
            190..=199 => "lmo",
            _ => "lbr",
        }
    }
}

/// A check, by what it looks at.
#[derive(Debug, Clone, Copy)]
pub enum Check {
    /// One message of a Direct Routing leg, each once; those that it heeds.
    Message(Heeds, fn(&LegMessage, &Ctx<'_>) -> Outcome),
    /// One TCP connection, whatever could be read of it.
    Connection(fn(&Connection, &Ctx<'_>) -> Outcome),
    /// One TLS connection that is no signalling and names the host that it is for; `ctx.hops` has its hop.
    Service(fn(&Connection, &Ctx<'_>) -> Outcome),
    /// One leg, Direct Routing or not.
    Leg(fn(&Leg, &Ctx<'_>) -> Outcome),
    /// One call with all its legs and hops, once; also media that nobody signalled.
    Call(fn(&Call, &Ctx<'_>) -> Outcome),
    /// One hop.
    Hop(fn(&Hop, &Ctx<'_>) -> Outcome),
    /// One hop, and at the end of the run all flows together.
    Path(fn(&Hop, &Ctx<'_>) -> Outcome, fn(&Routes, &Ctx<'_>) -> Outcome),
    /// The SBC of this address, over the whole run.
    Trunk(fn(IpAddr, &TrunkHistory, &Ctx<'_>) -> Outcome),
}

impl Check {
    /// As pages write it.
    pub const fn scope(&self) -> &'static str {
        match self {
            Check::Message(..) => "Message",
            Check::Connection(_) | Check::Service(_) => "Connection",
            Check::Leg(_) => "Leg",
            Check::Call(_) => "Call",
            Check::Hop(_) | Check::Path(..) => "Hop",
            Check::Trunk(_) => "Trunk",
        }
    }
}

/// A violation by the sender of `message`, whose `line` with `value` offends.
pub fn by_sender(ctx: &Ctx<'_>, message: &LegMessage, severity: Severity, value: String, text: String, line: &str) -> Violation {
    Violation { severity, subject: message.message.src().ip().to_string(), value, message: text, evidence: ctx.proof(message, line) }
}

/// Finds a rule by `DR001`, `DR001-contact-ip` or `contact-ip`, in any letter case.
pub fn find(name: &str) -> Option<&'static Rule> {
    let wanted = name.to_ascii_lowercase();
    RULES.iter().copied().find(|rule| {
        let id = rule.id.to_ascii_lowercase();
        id == wanted || id.split_once('-').is_some_and(|(number, words)| number == wanted || words == wanted)
    })
}
