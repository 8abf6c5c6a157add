//! A leg: one SIP exchange by Call-ID, from its first message until it ended.

use super::dialog::{Dialog, State, dialog_mut};
pub use super::kind::LegKind;
use super::media::{self, Described};
use super::message::{Copies, Copy, LegMessage};
use super::prints::Prints;
use super::transaction::{self, MessageIdx, Transaction};
use crate::flow::{Message, Noted, Seen};
use crate::proto::sip::{self, Method};
use crate::record::Seq;
use crate::time::{Span, Timestamp};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::net::SocketAddr;

/// Messages kept of one leg; later ones are counted and let go.
pub const MOST_MESSAGES: usize = 4096;
/// A leg of fewer messages has room for [`SOME_MESSAGES`] more at a time: twice as many is much, in all of them.
const FEW_MESSAGES: usize = 16;
const SOME_MESSAGES: usize = 3;
/// Further sightings kept of one message; more are counted only.
const MOST_COPIES: usize = 64;
/// So many of the endpoints announced last are compared with a new one; a stranger may announce any number.
const FEW_ENDPOINTS: usize = 8;
/// After the end of a leg this long is waited for retransmissions and trailing media (64·T1 and some).
const AFTER_END: Span = Span::secs(40);
/// An answered dialog without signalling and media this long is closed as in progress.
const SILENT_DIALOG: Span = Span::secs(30 * 60);
/// Timer B and F: a request that nobody answers is given up (RFC 3261 section 17.1).
const UNANSWERED: Span = Span::secs(32);

/// A leg by the Seq of its first message: unique in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct LegId(pub Seq);

/// A leg.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Leg {
    /// Its identity.
    pub id: LegId,
    /// Where its first message has the Call-ID, if it has one.
    call_id: Option<sip::Span>,
    /// Where its first message has the first Via.
    via: sip::Span,
    /// Hash of its Call-ID.
    pub call_hash: u64,
    /// Who calls whom.
    parties: Parties,
    /// What it is about.
    pub kind: LegKind,
    /// Its messages in the order seen, each once. There is a first one.
    pub messages: Vec<LegMessage>,
    /// Its transactions, in order of first message.
    pub transactions: Vec<Transaction>,
    /// Its dialogs, in order of first response.
    pub dialogs: Vec<Dialog>,
    /// Session descriptions seen, in order.
    pub described: Vec<Described>,
    /// Endpoints that they announced; what was announced a moment ago is not there again.
    pub endpoints: SmallVec<[SocketAddr; 1]>,
    /// Some line of them is protected.
    pub secured: bool,
    /// Some of them names a user fragment of ICE.
    pub ice: bool,
    /// Some of them has a line of images: fax.
    pub images: bool,
    /// Seq of the last message.
    pub last_seq: Seq,
    /// Clock at the last message.
    pub last_clock: Timestamp,
    /// Time of the first 2xx to the INVITE.
    pub answered: Option<Timestamp>,
    /// Time of the end, as far as it ended.
    pub ended: Option<Timestamp>,
    /// A CANCEL was seen.
    pub cancelled: bool,
    /// A BYE was seen.
    pub bye: bool,
    /// Requests, each once.
    pub requests: u64,
    /// Responses, each once.
    pub responses: u64,
    /// Retransmissions.
    pub retransmissions: u64,
    /// Messages beyond [`MOST_MESSAGES`].
    pub let_go: u64,
    /// Messages in which the service gives itself a name, with where that stands; of one sender each name once.
    pub agents: Vec<(MessageIdx, sip::Span)>,
    /// Why it belongs to the legs before it in its call, or why it does not; in words.
    pub joined_by: Option<String>,
    /// The messages by fingerprint.
    prints: Prints,
}

/// Where the first request, else the first message, has From and To.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Parties {
    message: MessageIdx,
    is_request: bool,
    from: Option<sip::Span>,
    to: Option<sip::Span>,
}

/// What became of a message that was given to a leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// A message seen for the first time.
    New,
    /// A further sighting of a message at another tap or pass.
    Copied,
    /// A further sighting at the same tap within milliseconds.
    Duplicated,
    /// Beyond the cap.
    LetGo,
}

/// Bytes of text that count for a message more.
const LONG: usize = 1_024;

/// Why a leg is due to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closing {
    /// It ended.
    Ended,
    /// Nothing was heard of it for long; media may still flow.
    Silent,
}

