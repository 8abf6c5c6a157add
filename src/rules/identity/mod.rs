//! Identity and addressing headers (section A of the catalogue).

pub mod dr001_contact_ip;
pub mod dr002_record_route_ip;
pub mod dr003_contact_missing;
pub mod dr004_contact_fqdn_unknown;
pub mod dr005_contact_onmicrosoft;
pub mod dr006_contact_multiple;
pub mod dr007_contact_rr_mismatch;
pub mod dr008_record_route_unneeded;
pub mod dr009_contact_transport;
pub mod dr010_sips_uri;
pub mod dr011_empty_user;
pub mod dr012_ruri_no_plus;
pub mod dr013_from_no_plus;
pub mod dr014_to_no_plus;
pub mod dr015_to_ruri_digits_differ;
pub mod dr016_user_phone;
pub mod dr017_replaces_to_microsoft;
mod mid_call;
mod numbers;
pub(super) mod written;
pub mod dr018_cseq_method;
pub mod dr019_max_forwards;
pub mod dr020_ruri_host;
pub mod dr021_via_transport;
pub mod dr022_proxy_changed_ruri;
pub mod dr023_contact_port;
