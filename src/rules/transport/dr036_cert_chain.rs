//! DR036: the SBC's certificate is self-signed, its chain has a hole, or leads to a root that a cloud does not take.

use super::parties::{Parties, called};
use crate::finding::{Evidence, Outcome, Severity};
use crate::flow::Connection;
use crate::proto::x509::Certificate;
use crate::rules::{Check, Ctx, Direction, Rule};
use crate::topology::Cloud;

/// The rule.
pub const RULE: Rule = Rule {
    id: "DR036-cert-chain",
    title: "An incomplete chain of certificates",
    severity: Severity::Warning,
    direction: Direction::SbcToMicrosoft,
    evidence: "TLS handshake",
    confidence: "documented",
    since: "always",
    lower_when_accepted: false,
    hides: &[],
    page: include_str!("../../../rules/transport/DR036-cert-chain.md"),
    check: Check::Connection(check),
};

/// Alerts by which a side says that it does not accept a certificate.
const REFUSALS: [u8; 6] = [42, 43, 44, 45, 46, 48];

/// The roots that GCC High and DoD take.
const GOVERNMENT_ROOTS: [&str; 2] = ["DigiCert Global Root CA", "DigiCert High Assurance EV Root CA"];

/// The rule's check; what ends a handshake asks it too.
pub fn check(connection: &Connection, ctx: &Ctx<'_>) -> Outcome {
    let Some(parties) = Parties::of(connection, ctx.topology) else { return Outcome::NotApplicable };
    let presented = match parties.chain(parties.from_sbc) {
        Ok(presented) => presented,
        Err(why) => return why,
    };
    let certificates = &presented.chain.what.certificates;
    let hole = certificates.iter().zip(certificates.iter().skip(1)).find(|(below, above)| below.issuer != above.subject);
    let (severity, at, says) = match (hole, certificates.len()) {
        _ if presented.leaf.is_self_issued() => (Severity::Warning, presented.leaf, "is signed by itself".to_owned()),
        (Some((below, above)), _) => {
            (Severity::Warning, below, format!("is followed by {}, which is not its issuer {}", called(above), issuer(below)))
        }
        (None, 1) => (Severity::Info, presented.leaf, format!("comes alone: its issuer {} could not be verified", issuer(presented.leaf))),
        (None, _) => match stranger(certificates, &parties, ctx) {
            Some((top, root, cloud)) => (Severity::Warning, top, format!("leads to the root {root}, which {cloud} does not take")),
            None => return Outcome::Clean,
        },
    };
    let handshake = connection.tls.as_deref();
    let refusal = handshake.into_iter().flat_map(|handshake| &handshake.alerts).find(|(dir, alert)| {
        *dir != parties.from_sbc && alert.seen.seq >= presented.chain.seen.seq && REFUSALS.contains(&alert.what.description)
    });
    let severity = if refusal.is_some() { Severity::Error } else { severity };
    let refused =
        refusal.map(|(_, alert)| Evidence::new(&alert.seen, format!("Alert: {} ({})", alert.what.name(), alert.what.description)));
    let of = if says.starts_with("leads") { presented.leaf } else { at };
    let message = format!("certificate {} of the SBC {} {says}", called(of), parties.sbc.ip());
    let evidence = [presented.evidence(at, &format!("{} in the chain", certificates.len()))].into_iter().chain(refused).collect();
    Outcome::Violated(vec![parties.by_sbc(severity, format!("{} {says}", at.subject), message, evidence)])
}

/// The last certificate, the root above it, and the cloud that does not take that. A root is rarely sent: its name is what the last
/// certificate says of its issuer.
fn stranger<'c>(certificates: &'c [Certificate], parties: &Parties<'_>, ctx: &Ctx<'_>) -> Option<(&'c Certificate, &'c str, &'static str)> {
    let cloud = match ctx.topology.cloud(parties.microsoft.ip(), parties.connection.first.at) {
        Cloud::GccHigh => "GCC High",
        Cloud::Dod => "DoD",
        Cloud::Worldwide | Cloud::China | Cloud::Acs => return None,
    };
    let top = certificates.last()?;
    let root = issuer(top);
    (!GOVERNMENT_ROOTS.contains(&root)).then_some((top, root, cloud))
}

fn issuer(certificate: &Certificate) -> &str {
    certificate.issuer_name.as_deref().unwrap_or(&certificate.issuer)
}
