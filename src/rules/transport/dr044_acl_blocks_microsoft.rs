//! DR044: an SBC that some of Microsoft's addresses do not reach.

use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::trunk::{Attempt, Fate, TrunkHistory};
use std::net::IpAddr;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR044-acl-blocks-microsoft",
    title: "The SBC is closed to some of Microsoft's addresses",
    severity: Severity::Error,
    direction: Direction::MicrosoftToSbc,
    evidence: "packets",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR044-acl-blocks-microsoft.md"),
    check: Check::Trunk(check),
};

fn check(sbc: IpAddr, history: &TrunkHistory, ctx: &Ctx<'_>) -> Outcome {
    // Of an address outside the prefixes nobody can say that it must be let in.
    let peers = || {
        history.peers.iter().filter(|(ip, peer)| {
            let attempt = peer.first_taken.or(peer.first_refused).or(peer.first_unknown);
            attempt.is_some_and(|attempt| ctx.topology.is_microsoft_signalling(**ip, attempt.syn.at))
        })
    };
    let refused: Vec<&Attempt> = peers().filter(|(_, peer)| peer.taken == 0).filter_map(|(_, peer)| peer.first_refused.as_ref()).collect();
    let taken = peers().filter_map(|(_, peer)| peer.first_taken).min_by_key(|attempt| attempt.syn.seq);
    let unknown = peers().filter(|(_, peer)| peer.taken == 0).find_map(|(_, peer)| peer.first_unknown);
    let not_checked = |why: &str| Outcome::NotChecked(why.to_owned());
    match (refused.as_slice(), taken, unknown) {
        ([], _, Some(Attempt { fate: Fate::Unknown(why), .. })) => not_checked(why.text()),
        ([], Some(_), _) => Outcome::Clean,
        ([], None, _) => Outcome::NotApplicable,
        (_, None, _) => not_checked("no address of Microsoft's reaches the SBC in the capture: its port may be closed altogether"),
        (refused, Some(taken), _) => {
            // Where the SBC is never heard, its answers go another way.
            let heard = |attempt: &&&Attempt| !matches!(attempt.fate, Fate::Unanswered(_)) || history.heard.contains(&attempt.syn.tap);
            let violations: Vec<Violation> = refused.iter().filter(heard).map(|attempt| violation(sbc, attempt, &taken)).collect();
            match violations.is_empty() {
                true => not_checked("nothing that the SBC sends to Microsoft is seen where the connection was tried"),
                false => Outcome::Violated(violations),
            }
        }
    }
}

fn violation(sbc: IpAddr, refused: &Attempt, taken: &Attempt) -> Violation {
    let (from, port) = (refused.from.ip(), refused.to.port());
    let (how, end) = match refused.fate {
        Fate::Unanswered(syns) => (format!("{syns} SYNs get no answer"), None),
        Fate::Reset(seen) => ("the SYN is answered by a reset".to_owned(), Some((seen, "RST"))),
        Fate::Closed(seen) => ("the SBC closes it right after the ClientHello".to_owned(), Some((seen, "closes"))),
        Fate::Taken | Fate::Unknown(_) => (String::new(), None),
    };
    let message = format!("Microsoft's {from} does not get through to port {port} of {sbc}: {how}; {} does", taken.from.ip());
    let mut evidence = vec![Evidence::new(&refused.syn, format!("SYN from {from}"))];
    evidence.extend(end.map(|(seen, text)| Evidence::new(&seen, text)));
    evidence.push(Evidence::new(&taken.syn, format!("SYN from {}, taken", taken.from.ip())));
    Violation { severity: Severity::Error, subject: sbc.to_string(), value: from.to_string(), message, evidence }
}