impl Leg {
    /// Opened by `message`, which is applied. Endpoints that it announces go to `announced`.
    pub fn open(message: Message, announced: &mut dyn FnMut(SocketAddr, bool)) -> Self {
        let noted = message.noted();
        let mut leg = Self {
            id: LegId(message.seq()),
            call_id: noted.call_id,
            via: noted.via,
            call_hash: noted.call_hash,
            parties: Parties::default(),
            kind: LegKind::of(noted.start.method),
            messages: Vec::with_capacity(2),
            transactions: Vec::with_capacity(1),
            dialogs: Vec::new(),
            described: Vec::new(),
            endpoints: SmallVec::new(),
            secured: false,
            ice: false,
            images: false,
            last_seq: message.seq(),
            last_clock: message.clock,
            answered: None,
            ended: None,
            cancelled: false,
            bye: false,
            requests: 0,
            responses: 0,
            retransmissions: 0,
            let_go: 0,
            agents: Vec::new(),
            joined_by: None,
            prints: Prints::default(),
        };
        leg.apply(message, announced);
        leg
    }

    /// Call-ID, if its messages have one.
    pub fn call_id(&self) -> Option<&[u8]> {
        Some(self.call_id?.of(self.messages.first()?.message.text.bytes()))
    }

    /// Transport of the first message's top Via, as written; empty where there is none.
    pub fn via_transport(&self) -> &[u8] {
        self.messages.first().map_or(&[], |m| sip::via_transport(self.via.of(m.message.text.bytes())))
    }

