//! From options to a call: users, gateways and places looked up in the topology.

use super::args::Lbr;
use crate::error::Error;
use crate::path::lbr::{Action, Began, Call, Gateway, Located, Party, PstnLeg, location};
use crate::topology::{At, Topology, User};
use std::net::IpAddr;

/// Names that a refusal lists at most.
const LISTED: usize = 20;

/// A call that is to be decided, and who is in it.
#[derive(Debug)]
pub struct Question<'t> {
    /// The call.
    pub call: Call<'t>,
    /// Its users, in the order of the options.
    pub people: Vec<Person<'t>>,
}

/// A user of the topology in the call.
#[derive(Debug)]
pub struct Person<'t> {
    /// `user`, `target` or `caller`.
    pub role: &'static str,
    /// The user.
    pub user: &'t User,
    /// Where the user's endpoint is.
    pub located: Located<'t>,
    /// The option that would tell where it is, if nothing does.
    pub hint: Option<&'static str>,
}

impl<'t> Person<'t> {
    fn party(&self) -> Party<'t> {
        Party { name: &self.user.number, lbr: self.user.lbr, location: self.located.location }
    }
}

/// Reads the call that `args` describe. Fails on a name that the topology does not have, and on a call that is only half described.
pub fn read<'t>(topology: &'t Topology, args: &Lbr) -> Result<Question<'t>, Error> {
    let external = args.external;
    let user = person(topology, "user", args.user.as_deref(), &args.at, external)?;
    let target = person(topology, "target", args.to_user.as_deref(), &args.to_at, args.to_external.or(external))?;
    let stays = person(topology, "caller", args.from_user.as_deref(), &args.from_at, args.from_external.or(external))?;
    let cast = Cast {
        user: user.as_ref().map(Person::party),
        policy: user.as_ref().map(|person| policy(topology, person.user)).transpose()?.unwrap_or_default(),
        target: target.as_ref().map(Person::party),
        stays: stays.as_ref().map(Person::party),
        gateway: args.gateway.as_deref().map(|name| gateway(topology, name)).transpose()?,
    };
    let call = cast.call(args)?;
    Ok(Question { call, people: [user, target, stays].into_iter().flatten().collect() })
}

/// Everyone and everything that the options name, found in the topology.
struct Cast<'t> {
    user: Option<Party<'t>>,
    policy: Vec<Gateway<'t>>,
    target: Option<Party<'t>>,
    stays: Option<Party<'t>>,
    gateway: Option<Gateway<'t>>,
}

impl<'t> Cast<'t> {
    fn call(self, args: &Lbr) -> Result<Call<'t>, Error> {
        if args.park {
            return Ok(Call::Park);
        }
        if args.skype {
            return Ok(Call::SkypeCaller);
        }
        if args.voice_app {
            let gateway = self.gateway.ok_or_else(|| needs("--voice-app", "--gateway FQDN"))?;
            return Ok(match self.user {
                Some(user) => Call::VoiceAppToUser { user, gateway },
                None => Call::VoiceApp { gateway },
            });
        }
        let user = self.user.ok_or_else(|| needs("this call", "--user NUMBER"))?;
        if args.outbound {
            return Ok(Call::Outbound { user, policy: self.policy });
        }
        if args.conference {
            return Ok(Call::Conference { lbr: user.lbr });
        }
        if let (true, Some(gateway)) = (args.inbound, self.gateway.clone()) {
            return Ok(Call::Inbound { user, gateway });
        }
        if let (true, Some(gateway), Some(delegate)) = (args.delegate, self.gateway.clone(), self.target) {
            return Ok(Call::ToDelegate { user, gateway, delegate });
        }
        self.onward(args, user)
    }

    /// Transfer, forward and simultaneous ring, by what the call comes from and goes to.
    fn onward(self, args: &Lbr, user: Party<'t>) -> Result<Call<'t>, Error> {
        let (action, flag) = match args {
            Lbr { transfer: true, .. } => (Action::Transfer, "--transfer"),
            Lbr { forward: true, .. } => (Action::Forward, "--forward"),
            _ => (Action::Simring, "--simring"),
        };
        let began = if args.placed { Began::Outbound } else { Began::Inbound };
        let leg = self.gateway.map(|gateway| PstnLeg { gateway, began });
        match (leg, self.target, self.stays) {
            (Some(leg), Some(target), _) => Ok(Call::ToTeams { action, user, leg, target }),
            (Some(leg), None, _) => Ok(Call::PstnToPstn { action, user, policy: self.policy, leg }),
            (None, None, Some(stays)) => Ok(Call::VoipToPstn { action, policy: self.policy, stays }),
            (None, None, None) => Err(needs(flag, "--gateway FQDN for a call with the PSTN, or --from-user NUMBER for one between users")),
            (None, Some(_), _) => Err(needs(&format!("{flag} --to-user"), "--gateway FQDN: a call between users is not restricted")),
        }
    }
}

fn needs(what: &str, option: &str) -> Error {
    Error::Usage(format!("{what} needs {option}"))
}

fn person<'t>(
    topology: &'t Topology,
    role: &'static str,
    number: Option<&str>,
    inside: &[IpAddr],
    external: Option<IpAddr>,
) -> Result<Option<Person<'t>>, Error> {
    let Some(number) = number else { return Ok(None) };
    let users = &topology.tables.users;
    let known = |user: &&User| user.number.as_str() == number || user.number.strip_prefix('+') == Some(number);
    let user = users.iter().find(known).ok_or_else(|| absent("user", number, users.iter().map(|user| &user.number), topology))?;
    let located = location(topology, inside, external);
    let (at, from_outside) = match role {
        "target" => ("--to-at", "--to-external"),
        "caller" => ("--from-at", "--from-external"),
        _ => ("--at", "--external"),
    };
    let hint = located.location.is_none().then_some(if external.is_none() { from_outside } else { at });
    Ok(Some(Person { role, user, located, hint }))
}

/// Host names do not differ by letter case.
fn gateway<'t>(topology: &'t Topology, name: &str) -> Result<Gateway<'t>, Error> {
    let gateways = &topology.tables.gateways;
    let found = gateways.iter().find(|gateway| gateway.fqdn.eq_ignore_ascii_case(name)).map(Gateway::from);
    found.ok_or_else(|| absent("gateway", name, gateways.iter().map(|gateway| &gateway.fqdn), topology))
}

fn policy<'t>(topology: &'t Topology, user: &User) -> Result<Vec<Gateway<'t>>, Error> {
    user.policy.iter().map(|name| gateway(topology, name)).collect()
}

/// No such name: tells which there are.
fn absent<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n At<String>>, topology: &Topology) -> Error {
    let names: Vec<&str> = known.map(|name| name.as_str()).collect();
    let listed = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
    let remedy = match (&topology.file, names.len()) {
        (None, _) => "name a topology that has one with -t FILE".to_owned(),
        (Some(file), 0) => format!("'{file}' has none: add a [[{what}]]"),
        (Some(file), n) if n > LISTED => format!("'{file}' has {listed} and {} more", n - LISTED),
        (Some(file), _) => format!("'{file}' has {listed}"),
    };
    Error::Usage(format!("no {what} '{name}': {remedy}"))
}
