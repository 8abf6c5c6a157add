//! Every rule's page has the shape of a page, and every ladder on it makes a capture.

mod support;

use std::collections::BTreeSet;
use std::path::Path;
use support::capture::captures;
use support::page::{Expect, Page, page};

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
