//! The dialogs of a leg by the tag that Microsoft has in them: which there are, since when, and who ended them.

use super::is_ok;
use crate::call::{Leg, LegMessage, Recognition};
use crate::proto::sip::Method;
use crate::record::Seq;
use std::collections::{BTreeMap, BTreeSet};

/// The dialogs.
#[derive(Debug, Default)]
pub(super) struct Dialogs<'l> {
    /// Tags that Microsoft used: in the To of its responses, in the From of its requests.
    pub used: BTreeSet<&'l [u8]>,
    /// Where a 2xx to an INVITE confirmed a dialog, by Microsoft's tag.
    pub confirmed: BTreeMap<&'l [u8], Seq>,
    /// BYE requests of either side, by Microsoft's tag, each once and in order.
    pub byes: BTreeMap<&'l [u8], Vec<&'l LegMessage>>,
    /// The capture has what made a dialog: Microsoft's INVITE, or its response above 100 to one.
    pub begun: bool,
    /// A message of Microsoft's is not whole: it may have used other tags.
    pub cut: bool,
}

impl<'l> Dialogs<'l> {
    /// Those of a leg.
    pub fn of(leg: &'l Leg, recognition: &Recognition) -> Self {
        let mut dialogs = Self::default();
        for message in super::messages(leg) {
            let by_microsoft = recognition.is_microsoft(message.message.src(), message.message.dst());
            let start = message.start;
            let tag = microsofts_tag(message, by_microsoft);
            // The response to a request within a dialog repeats the tag that the request has.
            let repeats = !start.is_request && answers_within(leg, message);
            if by_microsoft {
                dialogs.cut |= message.sip().head_cut();
                dialogs.used.extend(tag.filter(|_| !repeats));
                let makes = if start.is_request { !start.has_to_tag } else { !repeats && start.status.is_some_and(|status| status > 100) };
                dialogs.begun |= start.method == Method::Invite && makes;
            }
            let Some(tag) = tag else { continue };
            if start.method == Method::Invite && is_ok(message) && !repeats {
                dialogs.confirmed.entry(tag).or_insert(message.message.seq());
            }
            if start.is_request && start.method == Method::Bye {
                dialogs.byes.entry(tag).or_default().push(message);
            }
        }
        dialogs
    }
}

/// The request that this response answers is within a dialog.
fn answers_within(leg: &Leg, response: &LegMessage) -> bool {
    let request = leg.transaction_of(response).and_then(|transaction| leg.message(transaction.request?));
    request.is_some_and(|request| request.start.has_to_tag)
}

/// Microsoft's tag in a message of the leg: the sender of a request has the From tag, who answers it the To tag.
pub(super) fn microsofts_tag(message: &LegMessage, by_microsoft: bool) -> Option<&[u8]> {
    let sip = message.sip();
    if message.start.is_request == by_microsoft { sip.from_tag() } else { sip.to_tag() }
}
