//! DR121: the SBC offers SRTP without AES_CM_128_HMAC_SHA1_80, or answers with a suite that Microsoft did not offer so.

use super::described::{DESCRIBING, Role, active_audio, described, is_active_audio, role};
use crate::call::LegMessage;
use crate::finding::{Outcome, Severity};
use crate::proto::sdp::{Crypto, Direction as Sends, MediaDescription, Sdp};
use crate::rules::{Check, Ctx, Direction, Rule, by_sender};

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR121-srtp-suite",
    title: "AES_CM_128_HMAC_SHA1_80 is not offered, or the answer does not match",
    severity: Severity::Error,
    direction: Direction::SbcToMicrosoft,
    evidence: "SIP text",
    confidence: "documented",
    since: "always",
    lower_when_accepted: true,
    hides: &["DR125"],
    page: include_str!("../../../rules/media/DR121-srtp-suite.md"),
    check: Check::Message(DESCRIBING, check),
};

/// The suite that every SBC must have.
const MANDATORY: &str = "AES_CM_128_HMAC_SHA1_80";

fn check(message: &LegMessage, ctx: &Ctx<'_>) -> Outcome {
    let sdp = match described(message, ctx) {
        Ok(sdp) => sdp,
        Err(outcome) => return outcome,
    };
    if sending(sdp).all(|line| line.crypto.is_empty()) {
        return Outcome::NotApplicable; // DR120 and DR123 tell of it
    }
    match role(message, ctx) {
        Role::Offer => offers(message, ctx, sdp),
        Role::Answer(offer) => answers(message, ctx, (offer, sdp)),
        Role::Unknown(why) => Outcome::NotChecked(why.to_owned()),
    }
}

/// Audio that is neither declined nor inactive.
fn sending(sdp: &Sdp) -> impl Iterator<Item = &MediaDescription> {
    active_audio(sdp).filter(|line| line.direction != Sends::Inactive)
}

fn offers(message: &LegMessage, ctx: &Ctx<'_>, sdp: &Sdp) -> Outcome {
    let suites = || sending(sdp).flat_map(|line| &line.crypto).map(|crypto| crypto.suite.as_str());
    if suites().any(|suite| suite.eq_ignore_ascii_case(MANDATORY)) {
        return Outcome::Clean;
    }
    let (name, sbc) = (ctx.name_of(message), message.message.src().ip());
    let list = suites().collect::<Vec<_>>().join(" and ");
    let said = format!("{name} from {sbc} offers {list} and not {MANDATORY}");
    let line = suites().next().map(|suite| format!("a=crypto: {suite}")).unwrap_or_default();
    Outcome::Violated(vec![by_sender(ctx, message, RULE.severity, format!("{name}: {list}"), said, &line)])
}

fn answers(message: &LegMessage, ctx: &Ctx<'_>, (offer, answer): (&Sdp, &Sdp)) -> Outcome {
    let mut other = None;
    let pairs = answer.media.iter().zip(&offer.media).filter(|(line, _)| is_active_audio(line) && line.direction != Sends::Inactive);
    for (line, offered) in pairs {
        for crypto in &line.crypto {
            if !offered.crypto.iter().any(|one| one.tag == crypto.tag && one.suite.eq_ignore_ascii_case(&crypto.suite)) {
                return violated(message, ctx, crypto, RULE.severity, "which is no line of Microsoft's offer");
            }
            if !crypto.suite.eq_ignore_ascii_case(MANDATORY) {
                other.get_or_insert(crypto);
            }
        }
    }
    match other {
        Some(crypto) => violated(message, ctx, crypto, Severity::Info, "which Microsoft offered beside others"),
        None => Outcome::Clean,
    }
}

fn violated(message: &LegMessage, ctx: &Ctx<'_>, crypto: &Crypto, severity: Severity, which: &str) -> Outcome {
    let (name, sbc) = (ctx.name_of(message), message.message.src().ip());
    let tag = crypto.tag.map_or_else(|| "?".to_owned(), |tag| tag.to_string());
    let said = format!("{name} from {sbc} takes {} under tag {tag}, {which}", crypto.suite);
    let (value, line) = (format!("{name}: {}", crypto.suite), format!("a=crypto:{tag} {}", crypto.suite));
    Outcome::Violated(vec![by_sender(ctx, message, severity, value, said, &line)])
}