    /// The From of the first request, else of the first message.
    pub fn from(&self) -> Option<Cow<'_, [u8]>> {
        self.party(self.parties.from)
    }

    /// The To of the first request, else of the first message.
    pub fn to(&self) -> Option<Cow<'_, [u8]>> {
        self.party(self.parties.to)
    }

    fn party(&self, place: Option<sip::Span>) -> Option<Cow<'_, [u8]>> {
        Some(sip::unfold(place?.of(self.message(self.parties.message)?.message.text.bytes())))
    }

    /// First message.
    pub fn first(&self) -> Option<Seen> {
        self.messages.first().map(|m| m.message.seen())
    }

    /// Time of the first message.
    pub fn started(&self) -> Timestamp {
        self.messages.first().map(|m| m.message.at()).unwrap_or_default()
    }

    /// Who sent the first request, or received the first response; and the other end of that message.
    pub fn ends(&self) -> Option<(SocketAddr, SocketAddr)> {
        let first = self.messages.first()?;
        let (src, dst) = (first.message.src(), first.message.dst());
        Some(if first.start.is_request { (src, dst) } else { (dst, src) })
    }

    /// A message by its index.
    pub fn message(&self, idx: MessageIdx) -> Option<&LegMessage> {
        self.messages.get(idx as usize)
    }

    /// The transaction of a message.
    pub fn transaction_of(&self, message: &LegMessage) -> Option<&Transaction> {
        self.transactions.get(message.transaction as usize)
    }

    /// INVITE transactions outside a dialog: the request has no To tag. Without the request it counts when no other is known.
    pub fn initial_invites(&self) -> impl DoubleEndedIterator<Item = &Transaction> {
        self.transactions
            .iter()
            .filter(|t| t.method == Method::Invite && t.request.and_then(|idx| self.message(idx)).is_none_or(|m| !m.start.has_to_tag))
    }

    /// Applies a message: a further sighting joins the first, a new one moves transactions, dialogs and the leg.
    pub fn apply(&mut self, mut message: Message, announced: &mut dyn FnMut(SocketAddr, bool)) -> Applied {
        self.last_seq = self.last_seq.max(message.seq()); // a message that was cut is read when what followed it comes
        self.last_clock = message.clock;
        let noted = message.noted();
        let (text, fingerprint) = (message.text.bytes(), noted.fingerprint);
        let same = self.prints.latest(&self.messages, fingerprint);
        for idx in same.iter().rev() {
            let Some(mine) = self.messages.get_mut(*idx as usize) else { continue };
            if let Some(duplicate) = mine.takes(&message) {
                if mine.copies.len() < MOST_COPIES {
                    mine.copies.push(Copy { sighting: message.sighting, duplicate });
                }
                return if duplicate { Applied::Duplicated } else { Applied::Copied };
            }
        }
        if self.messages.len() >= MOST_MESSAGES {
            self.let_go += 1;
            return Applied::LetGo;
        }
        let idx = self.messages.len() as MessageIdx;
        let retransmission = !same.is_empty();
        let transaction = transaction::of_next(&mut self.transactions, &noted, message.at());
        let step = Step { noted: &noted, text, transaction, idx, at: message.at() };
        match retransmission {
            true => self.retransmissions += 1,
            false => self.advance(&step, announced),
        }
        if let Some(agent) = noted.agent.filter(|_| !retransmission) {
            self.note_agent(&message, idx, agent);
        }
        let start = noted.start;
        if idx == 0 || (start.is_request && !self.parties.is_request) {
            self.parties = Parties { message: idx, is_request: start.is_request, from: noted.from, to: noted.to };
        }
        message.forget();
        self.prints.add(&self.messages, fingerprint);
        let copies = Copies::default();
        if self.messages.len() == self.messages.capacity() && self.messages.len() < FEW_MESSAGES {
            self.messages.reserve_exact(SOME_MESSAGES);
        }
        self.messages.push(LegMessage { message, start, copies, retransmission, transaction, fingerprint });
        Applied::New
    }

    /// The service gives itself a name in `message`.
    fn note_agent(&mut self, message: &Message, idx: MessageIdx, agent: sip::Span) {
        let name = agent.of(message.text.bytes());
        let same = |(idx, agent): &(MessageIdx, sip::Span)| {
            self.message(*idx).is_some_and(|m| m.message.src() == message.src() && agent.of(m.message.text.bytes()) == name)
        };
        if !self.agents.iter().any(same) {
            self.agents.push((idx, agent));
        }
    }

    /// Whether it is time to close, at `clock`.
    pub fn closing(&self, clock: Timestamp) -> Option<Closing> {
        let silent = clock - self.last_clock;
        if self.ended.is_some() {
            return (silent >= AFTER_END).then_some(Closing::Ended);
        }
        let alerted = self.kind == LegKind::Call && (self.answered.is_some() || !self.dialogs.is_empty());
        if alerted {
            return (silent >= SILENT_DIALOG).then_some(Closing::Silent);
        }
        (silent >= Span(AFTER_END.0 + UNANSWERED.0)).then_some(Closing::Ended)
    }

    /// What it holds, in messages of usual length. Whether their text is copied does not count: a capture through a pipe gives the same
    /// report as its file.
    pub fn weight(&self) -> usize {
        2 + self.messages.iter().map(|message| 1 + message.message.text.bytes().len() / LONG).sum::<usize>()
    }

    /// Moves the state by a message that was not seen before.
    fn advance(&mut self, step: &Step<'_>, announced: &mut dyn FnMut(SocketAddr, bool)) {
        if let Some(transaction) = self.transactions.get_mut(step.transaction as usize) {
            transaction.file(step.noted.start, step.idx, step.at);
        }
        if let Some((described, outline)) = step.noted.sdp.and_then(|place| media::describe(step.text, place, step.idx)) {
            self.described.push(described);
            (self.secured, self.ice, self.images) = (self.secured | outline.secured, self.ice | outline.ice, self.images | outline.images);
            for (endpoint, secured) in outline.endpoints {
                announced(endpoint, secured);
                if !self.endpoints.iter().rev().take(FEW_ENDPOINTS).any(|known| *known == endpoint) {
                    self.endpoints.push(endpoint);
                }
            }
        }
        match (step.noted.start.is_request, step.noted.start.status) {
            (true, _) => self.on_request(step),
            (false, Some(status)) => self.on_response(step, status),
            // A status that is not three digits moves nothing.
            (false, None) => self.responses += 1,
        }
    }

    fn on_request(&mut self, step: &Step<'_>) {
        self.requests += 1;
        match step.noted.start.method {
            Method::Invite => {
                self.kind = LegKind::Call;
                if self.answered.is_none() && !step.noted.start.has_to_tag {
                    self.ended = None;
                }
            }
            Method::Bye => {
                self.kind = LegKind::Call;
                self.bye = true;
                self.end(step.at);
            }
            Method::Cancel => self.cancelled = true,
            Method::Ack => {}
            _ if self.kind != LegKind::Call => self.ended = None,
            _ => {}
        }
    }

    fn on_response(&mut self, step: &Step<'_>, status: u16) {
        self.responses += 1;
        match (step.noted.start.method, status) {
            (_, 100) => {}
            (Method::Invite, 101..=299) => {
                let dialog = dialog_mut(&mut self.dialogs, step.noted.to_tag.of(step.text), step.idx);
                if status >= 200 {
                    dialog.into_iter().for_each(|dialog| dialog.state = State::Confirmed);
                    self.answered = self.answered.or(Some(step.at));
                }
            }
            (Method::Invite, 300..) if self.answered.is_none() => self.end(step.at),
            (Method::Bye, 200..) => self.end(step.at),
            (_, 200..) if self.kind != LegKind::Call => self.ended = Some(step.at),
            _ => {}
        }
    }

    fn end(&mut self, at: Timestamp) {
        self.ended = Some(at);
        for dialog in &mut self.dialogs {
            dialog.state = State::Terminated;
        }
    }
}

