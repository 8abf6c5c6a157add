//! The two vocabularies of paths: what an address belongs to ([`Place`]) and what a packet crossed ([`Segment`]).

use super::words::{Word, one_of};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What an address belongs to. Names in files and reports are the snake_case of the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Offices, WAN and datacentres of the user's organisation, up to the hand-over to a provider.
    YourNetwork,
    /// The organisation's own outer zone.
    Dmz,
    /// Addresses given to VPN clients of the organisation.
    VpnPool,
    /// Network of a federated organisation.
    Federated,
    /// A third party's datacentre, for example of a hosted SBC.
    ThirdParty,
    /// Network of another Microsoft 365 tenant.
    OtherTenant,
    /// Network of a telephone carrier.
    Carrier,
    /// Everything that nobody named.
    Internet,
    /// Microsoft's prefixes, by the list that is valid at the capture's time.
    Microsoft,
}

const PLACES: [(&str, Place); 9] = [
    ("your_network", Place::YourNetwork),
    ("dmz", Place::Dmz),
    ("vpn_pool", Place::VpnPool),
    ("federated", Place::Federated),
    ("third_party", Place::ThirdParty),
    ("other_tenant", Place::OtherTenant),
    ("carrier", Place::Carrier),
    ("internet", Place::Internet),
    ("microsoft", Place::Microsoft),
];

impl Place {
    /// Its name in files and reports.
    pub fn as_str(self) -> &'static str {
        PLACES.iter().find(|(_, place)| *place == self).map_or("", |(name, _)| name)
    }

    /// Whether the organisation runs it: your_network, dmz or vpn_pool.
    pub fn is_inside(self) -> bool {
        matches!(self, Self::YourNetwork | Self::Dmz | Self::VpnPool)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Word for Place {
    const WHAT: &'static str = "a place";
    fn word(text: &str) -> Result<Self, String> {
        if text == Self::Microsoft.as_str() {
            return Err("place 'microsoft' is not given to a prefix: write the prefix under [microsoft] add".to_owned());
        }
        one_of("place", text, PLACES.split_last().map_or(&[], |(_, others)| others))
    }
}

/// What the packets of one direction crossed. Names in files and reports are the snake_case of the variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// Did not leave the organisation's network.
    Local,
    /// The Internet.
    Internet,
    /// ExpressRoute with Microsoft peering (private peering is `Local`).
    Expressroute,
    /// Microsoft's own network.
    Microsoft,
    /// One of the two; addresses alone cannot tell which.
    InternetOrExpressroute,
    /// Nothing tells, or what tells contradicts itself.
    Unknown,
}

impl Segment {
    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Internet => "internet",
            Self::Expressroute => "expressroute",
            Self::Microsoft => "microsoft",
            Self::InternetOrExpressroute => "internet_or_expressroute",
            Self::Unknown => "unknown",
        }
    }

    /// Whether it is one of the two that lead out of the organisation: internet or expressroute.
    pub fn is_edge(self) -> bool {
        matches!(self, Self::Internet | Self::Expressroute)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The words of `link.segment` and `tunnel.segment`: `?` is what an unanswered stub holds.
impl Word for Segment {
    const WHAT: &'static str = "a segment";
    fn word(text: &str) -> Result<Self, String> {
        let known = [
            ("expressroute", Self::Expressroute),
            ("internet", Self::Internet),
            ("your_network", Self::Local),
            ("local", Self::Local),
            ("?", Self::Unknown),
        ];
        one_of("segment", text, &known)
    }
}

/// A segment on which public addresses can be advertised, the words of `advertised`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Advertised {
    /// To Internet providers.
    Internet,
    /// To Microsoft, on Microsoft peering.
    Expressroute,
}

impl Advertised {
    /// The segment that replies to an address advertised there come back over.
    pub fn segment(self) -> Segment {
        match self {
            Self::Internet => Segment::Internet,
            Self::Expressroute => Segment::Expressroute,
        }
    }
}

impl Word for Advertised {
    const WHAT: &'static str = "a segment";
    fn word(text: &str) -> Result<Self, String> {
        one_of("segment", text, &[("internet", Self::Internet), ("expressroute", Self::Expressroute)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_reports_are_those_that_serde_writes() {
        for (name, place) in PLACES {
            assert_eq!(serde_json::to_string(&place).unwrap(), format!("\"{name}\""));
            assert_eq!(place.to_string(), name);
        }
        for segment in [
            Segment::Local,
            Segment::Internet,
            Segment::Expressroute,
            Segment::Microsoft,
            Segment::InternetOrExpressroute,
            Segment::Unknown,
        ] {
            assert_eq!(serde_json::to_string(&segment).unwrap(), format!("\"{segment}\""));
        }
    }

    #[test]
    fn every_place_but_microsoft_is_a_word_of_the_file() {
        for (name, place) in PLACES.into_iter().filter(|(_, place)| *place != Place::Microsoft) {
            assert_eq!(Place::word(name), Ok(place));
        }
        assert!(Place::word("microsoft").unwrap_err().contains("[microsoft] add"));
    }
}
