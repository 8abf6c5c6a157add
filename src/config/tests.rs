//! The file as a whole: what it decides, and the one line that each mistake in it gets.

use super::*;
use crate::finding::Evidence;
use crate::flow::Seen;
use crate::rules::find;
use crate::time::Timestamp;
use crate::topology::{Date, Topology};

fn fault(text: &str) -> String {
    Config::parse(text, "callpath.toml").unwrap_err().to_string()
}

#[test]
fn every_fault_has_its_line_and_what_to_write() {
    for (text, expected) in [
        ("selekt = ['DR001']", "callpath.toml:1: unknown key 'selekt': write 'select'"),
        ("\nselect = ['DR999']", "callpath.toml:2: no rule and no family 'DR999': write one that 'callpath rules' lists"),
        (
            "ignore = ['identity']\nselect = ['DR170', 'DR012']",
            "callpath.toml:2: 'DR012' is selected, and 'ignore' leaves nothing of it (identity): remove one of the two",
        ),
        ("[severity]\nDR012 = 'fatal'", "callpath.toml:2: 'fatal' is no severity: write error, warning or info"),
        ("[severity]\nDR999 = 'info'", "callpath.toml:2: no rule and no family 'DR999': write one that 'callpath rules' lists"),
        (
            "[[waiver]]\nrule = 'DR013'\nnumber = '1*'\nreason = 'agreed'",
            "callpath.toml:1: key 'expires' is missing: write expires = 2027-03-31",
        ),
        (
            "[[waiver]]\nrule = 'DR013'\nnumber = '1*'\nexpires = 2027-03-31",
            "callpath.toml:1: key 'reason' is missing: write reason = \"the carrier changes this in March\"",
        ),
        (
            "[[waiver]]\nrule = 'DR013'\nreason = 'agreed'\nexpires = 2027-03-31",
            "callpath.toml:2: a waiver says whom it is for: write sbc, number or address, or 'ignore = [\"DR013\"]'",
        ),
        (
            "[[waiver]]\nrule = 'DR013'\nnumber = '1 2'\nreason = 'agreed'\nexpires = 2027-03-31",
            "callpath.toml:3: '1 2' is no pattern of numbers: write one like \"+4420*\"",
        ),
        (
            "[[waiver]]\nrule = 'DR013'\nnumber = '1*'\nreason = 'agreed'\nexpires = 'soon'",
            "callpath.toml:5: 'soon' is not a date: write one like \"2026-06-06\"",
        ),
    ] {
        assert_eq!(fault(text), expected, "{text}");
    }
}

#[test]
fn a_rule_of_its_own_line_goes_before_its_family() {
    let config = Config::parse("[severity]\nidentity = 'info'\nDR012 = 'warning'\nlbr = 'error'\n", "c").unwrap();
    let of = |id: &str| config.severity(find(id).unwrap());
    assert_eq!(
        [of("DR012"), of("DR013"), of("DR202"), of("DR170")],
        [Some(Severity::Warning), Some(Severity::Info), Some(Severity::Error), None]
    );
}

/// A finding of `subject` with `value` on a day.
fn found(subject: &str, value: &str, day: &str) -> Violation {
    let packet = crate::flow::support::packet(0);
    let seen = packet.give(|packet, _| Seen::of(packet));
    let at: Timestamp = Date::word(day).unwrap().start();
    let evidence = vec![Evidence { at, ..Evidence::new(&seen, "") }];
    Violation { severity: Severity::Error, subject: subject.into(), value: value.into(), message: String::new(), evidence }
}

#[test]
fn a_waiver_covers_what_agrees_with_all_that_it_names_until_its_day_is_over() {
    let text = "[[waiver]]\nrule = 'identity'\nsbc = 'sbc1.contoso.com'\nnumber = '+4420*'\nreason = 'agreed'\nexpires = 2027-03-31\n\
                [[waiver]]\nrule = 'DR013'\naddress = '198.51.100.0/28'\nreason = 'old'\nexpires = 2026-01-01\n";
    let config = Config::parse(text, "c").unwrap();
    let topology = "[[sbc]]\nid = 'sbc1'\nfqdn = 'sbc1.contoso.com'\nplace = 'dmz'\nsignalling = ['198.51.100.4']\n";
    let topology = Topology::parse(topology, "t").unwrap();
    let waived = |rule: &str, violation: &Violation, numbers: &[&str]| {
        let numbers: Vec<String> = numbers.iter().map(|number| (*number).to_owned()).collect();
        config.waived(find(rule).unwrap(), violation, &Subject { topology: &topology, numbers: &numbers })
    };
    let of_sbc = found("198.51.100.4", "+442079460000", "2027-03-31");
    assert_eq!(waived("DR012", &of_sbc, &[]), Some((0, false)));
    assert_eq!(waived("DR012", &found("sbc1.contoso.com", "x", "2027-03-31"), &["+442079460000"]), Some((0, false)));
    assert_eq!(waived("DR170", &of_sbc, &[]), None, "another family");
    assert_eq!(waived("DR012", &found("198.51.100.4", "+33", "2027-03-31"), &["+33"]), None, "another number");
    assert_eq!(waived("DR012", &found("198.51.100.9", "+442079460000", "2027-03-31"), &[]), None, "another SBC");
    assert_eq!(waived("DR012", &found("198.51.100.4", "+442079460000", "2027-04-01"), &[]), Some((0, true)));
    assert_eq!(waived("DR013", &of_sbc, &[]), Some((0, false)), "one that holds goes before one that is over");
    assert_eq!(waived("DR013", &found("198.51.100.9", "7", "2026-01-02"), &[]), Some((1, true)));
    assert_eq!(waived("DR013", &found("198.51.100.9", "7", "2026-01-01"), &[]), Some((1, false)));
}
