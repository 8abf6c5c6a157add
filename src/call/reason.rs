//! Why a message says that something failed: Reason headers (RFC 3326), Warning headers (RFC 3261 section 20.43), and what the tables of
//! codes make of them.

use super::codes::{self, Code, Kind};
use crate::proto::sip::{HeaderName, Params, Sip};

/// Reasons and warnings of one message that are read; a stranger may write any number.
const MOST: usize = 16;
/// Octets of a GUID as text.
const GUID: usize = 36;
/// Causes of Q.850 that say nothing by themselves: normal clearing, unspecified, interworking.
const EMPTY_CAUSES: [u16; 3] = [16, 31, 127];

/// Whose codes a Reason has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// `SIP`: the cause is a status code.
    Sip,
    /// `Q.850`: the cause is one of ITU-T Q.850.
    Q850,
    /// Any other, as written.
    Other(String),
}

/// One value of a Reason header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Whose codes.
    pub protocol: Protocol,
    /// The code; `None` where there is none, or it is no number of 16 bits.
    pub cause: Option<u16>,
    /// The text, quotes and escapes undone.
    pub text: Option<String>,
}

impl Reason {
    /// What the text says: without the GUID that Microsoft writes before it. `None` where nothing is left.
    pub fn detail(&self) -> Option<&str> {
        let text = self.text.as_deref()?;
        let detail = split_guid(text).map_or(text, |(_, rest)| rest.trim_start_matches([';', ' ']));
        Some(detail.trim()).filter(|detail| !detail.is_empty())
    }

    /// The GUID that Microsoft writes before the text: by it Microsoft's support finds the call.
    pub fn guid(&self) -> Option<&str> {
        split_guid(self.text.as_deref()?).map(|(guid, _)| guid)
    }

    /// The cause of ITU-T Q.850.
    pub fn q850(&self) -> Option<u16> {
        self.cause.filter(|_| self.protocol == Protocol::Q850)
    }

    /// In words: `Q.850 cause 34, no circuit or channel available, "detail"`. `None` where it says nothing.
    pub fn said(&self) -> Option<String> {
        let cause = match (self.q850(), self.cause) {
            (Some(cause), _) => {
                Some(format!("Q.850 cause {cause}{}", cause_name(cause).map(|name| format!(", {name}")).unwrap_or_default()))
            }
            (None, Some(cause)) => Some(format!("cause {cause}")),
            (None, None) => None,
        };
        let detail = self.detail().map(|detail| format!("\"{detail}\""));
        let parts: Vec<String> = cause.into_iter().chain(detail).collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// The text is one of Microsoft's that say what was wrong.
    pub fn is_explained(&self) -> bool {
        self.microsoft().is_some()
    }

    /// The row of Microsoft's table that the text means: by what it says, else by a number in it.
    fn microsoft(&self) -> Option<&'static Code> {
        let detail = self.detail()?;
        let numbers = detail.split(|c: char| !c.is_ascii_digit()).filter(|word| (5..=6).contains(&word.len()));
        codes::said(detail).or_else(|| numbers.filter_map(|word| word.parse().ok()).find_map(codes::microsoft))
    }
}

/// One value of a Warning header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The code, three digits.
    pub code: u16,
    /// Who warns.
    pub agent: String,
    /// The text, quotes and escapes undone.
    pub text: String,
}

/// What codes mean, in our own words. Sentences without their ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explanation {
    /// What is said.
    pub meaning: &'static str,
    /// Where it usually comes from.
    pub cause: &'static str,
    /// What to do.
    pub remedy: &'static str,
    /// Who says so.
    pub source: &'static str,
}

/// What is said of a status that is in no table.
const NOT_KNOWN: Explanation =
    Explanation { meaning: "no table has this code", cause: "not known", remedy: "ask who answered so", source: "RFC 3261 section 21" };

/// The Reason headers of a message, in order.
pub fn reasons(sip: &Sip<'_>) -> Vec<Reason> {
    sip.values(HeaderName::Reason).iter().take(MOST).map(|value| reason(value)).collect()
}

