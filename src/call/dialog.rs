//! Dialogs (RFC 3261 section 12): one leg has one for each To tag that answered its INVITE; a fork makes several.

use super::MessageIdx;
use serde::{Deserialize, Serialize};

/// State of a dialog.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Made by a provisional response.
    Early,
    /// Made or confirmed by a 2xx.
    Confirmed,
    /// Ended by BYE, or early when the INVITE failed.
    Terminated,
}

/// A dialog of a leg; early dialogs keep their own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dialog {
    /// To tag of the response that made it.
    pub tag: Box<[u8]>,
    /// Its state.
    pub state: State,
    /// The response that made it.
    pub made_by: MessageIdx,
}

/// The dialog with `tag`, made if it is not there.
pub fn dialog_mut<'d>(dialogs: &'d mut Vec<Dialog>, tag: &[u8], made_by: MessageIdx) -> Option<&'d mut Dialog> {
    let at = match dialogs.iter().position(|dialog| *dialog.tag == *tag) {
        Some(at) => at,
        None => {
            dialogs.push(Dialog { tag: tag.into(), state: State::Early, made_by });
            dialogs.len() - 1
        }
    };
    dialogs.get_mut(at)
}
