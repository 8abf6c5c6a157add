//! What the table of cases does not ask: mixed gateways, missing places, and where rule and table part.

use super::*;

const HUE: Location<'_> = Location::Site { id: "Hue", lbr: true };
const HANOI: Location<'_> = Location::Site { id: "Hanoi", lbr: true };
const BERN: Location<'_> = Location::Site { id: "Bern", lbr: false };
const EDITIONS: [Edition; 2] = [Edition::Y2020, Edition::Y2023];

fn party<'a>(name: &'a str, lbr: bool, location: impl Into<Option<Location<'a>>>) -> Party<'a> {
    Party { name, lbr, location: location.into() }
}

fn gateway<'a>(name: &'a str, sites: &[&'a str], sites_lbr: &[&'a str]) -> Gateway<'a> {
    Gateway { name, sites: sites.to_vec(), sites_lbr: sites_lbr.to_vec(), user_override: false }
}

fn mixed() -> Gateway<'static> {
    gateway("mixed", &["Hue", "Bern"], &["Hue"])
}

fn inbound<'a>(gateway: &Gateway<'a>) -> PstnLeg<'a> {
    PstnLeg { gateway: gateway.clone(), began: Began::Inbound }
}

fn ruling(edition: Edition, call: &Call<'_>) -> String {
    decide(edition, call).ruling.to_string()
}

#[test]
fn a_mixed_gateway_is_told_where_a_site_is_asked_about_and_unknown_elsewhere() {
    let out = |user| Call::Outbound { user, policy: vec![mixed()] };
    let unknown = "unknown: mixed is enabled for some of its sites only";
    for edition in EDITIONS {
        assert_eq!(ruling(edition, &out(party("u", true, HUE))), "allow via mixed");
        assert_eq!(ruling(edition, &out(party("u", true, HANOI))), "deny");
        assert_eq!(ruling(edition, &out(party("u", true, BERN))), unknown);
        assert_eq!(ruling(edition, &out(party("u", false, HUE))), unknown);
        assert_eq!(ruling(edition, &Call::Inbound { user: party("u", false, HUE), gateway: mixed() }), unknown);
    }
    let received = Call::Inbound { user: party("u", true, BERN), gateway: mixed() };
    assert_eq!(
        (ruling(Edition::Y2020, &received).as_str(), ruling(Edition::Y2023, &received).as_str()),
        ("unanswered_forwarding", unknown)
    );
}

#[test]
fn a_place_that_nobody_knows_matters_only_to_users_with_lbr() {
    let plain = gateway("plain", &["Bern"], &[]);
    let out = |lbr| Call::Outbound { user: party("+41", lbr, None), policy: vec![plain.clone()] };
    assert_eq!(ruling(Edition::Y2023, &out(false)), "allow via plain");
    assert_eq!(ruling(Edition::Y2023, &out(true)), "unknown: where the endpoint of +41 is");
    let received = Call::Inbound { user: party("+41", true, None), gateway: plain };
    assert_eq!(ruling(Edition::Y2023, &received), "unknown: where the endpoint of +41 is");
}

#[test]
fn a_target_at_no_known_place_is_denied_where_every_place_is() {
    let hue = gateway("hue", &["Hue"], &["Hue"]);
    let to =
        |lbr| Call::ToTeams { action: Action::Forward, user: party("u", lbr, HUE), leg: inbound(&hue), target: party("t", true, None) };
    for edition in EDITIONS {
        assert_eq!(ruling(edition, &to(false)), "deny");
        assert_eq!(ruling(edition, &to(true)), "unknown: where the endpoint of t is");
    }
}

#[test]
fn one_gateway_of_two_sites_parts_rule_and_table() {
    let both = gateway("both", &["Hue", "Hanoi"], &["Hue", "Hanoi"]);
    let to = |action| Call::ToTeams { action, user: party("u", true, HUE), leg: inbound(&both), target: party("t", true, HANOI) };
    assert_eq!(ruling(Edition::Y2020, &to(Action::Transfer)), "deny");
    assert_eq!(ruling(Edition::Y2023, &to(Action::Transfer)), "unknown: the general rule and the table contradict each other");
    for edition in EDITIONS {
        assert_eq!(ruling(edition, &to(Action::Forward)), "allow via both");
    }
}

