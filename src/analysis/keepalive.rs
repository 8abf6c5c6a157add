//! What a leg between an SBC and Microsoft adds to the SBC's keep-alive history.

use crate::call::{Call, Leg, LegMessage, Recognition};
use crate::proto::sip::{HeaderName, Method, TypedHost, lossy, typed};
use crate::topology::Topology;
use crate::trunk::{
    KeepAlive, Mark, Stretch, Trunks,
    keepalive::server_name,
    names::{Cited, Name},
    probes::{Probe, Refused, Target},
};
use std::net::IpAddr;

/// Notes what the SBC sent, and how its OPTIONS were answered.
pub fn note(leg: &Leg, call: &Call, recognition: &Recognition, topology: &Topology, trunks: &mut Trunks) {
    let mut note = Note { leg, call, recognition, topology, trunks };
    leg.messages.iter().filter(|message| !message.retransmission).for_each(|message| note.message(message));
    note.calls();
}

struct Note<'n, 't> {
    leg: &'n Leg,
    call: &'n Call,
    recognition: &'n Recognition,
    topology: &'n Topology,
    trunks: &'t mut Trunks,
}

/// An SBC and the address of Microsoft's that it talks to, as a tap sees them, and where.
#[derive(Clone, Copy)]
struct Ends {
    sbc: IpAddr,
    microsoft: IpAddr,
    seen: Mark,
}

