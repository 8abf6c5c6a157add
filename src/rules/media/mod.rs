//! SDP, ICE, SRTP, codecs and the media path (section F of the catalogue), and what its rules share.

mod described;
pub mod dr120_no_srtp;
pub mod dr121_srtp_suite;
pub mod dr122_crypto_params;
pub mod dr123_dtls_only;
pub mod dr125_codec;
pub mod dr126_payload_duplicate;
pub mod dr133_ice_many_candidates;
pub mod dr137_ice_changed_after_183;
pub mod dr147_sdp_malformed;
