//! Call set-up, forking and dialogs (section D of the catalogue).

pub mod dr070_delayed_offer;
pub mod dr085_method_not_allowed;
pub mod dr086_failure_reason;
pub mod dr087_ack_mismatch;
pub mod dr088_tag_missing;
pub mod dr089_cseq_order;
