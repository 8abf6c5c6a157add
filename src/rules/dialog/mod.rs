//! Call set-up, forking and dialogs (section D of the catalogue), and what its rules share.

use crate::call::LegMessage;

pub mod dr070_delayed_offer;
pub mod dr085_method_not_allowed;
pub mod dr086_failure_reason;
pub mod dr087_ack_mismatch;
pub mod dr088_tag_missing;
pub mod dr089_cseq_order;
pub mod dr080_hold_direction;
pub mod dr081_hold_c_zero;

/// Why nothing is said of a message that is not whole.
const CUT: &str = "message is cut by the snap length";

/// Some of the message is not there.
fn is_cut(message: &LegMessage) -> bool {
    message.message.cut || message.sip().head_cut() || message.sip().body_cut()
}

/// The message's start line.
fn start_line(message: &LegMessage) -> String {
    String::from_utf8_lossy(message.sip().start_line()).into_owned()
}
