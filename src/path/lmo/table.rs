//! The table of modes: the way of media for a gateway's `BypassMode` and the place of the user.

use super::told::UserLocation;
use crate::topology::{BypassMode, Gateway};

/// Where the user is, as the table distinguishes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Near {
    /// Inside, at a site of the gateway.
    SameSite,
    /// Inside, elsewhere.
    OtherSite,
    /// Outside.
    External,
}

impl Near {
    /// The row for a user at this place. Fails with what is missing.
    pub fn of(location: UserLocation, site: Option<&str>, gateway: &Gateway) -> Result<Self, String> {
        if location == UserLocation::External {
            return Ok(Self::External);
        }
        if gateway.sites.is_empty() {
            return Err(format!("the topology gives {} no site", gateway.fqdn));
        }
        let site = site.ok_or("Microsoft does not say the user's site")?;
        // Letter case counts, as it does in the service.
        Ok(if gateway.sites.iter().any(|own| own.as_str() == site) { Self::SameSite } else { Self::OtherSite })
    }
}

/// The way of media between the client and the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Straight to the target SBC.
    Target,
    /// Through the proxy SBC.
    Proxy,
}

/// The way for a user at this place; none where the mode is off. A gateway without a proxy SBC is its own way in.
pub fn way(mode: BypassMode, near: Near, has_proxy: bool) -> Option<Way> {
    match (mode, near) {
        (BypassMode::None, _) => None,
        _ if !has_proxy => Some(Way::Target),
        (BypassMode::Always, Near::SameSite | Near::OtherSite) | (BypassMode::OnlyForLocalUsers, Near::SameSite) => Some(Way::Target),
        (BypassMode::Always, Near::External) | (BypassMode::OnlyForLocalUsers, Near::OtherSite | Near::External) => Some(Way::Proxy),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::Topology;

    #[test]
    fn each_row_of_the_table_has_its_way() {
        use BypassMode::{Always, None as Off, OnlyForLocalUsers as Local};
        use Near::{External, OtherSite, SameSite};
        for (mode, near, expected) in [
            (Always, SameSite, Way::Target),
            (Always, OtherSite, Way::Target),
            (Always, External, Way::Proxy),
            (Local, SameSite, Way::Target),
            (Local, OtherSite, Way::Proxy),
            (Local, External, Way::Proxy),
        ] {
            assert_eq!(way(mode, near, true), Some(expected), "{mode:?} {near:?}");
            assert_eq!(way(mode, near, false), Some(Way::Target), "{mode:?} {near:?}, no proxy");
            assert_eq!(way(Off, near, true), None);
        }
    }

    #[test]
    fn a_site_is_the_gateways_own_by_its_exact_name() {
        let text = "[[site]]\nid = 'Vietnam'\n[[gateway]]\nfqdn = 'vn.example'\nsites = ['Vietnam']\n[[gateway]]\nfqdn = 'x.example'\n";
        let topology = Topology::parse(text, "t.toml").unwrap();
        let [vn, bare] = topology.tables.gateways.as_slice() else { panic!() };
        let inside = |site, gateway| Near::of(UserLocation::Internal, site, gateway);
        assert_eq!(inside(Some("Vietnam"), vn), Ok(Near::SameSite));
        assert_eq!(inside(Some("vietnam"), vn), Ok(Near::OtherSite));
        assert_eq!(inside(None, vn).unwrap_err(), "Microsoft does not say the user's site");
        assert_eq!(inside(Some("Vietnam"), bare).unwrap_err(), "the topology gives x.example no site");
        assert_eq!(Near::of(UserLocation::External, None, bare), Ok(Near::External));
    }
}