#[test]
fn an_override_gateway_and_a_target_at_an_unknown_place_part_them_too() {
    let with = |user_override| Gateway { user_override, ..gateway("g", &["Hue"], &["Hue"]) };
    let to = |user_override| Call::ToTeams {
        action: Action::Transfer,
        user: party("u", true, HUE),
        leg: inbound(&with(user_override)),
        target: party("t", true, Location::UnknownExternal),
    };
    assert_eq!((ruling(Edition::Y2020, &to(true)), ruling(Edition::Y2023, &to(false))), ("deny".to_owned(), "deny".to_owned()));
    assert_eq!(decide(Edition::Y2023, &to(true)).ruling, Ruling::Unknown(Missing::RuleAgainstTable));
}

#[test]
fn at_a_site_without_lbr_the_wordings_differ_about_whose_site_it_is() {
    let plain = gateway("plain", &["Bern"], &[]);
    let leg = PstnLeg { gateway: plain, began: Began::Outbound };
    let oslo = Location::Site { id: "Oslo", lbr: false };
    let to = |at| Call::ToTeams { action: Action::Transfer, user: party("u", true, BERN), leg: leg.clone(), target: party("t", true, at) };
    assert_eq!((ruling(Edition::Y2020, &to(oslo)).as_str(), ruling(Edition::Y2023, &to(oslo)).as_str()), ("deny", "allow via plain"));
    assert_eq!(ruling(Edition::Y2020, &to(BERN)), "allow via plain");
}

#[test]
fn from_pstn_to_pstn_only_an_enabled_gateway_is_spoken_of() {
    let plain = gateway("plain", &["Bern"], &[]);
    let call =
        |user, action, gateway: &Gateway<'static>| Call::PstnToPstn { action, user, policy: vec![gateway.clone()], leg: inbound(gateway) };
    let unsaid = "unknown: the wording says nothing of such a call";
    assert_eq!(ruling(Edition::Y2023, &call(party("u", true, BERN), Action::Forward, &plain)), unsaid);
    assert_eq!(ruling(Edition::Y2023, &call(party("u", true, HUE), Action::Transfer, &plain)), "deny", "the user cannot have the call");
    let unknown = "unknown: mixed is enabled for some of its sites only";
    assert_eq!(ruling(Edition::Y2023, &call(party("u", true, HUE), Action::Forward, &mixed())), unknown);
}

#[test]
fn the_caller_who_stays_binds_by_his_site_alone_in_the_wording_of_2020() {
    let plain = gateway("plain", &["Bern"], &[]);
    let call = Call::VoipToPstn { action: Action::Transfer, policy: vec![plain], stays: party("c", true, BERN) };
    assert_eq!((ruling(Edition::Y2020, &call).as_str(), ruling(Edition::Y2023, &call).as_str()), ("deny", "allow via plain"));
}

#[test]
fn licence_less_conferences_are_a_matter_of_2023() {
    for was_in in [true, false] {
        let calls = [Call::ConferenceAddsPstn { lbr_user_was_in: was_in }, Call::ConferenceAddsLbrUser { pstn_was_in: was_in }];
        for call in calls {
            assert_eq!(ruling(Edition::Y2020, &call), "unknown: the wording says nothing of such a call");
            assert_eq!(ruling(Edition::Y2023, &call), if was_in { "deny" } else { "allow" });
        }
    }
    assert_eq!(decide(Edition::Y2023, &Call::OtherClient).ruling, Ruling::Unknown(Missing::Client));
}

#[test]
fn every_sentence_of_a_transfer_names_its_wording_or_follows_from_one() {
    let plain = gateway("plain.contoso.com", &["Bern"], &[]);
    let call =
        Call::ToTeams { action: Action::Transfer, user: party("+41", true, HUE), leg: inbound(&plain), target: party("+84", true, HUE) };
    let decision = decide(Edition::Y2023, &call);
    assert_eq!(
        decision.reasoning,
        [
            "Wording of 2023, transfer: only who may have a call can hand it on; +41 has LBR and is at site Hue (LBR on): calls arrive \
             only through gateways enabled for that site.",
            "plain.contoso.com is not enabled for LBR: the user never has the call to hand on.",
        ]
    );
    assert_eq!(
        decision.gateways,
        [Weighed { name: "plain.contoso.com".to_owned(), fits: Fits::No, why: "not enabled for LBR".to_owned() }]
    );
}
