//! Location-Based Routing and emergency calls (section K of the catalogue), and what its rules share.

use crate::call::Leg;
use crate::finding::{Evidence, Outcome, Severity, Violation};
use crate::path::lbr::{Audit, Began, Fate, Observed, Party, Whereabouts, user};
use crate::proto::sip::lossy;
use crate::rules::Ctx;
use crate::topology::{Topology, User};

pub mod dr200_lbr_outbound;
pub mod dr201_lbr_inbound;
pub mod dr202_lbr_transfer;
pub mod dr203_lbr_india_bypass;
pub mod dr204_lbr_lmo;
pub mod dr210_emergency;
pub mod dr211_pidf_lo_missing;

/// Why nothing is said of a message that is not whole.
const CUT: &str = "message is cut by the snap length";
/// Why nothing is said of a call whose answer was not seen.
const NO_ANSWER: &str = "no answer to the INVITE is in the capture";

/// The topology says something of Location-Based Routing: without that nothing is to be audited.
fn is_in_use(topology: &Topology) -> bool {
    topology.tables.users.iter().any(|user| user.lbr) || topology.tables.gateways.iter().any(|gateway| !gateway.sites_lbr.is_empty())
}

/// The leg, if it began so, is of Direct Routing and calls nobody for help.
fn observed<'a>(leg: &'a Leg, ctx: &Ctx<'a>, began: Began) -> Option<Observed<'a>> {
    let (_, recognition) = ctx.leg.filter(|_| is_in_use(ctx.topology))?;
    Observed::of(leg, recognition, ctx.topology).filter(|seen| seen.began == began && !seen.emergency)
}

/// The user of a number. Fails with what is missing; `role` says whose number it is.
fn user_of<'t>(number: Option<&str>, role: &str, topology: &'t Topology) -> Result<&'t User, String> {
    let number = number.ok_or_else(|| format!("no number tells who {role}"))?;
    user(topology, number).ok_or_else(|| format!("who {role} is no user of the topology"))
}

/// The user as the function takes one.
fn party<'t>(user: &'t User, at: &Whereabouts<'t>) -> Party<'t> {
    Party { name: &user.number, lbr: user.lbr, location: at.located.location }
}

/// `+84455555555 with LBR at site Hue (LBR on)`
fn who(party: &Party<'_>) -> String {
    match (party.lbr, party.location) {
        (false, _) => format!("{}, who has no LBR,", party.name),
        (true, Some(location)) => format!("{} with LBR at {}", party.name, location.name()),
        (true, None) => format!("{} with LBR", party.name),
    }
}

/// The outcome of an audit; `say` makes the sentence of a violation from the gateway.
fn outcome(audit: Audit, who: &Party<'_>, at: &Whereabouts<'_>, proof: Vec<Evidence>, say: impl Fn(&str) -> String) -> Outcome {
    match audit {
        Audit::Kept => Outcome::Clean,
        Audit::Exempt => Outcome::NotApplicable,
        Audit::Unknown(why) if who.lbr && at.located.location.is_none() => Outcome::NotChecked(format!("{why}: {}", at.located.why)),
        Audit::Unknown(why) => Outcome::NotChecked(why),
        Audit::Broken { gateway, decision } => {
            let why = decision.gateways.iter().find(|weighed| weighed.name == gateway).map(|weighed| weighed.why.clone());
            let why = why.map(|why| format!(": it is {why}")).unwrap_or_default();
            let message = format!("{}, which Location-Based Routing forbids{why}", say(&gateway));
            Outcome::Violated(vec![Violation {
                severity: Severity::Error,
                subject: who.name.to_owned(),
                value: gateway,
                message,
                evidence: proof,
            }])
        }
    }
}

/// The INVITE with what shows the place, and its answer.
fn proof(seen: &Observed<'_>, at: &Whereabouts<'_>, ctx: &Ctx<'_>) -> Vec<Evidence> {
    let line = lossy(seen.invite.sip().start_line()).into_owned();
    let mut proof = ctx.proof(seen.invite, &line);
    if let Some(first) = proof.first_mut().filter(|_| at.located.location.is_some()) {
        first.excerpt = format!("{line}; {}", at.located.why);
    }
    proof
}

/// Nothing is said of a call that nobody was seen to take.
fn unsettled(fate: Fate) -> Option<Outcome> {
    match fate {
        Fate::Refused => Some(Outcome::NotApplicable),
        Fate::Open => Some(Outcome::NotChecked(NO_ANSWER.to_owned())),
        Fate::Answered | Fate::Ringing => None,
    }
}
