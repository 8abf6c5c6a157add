//! Call set-up, forking and dialogs (section D of the catalogue), and what its rules share.

use crate::call::{Leg, LegMessage, Recognition, Transaction, TransactionIdx};
use crate::finding::{Evidence, Outcome, Violation};
use crate::proto::sip::{Method, lossy};
use crate::rules::Ctx;
use std::net::IpAddr;

mod dialogs;
pub mod dr070_delayed_offer;
pub mod dr071_multi_183_nonbypass;
pub mod dr072_fork_handling;
pub mod dr073_no_local_ringback;
pub mod dr074_183_stops_ringback;
pub mod dr075_183_in_lmo;
pub mod dr076_in_dialog_next_hop;
pub mod dr077_ack_missing;
pub mod dr078_in_dialog_unreachable;
pub mod dr079_invite_unanswered;
pub mod dr080_hold_direction;
pub mod dr081_hold_c_zero;
pub mod dr082_session_timer_mode;
pub mod dr083_session_timer_expiry;
pub mod dr084_media_retarget;
pub mod dr085_method_not_allowed;
pub mod dr086_failure_reason;
pub mod dr087_ack_mismatch;
pub mod dr088_tag_missing;
pub mod dr089_cseq_order;
pub mod heard;
mod rtp;
mod target;
mod through;

/// Why nothing is said of a message that is not whole.
const CUT: &str = "message is cut by the snap length";
/// Why nothing is said of a dialog that was there before the capture.
const NOT_BEGUN: &str = "the exchange that made the dialog is not in the capture";
/// Why nothing is said of a leg with more messages than are kept.
const LET_GO: &str = "the leg has more messages than are kept";

/// The leg of the check, where it is Direct Routing.
fn direct<'a>(ctx: &Ctx<'a>) -> Option<(&'a Leg, &'a Recognition)> {
    ctx.leg.filter(|(_, recognition)| recognition.is_direct_routing())
}

/// The messages of a leg, each once, in order.
fn messages(leg: &Leg) -> impl Iterator<Item = &LegMessage> {
    leg.messages.iter().filter(|message| !message.retransmission)
}

/// The SBC's address at a message between it and Microsoft.
fn sbc_at(ctx: &Ctx<'_>, message: &LegMessage) -> IpAddr {
    if ctx.from_microsoft(message) { message.message.dst().ip() } else { message.message.src().ip() }
}

/// Some of the message is not there.
fn is_cut(message: &LegMessage) -> bool {
    message.message.cut || message.sip().head_cut() || message.sip().body_cut()
}

/// A 2xx.
fn is_ok(message: &LegMessage) -> bool {
    message.start.status.is_some_and(|status| (200..300).contains(&status))
}

/// The message's start line.
fn start_line(message: &LegMessage) -> String {
    lossy(message.sip().start_line()).into_owned()
}

/// A message as proof, by its start line.
fn proof(message: &LegMessage) -> Evidence {
    Evidence::new(&message.message.seen(), start_line(message))
}

/// The INVITE that an ACK acknowledges: a refused one by its transaction, an accepted one by CSeq number and sender (RFC 3261 sections
/// 17.1.1.3 and 13.2.2.4).
fn acknowledged(leg: &Leg, ack: &LegMessage) -> Option<TransactionIdx> {
    let own = leg.transaction_of(ack)?;
    if own.method == Method::Invite {
        return Some(ack.transaction);
    }
    let sent_by =
        |idx: Option<u32>| leg.message(idx?).map(|m| if m.start.is_request { m.message.src().ip() } else { m.message.dst().ip() });
    let is_its = |t: &Transaction| {
        t.method == Method::Invite && t.number == own.number && sent_by(t.request.or(t.last)) == Some(ack.message.src().ip())
    };
    leg.transactions.iter().rposition(is_its).map(|idx| idx as TransactionIdx)
}

/// What a rule says of several things of one subject: the violations, else what is missing, else that all is well.
#[derive(Debug, Default)]
struct Said {
    violations: Vec<Violation>,
    lack: Option<String>,
    judged: bool,
}

impl Said {
    /// One of them keeps the rule.
    fn clean(&mut self) {
        self.judged = true;
    }

    /// One of them breaks it.
    fn violated(&mut self, violation: Violation) {
        self.violations.push(violation);
    }

    /// Of one of them nothing can be said.
    fn lacks(&mut self, why: impl Into<String>) {
        self.lack.get_or_insert_with(|| why.into());
    }

    /// Takes in what was found of one of them.
    fn add(&mut self, found: Result<Option<Violation>, String>) {
        match found {
            Ok(None) => self.clean(),
            Ok(Some(violation)) => self.violated(violation),
            Err(why) => self.lacks(why),
        }
    }

    fn outcome(self) -> Outcome {
        match (self.violations.is_empty(), self.lack, self.judged) {
            (false, ..) => Outcome::Violated(self.violations),
            (true, Some(why), _) => Outcome::NotChecked(why),
            (true, None, true) => Outcome::Clean,
            (true, None, false) => Outcome::NotApplicable,
        }
    }
}