fn reason(value: &[u8]) -> Reason {
    let mut params = Params::new(value);
    let protocol = params.next().map(|(name, _)| text(name)).unwrap_or_default();
    let protocol = match protocol.to_ascii_uppercase().as_str() {
        "SIP" => Protocol::Sip,
        "Q.850" => Protocol::Q850,
        _ => Protocol::Other(protocol),
    };
    let of = |wanted: &str| {
        let mut params = params.clone();
        params.find_map(|(name, value)| value.filter(|_| name.eq_ignore_ascii_case(wanted.as_bytes())).map(text))
    };
    Reason { protocol, cause: of("cause").and_then(|cause| cause.parse().ok()), text: of("text").map(|text| unquoted(&text)) }
}

/// The Warning headers of a message, in order; what has no code and agent is left out.
pub fn warnings(sip: &Sip<'_>) -> Vec<Warning> {
    let warning = |value: &[u8]| {
        let value = text(value);
        let mut words = value.trim().splitn(3, ' ');
        let (code, agent, said) = (words.next()?, words.next()?, words.next().unwrap_or_default());
        Some(Warning { code: code.parse().ok()?, agent: agent.to_owned(), text: unquoted(said.trim()) })
    };
    sip.values(HeaderName::Warning).iter().take(MOST).filter_map(|value| warning(value)).collect()
}

/// What a final response with these reasons means: what Microsoft's text says, else the cause of Q.850 where it says something, else
/// the status.
pub fn explain(status: u16, reasons: &[Reason]) -> Explanation {
    let by_text = || reasons.iter().find_map(Reason::microsoft);
    let by_cause = || reasons.iter().filter_map(Reason::q850).filter(|cause| !EMPTY_CAUSES.contains(cause)).find_map(codes::q850);
    let row = by_text().or_else(by_cause).or_else(|| codes::status(status));
    row.map_or(NOT_KNOWN, |row| Explanation { meaning: &row.meaning, cause: &row.cause, remedy: &row.remedy, source: &row.source })
}

/// The name of a cause of ITU-T Q.850.
pub fn cause_name(cause: u16) -> Option<&'static str> {
    codes::q850(cause).map(|row| row.name.as_str())
}

/// The first cause of Q.850 that is a fault of the network, which another way may not have.
pub fn network_cause(reasons: &[Reason]) -> Option<u16> {
    let is_network = |cause: &u16| codes::q850(*cause).is_some_and(|row| row.kind == Some(Kind::Network));
    reasons.iter().filter_map(Reason::q850).find(is_network)
}

