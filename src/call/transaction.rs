//! Transactions (RFC 3261 section 17): a request, its provisional responses, its final response, and for INVITE its ACK.

use super::Leg;
use crate::flow::{Noted, Start};
use crate::proto::sip::Method;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Index of a message in its leg.
pub type MessageIdx = u32;
/// Index of a transaction in its leg.
pub type TransactionIdx = u32;

/// A transaction, by RFC 3261 section 17.1.3: branch of the top Via and method of the CSeq. The ACK to a non-2xx belongs to the
/// INVITE's; the ACK to a 2xx has a branch of its own and so is a transaction of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transaction {
    /// Hash of the branch; `None` where there is none, and then the CSeq alone tells.
    branch: Option<u64>,
    /// CSeq number.
    pub number: u32,
    /// Method of the request.
    pub method: Method,
    /// The request, if it was seen.
    pub request: Option<MessageIdx>,
    /// 1xx responses, retransmissions left out.
    pub provisional: SmallVec<[MessageIdx; 2]>,
    /// The first final response.
    pub last: Option<MessageIdx>,
    /// ACK to a non-2xx.
    pub ack: Option<MessageIdx>,
    /// Time of the last message of it.
    pub at: Timestamp,
}

/// What a message is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Key {
    branch: Option<u64>,
    number: u32,
    method: Method,
}

/// The transaction of the message that comes next in a leg; opens it where there is none.
pub fn of_next(transactions: &mut Vec<Transaction>, noted: &Noted, at: Timestamp) -> TransactionIdx {
    let branch = noted.branch;
    let number = noted.number.unwrap_or(0);
    let is = |t: &Transaction, key: Key| t.number == key.number && t.method == key.method && t.branch == key.branch;
    let mut key = Key { branch, number, method: noted.start.method };
    if key.method == Method::Ack && transactions.iter().rev().any(|t| is(t, Key { method: Method::Invite, ..key })) {
        key.method = Method::Invite;
    }
    let answers = |t: &Transaction| noted.start.status.is_some() && branch.is_some() && t.is_answered_as(key);
    let known = transactions.iter().rposition(|t| is(t, key)).or_else(|| transactions.iter().rposition(answers));
    if let Some(known) = known {
        return known as TransactionIdx;
    }
    transactions.push(Transaction {
        branch,
        number,
        method: key.method,
        request: None,
        provisional: SmallVec::new(),
        last: None,
        ack: None,
        at,
    });
    (transactions.len() - 1) as TransactionIdx
}

impl Transaction {
    /// A response with this key answers the request although its CSeq names another method: it copies what a broken request said, or is
    /// broken itself (catalogue DR018). INVITE and CANCEL share branch and number, and there the method alone tells.
    fn is_answered_as(&self, key: Key) -> bool {
        let shares = |method| matches!(method, Method::Invite | Method::Ack | Method::Cancel);
        let same = self.number == key.number && self.branch == key.branch;
        same && self.request.is_some() && !(shares(self.method) && shares(key.method))
    }

    /// Files a message that is not a retransmission.
    pub fn file(&mut self, start: Start, idx: MessageIdx, at: Timestamp) {
        self.at = self.at.max(at);
        match (start.is_request, start.status) {
            (true, _) if start.method == Method::Ack && self.method == Method::Invite => self.ack = self.ack.or(Some(idx)),
            (true, _) => self.request = self.request.or(Some(idx)),
            (false, Some(100..=199)) => self.provisional.push(idx),
            (false, Some(_)) => self.last = self.last.or(Some(idx)),
            (false, None) => {}
        }
    }

    /// Status of the final response.
    pub fn status(&self, leg: &Leg) -> Option<u16> {
        leg.message(self.last?)?.start.status
    }

    /// The request was taken: a 2xx, or a provisional response other than 100 (catalogue section 4).
    pub fn is_accepted(&self, leg: &Leg) -> bool {
        let ok = self.status(leg).is_some_and(|status| (200..300).contains(&status));
        ok || self.provisional.iter().any(|idx| leg.message(*idx).and_then(|m| m.start.status).is_some_and(|status| status > 100))
    }
}
