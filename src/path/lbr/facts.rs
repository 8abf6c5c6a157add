//! What a decision is made from: gateways, users and where their endpoints are.

use crate::topology;

/// Where an endpoint is at the time of the call. A user with several endpoints has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Location<'a> {
    /// In a subnet of a network site.
    Site {
        /// Id of the site; letter case counts.
        id: &'a str,
        /// Whether Location-Based Routing is on there.
        lbr: bool,
    },
    /// Behind a trusted address of the tenant, in a subnet of no site.
    UnknownInternal,
    /// Behind an address that the tenant does not trust, whatever the subnet.
    UnknownExternal,
}

impl Location<'_> {
    /// As sentences name it.
    pub fn name(&self) -> String {
        match self {
            Self::Site { id, lbr: true } => format!("site {id} (LBR on)"),
            Self::Site { id, lbr: false } => format!("site {id} (LBR off)"),
            Self::UnknownInternal => "an unknown place inside".to_owned(),
            Self::UnknownExternal => "an unknown place outside".to_owned(),
        }
    }
}

/// A user of Teams in the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Party<'a> {
    /// The number, by which sentences name the user.
    pub name: &'a str,
    /// Whether the calling policy turns Location-Based Routing on.
    pub lbr: bool,
    /// Where the endpoint is; none when nobody can tell.
    pub location: Option<Location<'a>>,
}

/// A PSTN gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gateway<'a> {
    /// Its name.
    pub name: &'a str,
    /// Sites it belongs to (`GatewaySiteId`; the wording of 2020 knows one gateway for several sites).
    pub sites: Vec<&'a str>,
    /// Those of `sites` that it is enabled for (`GatewaySiteLbrEnabled`).
    pub sites_lbr: Vec<&'a str>,
    /// `GatewayLbrEnabledUserOverride`
    pub user_override: bool,
}

impl<'a> From<&'a topology::Gateway> for Gateway<'a> {
    fn from(gateway: &'a topology::Gateway) -> Self {
        Self {
            name: &gateway.fqdn,
            sites: gateway.sites.iter().map(|site| site.as_str()).collect(),
            sites_lbr: gateway.sites_lbr.iter().map(|site| site.as_str()).collect(),
            user_override: gateway.lbr_user_override,
        }
    }
}

impl Gateway<'_> {
    /// Enabled for that site.
    pub fn is_enabled_for(&self, site: &str) -> bool {
        self.sites_lbr.contains(&site)
    }

    /// Enabled at all, where no site is asked about; none for a gateway that is enabled for some of its sites only.
    pub fn is_enabled(&self) -> Option<bool> {
        if self.sites_lbr.is_empty() {
            return Some(false);
        }
        self.sites.iter().all(|site| self.is_enabled_for(site)).then_some(true)
    }

    /// As sentences name what it is enabled for.
    pub fn enabled_for(&self) -> String {
        match self.sites_lbr.as_slice() {
            [] => "not enabled for LBR".to_owned(),
            sites => format!("enabled for LBR at {}", sites.join(", ")),
        }
    }
}

/// The call with the PSTN that is transferred, forwarded or rings elsewhere too.
#[derive(Debug, Clone)]
pub struct PstnLeg<'a> {
    /// The gateway that carries it.
    pub gateway: Gateway<'a>,
    /// How it began.
    pub began: Began,
}

/// How a call with the PSTN began, seen from the organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Began {
    /// The PSTN called.
    Inbound,
    /// The user called.
    Outbound,
}

/// How a call comes to another party.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The user has the call and hands it on.
    Transfer,
    /// The call goes on without being answered.
    Forward,
    /// The other party rings at the same time.
    Simring,
}

impl Action {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::Forward => "forward",
            Self::Simring => "simultaneous ring",
        }
    }
}

/// A call, by what Location-Based Routing distinguishes. Users stand in it as their role says.
#[derive(Debug, Clone)]
pub enum Call<'a> {
    /// A user calls the PSTN. A delegate who calls for somebody else does so with the delegate's own policy and location.
    Outbound {
        /// Who calls.
        user: Party<'a>,
        /// Gateways of the user's voice routing policy, in order.
        policy: Vec<Gateway<'a>>,
    },
    /// The PSTN calls a user.
    Inbound {
        /// Who is called.
        user: Party<'a>,
        /// The gateway that it comes through.
        gateway: Gateway<'a>,
    },
    /// A call with the PSTN goes from one user to another.
    ToTeams {
        /// How.
        action: Action,
        /// Whose call it is.
        user: Party<'a>,
        /// The call with the PSTN.
        leg: PstnLeg<'a>,
        /// Who gets it.
        target: Party<'a>,
    },
    /// A call with the PSTN for a user rings a delegate too.
    ToDelegate {
        /// Whose call it is.
        user: Party<'a>,
        /// The gateway that it comes through.
        gateway: Gateway<'a>,
        /// Who may answer for the user.
        delegate: Party<'a>,
    },
    /// A call with the PSTN goes to another number of the PSTN.
    PstnToPstn {
        /// How.
        action: Action,
        /// Whose call it is; the delegate, where a delegate's telephone rings.
        user: Party<'a>,
        /// Gateways of the user's voice routing policy, in order.
        policy: Vec<Gateway<'a>>,
        /// The call with the PSTN.
        leg: PstnLeg<'a>,
    },
    /// A call between two users goes to a number of the PSTN.
    VoipToPstn {
        /// How.
        action: Action,
        /// Gateways of the voice routing policy of the user who sends it there, in order.
        policy: Vec<Gateway<'a>>,
        /// The user who stays in the call: of a call that was received, the caller.
        stays: Party<'a>,
    },
    /// The PSTN calls an auto attendant or call queue.
    VoiceApp {
        /// The gateway that it comes through.
        gateway: Gateway<'a>,
    },
    /// An auto attendant or call queue sends a call of the PSTN to a user.
    VoiceAppToUser {
        /// Who is to get it.
        user: Party<'a>,
        /// The gateway that it came through.
        gateway: Gateway<'a>,
    },
    /// An auto attendant or call queue sends a call of the PSTN to voicemail.
    VoiceAppToVoicemail {
        /// The gateway that it came through.
        gateway: Gateway<'a>,
    },
    /// A user who talks with the PSTN makes a conference of it, with another user or number.
    Conference {
        /// Whether Location-Based Routing is on for the user.
        lbr: bool,
    },
    /// A conference of a user without a licence for audio conferencing adds a number of the PSTN.
    ConferenceAddsPstn {
        /// A user with Location-Based Routing is in it, or was.
        lbr_user_was_in: bool,
    },
    /// The same adds a user with Location-Based Routing.
    ConferenceAddsLbrUser {
        /// A number of the PSTN is in it, or was.
        pstn_was_in: bool,
    },
    /// A call is parked, or taken from there.
    Park,
    /// A user of Skype for Business calls a user of Teams.
    SkypeCaller,
    /// The endpoint is Teams in a browser, or Skype for Business.
    OtherClient,
}
