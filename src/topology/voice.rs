//! The tables a voice engineer fills from the admin centre: tenant, sites, SBCs, gateways, trunks, users, numbers.

use super::place::Place;
use super::words::{At, Word, list, one_of, optional, word};
use ipnet::IpNet;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::net::IpAddr;

/// `[tenant]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// Domains registered in the tenant.
    #[serde(default, deserialize_with = "list")]
    pub domains: Vec<String>,
    /// SBC names of a hosting carrier, `*` for any label.
    #[serde(default, deserialize_with = "list")]
    pub sbc_name_patterns: Vec<glob::Pattern>,
    /// External addresses of the organisation (`Get-CsTenantTrustedIPAddress`).
    #[serde(default, deserialize_with = "list")]
    pub trusted_ips: Vec<IpNet>,
}

/// `[[site]]`: a network site (`Get-CsTenantNetworkSite`, `Get-CsTenantNetworkSubnet`).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its id; letter case counts.
    pub id: At<String>,
    /// Its subnets, which are your_network.
    #[serde(default)]
    pub subnets: Vec<At<IpNet>>,
    /// Whether Location-Based Routing is on.
    #[serde(default)]
    pub lbr: bool,
    /// ISO 3166 code.
    #[serde(default, deserialize_with = "optional")]
    pub country: Option<String>,
}

/// `[[sbc]]`: a session border controller, one entry per box or cluster; its further names are gateways.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sbc {
    /// Name within the file, to which gateways refer.
    pub id: At<String>,
    /// Name under which it is paired with Microsoft; absent for one that is not.
    pub fqdn: Option<At<String>>,
    /// Whose it is: your_network, dmz, carrier or third_party. All its addresses take this place.
    #[serde(deserialize_with = "sbc_place")]
    pub place: Place,
    /// Addresses that speak SIP with Microsoft, as seen outside.
    #[serde(default)]
    pub signalling: Vec<At<IpAddr>>,
    /// Addresses of media with Microsoft, as seen outside.
    #[serde(default)]
    pub media: Vec<At<IpAddr>>,
    /// Addresses of media with clients in the network.
    #[serde(default)]
    pub inner_media: Vec<At<IpAddr>>,
    /// Port on which it listens for Microsoft.
    pub sip_port: Option<u16>,
    /// Whether it sends OPTIONS.
    pub send_sip_options: Option<bool>,
    /// Licensed calls at a time.
    pub max_sessions: Option<u32>,
}

impl Sbc {
    /// All its addresses.
    pub fn addresses(&self) -> impl Iterator<Item = &At<IpAddr>> {
        self.signalling.iter().chain(&self.media).chain(&self.inner_media)
    }
}

fn sbc_place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Place, D::Error> {
    match word(deserializer)? {
        place @ (Place::YourNetwork | Place::Dmz | Place::Carrier | Place::ThirdParty) => Ok(place),
        place => Err(D::Error::custom(format!("an SBC is not in place '{place}': write one of your_network, dmz, carrier, third_party"))),
    }
}

/// `[[gateway]]`: one `CsOnlinePSTNGateway`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gateway {
    /// Its identity.
    pub fqdn: At<String>,
    /// Id of the SBC behind it.
    pub sbc: Option<At<String>>,
    /// Name of the gateway through which it is reached (`ProxySbc`).
    pub proxy: Option<At<String>>,
    /// `MediaBypass`
    pub media_bypass: Option<bool>,
    /// `BypassMode`
    #[serde(default, deserialize_with = "optional")]
    pub bypass_mode: Option<BypassMode>,
    /// `GatewaySiteId`
    #[serde(default)]
    pub sites: Vec<At<String>>,
    /// Those of `sites` with `GatewaySiteLbrEnabled`.
    #[serde(default)]
    pub sites_lbr: Vec<At<String>>,
    /// `GatewayLbrEnabledUserOverride`
    #[serde(default)]
    pub lbr_user_override: bool,
    /// `FailoverResponseCodes`; absent: the service's own.
    #[serde(default, deserialize_with = "failover_codes")]
    pub failover_codes: Option<Vec<u16>>,
    /// `FailoverTimeSeconds`
    pub failover_seconds: Option<u32>,
    /// `ForwardCallHistory`
    pub forward_call_history: Option<bool>,
    /// `PidfLoSupported`
    pub pidf_lo: Option<bool>,
    /// `IPAddressVersion`
    #[serde(default, deserialize_with = "optional")]
    pub ip_version: Option<IpVersion>,
}

