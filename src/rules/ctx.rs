//! What surrounds the subject of a check: the call, its leg, what answers and what carried a message.

use super::heeds::{self, Bound, Towards};
use crate::call::{Call, Leg, LegMessage, MessageIdx, Names, Recognition, Transaction, media::Described};
use crate::finding::Evidence;
use crate::flow::Connection;
use crate::path::{
    Carriers, Hop, carriers,
    scenario::{Profile, Scenario},
};
use crate::proto::{
    sdp::Sdp,
    sip::{HeaderName, Method, NameAddr, lossy},
};
use crate::time::Timestamp;
use crate::topology::Topology;

/// What surrounds the subject of a check. Nothing in it can be changed.
#[derive(Debug, Clone, Copy)]
pub struct Ctx<'a> {
    /// The user's network.
    pub topology: &'a Topology,
    /// How far the capture has come.
    pub clock: Timestamp,
    /// What name servers said so far.
    pub names: &'a Names,
    /// The call; `None` for a connection and for a trunk.
    pub call: Option<&'a Call>,
    /// What each leg of the call is, in their order.
    pub recognitions: &'a [Recognition],
    /// The hops of the call.
    pub hops: &'a [Hop],
    /// What the clients of the organisation are.
    pub profile: Profile,
    /// The rows of the call flows that it may be of, and how it compares.
    pub scenario: Option<&'a Scenario>,
    /// The leg of the message that is looked at.
    pub leg: Option<(&'a Leg, &'a Recognition)>,
    /// Whom messages of that leg go to, as far as it was looked up.
    pub courses: &'a [Bound<'a>],
}

impl<'a> Ctx<'a> {
    /// The same of another leg of the call.
    pub fn of_leg(&self, leg: &'a Leg, recognition: &'a Recognition) -> Self {
        Self { leg: Some((leg, recognition)), courses: &[], ..*self }
    }

    /// Whom a message of the leg goes to.
    pub fn towards(&self, message: &LegMessage) -> Towards {
        let course = message.message.course();
        heeds::known(self.courses, course).or_else(|| Some(heeds::towards(course, self.leg?.1))).unwrap_or(Towards::Elsewhere)
    }

    /// The message goes to Microsoft.
    pub fn to_microsoft(&self, message: &LegMessage) -> bool {
        self.towards(message) == Towards::Microsoft
    }

    /// The message comes from Microsoft.
    pub fn from_microsoft(&self, message: &LegMessage) -> bool {
        self.towards(message) == Towards::Sbc
    }

    /// An INVITE of Microsoft's, or its answer to one.
    pub fn invite_from_microsoft(&self, message: &LegMessage) -> bool {
        message.start.method == Method::Invite && self.from_microsoft(message)
    }

    /// The gateways of the topology that may carry the leg.
    pub fn carriers(&self) -> Option<Carriers<'a>> {
        self.leg.map(|(leg, recognition)| carriers(leg, recognition, self.topology))
    }

    /// The connection that the message came over. None where another one on the same ports followed it.
    pub fn connection(&self, message: &LegMessage) -> Option<&'a Connection> {
        let (id, known) = (message.message.course().connection, &self.call?.connections);
        let at = known.binary_search_by_key(&id.flow, |connection| connection.id.flow).ok()?;
        known.get(at).map(|connection| &**connection).filter(|connection| connection.id == id)
    }

    /// The session description of a message of the leg, and what is known of it unread. One of a retransmission is its first sender's, and
    /// not given.
    pub fn described(&self, message: &LegMessage) -> Option<&'a Described> {
        let (leg, _) = self.leg?;
        let own = |described: &&Described| leg.message(described.message).is_some_and(|known| std::ptr::eq(known, message));
        leg.described.iter().find(own)
    }

    /// That session description, read.
    pub fn sdp(&self, message: &LegMessage) -> Option<&'a Sdp> {
        let (leg, _) = self.leg?;
        self.described(message).map(|described| described.sdp(leg))
    }

    /// The transaction of the message.
    pub fn transaction(&self, message: &LegMessage) -> Option<&'a Transaction> {
        self.leg.and_then(|(leg, _)| leg.transaction_of(message))
    }

    /// The request of the message's transaction.
    pub fn request(&self, message: &LegMessage) -> Option<&'a LegMessage> {
        let (leg, _) = self.leg?;
        leg.message(self.transaction(message)?.request?)
    }

    /// What followed a message: the final response of its transaction, else the last provisional one above 100.
    pub fn answer(&self, message: &LegMessage) -> Option<&'a LegMessage> {
        let (leg, _) = self.leg?;
        let transaction = self.transaction(message)?;
        let progress = |idx: &&MessageIdx| leg.message(**idx).and_then(|m| m.start.status).is_some_and(|status| status > 100);
        leg.message(transaction.last.or(transaction.provisional.iter().rev().find(progress).copied())?)
    }

    /// The service took the request: 2xx, or provisional other than 100.
    pub fn is_accepted(&self, message: &LegMessage) -> bool {
        let (Some((leg, _)), Some(transaction)) = (self.leg, self.transaction(message)) else { return false };
        message.sip().is_request() && transaction.is_accepted(leg)
    }

    /// A value of a response that its request carried already, the tag left out: the response only repeats it. Where the request was not
    /// seen whole, what responses copy (RFC 3261 sections 8.2.6.2 and 12.1.1) is taken for copied.
    pub fn is_copied(&self, message: &LegMessage, header: HeaderName, value: &[u8]) -> bool {
        if message.sip().is_request() {
            return false;
        }
        let Some(request) = self.request(message).filter(|request| !request.sip().head_cut()) else {
            return matches!(header, HeaderName::From | HeaderName::To | HeaderName::RecordRoute);
        };
        let text = lossy(value);
        let address = NameAddr::parse(&text);
        request.sip().values(header).iter().any(|carried| NameAddr::parse(&lossy(carried)).uri == address.uri)
    }

    /// An INVITE outside a dialog: no To tag.
    pub fn is_initial_invite(&self, message: &LegMessage) -> bool {
        let start = message.start;
        start.is_request && start.method == Method::Invite && !start.has_to_tag
    }

    /// The offending line of a message, and after it the response that followed.
    pub fn proof(&self, message: &LegMessage, line: &str) -> Vec<Evidence> {
        let mut proof = vec![Evidence::new(&message.message.seen(), line)];
        if let Some(answer) = self.answer(message).filter(|_| message.sip().is_request()) {
            proof.push(Evidence::new(&answer.message.seen(), lossy(answer.sip().start_line())));
        }
        proof
    }

    /// `METHOD`, or `STATUS (METHOD)`.
    pub fn name_of(&self, message: &LegMessage) -> String {
        let sip = message.sip();
        match (sip.status(), sip.cseq()) {
            (None, _) if sip.is_request() => lossy(sip.method_text()).into_owned(),
            (None, _) => lossy(sip.start_line()).into_owned(),
            (Some(status), Some((_, method))) => format!("{status} ({})", lossy(method)),
            (Some(status), None) => status.to_string(),
        }
    }
}
