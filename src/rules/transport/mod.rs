//! Signalling transport, TLS and certificates (section B of the catalogue).

pub mod dr030_signalling_cleartext;
pub mod dr031_port_5061;
pub mod dr032_cert_name;
pub mod dr033_cert_wildcard_depth;
pub mod dr034_cert_validity;
pub mod dr035_cert_expiring;
pub mod dr036_cert_chain;
pub mod dr037_cert_eku;
pub mod dr038_tls_version;
pub mod dr039_tls_cipher;
pub mod dr040_tls_handshake;
pub mod dr041_microsoft_cert;
pub mod dr042_cert_ecdsa;
pub mod dr043_cert_key_size;
pub mod dr044_acl_blocks_microsoft;
pub mod dr045_gov_port;
pub mod dr046_foreign_peer_claims_microsoft;
pub mod dr047_content_length;
mod failure;
pub(super) mod names;
pub(super) mod parties;
