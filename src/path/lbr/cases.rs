//! Every case of `rules/lbr-cases.toml` in every wording that it names.

use super::*;
use crate::topology::Word;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Deserialize)]
struct Cases {
    fixture: Fixture,
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Fixture {
    sites: BTreeMap<String, SiteOf>,
    gateways: BTreeMap<String, GatewayOf>,
}

#[derive(Deserialize)]
struct SiteOf {
    lbr: bool,
}

#[derive(Deserialize)]
struct GatewayOf {
    lbr: bool,
    sites: Vec<String>,
    #[serde(rename = "override")]
    user_override: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    id: String,
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "source")]
    _source: String,
    editions: Vec<String>,
    expect: String,
    via: Vec<String>,
    call_type: String,
    action: Option<String>,
    #[serde(default)]
    user_lbr: bool,
    location: Option<String>,
    #[serde(default)]
    policy: Vec<String>,
    gateway: Option<String>,
    pstn_direction: Option<String>,
    #[serde(default)]
    target_lbr: bool,
    target_location: Option<String>,
    #[serde(default)]
    caller_lbr: bool,
    caller_location: Option<String>,
    #[serde(default)]
    lbr_user_is_or_was_in_call: bool,
    #[serde(default)]
    pstn_is_or_was_in_call: bool,
}

impl Fixture {
    fn location<'a>(&'a self, name: &'a str) -> Location<'a> {
        match name {
            "unknown_internal" => Location::UnknownInternal,
            "unknown_external" => Location::UnknownExternal,
            site => Location::Site { id: site, lbr: self.sites[site].lbr },
        }
    }

    fn party<'a>(&'a self, name: &'a str, lbr: bool, location: Option<&'a String>) -> Party<'a> {
        Party { name, lbr, location: location.map(|name| self.location(name)) }
    }

    fn gateway<'a>(&'a self, name: &'a str) -> Gateway<'a> {
        let given = &self.gateways[name];
        let sites: Vec<&str> = given.sites.iter().map(String::as_str).collect();
        let sites_lbr = if given.lbr { sites.clone() } else { Vec::new() };
        Gateway { name, sites, sites_lbr, user_override: given.user_override }
    }

    fn call<'a>(&'a self, case: &'a Case) -> Call<'a> {
        let user = self.party("the user", case.user_lbr, case.location.as_ref());
        let target = self.party("the target", case.target_lbr, case.target_location.as_ref());
        let policy: Vec<Gateway<'a>> = case.policy.iter().map(|name| self.gateway(name)).collect();
        let gateway = || self.gateway(case.gateway.as_ref().unwrap());
        let began = if case.pstn_direction.as_deref() == Some("outbound") { Began::Outbound } else { Began::Inbound };
        let leg = || PstnLeg { gateway: gateway(), began };
        let to_teams = |action| Call::ToTeams { action, user, leg: leg(), target };
        match case.call_type.as_str() {
            "outbound" | "delegate_outbound" => Call::Outbound { user, policy },
            "inbound" => Call::Inbound { user, gateway: gateway() },
            "transfer_to_teams" => to_teams(Action::Transfer),
            "forward_to_teams" => to_teams(Action::Forward),
            "simring_to_teams" => to_teams(Action::Simring),
            "delegate_inbound" => Call::ToDelegate { user, gateway: gateway(), delegate: target },
            "pstn_to_pstn" => Call::PstnToPstn { action: action(case), user, policy, leg: leg() },
            "voip_to_pstn" => {
                let stays = self.party("the caller", case.caller_lbr, case.caller_location.as_ref());
                Call::VoipToPstn { action: action(case), policy, stays }
            }
            "inbound_voice_app" => Call::VoiceApp { gateway: gateway() },
            "voice_app_to_user" => Call::VoiceAppToUser { user, gateway: gateway() },
            "voice_app_to_voicemail" => Call::VoiceAppToVoicemail { gateway: gateway() },
            "conference_from_pstn_call" => Call::Conference { lbr: case.user_lbr },
            "conference_add_pstn" => Call::ConferenceAddsPstn { lbr_user_was_in: case.lbr_user_is_or_was_in_call },
            "conference_add_lbr_user" => Call::ConferenceAddsLbrUser { pstn_was_in: case.pstn_is_or_was_in_call },
            "call_park" => Call::Park,
            "sfb_to_teams" => Call::SkypeCaller,
            other => panic!("{}: call type {other}", case.id),
        }
    }
}

fn action(case: &Case) -> Action {
    match case.action.as_deref() {
        Some("transfer") => Action::Transfer,
        Some("forward") => Action::Forward,
        Some("simring" | "simring_by_delegate") => Action::Simring,
        other => panic!("{}: action {other:?}", case.id),
    }
}

#[test]
fn every_case_is_decided_as_written() {
    let cases: Cases = toml::from_str(include_str!("../../../rules/lbr-cases.toml")).unwrap();
    let ids: BTreeSet<&str> = cases.case.iter().map(|case| case.id.as_str()).collect();
    assert_eq!((cases.case.len(), ids.len()), (90, 90));
    let mut n_decided = BTreeMap::new();
    let mut faults = Vec::new();
    for case in &cases.case {
        for edition in &case.editions {
            *n_decided.entry(edition.as_str()).or_insert(0) += 1;
            let decision = decide(Edition::word(edition).unwrap(), &cases.fixture.call(case));
            let (name, via) = (decision.ruling.name(), decision.ruling.via());
            if (name, via) != (case.expect.as_str(), case.via.as_slice()) || decision.reasoning.is_empty() {
                faults.push(format!("{} ({edition}): {} {:?}, not {decision:#?}", case.id, case.expect, case.via));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(n_decided, BTreeMap::from([("2020", 81), ("2023", 89)]));
}
