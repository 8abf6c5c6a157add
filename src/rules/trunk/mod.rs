//! The trunk leg and the size of messages on it (section G of the catalogue).

pub mod dr150_udp_1500;
pub mod dr152_ice_to_trunk;
pub mod dr153_trunk_class;
mod sides;