impl<'n> Note<'n, '_> {
    fn message(&mut self, message: &'n LegMessage) {
        let start = message.start;
        let all = self.ends(message, true);
        for ends in &all {
            self.introduce(message, *ends, &all);
        }
        for ends in all {
            if start.is_request && start.method == Method::Options {
                self.probe(message, ends);
            }
            if start.is_request && !start.has_to_tag {
                self.names(message, ends);
            }
            self.allow(message, ends);
        }
        let is_final = start.method == Method::Options && start.status.is_some_and(|status| status >= 200);
        if is_final && self.leg.transaction_of(message).is_some_and(|transaction| transaction.request.is_none()) {
            for ends in self.ends(message, false) {
                self.answered(message, ends);
            }
        }
    }

    /// A call that was answered; and messages that were let go, among which anything may have been.
    fn calls(&mut self) {
        let accepts = |message: &&LegMessage| {
            message.start.method == Method::Invite && message.start.status.is_some_and(|status| (200..300).contains(&status))
        };
        let answer = self.leg.messages.iter().find(accepts);
        let last = self.leg.messages.last().filter(|_| self.leg.let_go > 0);
        for (message, until) in answer.map(|m| (m, None)).into_iter().chain(last.map(|m| (m, Some(self.leg.last_clock)))) {
            for ends in [self.ends(message, true), self.ends(message, false)].concat() {
                let Some(alive) = self.alive(ends) else { continue };
                match until {
                    None => alive.call(ends.seen),
                    Some(until) => alive.skipped(ends.seen, until),
                }
            }
        }
    }

    /// The ends of a message that the SBC sent, or that Microsoft did; each SBC's address once, for beyond a NAT it has another.
    fn ends(&self, message: &LegMessage, by_sbc: bool) -> Vec<Ends> {
        let mut ends: Vec<Ends> = Vec::with_capacity(1);
        for sighting in message.sightings() {
            let (src, dst) = (sighting.course.src, sighting.course.dst);
            let (sbc, microsoft) = if by_sbc { (src, dst) } else { (dst, src) };
            let fits = self.recognition.is_microsoft(microsoft, sbc) && !self.recognition.is_microsoft(sbc, microsoft);
            if fits && !ends.iter().any(|known| known.sbc == sbc.ip()) {
                ends.push(Ends { sbc: sbc.ip(), microsoft: microsoft.ip(), seen: Mark::from(&sighting.seen()) });
            }
        }
        ends
    }

    fn alive(&mut self, ends: Ends) -> Option<&mut KeepAlive> {
        self.trunks.alive(ends.sbc, self.topology)
    }

    /// The final response to a request.
    fn answer(&self, message: &LegMessage) -> Option<&'n LegMessage> {
        self.leg.message(self.leg.transaction_of(message)?.last?)
    }

    /// The addresses that the SBC has, and the name by which it wants to be known.
    fn introduce(&mut self, message: &'n LegMessage, ends: Ends, all: &[Ends]) {
        let introduces = message.start.is_request && matches!(message.start.method, Method::Options | Method::Invite);
        let contact = introduces.then(|| message.sip().values(HeaderName::Contact).into_iter().next()).flatten();
        let named = contact.and_then(|value| {
            let value = lossy(&value);
            if let TypedHost::Name(name) = typed::host(&value) { Some((name, format!("Contact: {value}"))) } else { None }
        });
        let Some(alive) = self.alive(ends) else { return };
        alive.is_at(all.iter().map(|ends| ends.sbc));
        if let Some((name, line)) = named {
            alive.is_called(name, Cited { first: ends.seen, line, answer: None, n: 1, accepted: 0 });
        }
    }

    fn probe(&mut self, message: &'n LegMessage, ends: Ends) {
        let (sip, answer) = (message.sip(), self.answer(message));
        let contact = sip.values(HeaderName::Contact).first().map(|value| host(value)).unwrap_or_default();
        let target = Target { contact, host: sip.request_uri().map(host).unwrap_or_default(), address: ends.microsoft };
        let request = (ends.seen, lossy(sip.start_line()).into_owned());
        let name = target.host.clone();
        let Some(alive) = self.alive(ends) else { return };
        alive.probe(target, Probe { sent: ends.seen, status: answer.and_then(|answer| answer.start.status) });
        if let Some(name) = alive.names.of(&name) {
            name.steady.add(Stretch::of(ends.seen));
            name.probed = true;
        }
        if let Some(answer) = answer {
            refuse(alive, answer, ends.microsoft, Some(request));
        }
    }

    /// The answer to an OPTIONS that was not seen.
    fn answered(&mut self, message: &'n LegMessage, ends: Ends) {
        let Some(alive) = self.alive(ends) else { return };
        let target = Target { contact: String::new(), host: String::new(), address: ends.microsoft };
        alive.probe(target, Probe { sent: ends.seen, status: message.start.status });
        refuse(alive, message, ends.microsoft, None);
    }

    /// The names of the service by which a request outside a dialog asks for it.
    fn names(&mut self, message: &'n LegMessage, ends: Ends) {
        let sip = message.sip();
        let is_invite = message.start.method == Method::Invite;
        let answer = self.answer(message).map(|answer| (Mark::from(&answer.message.seen()), lossy(answer.sip().start_line()).into_owned()));
        let accepted = u64::from(self.leg.transaction_of(message).is_some_and(|transaction| transaction.is_accepted(self.leg)));
        let cited = |line: String| Cited { first: ends.seen, line, answer: answer.clone(), n: 1, accepted };
        let uri = sip.request_uri().map(|uri| (host(uri), lossy(sip.start_line()).into_owned()));
        let routes = sip.values(HeaderName::Route);
        let routes = routes.iter().map(|route| (host(route), format!("Route: {}", lossy(route))));
        let id = message.message.course().connection;
        let connection = self.call.connections.iter().find(|connection| connection.id == id && is_invite);
        let over = connection.and_then(|connection| server_name(connection));
        let over = over.map(|name| (name.to_owned(), format!("INVITE over a connection for {name}")));
        let mut done: Vec<String> = Vec::new();
        let named: Vec<(String, String, bool)> = uri
            .into_iter()
            .chain(routes)
            .map(|(name, line)| (name, line, true))
            .chain(over.map(|(name, line)| (name, line, false)))
            .collect();
        for (name, line, in_message) in named {
            if done.contains(&name) {
                continue;
            }
            let Some(known) = self.trunks.alive(ends.sbc, self.topology).and_then(|alive| alive.names.of(&name)) else { continue };
            let Name { requested, called, .. } = known;
            if in_message {
                Cited::add(requested, cited(line.clone()));
            }
            if is_invite {
                Cited::add(called, cited(line));
            }
            done.push(name);
        }
    }

    /// Whether the message says which methods the SBC takes.
    fn allow(&mut self, message: &'n LegMessage, ends: Ends) {
        let (start, sip) = (message.start, message.sip());
        let has = sip.has(HeaderName::Allow);
        let is_read = match (start.method, start.status) {
            (Method::Invite, None) => start.is_request,
            (Method::Invite, Some(180..=189 | 200..=299)) => true,
            (Method::Options, None) => start.is_request,
            (Method::Options, Some(200)) => true,
            _ => false,
        };
        let accepted = start.is_request && self.leg.transaction_of(message).is_some_and(|transaction| transaction.is_accepted(self.leg));
        let Some(allowing) = self.alive(ends).map(|alive| &mut alive.allowing) else { return };
        match (is_read, has) {
            (true, true) => allowing.carried = true,
            (false, true) => allowing.elsewhere = true,
            (false, false) => {}
            (true, false) if sip.head_cut() => allowing.cut = true,
            (true, false) => {
                let known = match start.method {
                    Method::Options => &mut allowing.in_options,
                    _ if accepted => &mut allowing.accepted,
                    _ => &mut allowing.in_calls,
                };
                let line = lossy(sip.start_line()).into_owned();
                Cited::add(known, Cited { first: ends.seen, line, answer: None, n: 1, accepted: u64::from(accepted) });
            }
        }
    }
}

/// Notes a final response to an OPTIONS, if it refuses.
fn refuse(alive: &mut KeepAlive, answer: &LegMessage, by: IpAddr, request: Option<(Mark, String)>) {
    let Some(status) = answer.start.status.filter(|status| !(200..300).contains(status)) else { return };
    let sip = answer.sip();
    let line = lossy(sip.start_line()).into_owned();
    let reason = sip.first(HeaderName::Reason).map(|reason| lossy(&reason).into_owned());
    let response = Mark::from(&answer.message.seen());
    alive.refuse(status, Refused { n: 1, response, line, reason, by, request });
}

/// The host of a URI or of a header's address, in lower case; empty where there is none.
fn host(value: &[u8]) -> String {
    match typed::host(&lossy(value)) {
        TypedHost::Name(name) => name,
        TypedHost::Ip(ip) => ip.to_string(),
        TypedHost::None => String::new(),
    }
}
