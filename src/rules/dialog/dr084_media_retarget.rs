//! DR084: the SBC moves its media to another address while a call is up.

use super::{CUT, Said, direct, is_cut, is_ok, rtp};
use crate::call::{BoundStream, Call, Described, Leg, LegMessage, MessageIdx, Recognition, media};
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::mode::{self, Known, Mode};
use crate::proto::{
    sdp::{Direction as Sends, MediaDescription},
    sip::Method,
};
use crate::record::SourceId;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::{Span, Timestamp};
use std::cell::OnceCell;
use std::net::SocketAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR084-media-retarget",
    title: "The SBC moves its media while a call is up",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text and RTP",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/dialog/DR084-media-retarget.md"),
    check: Check::Leg(check),
};

/// Media may take so long to follow (catalogue DR084).
const FOLLOWS: Span = Span::secs(2);
/// Packets that are no stragglers: a second of them (catalogue DR084).
const ENOUGH: u64 = 50;

/// Audio as a description of the SBC has it.
#[derive(Clone, PartialEq)]
struct Audio {
    end: SocketAddr,
    profile: String,
}

/// A walk through the descriptions of a leg.
struct Walk<'l, 'c> {
    leg: &'l Leg,
    recognition: &'c Recognition,
    ctx: &'c Ctx<'l>,
    /// What is in force, and what the SBC offered last.
    agreed: Option<Audio>,
    /// The user fragments of ICE of Microsoft's last two descriptions.
    fragments: [Option<String>; 2],
    /// The SBC corrected its first offer, as Local Media Optimization has it.
    corrected: bool,
    /// The trunk's mode, once it was asked for.
    mode: OnceCell<Option<Known>>,
    said: Said,
}

fn check(_: &Leg, ctx: &Ctx<'_>) -> Outcome {
    let Some((leg, recognition)) = direct(ctx) else { return Outcome::NotApplicable };
    if !renews(leg, recognition) {
        return Outcome::NotApplicable;
    }
    let (mode, said) = (OnceCell::new(), Said::default());
    let mut walk = Walk { leg, recognition, ctx, agreed: None, fragments: [None, None], corrected: false, mode, said };
    let mut described = leg.described.iter().peekable();
    let mut up = false;
    for (idx, message) in leg.messages.iter().enumerate().filter(|(_, message)| !message.retransmission) {
        if let Some(own) = described.next_if(|one| one.message as usize == idx) {
            match is_cut(message) {
                true => walk.said.lacks(CUT), // half a port is another one
                false => walk.step(message, own, up),
            }
        }
        up |= message.start.method == Method::Invite && is_ok(message);
    }
    walk.said.outcome()
}

/// The SBC describes its media again after the call was answered, or some description is cut; most calls need not be looked at further.
fn renews(leg: &Leg, recognition: &Recognition) -> bool {
    let up = leg.messages.iter().position(|message| message.start.method == Method::Invite && is_ok(message) && !message.retransmission);
    leg.described.iter().any(|described| {
        let again = up.is_some_and(|up| described.message as usize > up);
        leg.message(described.message).is_some_and(|m| is_cut(m) || (again && !recognition.is_microsoft(m.message.src(), m.message.dst())))
    })
}

