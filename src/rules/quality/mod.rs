//! Quality and QoS (section H of the catalogue).

pub mod dr164_loss;
pub mod dr165_burst_loss;
mod flow;
mod lost;
