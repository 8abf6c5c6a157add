//! The name by which a message of the SBC introduces it, beside the certificate that the SBC presented on the message's connection.

use super::parties::{Presented, chain};
use crate::call::LegMessage;
use crate::decode::Dir;
use crate::finding::{Outcome, Severity, Violation};
use crate::proto::{
    sip::{HeaderName, NameAddr, TypedHost, typed},
    x509::Covers,
};
use crate::rules::{
    Ctx, by_sender,
    identity::written::{CUT, introduces},
};

/// Names of a certificate that a finding prints.
const PRINTED: usize = 3;

/// A name and whether the certificate is for it.
pub struct Named<'c> {
    /// The header that says it, with its value.
    pub line: String,
    /// The name.
    pub host: String,
    /// How the certificate is for it.
    pub covers: Covers,
    /// The certificate.
    pub presented: Presented<'c>,
}

impl Named<'_> {
    /// A violation by the message's sender; `says` stands behind the name of the message.
    pub fn violation(&self, message: &LegMessage, ctx: &Ctx<'_>, severity: Severity, says: &str) -> Violation {
        let text = format!("{} from {} {says}", ctx.name_of(message), message.message.src().ip());
        let mut violation = by_sender(ctx, message, severity, self.host.clone(), text, &self.line);
        violation.evidence.push(self.presented.evidence(self.presented.leaf, &format!("for {}", self.names())));
        violation
    }

    /// The names that the certificate is for, as findings print them.
    pub fn names(&self) -> String {
        let leaf = self.presented.leaf;
        let mut names: Vec<&str> = leaf.names.iter().map(String::as_str).collect();
        names.extend(leaf.common_name.as_deref().filter(|common| !leaf.names.iter().any(|name| name.eq_ignore_ascii_case(common))));
        let more = names.len().saturating_sub(PRINTED);
        names.truncate(PRINTED);
        match (names.as_slice(), more) {
            ([], _) => "no name".to_owned(),
            (names, 0) => names.join(", "),
            (names, more) => format!("{} and {more} more", names.join(", ")),
        }
    }
}

/// The name that a message to Microsoft gives the SBC: the host of the first Contact, or of the top Record-Route where that suits the
/// certificate better. A value that only repeats Microsoft's request is nobody's name.
pub fn named<'c>(message: &LegMessage, ctx: &Ctx<'c>) -> Result<Named<'c>, Outcome> {
    if !ctx.to_microsoft(message) || !introduces(message) {
        return Err(Outcome::NotApplicable);
    }
    let sip = message.sip();
    let mut named =
        [(HeaderName::Contact, "Contact"), (HeaderName::RecordRoute, "Record-Route")].into_iter().filter_map(|(header, name)| {
            let first = sip.texts(header).into_iter().next().filter(|text| !ctx.is_copied(message, header, text.as_bytes()))?;
            NameAddr::parse(&first).uri().host.name()?;
            Some((name, first))
        });
    let nothing = || if sip.head_cut() { Outcome::NotChecked(CUT.to_owned()) } else { Outcome::NotApplicable };
    let presented = match presented(message, ctx) {
        Ok(presented) => presented,
        Err(why) => return Err(named.next().map_or_else(nothing, |_| Outcome::NotChecked(why.to_owned()))),
    };
    let candidates = named.filter_map(|(name, text)| {
        let TypedHost::Name(host) = typed::host(&text) else { return None };
        Some(Named { covers: presented.leaf.covers(&host), line: format!("{name}: {text}"), host, presented })
    });
    candidates.min_by_key(|named| named.covers.rank()).ok_or_else(nothing)
}

/// The certificates that the sender of a message presented on its connection; else why they cannot be judged.
pub fn presented<'c>(message: &LegMessage, ctx: &Ctx<'c>) -> Result<Presented<'c>, &'static str> {
    let connection = ctx.connection(message).ok_or("the message's connection is no longer known")?;
    let from_sender = if connection.id.flow.endpoints().0 == message.message.src() { Dir::Up } else { Dir::Down };
    chain(connection, from_sender)
}
