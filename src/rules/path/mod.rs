//! Network segments and paths (section I of the catalogue).

pub mod crossing;
pub mod dr170_asymmetric_segment;
pub mod dr171_er_expected;
pub mod dr172_internet_only_on_er;
pub mod dr173_path_mismatch;
pub mod dr174_p2p_relayed_inside;
pub mod dr175_conference_edge_missing;
pub mod dr176_media_in_vpn;
pub mod dr177_prefix_data_stale;
pub mod dr178_hairpin;
pub mod dr179_third_party_relay;