/// What `advance` needs of a message.
struct Step<'m> {
    noted: &'m Noted,
    text: &'m [u8],
    transaction: u32,
    idx: MessageIdx,
    at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::super::support::{A, B, leg, message};
    use super::*;
    use crate::decode::TapId;
    use std::sync::Arc;

    #[test]
    fn a_response_whose_status_is_no_number_ends_nothing() {
        let leg = leg(vec![
            message(0, (A, B), "INVITE sip:b@x SIP/2.0", "INVITE", ""),
            message(9, (B, A), "SIP/2.0 20x OK", "BYE", ""),
            message(19, (B, A), "SIP/2.0 40  Request Timeout", "INVITE", ""),
        ]);
        assert_eq!((leg.requests, leg.responses, leg.bye, leg.ended), (1, 2, false, None));
        assert_eq!(leg.transactions[1].request, None);
    }

    #[test]
    fn a_ringing_with_the_next_rseq_is_no_retransmission() {
        let ringing = |ms: i64, rseq: u32| message(ms, (B, A), "SIP/2.0 180 Ringing", "INVITE", &format!("RSeq: {rseq}\r\n"));
        let invite = message(0, (A, B), "INVITE sip:b@x SIP/2.0", "INVITE", "");
        let leg = leg(vec![invite, ringing(500, 1), ringing(1_000, 1), ringing(1_500, 2)]);
        assert_eq!((leg.responses, leg.retransmissions), (2, 1));
    }

    /// Seen at this tap so many microseconds after its time.
    fn seen(mut message: Message, tap: u32, us: i64) -> Message {
        Arc::make_mut(&mut message.sighting.course).tap = TapId(tap);
        message.sighting.at = Timestamp(message.at().0 + us * 1_000);
        message
    }

    #[test]
    fn retransmission_seen_at_both_taps_is_one_in_whatever_order_they_tell() {
        let invite = |ms: i64| message(ms, (A, B), "INVITE sip:b@x SIP/2.0", "INVITE", "");
        for taps in [[0, 1], [1, 0]] {
            let told = [0, 500, 1_500].iter().zip([[0, 1], taps, taps]);
            let leg = leg(told.flat_map(|(ms, [a, b])| [seen(invite(*ms), a, 0), seen(invite(*ms), b, 900)]).collect());
            let copies: Vec<usize> = leg.messages.iter().map(|m| m.copies.len()).collect();
            assert_eq!((leg.requests, leg.retransmissions, copies), (1, 2, vec![1, 1, 1]));
        }
    }

    #[test]
    fn first_transmission_that_one_tap_lacks_shifts_nothing() {
        let invite = |ms: i64| message(ms, (A, B), "INVITE sip:b@x SIP/2.0", "INVITE", "");
        let leg = leg(vec![invite(0), invite(500), seen(invite(500), 1, 700), invite(1_500), seen(invite(1_500), 1, 700)]);
        let copies: Vec<usize> = leg.messages.iter().map(|m| m.copies.len()).collect();
        assert_eq!((leg.retransmissions, copies), (2, vec![0, 1, 1]));
    }

    #[test]
    fn response_at_three_taps_out_of_order_is_one() {
        let ok = || message(100, (B, A), "SIP/2.0 200 OK", "INVITE", "");
        let invite = message(0, (A, B), "INVITE sip:b@x SIP/2.0", "INVITE", "");
        let leg = leg(vec![invite, seen(ok(), 2, 800), seen(ok(), 0, -400), seen(ok(), 1, 100)]);
        assert_eq!((leg.responses, leg.retransmissions, leg.messages[1].copies.len()), (1, 0, 2));
    }

    #[test]
    fn copy_that_a_nat_rewrote_is_a_copy_and_its_retransmission_is_one() {
        const OUTSIDE: &str = "203.0.113.4:5060";
        let invite = |ms: i64, from: &str| message(ms, (from, B), "INVITE sip:b@x SIP/2.0", "INVITE", "");
        // Both sides of the NAT at one tap, twice.
        let leg = leg(vec![invite(0, A), invite(1, OUTSIDE), invite(500, A), invite(501, OUTSIDE)]);
        let copies: Vec<usize> = leg.messages.iter().map(|m| m.copies.len()).collect();
        assert_eq!((leg.requests, leg.retransmissions, copies), (1, 1, vec![1, 1]));
    }

    #[test]
    fn repeat_within_20_ms_at_one_tap_is_a_mirrored_copy() {
        let invite = |ms: i64| message(ms, (A, B), "INVITE sip:b@x SIP/2.0", "INVITE", "");
        let leg = leg(vec![invite(0), invite(19), invite(519)]);
        assert_eq!((leg.retransmissions, leg.messages[0].copies.iter().filter(|c| c.duplicate).count()), (1, 1));
    }
}
