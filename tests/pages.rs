//! Every rule's page has the shape of a page and says what the code says, and every ladder on it yields what stands under it.

mod support;

use callpath::rules;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use support::capture::{capture, captures};
use support::page::{Case, Expect, Page, page};
use support::run::analyze_capture;

const SECTIONS: [&str; 7] = ["What it means", "What you see", "Usual causes", "What to do", "When it stays silent", "Sources", "Ladders"];
const HEADER: [&str; 6] = ["severity", "scope", "direction", "evidence", "confidence", "since"];

fn each(check: impl Fn(&Path, &Page)) {
    let paths = support::files(&support::root().join("rules"), "md");
    assert!(!paths.is_empty());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        let page = page(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        check(&path, &page);
    }
}

#[test]
fn a_page_is_named_for_its_rule() {
    each(|path, page| {
        assert_eq!(path.file_stem().unwrap().to_str().unwrap(), page.rule);
        assert!(!page.title.is_empty());
    });
}

#[test]
fn a_page_has_its_header_and_its_sections_in_order() {
    each(|path, page| {
        let keys: Vec<&str> = page.header.iter().map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys, HEADER, "{}", path.display());
        let names: Vec<&str> = page.sections.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, SECTIONS, "{}", path.display());
        assert!(page.sections.iter().all(|(_, text)| !text.is_empty()), "{}", path.display());
        assert!(["error", "warning", "info"].contains(&page.header[0].1.as_str()), "{}", path.display());
        let scopes = ["Message", "Leg", "Call", "Stream", "Hop", "Connection", "Trunk"];
        assert!(scopes.contains(&page.header[1].1.as_str()), "{}", path.display());
    });
}

#[test]
fn a_page_shows_its_rule_broken_and_kept() {
    each(|path, page| {
        let expected: Vec<&Expect> = page.ladders.iter().flat_map(|case| &case.expect).collect();
        assert!(expected.iter().any(|e| matches!(e, Expect::Finding { .. })), "{}: no violating ladder", path.display());
        assert!(expected.iter().any(|e| matches!(e, Expect::Clean(_))), "{}: no clean ladder", path.display());
    });
}

#[test]
fn a_page_expects_only_what_its_own_rule_can_say() {
    let short = |rule: &str| rule.split('-').next().unwrap_or_default().to_owned();
    each(|path, page| {
        for case in &page.ladders {
            let at = format!("{}: {}", path.display(), case.heading);
            assert!(!case.heading.is_empty() && !case.expect.is_empty(), "{at}");
            for expect in &case.expect {
                match expect {
                    Expect::Finding { severity, rule, message, records } => {
                        assert_eq!(rule, &page.rule, "{at}");
                        assert!(["error", "warning", "info"].contains(&severity.as_str()) && !message.ends_with('.'), "{at}");
                        assert!(!records.is_empty() && records.iter().all(|n| (1..=case.ladder.lines.len()).contains(n)), "{at}");
                    }
                    Expect::Clean(id) | Expect::NotApplicable(id) => assert_eq!(id, &short(&page.rule), "{at}"),
                    Expect::NotChecked(id, reason) => assert!(id == &short(&page.rule) && !reason.is_empty(), "{at}"),
                }
                assert!(matches!(expect, Expect::Finding { .. }) || case.expect.len() == 1, "{at}");
            }
        }
    });
}

#[test]
fn every_ladder_makes_one_capture_with_a_record_for_each_line() {
    each(|path, page| {
        for case in &page.ladders {
            let at = format!("{}: {}", path.display(), case.heading);
            let made = captures(&case.ladder).unwrap_or_else(|e| panic!("{at}: {e}"));
            assert_eq!(made.len(), 1, "{at}");
            let lines: BTreeSet<usize> = made[0].line_of_record.iter().copied().collect();
            assert_eq!(lines.len(), case.ladder.lines.len(), "{at}");
            if let Some(topology) = &case.topology {
                toml::from_str::<toml::Table>(topology).unwrap_or_else(|e| panic!("{at}: {e}"));
            }
        }
    });
}

#[test]
fn a_page_says_what_the_code_of_its_rule_says() {
    each(|path, page| {
        let rule = rules::find(&page.rule).unwrap_or_else(|| panic!("{}: no rule of this id", path.display()));
        let code = [
            ("severity", rule.severity.to_string()),
            ("scope", rule.check.scope().to_owned()),
            ("direction", rule.direction.name().to_owned()),
            ("evidence", rule.evidence.to_owned()),
            ("confidence", rule.confidence.to_owned()),
            ("since", rule.since.to_owned()),
        ];
        let code = code.map(|(key, value)| (key.to_owned(), value));
        assert_eq!((page.rule.as_str(), page.title.as_str(), page.header.as_slice()), (rule.id, rule.title, code.as_slice()));
        let family = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        assert_eq!(family, Some(rule.family()), "{}", path.display());
    });
}

#[test]
fn every_ladder_yields_what_stands_under_it() {
    let mut wrong = Vec::new();
    let mut held = 0;
    for path in support::files(&support::root().join("rules"), "md") {
        let page = page(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for case in &page.ladders {
            let yielded = outcome(&page, case);
            if yielded == case.expect {
                held += 1;
            } else {
                wrong.push(format!("{}: {}\n  stands  {:?}\n  yields  {yielded:?}", page.rule, case.heading, case.expect));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} ladders:\n{}", wrong.len(), wrong.len() + held, wrong.join("\n"));
}

/// What the page's own rule says of a ladder: its findings, else the one outcome of all its subjects.
fn outcome(page: &Page, case: &Case) -> Vec<Expect> {
    let made = capture(&case.ladder).unwrap();
    let report = analyze_capture(&made, case.topology.as_deref());
    let findings = report["findings"].as_array().unwrap().iter().filter(|finding| finding["rule"] == page.rule.as_str());
    let findings: Vec<Expect> = findings.map(|found| finding(found, &made.line_of_record)).collect();
    if !findings.is_empty() {
        return findings;
    }
    let id = page.rule.split('-').next().unwrap_or_default().to_owned();
    let check = &report["checks"][page.rule.as_str()];
    let n = |outcome: &str| check[outcome].as_u64().unwrap_or_default();
    assert_eq!(n("violated"), 0, "{}: violated without a finding", page.rule);
    match (n("clean"), n("not_checked")) {
        (1.., _) => vec![Expect::Clean(id)],
        (0, 1..) => vec![Expect::NotChecked(id, words(&check["reasons"]).join("; "))],
        (0, 0) => vec![Expect::NotApplicable(id)],
    }
}

fn finding(finding: &Value, line_of_record: &[usize]) -> Expect {
    let text = |member: &str| finding[member].as_str().unwrap().to_owned();
    let numbers = finding["records"].as_array().unwrap().iter().map(|record| record["number"].as_u64().unwrap());
    let lines: BTreeSet<usize> = numbers.map(|number| line_of_record[number as usize - 1]).collect();
    Expect::Finding { severity: text("severity"), rule: text("rule"), message: text("message"), records: lines.into_iter().collect() }
}

fn words(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}