impl<'l> Walk<'l, '_> {
    fn step(&mut self, message: &'l LegMessage, described: &'l Described, up: bool) {
        let audio = described.sdp(self.leg).audio();
        if self.recognition.is_microsoft(message.message.src(), message.message.dst()) {
            let [_, last] = std::mem::take(&mut self.fragments);
            self.fragments = [last, audio.and_then(|line| line.ice_ufrag.clone())];
            return;
        }
        // A line that is held or declined has no address to compare.
        let Some(now) = audio.and_then(audio_of) else { return };
        let offers = message.start.is_request && matches!(message.start.method, Method::Invite | Method::Update);
        match self.agreed.clone().filter(|_| up) {
            None => self.agreed = Some(now),
            Some(_) if offers && self.is_refused(message) => {}
            Some(before) if offers => {
                self.offered(message, &before, &now);
                self.agreed = Some(now);
            }
            Some(before) => {
                self.answered(message, &before, &now);
                self.agreed = Some(now);
            }
        }
    }

    fn is_refused(&self, offer: &LegMessage) -> bool {
        self.leg.transaction_of(offer).and_then(|transaction| transaction.status(self.leg)).is_some_and(|status| status >= 300)
    }

    /// The SBC's own offer in a call that is up.
    fn offered(&mut self, message: &'l LegMessage, before: &Audio, now: &Audio) {
        if before == now {
            return self.said.clean();
        }
        let known = self.mode.get_or_init(|| mode::mode(self.leg, self.recognition, self.ctx.topology).ok()).clone();
        let by_sbc = self.leg.ends().is_some_and(|(a, b)| !self.recognition.is_microsoft(a, b));
        if by_sbc && !self.corrected && known.as_ref().is_some_and(|known| known.mode == Mode::Lmo) {
            self.corrected = true;
            return self.said.clean();
        }
        let last = self.leg.transaction_of(message).and_then(|transaction| transaction.last);
        let answer = last.and_then(|idx| self.leg.message(idx)).filter(|answer| is_ok(answer));
        let evidence = answer.zip(last).and_then(|(answer, idx)| self.media(answer, idx, before, now));
        let in_bypass = self.leg.ice && known.as_ref().is_some_and(|known| known.mode.is_bypass());
        let (severity, then, stream) = match evidence {
            Some(Moved::Follows) => return self.said.clean(),
            Some(Moved::Stays(stream)) => (RULE.severity, format!(", and Microsoft's media still goes to {}", before.end), Some(stream)),
            Some(Moved::Lost(stream)) => (RULE.severity, format!(", and no media of Microsoft's comes to {}", now.end), Some(stream)),
            None => (Severity::Warning, String::new(), None),
        };
        let (severity, why) = match known.filter(|_| in_bypass) {
            Some(known) => (severity.min(Severity::Warning), format!("; in media bypass ICE may follow ({})", known.why)),
            None => (severity, String::new()),
        };
        let name = if message.start.method == Method::Invite { "re-INVITE".to_owned() } else { self.ctx.name_of(message) };
        let violation = violation((message, name), (before, now), severity, format!("{then}{why}"), (answer, stream));
        self.said.violated(violation);
    }

    /// The SBC's answer to Microsoft's offer in a call that is up.
    fn answered(&mut self, message: &'l LegMessage, before: &Audio, now: &Audio) {
        let [last, renewed] = &self.fragments;
        if before == now || (renewed.is_some() && last != renewed) {
            return self.said.clean(); // Microsoft began ICE anew
        }
        let name = self.ctx.name_of(message);
        let violation = violation((message, name), (before, now), Severity::Info, String::new(), (None, None));
        self.said.violated(violation);
    }

    /// What RTP shows after Microsoft's answer; nothing where it shows nothing.
    fn media(&self, answer: &'l LegMessage, idx: MessageIdx, before: &Audio, now: &Audio) -> Option<Moved<'l>> {
        let call: &Call = self.ctx.call?;
        let (source, at) = (answer.message.course().source, answer.message.at());
        let until = at + FOLLOWS;
        if before.end == now.end {
            return None; // the profile alone shows in no address
        }
        let place = self.leg.described.binary_search_by_key(&idx, |one| one.message).ok()?;
        let sends = self.leg.described.get(place).and_then(|one| one.sdp(self.leg).audio()).map(|line| line.direction);
        if !matches!(sends, Some(Sends::SendRecv | Sends::SendOnly)) {
            return None;
        }
        let to_old: Vec<&BoundStream> = rtp::to(call, before.end).collect();
        if let Some(stays) = to_old.iter().find(|bound| enough(bound, until, source)) {
            return Some(Moved::Stays(stays));
        }
        if rtp::to(call, now.end).any(|bound| rtp::packets_after(bound, at, source).is_some_and(|n| n > 0)) {
            return Some(Moved::Follows);
        }
        let own = rtp::from(call, now.end).chain(rtp::from(call, before.end)).find(|bound| enough(bound, until, source))?;
        // Only where Microsoft's media was seen before can it be missed.
        let was_seen = to_old.iter().any(|bound| bound.stream.first().is_some_and(|seen| seen.source == source));
        was_seen.then_some(Moved::Lost(own))
    }
}

/// Where Microsoft's media goes after the move.
enum Moved<'l> {
    /// To the new address.
    Follows,
    /// Still to the old one.
    Stays(&'l BoundStream),
    /// Nowhere, while the SBC sends.
    Lost(&'l BoundStream),
}

fn enough(bound: &BoundStream, until: Timestamp, source: SourceId) -> bool {
    rtp::packets_after(bound, until, source).is_some_and(|packets| packets >= ENOUGH)
}

fn audio_of(line: &MediaDescription) -> Option<Audio> {
    Some(Audio { end: media::endpoint(line)?, profile: line.proto.to_ascii_uppercase() })
}

fn violation(
    (message, name): (&LegMessage, String),
    (before, now): (&Audio, &Audio),
    severity: Severity,
    then: String,
    (answer, stream): (Option<&LegMessage>, Option<&BoundStream>),
) -> Violation {
    let sbc = message.message.src().ip();
    let (what, from, to) = match (before.end.ip() != now.end.ip(), before.end != now.end) {
        (true, _) => ("address", before.end.to_string(), now.end.to_string()),
        (_, true) => ("port", before.end.to_string(), now.end.to_string()),
        _ => ("profile", before.profile.clone(), now.profile.clone()),
    };
    let text = format!("{name} from {sbc} moves audio of a call that is up from {from} to {to}{then}");
    let mut evidence = vec![Evidence::new(&message.message.seen(), format!("audio at {} {}", now.end, now.profile))];
    evidence.extend(answer.map(super::proof));
    evidence.extend(stream.and_then(|bound| bound.stream.last()).map(|seen| Evidence::new(seen, "RTP")));
    Violation { severity, subject: sbc.to_string(), value: format!("{name}: {what}"), message: text, evidence }
}
