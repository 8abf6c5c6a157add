//! A leg between Teams and the PSTN as the capture shows it: how it began, who calls whom, which gateways may carry it, and what it is
//! besides a plain call.

use super::emergency;
use super::facts::Began;
use crate::call::{Leg, LegMessage, Recognition, outcome};
use crate::path::gateway::{Carriers, carriers, first_invite};
use crate::proto::sip::{HeaderName, NameAddr, Sip};
use crate::topology::{Topology, User};

/// What became of the INVITE.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// A 2xx.
    Answered,
    /// A provisional response above 100, and nothing after it.
    Ringing,
    /// A final response of 300 or above.
    Refused,
    /// Nothing of this was seen.
    Open,
}

/// How the INVITE came of another call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// Someone who had the call handed it on: Referred-By or Replaces.
    Transferred,
    /// It went on without being answered: History-Info or Diversion.
    Forwarded,
}

/// The leg.
#[derive(Debug, Clone)]
pub struct Observed<'a> {
    /// Its first INVITE.
    pub invite: &'a LegMessage,
    /// Who began it: Microsoft's INVITE is a call of a user.
    pub began: Began,
    /// The caller's number: P-Asserted-Identity, else From.
    pub caller: Option<String>,
    /// The called number, of the Request-URI.
    pub called: Option<String>,
    /// The gateways that may carry it.
    pub carriers: Carriers<'a>,
    /// The other call that it came of.
    pub moved: Option<Moved>,
    /// Numbers that the other call is said to have been moved by or aimed at, in the order of the headers.
    pub history: Vec<String>,
    /// It calls for help: Location-Based Routing lets it pass.
    pub emergency: bool,
    /// What became of it.
    pub fate: Fate,
}

impl<'a> Observed<'a> {
    /// Nothing where the leg is not Direct Routing, or its first INVITE is not in the capture.
    pub fn of(leg: &'a Leg, recognition: &Recognition, topology: &'a Topology) -> Option<Self> {
        let invite = first_invite(leg).filter(|_| recognition.is_direct_routing())?;
        let sip = invite.sip();
        let by_microsoft = recognition.is_microsoft(invite.message.src(), invite.message.dst());
        let identity = [HeaderName::PAssertedIdentity, HeaderName::From].into_iter().flat_map(|name| sip.values(name));
        Some(Self {
            invite,
            began: if by_microsoft { Began::Outbound } else { Began::Inbound },
            caller: identity.filter_map(|value| number(&value)).next(),
            called: sip.request_uri().and_then(number),
            carriers: carriers(leg, recognition, topology),
            moved: moved(&sip),
            history: history(&sip),
            emergency: emergency::sign(&sip, topology).is_some(),
            fate: fate(leg),
        })
    }
}

/// The user of the topology who has this number.
pub fn user<'t>(topology: &'t Topology, number: &str) -> Option<&'t User> {
    let digits = number.trim_start_matches('+');
    topology.tables.users.iter().find(|user| user.number.trim_start_matches('+') == digits)
}

/// The number that a 2xx says has answered, where it says one.
pub fn answered_by(leg: &Leg, recognition: &Recognition) -> Option<String> {
    let answer = answer(leg, recognition)?;
    answer.sip().values(HeaderName::PAssertedIdentity).iter().find_map(|value| number(value))
}

/// Microsoft's 2xx to the first INVITE.
pub fn answer<'l>(leg: &'l Leg, recognition: &Recognition) -> Option<&'l LegMessage> {
    let invite = outcome::deciding(leg)?;
    let answer = leg.message(invite.last?)?;
    let ok = answer.start.status.is_some_and(|status| (200..300).contains(&status));
    (ok && recognition.is_microsoft(answer.message.src(), answer.message.dst())).then_some(answer)
}

fn fate(leg: &Leg) -> Fate {
    let Some(invite) = outcome::deciding(leg) else { return Fate::Open };
    match invite.status(leg) {
        _ if leg.answered.is_some() => Fate::Answered,
        Some(300..) => Fate::Refused,
        _ if invite.is_accepted(leg) => Fate::Ringing,
        _ => Fate::Open,
    }
}

fn moved(sip: &Sip<'_>) -> Option<Moved> {
    let has = |names: &[HeaderName]| names.iter().any(|name| sip.has(*name));
    if has(&[HeaderName::ReferredBy, HeaderName::Replaces]) {
        return Some(Moved::Transferred);
    }
    has(&[HeaderName::HistoryInfo, HeaderName::Diversion]).then_some(Moved::Forwarded)
}

fn history(sip: &Sip<'_>) -> Vec<String> {
    let values = [HeaderName::ReferredBy, HeaderName::HistoryInfo, HeaderName::Diversion].into_iter().flat_map(|name| sip.values(name));
    values.filter_map(|value| number(&value)).collect()
}

fn number(value: &[u8]) -> Option<String> {
    NameAddr::parse(&String::from_utf8_lossy(value)).uri().phone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_with_and_without_plus() {
        let topology = Topology::parse("[[user]]\nnumber = '+84455555555'\n", "t.toml").unwrap();
        assert!(user(&topology, "+84455555555").is_some() && user(&topology, "84455555555").is_some());
        assert!(user(&topology, "+8445555555").is_none());
    }

    #[test]
    fn numbers_stand_in_any_kind_of_address() {
        assert_eq!(number(b"\"A\" <sip:+84455555555@x;user=phone>;tag=1").as_deref(), Some("+84455555555"));
        assert_eq!(number(b"<sip:+844@x?Reason=SIP%3Bcause%3D486>;index=1.1").as_deref(), Some("+844"));
        assert_eq!(number(b"<tel:+844>").as_deref(), Some("+844"));
        assert_eq!(number(b"<sip:anonymous@anonymous.invalid>"), None);
    }
}