/// The call failed because of what somebody did or did not do, and no fault is to be looked for. `rang`: a telephone rang before;
/// `cancelled`: the caller gave up.
pub fn is_user_outcome(status: u16, reasons: &[Reason], rang: bool, cancelled: bool) -> bool {
    let of_user = |row: Option<&Code>| row.is_some_and(|row| row.kind == Some(Kind::User));
    match status {
        487 => cancelled,
        480 => rang || reasons.iter().filter_map(Reason::q850).any(|cause| of_user(codes::q850(cause))),
        _ => of_user(codes::status(status)) && network_cause(reasons).is_none(),
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A quoted string without quotes and escapes; anything else as it is. A quote that is never closed is left out.
fn unquoted(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"') else { return value.to_owned() };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    let mut escaped = false;
    let plain = inner.chars().filter(|c| {
        escaped = *c == '\\' && !escaped;
        !escaped
    });
    plain.collect()
}

/// A GUID at the beginning, and what follows it.
fn split_guid(text: &str) -> Option<(&str, &str)> {
    let (guid, rest) = text.split_at_checked(GUID)?;
    let dashes = [8, 13, 18, 23];
    let fits = guid.bytes().enumerate().all(|(at, byte)| if dashes.contains(&at) { byte == b'-' } else { byte.is_ascii_hexdigit() });
    (fits && (rest.is_empty() || rest.starts_with(';'))).then_some((guid, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call::support::{A, B, message};

    const ID: &str = "0c6bb53e-1d2f-4f4a-9d5e-0123456789ab";

    fn of(headers: &str) -> Vec<Reason> {
        reasons(&message(0, (B, A), "SIP/2.0 403 Forbidden", "INVITE", headers).sip())
    }

    fn one(value: &str) -> Reason {
        of(&format!("REASON: {value}\r\n")).remove(0)
    }

    #[test]
    fn several_reasons_on_lines_and_in_lists_are_read_in_order() {
        let found = of("Reason: SIP;cause=200;text=\"Call completed elsewhere\", q.850 ; cause = 17\r\nReason: X;text=odd\r\n");
        let says = |reason: &Reason| (reason.protocol.clone(), reason.cause, reason.text.clone());
        assert_eq!(says(&found[0]), (Protocol::Sip, Some(200), Some("Call completed elsewhere".to_owned())));
        assert_eq!(says(&found[1]), (Protocol::Q850, Some(17), None));
        assert_eq!(says(&found[2]), (Protocol::Other("X".to_owned()), None, Some("odd".to_owned())));
        assert!(of("").is_empty());
    }

    #[test]
    fn guid_before_the_text_is_told_from_the_detail() {
        let found = one(&format!("Q.850;cause=21;text=\"{ID};Get Inbound, \\\"blocked calling number\\\"\""));
        assert_eq!((found.guid(), found.detail()), (Some(ID), Some("Get Inbound, \"blocked calling number\"")));
        assert_eq!((one(&format!("Q.850;cause=16;text=\"{ID}\"")).detail(), one("Q.850;text=\"\"").detail()), (None, None));
        assert_eq!((one("Q.850;text=\"plain\"").guid(), one("Q.850;text=\"plain\"").detail()), (None, Some("plain")));
    }

    #[test]
    fn malformed_values_are_read_as_far_as_they_go() {
        assert_eq!(one("Q.850;cause=x;text=\"open").text.as_deref(), Some("open"));
        assert_eq!(one("Q.850;cause=70000").cause, None);
        assert_eq!(one(";;=").cause, None);
        assert_eq!(one("Q.850;text=\"é-é-é-é-é-é-é-é-é-é-é-é-é-é-é-é-é-é\"").guid(), None);
    }

    #[test]
    fn warnings_have_code_agent_and_text() {
        let message =
            message(0, (B, A), "SIP/2.0 488 No", "INVITE", "Warning: 304 host:5061 \"Media type, not available\", 399 x\r\nWarning: ?\r\n");
        let found: Vec<(u16, String, String)> = warnings(&message.sip()).into_iter().map(|w| (w.code, w.agent, w.text)).collect();
        let expected = [(304, "host:5061", "Media type, not available"), (399, "x", "")];
        assert_eq!(found, expected.map(|(code, agent, text)| (code, agent.to_owned(), text.to_owned())));
    }

    #[test]
    fn text_explains_before_the_cause_and_the_cause_before_the_status() {
        let meaning = |status, value: &str| explain(status, &of(&format!("Reason: {value}\r\n"))).meaning;
        assert_eq!(meaning(403, "Q.850;cause=21;text=\"x;Blocked calling number\""), "the tenant blocks calls of this number");
        assert_eq!(meaning(503, "Q.850;cause=34"), "no channel is free");
        assert_eq!(meaning(404, "Q.850;cause=31"), "nobody has the number or name that was called");
        assert_eq!(meaning(403, "SIP;cause=403;text=\"560403\""), "the SBC gave the final code; the last three digits are it");
        assert_eq!(explain(302, &[]), NOT_KNOWN);
    }

    #[test]
    fn what_users_do_is_told_from_faults() {
        let q850 = |cause: u16| of(&format!("Reason: Q.850;cause={cause}\r\n"));
        for (status, reasons, rang, cancelled, user) in [
            (487, vec![], true, true, true),
            (487, vec![], true, false, false),
            (486, vec![], false, false, true),
            (486, q850(34), false, false, false),
            (480, vec![], true, false, true),
            (480, q850(19), false, false, true),
            (480, q850(31), false, false, false),
            (603, q850(21), false, false, true),
            (403, q850(21), false, false, false),
        ] {
            assert_eq!(is_user_outcome(status, &reasons, rang, cancelled), user, "{status} {reasons:?}");
        }
        assert_eq!((network_cause(&q850(34)), network_cause(&q850(17))), (Some(34), None));
        assert_eq!(cause_name(34), Some("no circuit or channel available"));
    }
}
