//! DR126: a payload type of the SBC's means two things, or not what RFC 3551 fixes it to.

use super::described::{DESCRIBING, described, m_line};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::{
    payload::static_payload,
    sdp::{MediaDescription, Rtpmap},
};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR126-payload-duplicate",
    title: "A payload type number is used twice",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "field-observed",
    since: "always",
    lower_when_accepted: true,
    hides: &["DR125"],
    page: include_str!("../../../rules/media/DR126-payload-duplicate.md"),
    check: Check::Message(DESCRIBING, check),
};

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let sdp = match described(message, ctx) {
        Ok(sdp) => sdp,
        Err(outcome) => return outcome,
    };
    let is_rtp =
        |line: &&MediaDescription| line.port != 0 && line.proto.as_bytes().windows(4).any(|part| part.eq_ignore_ascii_case(b"RTP/"));
    let mut lines = sdp.media.iter().filter(is_rtp).peekable();
    if lines.peek().is_none() {
        return Outcome::NotApplicable;
    }
    let Some((line, fault)) = lines.find_map(|line| fault(line).map(|fault| (line, fault))) else { return Outcome::Clean };
    let (own, sbc) = (ctx.name_of(message), message.message.src().ip());
    let (severity, what) = match fault {
        Fault::Twice(pt) => (RULE.severity, format!("names payload type {pt} twice in one m= line")),
        Fault::Two(pt, a, b) => (RULE.severity, format!("maps payload type {pt} to {} and to {}", written(a), written(b))),
        Fault::Static(pt, name, fixed) => (Severity::Warning, format!("maps payload type {pt} to {name}, which RFC 3551 fixes to {fixed}")),
    };
    let said = format!("{own} from {sbc} {what}");
    Outcome::Violated(vec![by_sender(ctx, message, severity, format!("{own}: {what}"), said, &m_line(line))])
}

/// What is wrong with the payload types of a section.
enum Fault<'l> {
    /// Twice in the `m=` line.
    Twice(u8),
    /// Two mappings that differ.
    Two(u8, &'l Rtpmap, &'l Rtpmap),
    /// Not what the number is fixed to: the number, the name as written, the right one.
    Static(u8, &'l str, &'static str),
}

fn fault(line: &MediaDescription) -> Option<Fault<'_>> {
    let mut seen = 0_u128;
    for pt in line.payload_types() {
        let bit = 1_u128 << pt; // below 128
        if seen & bit != 0 {
            return Some(Fault::Twice(pt));
        }
        seen |= bit;
    }
    let earlier = |at: usize, map: &Rtpmap| line.codecs.iter().take(at).find(|other| other.payload_type == map.payload_type);
    let two = line.codecs.iter().enumerate().find_map(|(at, map)| Some((earlier(at, map)?, map)).filter(|(a, b)| !same(a, b)));
    if let Some((a, b)) = two {
        return Some(Fault::Two(b.payload_type, a, b));
    }
    line.codecs.iter().find_map(|map| {
        let (fixed, _) = static_payload(map.payload_type)?;
        // G729A and G729AB are G729, and G723.1 is G723.
        let begins = map.name.get(..fixed.len()).is_some_and(|start| start.eq_ignore_ascii_case(fixed));
        (!begins).then_some(Fault::Static(map.payload_type, &map.name, fixed))
    })
}

/// A mapping as its line has it, without the channels.
fn written(map: &Rtpmap) -> String {
    format!("{}/{}", map.name, map.clock_rate)
}

fn same(a: &Rtpmap, b: &Rtpmap) -> bool {
    a.name.eq_ignore_ascii_case(&b.name) && a.clock_rate == b.clock_rate && a.channels == b.channels
}
