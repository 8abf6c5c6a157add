//! DR076: a request within a dialog that does not go where the other side said.

use super::target::{TLS_PORT, is_same, uri_of};
use super::{CUT, NOT_BEGUN, Said, acknowledged, direct, is_ok, messages, proof};
use crate::call::{Leg, LegMessage, Recognition};
use crate::finding::{Outcome, Severity, Violation};
use crate::flow::ConnId;
use crate::path::{gateway::by_name, lmo::is_private};
use crate::proto::sip::{HeaderName, Method, TypedHost, Uri, lossy, typed};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Span;
use crate::topology::Sbc;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR076-in-dialog-next-hop",
    title: "A request within a call goes to the wrong place",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false, // the check does it: only a 2xx counts, and the end of a 2xx's repetition
    hides: &[],
    page: include_str!("../../../rules/dialog/DR076-in-dialog-next-hop.md"),
    check: Check::Leg(check),
};

/// A request may be under way when Microsoft names another Contact.
const UNDER_WAY: Span = Span::secs(1);
/// Contacts that are offered and not yet agreed upon, of one dialog.
const MOST_OFFERED: usize = 4;

/// What Microsoft said of a dialog.
#[derive(Default)]
struct Told<'l> {
    /// Its latest Contact, and the message that has it.
    target: Option<(String, &'l LegMessage)>,
    /// The one before it.
    before: Option<String>,
    /// Contacts of requests that were not accepted, yet.
    offered: Vec<String>,
    /// Its Record-Route in the order in which the SBC uses it.
    route: Vec<String>,
    /// A message that may say more is not whole.
    cut: bool,
}

impl<'l> Told<'l> {
    fn aims(&mut self, contact: String, by: &'l LegMessage) {
        if self.target.as_ref().is_none_or(|(known, _)| *known != contact) {
            self.before = self.target.replace((contact, by)).map(|(before, _)| before);
        }
        self.offered.clear();
    }

    fn offers(&mut self, contact: Option<String>) {
        if self.offered.len() < MOST_OFFERED {
            self.offered.extend(contact);
        }
    }
}

/// A walk through a leg.
struct Walk<'l, 'c> {
    leg: &'l Leg,
    ctx: &'c Ctx<'l>,
    /// What Microsoft said, by its tag.
    told: BTreeMap<&'l [u8], Told<'l>>,
    /// Where the SBC wants requests: its Record-Route nearest to Microsoft, which stays, and its latest Contact.
    own: (Option<String>, Option<String>),
    /// The last message that made a dialog.
    made: Option<&'l LegMessage>,
    /// Connections on which Microsoft's requests were looked at.
    seen: BTreeSet<ConnId>,
    said: Said,
}

fn check(_: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((leg, recognition)) = direct(ctx) else { return Outcome::NotApplicable };
    let (told, seen) = (BTreeMap::new(), BTreeSet::new());
    let mut walk = Walk { leg, ctx, told, own: (None, None), made: None, seen, said: Said::default() };
    messages(leg).for_each(|message| walk.step(message, recognition));
    walk.said.outcome()
}

/// The Record-Route of a message, without what a response repeats of its request.
fn written(message: &LegMessage, request: Option<&LegMessage>) -> Vec<String> {
    let mut written = routes(message);
    if let Some(request) = request.filter(|_| !written.is_empty()) {
        let carried: BTreeSet<String> = routes(request).into_iter().collect();
        written.retain(|route| !carried.contains(route));
    }
    written
}

/// The URIs of a list header.
fn values(message: &LegMessage, header: HeaderName) -> Vec<String> {
    message.sip().values(header).iter().map(|value| uri_of(value)).collect()
}

/// The URI of the first element.
fn first(message: &LegMessage, header: HeaderName) -> Option<String> {
    let sip = message.sip();
    // Most messages have none, and are not searched.
    if sip.has(header) { sip.values(header).first().map(|value| uri_of(value)) } else { None }
}

fn routes(message: &LegMessage) -> Vec<String> {
    values(message, HeaderName::RecordRoute)
}

