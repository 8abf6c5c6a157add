//! What a call adds to the calls that an SBC placed: its INVITEs to Microsoft with what became of each, what its OPTIONS say of the service,
//! and calls that the SBC received and did not send to Microsoft.

use crate::call::{Call, Leg, LegKind, LegMessage, Recognition, Transaction, invite, reasons};
use crate::decode::Dir;
use crate::flow::Connection;
use crate::proto::sip::{HeaderName, Method, NameAddr, Sip, Uri, lossy};
use crate::rules::Ctx;
use crate::time::Span;
use crate::topology::Topology;
use crate::trunk::{Answer, Beside, Literal, Name, Placed, PlacedCalls, TrunkLeg, Trunks};
use std::net::{IpAddr, SocketAddr};

/// Octets of a line that are kept.
const LONGEST: usize = 200;
/// Timer B and F: a request that nobody answers is given up (RFC 3261 section 17.1).
const UNANSWERED: Span = Span::secs(32);
/// What Microsoft says where a user has no client.
const NO_ENDPOINTS: &str = "no callee endpoints were found";
/// Responses after which another server is to be tried (RFC 3263 section 4.3), and those of a server that fails.
const OUT_OF_SERVICE: [u16; 4] = [408, 500, 503, 504];

/// Notes what `ctx.call` shows of the SBCs.
pub fn note(call: &Call, ctx: &Ctx<'_>, trunks: &mut Trunks) {
    let legs = || call.legs.iter().zip(ctx.recognitions);
    if !ctx.recognitions.iter().any(Recognition::is_direct_routing) {
        return beside(call, ctx, trunks);
    }
    for (leg, recognition) in legs().filter(|(_, recognition)| recognition.is_direct_routing()) {
        for transaction in outside_dialogs(leg) {
            let Some(request) = transaction.request.and_then(|idx| leg.message(idx)) else { continue };
            let (sbc, microsoft) = (request.message.src(), request.message.dst());
            if !recognition.is_microsoft(microsoft, sbc) || recognition.is_microsoft(sbc, microsoft) {
                continue;
            }
            if let Some(history) = trunks.placed(sbc.ip()) {
                Noting { call, leg, recognition, transaction, request, ctx }.note(history);
            }
        }
    }
}

/// INVITE and OPTIONS without a To tag.
fn outside_dialogs(leg: &Leg) -> impl Iterator<Item = &Transaction> {
    let is_one = |t: &&Transaction| matches!(t.method, Method::Invite | Method::Options);
    let outside = |t: &&Transaction| t.request.and_then(|idx| leg.message(idx)).is_some_and(|m| !m.start.has_to_tag);
    leg.transactions.iter().filter(is_one).filter(outside)
}

/// A request that an SBC sent to Microsoft, and what it stands in.
struct Noting<'a> {
    call: &'a Call,
    leg: &'a Leg,
    recognition: &'a Recognition,
    transaction: &'a Transaction,
    request: &'a LegMessage,
    ctx: &'a Ctx<'a>,
}

