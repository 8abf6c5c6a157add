//! DR178: a call from the telephone network that went back to it: its media turns round at the SBC, or in Microsoft's cloud.

use super::crossing::{Crossing, proof};
use crate::call::{Call, Leg, Recognition, media};
use crate::finding::{Outcome, Severity, Violation};
use crate::path::{Hop, HopKind};
use crate::proto::sip::HeaderName;
use crate::rules::{Check, Ctx, Direction, Rule};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR178-hairpin",
    title: "A call that returns to the telephone network",
    severity: Severity::Info,
    direction: Direction::Any,
    evidence: "SIP text, RTP and topology",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/path/DR178-hairpin.md"),
    check: Check::Call(check),
};

/// A leg with Microsoft.
type Direct<'c> = (&'c Leg, &'c Recognition);

fn check(call: &Call, ctx: &Ctx<'_>) -> Outcome {
    let direct: Vec<Direct<'_>> = call.legs.iter().zip(ctx.recognitions).filter(|(_, r)| r.is_direct_routing()).collect();
    if direct.iter().all(|(leg, _)| leg.answered.is_none()) {
        return Outcome::NotApplicable;
    }
    let media: Vec<&Hop> = ctx.hops.iter().filter(|hop| hop.kind == HopKind::Media).collect();
    if media.is_empty() {
        return Outcome::NotChecked("no media of the call in the capture".to_owned());
    }
    let known = Announced::of(&direct);
    if let Some((hop, [one, other])) = media.iter().find_map(|hop| Some((*hop, known.between(hop, ctx)?))) {
        // Between a proxy SBC and the one behind it media is Local Media Optimization.
        let optimized = direct.iter().flat_map(|(leg, _)| &leg.messages).any(|m| m.sip().has(HeaderName::XMsMediaPath));
        return if optimized { Outcome::NotApplicable } else { Outcome::Violated(vec![around(hop, [one, other])]) };
    }
    let through = media.iter().find_map(|hop| Some((*hop, Crossing::of(hop)?)));
    match through.filter(|_| comes_and_goes(&direct)) {
        Some((hop, crossing)) => Outcome::Violated(vec![by_microsoft(hop, &crossing)]),
        None => Outcome::Clean,
    }
}

/// Addresses that session descriptions of the legs with Microsoft name.
struct Announced {
    /// By Microsoft: its own, clients', and other SBCs'.
    by_microsoft: BTreeSet<IpAddr>,
    /// By the SBC of each leg; its signalling is the first.
    by_sbc: Vec<(IpAddr, BTreeSet<IpAddr>)>,
}

impl Announced {
    fn of(direct: &[Direct<'_>]) -> Self {
        let mut known = Self { by_microsoft: BTreeSet::new(), by_sbc: Vec::new() };
        for (leg, recognition) in direct {
            let mut own = BTreeSet::new();
            for described in &leg.described {
                let Some(message) = leg.message(described.message).map(|m| &m.message) else { continue };
                let of_microsoft = recognition.is_microsoft(message.src(), message.dst());
                let ips = described.lines(leg).iter().flat_map(media::endpoints).map(|end| end.ip());
                if of_microsoft { known.by_microsoft.extend(ips) } else { own.extend(ips) }
            }
            known.by_sbc.extend(sbc_of((leg, recognition)).map(|ip| (ip, own)));
        }
        known
    }

    /// The two SBCs, or the one twice, where the hop is between them and Microsoft told one of the other: what an SBC sends to the next
    /// one on its trunk is no hairpin.
    fn between(&self, hop: &Hop, ctx: &Ctx<'_>) -> Option<[String; 2]> {
        let told = |ip: IpAddr| self.by_microsoft.contains(&ip);
        let names = [self.sbc(hop.a.ip, ctx)?, self.sbc(hop.b.ip, ctx)?];
        (told(hop.a.ip) || told(hop.b.ip)).then_some(names)
    }

    /// The SBC at this address: its id in the topology, else its signalling address.
    fn sbc(&self, ip: IpAddr, ctx: &Ctx<'_>) -> Option<String> {
        let seen = || self.by_sbc.iter().find(|(signalling, media)| *signalling == ip || media.contains(&ip));
        let named = ctx.topology.sbc(ip).map(|sbc| sbc.id.to_string());
        named.or_else(|| seen().map(|(signalling, _)| signalling.to_string()))
    }
}

/// The SBC's end of a leg with Microsoft.
fn sbc_of((leg, recognition): Direct<'_>) -> Option<IpAddr> {
    let (a, b) = leg.ends()?;
    Some(if recognition.is_microsoft(a, b) { b.ip() } else { a.ip() })
}

/// One leg goes to Microsoft and another comes from it, both answered.
fn comes_and_goes(direct: &[Direct<'_>]) -> bool {
    let from_microsoft = |(leg, recognition): &Direct<'_>| leg.ends().map(|(a, b)| recognition.is_microsoft(a, b));
    let answered = || direct.iter().filter(|(leg, _)| leg.answered.is_some()).filter_map(from_microsoft);
    answered().any(|from| from) && answered().any(|from| !from)
}

fn around(hop: &Hop, [one, other]: [String; 2]) -> Violation {
    let (a, b) = (hop.a.ip.min(hop.b.ip), hop.a.ip.max(hop.b.ip));
    let where_to = if one == other { format!("turns round in SBC {one}") } else { format!("goes from SBC {one} to SBC {other}") };
    let message = format!("media of a call that returned to the telephone network {where_to}: it flows between {a} and {b}");
    Violation { severity: Severity::Info, subject: format!("{a} and {b}"), value: "direct".to_owned(), message, evidence: proof(hop) }
}

fn by_microsoft(hop: &Hop, crossing: &Crossing) -> Violation {
    let (inside, microsoft) = (crossing.inside.ip, crossing.microsoft.ip);
    let message =
        format!("media of a call that returned to the telephone network passes Microsoft's {microsoft} on its way from and to {inside}");
    Violation {
        severity: Severity::Info,
        subject: inside.to_string(),
        value: "through Microsoft".to_owned(),
        message,
        evidence: proof(hop),
    }
}