impl<'l> Walk<'l, '_> {
    fn step(&mut self, message: &'l LegMessage, recognition: &Recognition) {
        let by_microsoft = recognition.is_microsoft(message.message.src(), message.message.dst());
        if message.start.is_request && message.start.has_to_tag && self.is_judged(message) {
            match by_microsoft {
                true => self.arrives(message),
                false => self.sent(message),
            }
        }
        match by_microsoft {
            true => self.microsoft_says(message),
            false => self.sbc_says(message),
        }
    }

    fn is_judged(&self, message: &LegMessage) -> bool {
        match message.start.method {
            Method::Bye | Method::Invite | Method::Update | Method::Notify | Method::Refer | Method::Prack => true,
            Method::Ack => acknowledged(self.leg, message).is_some_and(|idx| {
                let invite = self.leg.transactions.get(idx as usize);
                invite.and_then(|invite| invite.status(self.leg)).is_some_and(|status| (200..300).contains(&status))
            }),
            _ => false,
        }
    }

    /// Notes Contact and Record-Route of Microsoft's message.
    fn microsoft_says(&mut self, message: &'l LegMessage) {
        let (sip, start) = (message.sip(), message.start);
        let contact = first(message, HeaderName::Contact);
        let refreshes = matches!(start.method, Method::Invite | Method::Update);
        if start.is_request {
            let Some(told) = sip.from_tag().map(|tag| self.told.entry(tag).or_default()) else { return };
            told.cut |= sip.head_cut();
            match (start.method, start.has_to_tag) {
                (Method::Invite, false) => {
                    told.route = written(message, None);
                    contact.into_iter().for_each(|contact| told.aims(contact, message));
                    self.made = Some(message);
                }
                // A REFER or NOTIFY says where its own subscription is.
                (Method::Invite | Method::Update | Method::Refer | Method::Notify | Method::Subscribe, true) => told.offers(contact),
                _ => {}
            }
            return;
        }
        if !refreshes || !start.status.is_some_and(|status| (101..300).contains(&status)) {
            return;
        }
        let Some(told) = sip.to_tag().map(|tag| self.told.entry(tag).or_default()) else { return };
        told.cut |= sip.head_cut();
        let request = self.ctx.request(message);
        if start.method == Method::Invite && request.is_none_or(|request| !request.start.has_to_tag) {
            let mut own = written(message, request);
            own.reverse();
            // A provisional response that is not acknowledged may leave it out.
            if is_ok(message) || !own.is_empty() {
                told.route = own;
            }
            self.made = Some(message);
        }
        contact.into_iter().for_each(|contact| told.aims(contact, message));
    }

    /// Notes where the SBC wants requests, and what it accepts of Microsoft's.
    fn sbc_says(&mut self, message: &'l LegMessage) {
        let start = message.start;
        let carries = start.is_request || start.status.is_some_and(|status| (101..300).contains(&status));
        if !matches!(start.method, Method::Invite | Method::Update) || !carries {
            return;
        }
        let contact = first(message, HeaderName::Contact);
        self.own.1 = contact.or(self.own.1.take());
        let request = self.ctx.request(message).filter(|_| !start.is_request);
        if start.method == Method::Invite && !request.map_or(start, |request| request.start).has_to_tag {
            let mut written = written(message, request);
            self.own.0 = if start.is_request { written.into_iter().next() } else { written.pop() };
        }
        if let Some(request) = request.filter(|request| is_ok(message) && request.start.has_to_tag) {
            let renewed = first(request, HeaderName::Contact);
            let told = request.sip().from_tag().and_then(|tag| self.told.get_mut(tag));
            if let (Some(contact), Some(told)) = (renewed, told) {
                told.aims(contact, request);
            }
        }
    }

    /// A request of the SBC.
    fn sent(&mut self, message: &'l LegMessage) {
        let sip = message.sip();
        let told = sip.to_tag().and_then(|tag| self.told.get(tag));
        let Some(told) = told.filter(|told| told.target.is_some()) else {
            if self.made.is_none() {
                self.said.lacks(NOT_BEGUN);
            } else if told.is_some() {
                self.said.lacks(if told.is_some_and(|told| told.cut) { CUT } else { "no Contact of Microsoft's is in the capture" });
            }
            return;
        };
        let Some((target, by)) = &told.target else { return };
        let uri = sip.request_uri().map(|uri| lossy(uri).into_owned()).unwrap_or_default();
        let strict = told.route.first().filter(|first| !Uri::parse(first).has_param("lr"));
        let is_crossing = message.start.method != Method::Ack && message.message.at() - by.message.at() <= UNDER_WAY;
        let before = told.before.iter().filter(|_| is_crossing);
        let mut good = [target].into_iter().chain(&told.offered).chain(before).chain(strict);
        let (name, sbc) = (self.ctx.name_of(message), message.message.src().ip());
        if !good.any(|known| is_same(known, &uri)) {
            let text = format!("{name} from {sbc} is for {uri}, and Microsoft's Contact is {target}");
            let violation = self.violation(message, by, sbc, (format!("{name}: Request-URI"), text));
            self.said.violated(violation);
        }
        if sip.head_cut() || told.cut {
            return self.said.lacks(CUT);
        }
        let route: Vec<String> = values(message, HeaderName::Route);
        let fits = route.len() == told.route.len() && route.iter().zip(&told.route).all(|(own, wanted)| is_same(own, wanted));
        if fits || strict.is_some() {
            return self.said.clean();
        }
        let list = |list: &[String]| if list.is_empty() { "none".to_owned() } else { list.join(", ") };
        let text = format!("{name} from {sbc} has the Route {}, and Microsoft's Record-Route asks for {}", list(&route), list(&told.route));
        let violation = self.violation(message, by, sbc, (format!("{name}: Route"), text));
        self.said.violated(violation);
    }

    /// A request of Microsoft's, judged where it comes over a connection that was made for it.
    fn arrives(&mut self, message: &'l LegMessage) {
        let Some(made) = self.made else { return self.said.lacks(NOT_BEGUN) };
        let sbc = message.message.dst();
        let Some(connection) = self.ctx.connection(message) else { return };
        let by_microsoft = connection.id.flow.from_to(connection.opener).0 == message.message.src();
        if !by_microsoft || !connection.opening.is_seen() || connection.first.seq < made.message.seq() || !self.seen.insert(connection.id) {
            return self.said.clean();
        }
        let Some(wanted) = self.own.0.as_ref().or(self.own.1.as_ref()) else {
            return self.said.lacks("no Contact of the SBC is in the capture");
        };
        if is_private(sbc.ip()) {
            return self.said.lacks("the SBC's address is private, and a NAT may change its port");
        }
        let uri = Uri::parse(wanted);
        let port = uri.port.unwrap_or(TLS_PORT);
        let elsewhere = self.addresses(wanted).filter(|known| !known.contains(&sbc.ip()));
        if port == sbc.port() && elsewhere.is_none() {
            return self.said.clean();
        }
        let name = self.ctx.name_of(message);
        let what = if port == sbc.port() { "host" } else { "port" };
        let text = format!("{name} from Microsoft comes to {sbc} over a new connection, and the SBC asked for {wanted}");
        let violation = self.violation(message, made, sbc.ip(), (format!("{name}: {what}"), text));
        self.said.violated(violation);
    }

    /// The addresses of a URI's host: itself, or what the topology says of the name.
    fn addresses(&self, uri: &str) -> Option<Vec<IpAddr>> {
        let topology = self.ctx.topology;
        let name = match typed::uri_host(uri) {
            TypedHost::Ip(ip) => return Some(vec![ip]),
            TypedHost::Name(name) => name,
            TypedHost::None => return None,
        };
        let gateway = by_name(topology, &name).and_then(|gateway| gateway.sbc.as_deref());
        let is_named = |own: &&Sbc| {
            own.fqdn.as_ref().is_some_and(|fqdn| fqdn.eq_ignore_ascii_case(&name)) || gateway.is_some_and(|id| **id == **own.id)
        };
        let sbc = topology.tables.sbcs.iter().find(is_named)?;
        let known: Vec<IpAddr> = sbc.signalling.iter().map(|ip| **ip).collect();
        (!known.is_empty()).then_some(known)
    }

    fn violation(&self, message: &LegMessage, by: &LegMessage, sbc: IpAddr, (value, text): (String, String)) -> Violation {
        let answer = self.ctx.answer(message).filter(|_| message.start.method != Method::Ack);
        let taken = match message.start.method {
            Method::Ack => !self.is_repeated_after(message),
            _ => answer.is_some_and(is_ok),
        };
        let severity = if taken { RULE.severity.lower() } else { RULE.severity };
        let evidence = [Some(message), Some(by), answer].into_iter().flatten().map(proof).collect();
        Violation { severity, subject: sbc.to_string(), value, message: text, evidence }
    }

    /// The 2xx that this ACK acknowledges is sent once more after it.
    fn is_repeated_after(&self, ack: &LegMessage) -> bool {
        let invite = acknowledged(self.leg, ack);
        let is_again =
            |m: &LegMessage| m.retransmission && is_ok(m) && Some(m.transaction) == invite && m.message.seq() > ack.message.seq();
        self.leg.messages.iter().any(is_again)
    }
}