impl Noting<'_> {
    fn note(&self, history: &mut PlacedCalls) {
        let (sip, to, at) = (self.request.sip(), self.request.message.dst(), self.request.message.at());
        let uri = sip.request_uri().map(lossy).unwrap_or_default();
        let written = Name::of_host(Uri::parse(&uri).host);
        self.hosts(&sip, &uri, history);
        let asked = self.connection().and_then(asked);
        // By the connection it is known for sure; Microsoft's address may be called by a fixed name in the Request-URI.
        let name = asked.or(written);
        for name in [asked, written].into_iter().flatten() {
            history.service.named(to.ip(), name);
        }
        let status = self.transaction.status(self.leg);
        let from_microsoft = |message: &LegMessage| self.recognition.is_microsoft(message.message.src(), message.message.dst());
        let goes_on = || self.transaction.method == Method::Invite && self.leg.messages.iter().any(from_microsoft);
        let responded = status.is_some() || !self.transaction.provisional.is_empty() || goes_on();
        if name == Some(Name::Sip) {
            match status {
                Some(status) if OUT_OF_SERVICE.contains(&status) => history.service.down.note(at),
                _ if responded => history.service.up.note(at),
                _ if self.heard() && self.ctx.clock - at > UNANSWERED => history.service.down.note(at),
                _ => {}
            }
        }
        if self.transaction.method == Method::Invite {
            history.call(self.placed(&sip, &uri, name, responded));
        }
    }

    /// Notes whether the service is named by a host or by an address.
    fn hosts(&self, sip: &Sip<'_>, uri: &str, history: &mut PlacedCalls) {
        let (seen, start) = (self.request.message.seen(), line(sip.start_line()));
        let route = sip.values(HeaderName::Route).into_iter().next().map(|value| lossy(&value).into_owned());
        let routed = route.as_deref().and_then(|route| NameAddr::parse(route).uri().host.ip());
        let literal = Uri::parse(uri).host.ip().map(|ip| (ip, start)).or_else(|| Some((routed?, format!("Route: {}", route.as_deref()?))));
        let is_microsoft = |ip: IpAddr| ip == self.request.message.dst().ip() || self.ctx.topology.is_microsoft_signalling(ip, seen.at);
        match literal.filter(|(ip, _)| is_microsoft(*ip)) {
            Some((ip, line)) => {
                let method = lossy(sip.method_text()).into_owned();
                history.service.literal(ip, Literal { seen, line: line.chars().take(LONGEST).collect(), method, requests: 1 });
            }
            None if !sip.head_cut() => history.service.host(seen.seq),
            None => {}
        }
    }

    fn placed(&self, sip: &Sip<'_>, uri: &str, name: Option<Name>, responded: bool) -> Placed {
        let seen = self.request.message.seen();
        let sbc = self.request.message.src().ip();
        let first = |seq, leg: &&&Leg| leg.id.0 < seq;
        let others: Vec<&Leg> = self.others().collect();
        let received = others.iter().filter(|leg| leg.ends().is_some_and(|(_, to)| self.is_host(to.ip(), sbc)));
        let trunk = received.filter(|leg| first(seen.seq, leg)).max_by_key(|leg| leg.id).map(|leg| trunk_leg(leg));
        let sent = others.iter().filter(|leg| leg.ends().is_some_and(|(from, _)| self.is_host(from.ip(), sbc)));
        let elsewhere = sent.filter(|leg| !first(seen.seq, leg)).map(|leg| leg.started()).min();
        let cancel = |t: &&Transaction| t.method == Method::Cancel && t.number == self.transaction.number;
        let cancels = self.leg.transactions.iter().filter(cancel).filter_map(|t| self.leg.message(t.request?));
        Placed {
            seen,
            line: line(sip.start_line()),
            to: self.request.message.dst(),
            name,
            call: self.leg.call_hash,
            caller: caller(sip),
            called: invite::number(uri),
            heard: self.heard(),
            responded,
            accepted: self.transaction.is_accepted(self.leg),
            answer: self.answer(),
            cancelled: cancels.map(|m| m.message.at()).min(),
            trunk,
            elsewhere,
        }
    }

    fn answer(&self) -> Option<Answer> {
        let last = self.leg.message(self.transaction.last?)?;
        let sip = last.sip();
        let retry = sip.first(HeaderName::RetryAfter);
        let seconds = |value: &[u8]| lossy(value).split([';', '(', ' ']).next().and_then(|seconds| seconds.parse().ok());
        let says = reasons(&sip).iter().any(|r| r.text.as_deref().is_some_and(|text| text.to_lowercase().contains(NO_ENDPOINTS)));
        let reason = || sip.first(HeaderName::Reason).map(|value| format!("Reason: {}", line(&value)));
        Some(Answer {
            status: last.start.status?,
            seen: last.message.seen(),
            line: line(sip.start_line()),
            retry_after: retry.map(|value| seconds(&value)),
            no_endpoints: says.then(reason).flatten(),
        })
    }

    /// Legs of the call that are none with Microsoft.
    fn others(&self) -> impl Iterator<Item = &Leg> {
        let all = self.call.legs.iter().zip(self.ctx.recognitions);
        all.filter(|(leg, r)| leg.kind == LegKind::Call && !r.is_direct_routing()).map(|(leg, _)| leg)
    }

    fn is_host(&self, one: IpAddr, other: IpAddr) -> bool {
        is_host(self.ctx.topology, one, other)
    }

    fn connection(&self) -> Option<&Connection> {
        self.ctx.connection(self.request)
    }

    /// Microsoft's side is in the capture: packets on the connection, and none of them lost or unread; else a message of the leg.
    fn heard(&self) -> bool {
        let from_microsoft = |message: &LegMessage| self.recognition.is_microsoft(message.message.src(), message.message.dst());
        let Some(connection) = self.connection() else { return self.leg.messages.iter().any(from_microsoft) };
        let is_theirs = |dir: &Dir| connection.id.flow.from_to(*dir).0 == self.request.message.dst();
        let half = [Dir::Up, Dir::Down].into_iter().find(is_theirs).map(|dir| connection.half(dir));
        let unread = connection.tls.as_deref().is_some_and(|tls| tls.unopened > 0 || tls.lost > 0);
        half.is_some_and(|half| half.first.is_some() && half.lost == 0) && !unread
    }
}