fn failover_codes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u16>>, D::Error> {
    let codes = Vec::<u16>::deserialize(deserializer)?;
    match codes.iter().find(|code| !(400..700).contains(*code)) {
        Some(code) => {
            Err(D::Error::custom(format!("{code} is not a failure response: write codes from 400 to 699, as in [408, 503, 504]")))
        }
        None => Ok(Some(codes)),
    }
}

/// `BypassMode` of Local Media Optimization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BypassMode {
    /// Off.
    None,
    /// Always through the inner addresses where that is possible.
    Always,
    /// Only for users at the gateway's own site.
    OnlyForLocalUsers,
}

impl Word for BypassMode {
    const WHAT: &'static str = "a bypass mode";
    fn word(text: &str) -> Result<Self, String> {
        let known = [("None", Self::None), ("Always", Self::Always), ("OnlyForLocalUsers", Self::OnlyForLocalUsers)];
        one_of("bypass mode", text, &known)
    }
}

/// `IPAddressVersion` of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpVersion {
    /// IPv4
    V4,
    /// IPv6
    V6,
}

impl Word for IpVersion {
    const WHAT: &'static str = "an IP version";
    fn word(text: &str) -> Result<Self, String> {
        one_of("IP version", text, &[("ipv4", Self::V4), ("ipv6", Self::V6)])
    }
}

/// `[[trunk]]`: the way to a telephone carrier.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trunk {
    /// Its name.
    pub name: At<String>,
    /// The carrier's addresses.
    #[serde(default)]
    pub peers: Vec<At<IpNet>>,
    /// Agreed transport of SIP.
    #[serde(default, deserialize_with = "optional")]
    pub transport: Option<TrunkTransport>,
    /// Bytes of the longest IP packet.
    pub mtu: Option<u16>,
    /// Whether the way is a private line and not the Internet.
    #[serde(default)]
    pub private_link: bool,
}

/// What `trunk.transport` can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrunkTransport {
    /// SIP over UDP.
    Udp,
    /// SIP over TCP.
    Tcp,
    /// SIP over TLS.
    Tls,
}

impl Word for TrunkTransport {
    const WHAT: &'static str = "a transport";
    fn word(text: &str) -> Result<Self, String> {
        one_of("transport", text, &[("udp", Self::Udp), ("tcp", Self::Tcp), ("tls", Self::Tls)])
    }
}

/// `[[user]]`: who is subject to Location-Based Routing.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The number, in E.164 with `+`.
    pub number: At<String>,
    /// Where the user is homed; absent: not known.
    #[serde(default, deserialize_with = "optional")]
    pub home: Option<Home>,
    /// Whether the calling policy turns Location-Based Routing on.
    #[serde(default)]
    pub lbr: bool,
    /// Names of the gateways in the voice routing policy, in order.
    #[serde(default)]
    pub policy: Vec<At<String>>,
}

/// Where a user is homed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// In the cloud.
    Online,
    /// On a server of the organisation.
    Onprem,
}

impl Word for Home {
    const WHAT: &'static str = "a home";
    fn word(text: &str) -> Result<Self, String> {
        one_of("home", text, &[("online", Self::Online), ("onprem", Self::Onprem)])
    }
}

/// `[numbers]`
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    /// Emergency numbers, as dialled; absent: the built-in ones.
    #[serde(default, deserialize_with = "numbers")]
    pub emergency: Option<Vec<String>>,
    /// Regular expressions of the private numbering plan.
    #[serde(default)]
    pub private_ranges: Vec<At<String>>,
}

fn numbers<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    let numbers: Vec<String> = list(deserializer)?;
    match numbers.iter().find(|number| !number.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'*' | b'#'))) {
        Some(number) => Err(D::Error::custom(format!("'{number}' is not a number: write digits only, as in [\"112\", \"911\"]"))),
        None => Ok(Some(numbers)),
    }
}

/// Wording of the Location-Based Routing rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Edition {
    /// The wording of 2020.
    Y2020,
    /// The wording of 2023.
    #[default]
    Y2023,
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Y2020 => "2020",
            Self::Y2023 => "2023",
        })
    }
}

impl Word for Edition {
    const WHAT: &'static str = "an edition";
    fn word(text: &str) -> Result<Self, String> {
        one_of("edition", text, &[("2020", Self::Y2020), ("2023", Self::Y2023)])
    }
}
