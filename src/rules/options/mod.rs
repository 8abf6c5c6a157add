//! OPTIONS keep-alive, choice of the datacentre and failover (section C of the catalogue).

pub mod answer;
pub mod dr050_options_missing;
pub mod dr051_options_interval;
pub mod dr052_options_rejected;
pub mod dr053_options_unanswered;
pub mod dr054_options_from_microsoft;
pub mod dr055_options_regions;
pub mod dr057_allow_missing;
pub mod dr060_retry_after_ignored;
pub mod dr061_fqdn_order;
pub mod dr062_no_failover;
pub mod dr063_fixed_ip_peering;
pub mod dr064_retry_after_603;
pub mod dr065_failover_code;
pub mod dr066_no_progress_10s;
pub mod dr067_early_18x_blocks_failover;
mod placed;
mod taken;
pub mod times;
