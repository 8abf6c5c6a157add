//! Calls for help: what in an INVITE says that it is one.

use crate::proto::sip::{HeaderName, Sip, Uri};
use crate::topology::Topology;

/// The service for which every `urn:service:sos…` stands (RFC 5031).
const SOS: &str = "urn:service:sos";

/// What says so, in words; nothing where nothing does. A number of the private plan is one only where the topology lists it.
pub fn sign(sip: &Sip<'_>, topology: &Topology) -> Option<String> {
    let text = String::from_utf8_lossy(sip.request_uri()?).into_owned();
    if text.get(..SOS.len()).is_some_and(|start| start.eq_ignore_ascii_case(SOS)) {
        return Some(format!("the service {text}"));
    }
    if let Some(number) = Uri::parse(&text).phone().filter(|number| is_emergency(number, topology)) {
        return Some(format!("the number {number}"));
    }
    if sip.first(HeaderName::Priority).is_some_and(|value| value.eq_ignore_ascii_case(b"emergency")) {
        return Some("Priority: emergency".to_owned());
    }
    sip.has(HeaderName::Geolocation).then(|| "a Geolocation".to_owned())
}

fn is_emergency(number: &str, topology: &Topology) -> bool {
    let bare = number.strip_prefix('+').unwrap_or(number);
    let is_own = topology.tables.numbers.emergency.is_some() || !topology.is_private_number(bare);
    is_own && (topology.is_emergency(bare) || topology.is_emergency(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::sip::scan;

    fn said(topology: &str, uri: &str, headers: &str) -> Option<String> {
        let text = format!("INVITE {uri} SIP/2.0\r\n{headers}\r\n");
        let index = scan(text.as_bytes(), false).unwrap();
        sign(&Sip { text: text.as_bytes(), index: &index }, &Topology::parse(topology, "t.toml").unwrap())
    }

    #[test]
    fn whole_numbers_count_with_and_without_plus() {
        assert_eq!(said("", "sip:112@x", "").as_deref(), Some("the number 112"));
        assert_eq!(said("", "sip:+911@x", "").as_deref(), Some("the number +911"));
        assert_eq!(said("", "sip:933@x;user=phone", "").as_deref(), Some("the number 933"));
        assert_eq!([said("", "sip:1125@x", ""), said("", "sip:+9115550100@x", "")], [None, None]);
    }

    #[test]
    fn an_extension_of_the_plan_is_none_unless_it_is_listed() {
        let plan = "[numbers]\nprivate_ranges = ['^1\\d\\d$']\n";
        assert_eq!(said(plan, "sip:112@x", ""), None);
        assert!(said(&format!("{plan}emergency = ['112']\n"), "sip:112@x", "").is_some());
        assert_eq!(said("[numbers]\nemergency = ['112']\n", "sip:911@x", ""), None);
    }

    #[test]
    fn headers_and_the_service_urn_say_it_too() {
        assert_eq!(said("", "URN:service:sos.police", "").as_deref(), Some("the service URN:service:sos.police"));
        assert_eq!(said("", "sip:a@x", "Priority: emergency\r\n").as_deref(), Some("Priority: emergency"));
        assert_eq!(said("", "sip:a@x", "Geolocation: <cid:1>\r\n").as_deref(), Some("a Geolocation"));
        assert_eq!(said("", "sip:a@x", "Priority: normal\r\n"), None);
    }
}
