//! Traffic that ExpressRoute never carries: which class a destination is of.

use super::rows::{InternetClass, InternetOnly, matrix};
use crate::topology::Place;

/// Where traffic goes, as far as one thing about it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destination<'a> {
    /// The name of a host, from DNS, SNI or a URL's host part; in any letter case, a dot at its end or not.
    Host(&'a str),
    /// A port, and what its address belongs to: name servers inside are reached inside.
    Port(u16, Place),
    /// A row of the endpoint list, by its `expressRoute` flag.
    EndpointRow {
        /// The flag.
        express_route: bool,
    },
}

/// The class that a destination is of, where ExpressRoute never carries it.
pub fn internet_only(destination: Destination<'_>) -> Option<&'static InternetOnly> {
    matrix().internet_only.iter().find(|class| match destination {
        Destination::Host(host) => {
            let host = host.strip_suffix('.').unwrap_or(host);
            let any = |patterns: &[String]| patterns.iter().any(|pattern| covers(pattern, host));
            any(&class.hosts) && !any(&class.except)
        }
        Destination::Port(port, place) => !place.is_inside() && class.ports.contains(&port),
        Destination::EndpointRow { express_route } => !express_route && class.class == InternetClass::ErFlagFalse,
    })
}

/// Whether ExpressRoute never carries what goes there.
pub fn is_internet_only(destination: Destination<'_>) -> bool {
    internet_only(destination).is_some()
}

/// `*.` before a domain stands for one label and more.
fn covers(pattern: &str, host: &str) -> bool {
    let Some(domain) = pattern.strip_prefix('*') else { return pattern.eq_ignore_ascii_case(host) };
    let split = host.len().checked_sub(domain.len()).filter(|split| *split > 0);
    split.and_then(|split| host.get(split..)).is_some_and(|end| end.eq_ignore_ascii_case(domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_host(host: &str) -> Option<InternetClass> {
        internet_only(Destination::Host(host)).map(|class| class.class)
    }

    #[test]
    fn hosts_of_every_class_are_known() {
        use InternetClass::{Broadcast, CrlOcsp, ErFlagFalse, PortalShared, SkypeConsumer, Telemetry};
        for (host, class) in [
            ("crl3.digicert.com", CrlOcsp),
            ("ocsp.msocsp.com", CrlOcsp),
            ("admin.microsoft.com", PortalShared),
            ("browser.pipe.aria.microsoft.com", Telemetry),
            ("edge.skype.com", SkypeConsumer),
            ("x.streaming.mediaservices.windows.net", Broadcast),
            ("a.ecdn.microsoft.com", Broadcast),
            ("aka.ms", ErFlagFalse),
            ("latest-swx.sfbassets.com", ErFlagFalse),
            ("compass-ssl.microsoft.com", ErFlagFalse),
        ] {
            assert_eq!(of_host(host), Some(class), "{host}");
        }
    }

    #[test]
    fn ports_of_public_name_servers_are_internet_only() {
        let at = |port, place| internet_only(Destination::Port(port, place)).map(|class| class.class);
        assert_eq!(at(53, Place::Internet), Some(InternetClass::Dns));
        assert_eq!(at(853, Place::Internet), Some(InternetClass::Dns));
        assert_eq!(at(53, Place::YourNetwork), None);
        assert_eq!(at(5061, Place::Microsoft), None);
    }

    #[test]
    fn rows_of_the_endpoint_list_tell_by_their_flag() {
        assert!(is_internet_only(Destination::EndpointRow { express_route: false }));
        assert!(!is_internet_only(Destination::EndpointRow { express_route: true }));
    }

    #[test]
    fn control_of_a_broadcast_may_take_expressroute() {
        for host in ["broadcast.skype.com", "eu.broadcast.skype.com"] {
            assert_eq!(of_host(host), None, "{host}");
        }
    }

    #[test]
    fn every_class_is_reached_by_something() {
        let reached = |class: &InternetOnly| !class.hosts.is_empty() || !class.ports.is_empty();
        assert!(matrix().internet_only.iter().all(reached));
        assert!(matrix().internet_only.iter().all(|class| !class.matches.is_empty()));
    }

    #[test]
    fn a_pattern_covers_labels_before_its_domain_and_no_others() {
        assert!(covers("*.skype.com", "A.B.Skype.Com"));
        for other in ["skype.com", "notskype.com", ".skype.com", "skype.com.example"] {
            assert!(!covers("*.skype.com", other), "{other}");
        }
        assert_eq!(of_host("AKA.MS."), Some(InternetClass::ErFlagFalse));
        assert_eq!(of_host("sip.pstnhub.microsoft.com"), None);
        assert_eq!(of_host(""), None);
    }
}
