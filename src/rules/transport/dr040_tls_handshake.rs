//! DR040: a TLS handshake between the SBC and Microsoft fails.

use super::failure::{Ending, Failure, ending};
use super::parties::{Parties, days};
use super::{dr034_cert_validity, dr036_cert_chain, dr037_cert_eku, dr042_cert_ecdsa};
use crate::decode::Dir;
use crate::finding::{Evidence, Outcome, Severity};
use crate::flow::{Connection, End};
use crate::proto::tls::Alert;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::time::Timestamp;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR040-tls-handshake",
    title: "A TLS handshake fails",
    severity: Severity::Error,
    direction: Direction::Any,
    evidence: "TLS handshake",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR040-tls-handshake.md"),
    check: Check::Connection(check),
};

/// 2026-01-01: from then on Microsoft's certificates are for servers only.
const SERVER_ONLY: Timestamp = days(20_454);

/// Rules that may say why it failed.
type Cause = (&'static Rule, fn(&Connection, &Ctx<'_>) -> Outcome);
const CAUSES: [Cause; 4] = [
    (&dr034_cert_validity::RULE, dr034_cert_validity::check),
    (&dr036_cert_chain::RULE, dr036_cert_chain::check),
    (&dr037_cert_eku::RULE, dr037_cert_eku::check),
    (&dr042_cert_ecdsa::RULE, dr042_cert_ecdsa::check),
];

fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let Some(parties) = Parties::of(connection, ctx.topology) else { return Outcome::NotApplicable };
    let handshake = match parties.handshake() {
        Ok(handshake) => handshake,
        Err(why) => return why,
    };
    let failure = match ending(&parties, handshake, ctx.clock) {
        Ending::Complete => return Outcome::Clean,
        Ending::Unknown(why) => return Outcome::NotChecked(why.to_owned()),
        Ending::Failed(failure) => failure,
    };
    let side = |dir: Dir| if dir == parties.from_sbc { "the SBC" } else { "Microsoft" };
    let (severity, said, value, proof) = match failure {
        Failure::Alert(dir, alert, seen) => {
            let (name, number) = (alert.name(), alert.description);
            let hint = if is_client_usage(&parties, dir, alert, ctx) { ": it wants client usage in Microsoft's certificate" } else { "" };
            let said = format!("{} sends {name} ({number}), {}{hint}", parties.name(dir), alert.meaning());
            (Severity::Error, said, format!("{name} from {}", side(dir)), Evidence::new(&seen, format!("Alert: {name} ({number})")))
        }
        Failure::Closed(dir, how, seen) => {
            let how = if how == End::Rst { "resets" } else { "closes" };
            let said = format!("{} {how} the connection before it is over", parties.name(dir));
            (Severity::Error, said, format!("{} {how}", side(dir)), Evidence::new(&seen, how))
        }
        Failure::Refused(dir, seen) => {
            let said = format!("{} closes the connection right after the client's last flight", parties.name(dir));
            (Severity::Warning, said, format!("{} refuses", side(dir)), Evidence::new(&seen, "closes"))
        }
        Failure::Silence(seen) => {
            let server = parties.client().reverse();
            let said = format!("{} does not answer", parties.name(server));
            (Severity::Error, said, format!("{} is silent", side(server)), Evidence::new(&seen, "ClientHello"))
        }
    };
    let causes = causes(connection, ctx);
    let message = format!("the TLS handshake between {} and {} fails: {said}{causes}", parties.sbc.ip(), parties.microsoft.ip());
    Outcome::Violated(vec![parties.by_sbc(severity, value, message, evidence(&parties, proof))])
}

/// What was offered, and behind it how it came out.
fn evidence(parties: &Parties<'_>, proof: Evidence) -> Vec<Evidence> {
    let offered = parties.connection.tls.as_ref().and_then(|handshake| handshake.offered.as_ref()).filter(|o| o.seen.seq != proof.seq);
    let named = |name: &str| format!("ClientHello for {name}");
    let hello = offered
        .map(|offered| Evidence::new(&offered.seen, offered.what.server_name.as_deref().map_or_else(|| "ClientHello".to_owned(), named)));
    hello.into_iter().chain([proof]).collect()
}

/// Names of the other rules that this connection breaks, which may be the cause.
fn causes(connection: &Connection, ctx: &Ctx<'_>) -> String {
    let broken = CAUSES.iter().filter(|(_, check)| matches!(check(connection, ctx), Outcome::Violated(_)));
    let ids: Vec<&str> = broken.map(|(rule, _)| rule.id).collect();
    if ids.is_empty() { String::new() } else { format!("; see {}", ids.join(", ")) }
}

/// The SBC refuses the certificate of a Microsoft client, which is for servers only.
fn is_client_usage(parties: &Parties<'_>, dir: Dir, alert: Alert, ctx: &Ctx<'_>) -> bool {
    let refuses = dir == parties.from_sbc && matches!(alert.description, 42 | 43) && !parties.sbc_is_client();
    refuses && parties.connection.first.at >= SERVER_ONLY && ctx.clock >= SERVER_ONLY
}