/// The name that the ClientHello of a connection asks for.
fn asked(connection: &Connection) -> Option<Name> {
    let tls = connection.tls.as_deref()?;
    Name::of(tls.offered.as_ref()?.what.server_name.as_deref()?)
}

/// Both addresses are of one SBC.
fn is_host(topology: &Topology, one: IpAddr, other: IpAddr) -> bool {
    let id = |ip| topology.sbc(ip).map(|sbc| sbc.id.as_str());
    one == other || id(one).is_some_and(|known| Some(known) == id(other))
}

fn trunk_leg(leg: &Leg) -> TrunkLeg {
    let from = leg.ends().map(|(from, _)| from.ip());
    let gives_up = |message: &&LegMessage| {
        let start = message.start;
        start.is_request && matches!(start.method, Method::Cancel | Method::Bye) && Some(message.message.src().ip()) == from
    };
    let hung_up = leg.messages.iter().find(gives_up).map(|message| message.message.at());
    TrunkLeg { call: leg.call_hash, ended: leg.ended, hung_up }
}

/// Hash of the number of who calls; `None` for a caller who is hidden.
fn caller(sip: &Sip<'_>) -> Option<u64> {
    let value = [HeaderName::PAssertedIdentity, HeaderName::From].into_iter().find_map(|name| sip.first(name))?;
    let value = lossy(&value);
    let uri = NameAddr::parse(&value).uri;
    let is_hidden = Uri::user_of(uri).is_some_and(|user| ["anonymous", "unavailable", "restricted"].contains(&&*user.to_ascii_lowercase()));
    invite::number(uri).filter(|_| !is_hidden)
}

/// Notes the calls of an SBC of the topology that go to nobody, and those that go elsewhere than to Microsoft.
fn beside(call: &Call, ctx: &Ctx<'_>, trunks: &mut Trunks) {
    let calls = call.legs.iter().filter(|leg| leg.kind == LegKind::Call && !ctx.topology.tables.sbcs.is_empty());
    let legs: Vec<(&Leg, (SocketAddr, SocketAddr))> = calls.filter_map(|leg| Some((leg, leg.ends()?))).collect();
    for (leg, (from, to)) in &legs {
        let Some(invite) = leg.initial_invites().find_map(|t| leg.message(t.request?)) else { continue };
        let sip = invite.sip();
        let uri = sip.request_uri().map(lossy).unwrap_or_default();
        let called = invite::number(&uri);
        let until = leg.ended.unwrap_or(ctx.clock);
        let beside = || Beside { seen: invite.message.seen(), line: line(sip.start_line()), until, called };
        let signalling = |ip: IpAddr| ctx.topology.sbc(ip).into_iter().flat_map(|sbc| sbc.signalling.iter().map(|ip| **ip));
        let sent_on = legs.iter().any(|(_, (other, _))| is_host(ctx.topology, other.ip(), to.ip()));
        if leg.answered.is_none() && !sent_on {
            signalling(to.ip()).for_each(|sbc| trunks.placed(sbc).into_iter().for_each(|history| history.waits(beside())));
        }
        signalling(from.ip()).for_each(|sbc| trunks.placed(sbc).into_iter().for_each(|history| history.goes_elsewhere(beside())));
    }
}

fn line(text: &[u8]) -> String {
    lossy(text).chars().take(LONGEST).collect()
}
