//! Transactions (RFC 3261 section 17): a request, its provisional responses, its final response, and for INVITE its ACK.

use super::Leg;
use crate::proto::sip::{Method, Sip};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Index of a message in its leg.
pub type MessageIdx = u32;
/// Index of a transaction in its leg.
pub type TransactionIdx = u32;

/// A transaction, by RFC 3261 section 17.1.3: branch of the top Via and method of the CSeq. The ACK to a non-2xx belongs to the
/// INVITE's; the ACK to a 2xx has a branch of its own and so is a transaction of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transaction {
    /// Branch of the top Via; empty where there is none, and then the CSeq alone tells.
    pub branch: Box<[u8]>,
    /// CSeq number.
    pub number: u32,
    /// Method of the request.
    pub method: Method,
    /// The request, if it was seen.
    pub request: Option<MessageIdx>,
    /// 1xx responses, retransmissions left out.
    pub provisional: Vec<MessageIdx>,
    /// The first final response.
    pub last: Option<MessageIdx>,
    /// ACK to a non-2xx.
    pub ack: Option<MessageIdx>,
    /// Time of the last message of it.
    pub at: Timestamp,
}

/// What a message is looked up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    branch: &'a [u8],
    number: u32,
    method: Method,
}

impl<'a> Key<'a> {
    /// The key of a message. `acknowledges_failure` tells of an ACK whether its branch is that of an INVITE seen before.
    pub fn of(sip: &Sip<'a>, acknowledges_failure: impl Fn(&[u8], u32) -> bool) -> Self {
        let branch = sip.branch().unwrap_or_default();
        let number = sip.cseq().map_or(0, |(number, _)| number);
        let method = match sip.method() {
            Method::Ack if acknowledges_failure(branch, number) => Method::Invite,
            method => method,
        };
        Self { branch, number, method }
    }
}

impl Transaction {
    /// A transaction that its first message opens.
    pub fn open(key: &Key<'_>, at: Timestamp) -> Self {
        Self {
            branch: key.branch.into(),
            number: key.number,
            method: key.method,
            request: None,
            provisional: Vec::new(),
            last: None,
            ack: None,
            at,
        }
    }

    /// The message belongs to it.
    pub fn is(&self, key: &Key<'_>) -> bool {
        self.number == key.number && self.method == key.method && *self.branch == *key.branch
    }

    /// Files a message that is not a retransmission.
    pub fn file(&mut self, sip: &Sip<'_>, idx: MessageIdx, at: Timestamp) {
        self.at = self.at.max(at);
        match (sip.is_request(), sip.status()) {
            (true, _) if sip.method() == Method::Ack && self.method == Method::Invite => self.ack = self.ack.or(Some(idx)),
            (true, _) => self.request = self.request.or(Some(idx)),
            (false, Some(100..=199)) => self.provisional.push(idx),
            (false, Some(_)) => self.last = self.last.or(Some(idx)),
            (false, None) => {}
        }
    }

    /// Status of the final response.
    pub fn status(&self, leg: &Leg) -> Option<u16> {
        leg.message(self.last?)?.sip().status()
    }

    /// The request was taken: a 2xx, or a provisional response other than 100 (catalogue section 4).
    pub fn is_accepted(&self, leg: &Leg) -> bool {
        let ok = self.status(leg).is_some_and(|status| (200..300).contains(&status));
        ok || self.provisional.iter().any(|idx| leg.message(*idx).and_then(|m| m.sip().status()).is_some_and(|status| status > 100))
    }
}
