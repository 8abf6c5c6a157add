//! DR175: media of a Skype for Business conference in the cloud that passes no edge server.

use super::crossing::{Crossing, proof};
use crate::call::{BoundStream, Call, Leg, LegMessage};
use crate::finding::{Outcome, Severity, Violation};
use crate::path::{
    Hop, HopKind,
    scenario::{ConferenceJoin, Judgement, PathRole, Profile, p5_edge_of_online_conference},
};
use crate::proto::{
    sdp::CandidateKind,
    sip::{HeaderName, Method},
};
use crate::rules::{Check, Ctx, Direction, Rule};
use memchr::memmem;
use std::net::{IpAddr, SocketAddr};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR175-conference-edge-missing",
    title: "A conference in the cloud without an edge server",
    severity: Severity::Info,
    direction: Direction::Any,
    evidence: "SIP text, RTP and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/path/DR175-conference-edge-missing.md"),
    check: Check::Call(check),
};

/// How clients and servers of Lync and Skype for Business call themselves; Teams has another name.
const LEGACY: [&[u8]; 2] = [b"UCCAPI/", b"RTCC/"];
/// In the address of the audio and video server of a conference.
const CONFERENCE: &[u8] = b"opaque=app:conf:audio-video";

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    let Some(leg) = call.legs.iter().find(|leg| joins(leg)) else { return Outcome::NotApplicable };
    let media = ctx.hops.iter().filter(|hop| hop.kind == HopKind::Media).find_map(|hop| Some((hop, Crossing::of(hop)?)));
    let Some((hop, crossing)) = media else {
        let unseen = leg.answered.is_some() && call.streams.is_empty();
        return if unseen { Outcome::NotChecked("no media of the conference in the capture".to_owned()) } else { Outcome::NotApplicable };
    };
    let join = ConferenceJoin { remote: role(call, leg, crossing.microsoft.ip), ..ConferenceJoin::default() };
    match p5_edge_of_online_conference(join, Profile::SkypeForBusiness) {
        Judgement::Fail(why) => Outcome::Violated(vec![violation(hop, &crossing, &why)]),
        Judgement::Pass | Judgement::Advice(_) => Outcome::Clean,
        Judgement::Unknown(what) => Outcome::NotChecked(format!("not known: {what}")),
    }
}

/// A client of Skype for Business joins a conference by this leg.
fn joins(leg: &Leg) -> bool {
    let asks = |m: &&LegMessage| m.start.is_request && m.start.method == Method::Invite;
    leg.messages.iter().find(asks).is_some_and(|invite| {
        // To look for it anywhere takes a fraction of reading the header, which hardly any call needs here.
        if memmem::find(invite.message.text.bytes(), CONFERENCE).is_none() {
            return false;
        }
        let sip = invite.sip();
        let legacy = || LEGACY.iter().any(|name| sip.begins(HeaderName::UserAgent, name));
        sip.request_uri().is_some_and(|uri| uri.windows(CONFERENCE.len()).any(|part| part == CONFERENCE)) && legacy()
    })
}

/// What is at Microsoft's end: by the relay that wraps the media, else by what the other side's candidate is.
fn role(call: &Call, leg: &Leg, microsoft: IpAddr) -> Option<PathRole> {
    let far = |bound: &BoundStream| -> Option<SocketAddr> {
        let (a, b) = bound.stream.flow.endpoints();
        [a, b].into_iter().find(|end| end.ip() == microsoft)
    };
    let own: Vec<(&BoundStream, SocketAddr)> = call.streams.iter().filter_map(|bound| Some((bound, far(bound)?))).collect();
    if own.iter().any(|(bound, _)| bound.stream.relay.is_some()) {
        return Some(PathRole::EdgeOnline);
    }
    let candidates = leg.described.iter().flat_map(|described| described.lines(leg)).flat_map(|line| &line.candidates);
    let of = candidates.filter(|candidate| own.iter().any(|(_, end)| (candidate.address, candidate.port) == (Some(end.ip()), end.port())));
    of.map(|candidate| candidate.kind).find_map(|kind| match kind {
        CandidateKind::Relayed => Some(PathRole::EdgeOnline),
        CandidateKind::Host => Some(PathRole::Conference),
        _ => None,
    })
}

fn violation(hop: &Hop, crossing: &Crossing, why: &str) -> Violation {
    let (inside, microsoft) = (crossing.inside.ip, crossing.microsoft.ip);
    let message = format!("media of {inside} in a conference of Skype for Business Online passes no edge server: {why} at {microsoft}");
    Violation { severity: Severity::Info, subject: microsoft.to_string(), value: inside.to_string(), message, evidence: proof(hop) }
}
