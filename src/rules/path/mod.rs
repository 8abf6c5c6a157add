//! Network segments and paths (section I of the catalogue).

pub mod crossing;
pub mod dr170_asymmetric_segment;
pub mod dr171_er_expected;
pub mod dr173_path_mismatch;
pub mod dr178_hairpin;
pub mod dr179_third_party_relay;
