//! The audit of a call that was observed: may one of the gateways that may have carried it carry such a call?

use super::decision::{Decision, Ruling};
use super::facts::{Call, Gateway};
use crate::path::gateway::Carriers;
use crate::topology::Edition;

/// What the function says of the gateways.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audit {
    /// Every one that it may have been is allowed.
    Kept,
    /// None is: the decision for the first.
    Broken {
        /// Its name.
        gateway: String,
        /// The decision.
        decision: Decision,
    },
    /// Location-Based Routing does not look at such calls.
    Exempt,
    /// It cannot be told, for want of this.
    Unknown(String),
}

/// Asks the function about each gateway that may have carried a call; what `ask` makes is the call through that gateway.
pub fn audit<'t>(edition: Edition, carriers: &Carriers<'t>, ask: impl Fn(Gateway<'t>) -> Call<'t>) -> Audit {
    let mut all: Option<Audit> = None;
    for gateway in &carriers.gateways {
        let decision = super::decide(edition, &ask(Gateway::from(*gateway)));
        let one = match decision.ruling {
            Ruling::NotEnforced => Audit::Exempt,
            Ruling::Unknown(missing) => return Audit::Unknown(missing.to_string()),
            ref ruling if ruling.via().iter().any(|name| name.eq_ignore_ascii_case(&gateway.fqdn)) => Audit::Kept,
            _ => Audit::Broken { gateway: gateway.fqdn.to_string(), decision },
        };
        match &all {
            None => all = Some(one),
            Some(known) if std::mem::discriminant(known) == std::mem::discriminant(&one) => {}
            // One name on the address may, another may not.
            Some(_) => return Audit::Unknown(carriers.lack()),
        }
    }
    all.unwrap_or_else(|| Audit::Unknown(carriers.lack()))
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Location, Party};
    use super::*;
    use crate::topology::Topology;

    const FILE: &str = "
[[site]]
id = 'Hue'
lbr = true
[[gateway]]
fqdn = 'hue.example'
sites = ['Hue']
sites_lbr = ['Hue']
[[gateway]]
fqdn = 'also.example'
sites = ['Hue']
sites_lbr = ['Hue']
[[gateway]]
fqdn = 'plain.example'
sites = ['Hue']
";

    fn of(places: &[usize], location: Option<Location<'_>>) -> String {
        let topology = Topology::parse(FILE, "t.toml").unwrap();
        let gateways = places.iter().map(|at| &topology.tables.gateways[*at]).collect();
        let carriers = Carriers { name: None, gateways };
        let user = Party { name: "u", lbr: true, location };
        let ask = |gateway| Call::Outbound { user, policy: vec![gateway] };
        match audit(Edition::Y2023, &carriers, ask) {
            Audit::Broken { gateway, .. } => format!("broken by {gateway}"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn gateways_of_one_address_must_agree() {
        let hue = Some(Location::Site { id: "Hue", lbr: true });
        assert_eq!(of(&[0], hue), "Kept");
        assert_eq!(of(&[0, 1], hue), "Kept");
        assert_eq!(of(&[2], hue), "broken by plain.example");
        assert_eq!(of(&[0, 2], hue), "Unknown(\"nothing tells which of hue.example, plain.example carries the leg\")");
        assert!(of(&[], hue).starts_with("Unknown(\"no name"));
    }

    #[test]
    fn a_place_that_nobody_knows_is_no_violation() {
        assert_eq!(of(&[0], None), "Unknown(\"where the endpoint of u is\")");
    }
}
