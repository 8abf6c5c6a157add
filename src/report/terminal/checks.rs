//! The end of the report: what each rule could say, the messages seen, and where every record went.

use super::style::{self, Pen};
use super::{counted, width};
use crate::ledger::Kind;
use crate::report::{CheckEntry, LedgerEntry, Summary, escape::brief, escape::escape};
use std::io::{self, Write};

/// Methods and statuses named; strangers may invent any number.
const MAX_NAMES: usize = 40;
/// Columns of one.
const LONGEST_NAME: usize = 40;

/// Writes rules, messages and ledger.
pub fn write(out: &mut dyn Write, pen: Pen, summary: &Summary) -> io::Result<()> {
    checks(out, pen, summary)?;
    messages(out, pen, summary)?;
    ledger(out, pen, &summary.ledger)
}

fn checks(out: &mut dyn Write, pen: Pen, summary: &Summary) -> io::Result<()> {
    let said = |check: &CheckEntry| check.violated + check.clean + check.not_checked > 0;
    let checks: Vec<(String, &CheckEntry)> =
        summary.checks.iter().filter(|(_, check)| said(check)).map(|(rule, check)| (escape(rule).into_owned(), check)).collect();
    if checks.is_empty() {
        return Ok(());
    }
    pen.heading(out, "Rules", "violated, clean and not checked subjects")?;
    let (alone, alike) = parted(checks);
    let column = alone.iter().map(|(rule, _)| width::of(rule)).max().unwrap_or(0).min(pen.width / 3);
    for (rule, check) in alone {
        let mut line = pen.line();
        line.put(style::PLAIN, &width::left(&width::fit(&rule, column), column));
        count(&mut line, style::ERROR, check.violated, "violated");
        count(&mut line, style::GOOD, check.clean, "clean");
        count(&mut line, style::WARNING, check.not_checked, "not checked");
        pen.paragraph(out, line, style::PLAIN, &reasons(check))?;
    }
    for (check, rules) in alike {
        let mut line = pen.line();
        line.put(style::WARNING, &format!("{} not checked", counted(rules.len() as u64, "rule", "rules")));
        let text = format!(", {} each ({}){}", counted(check.not_checked, "subject", "subjects"), rules.join(", "), reasons(check));
        pen.paragraph(out, line, style::PLAIN, &text)?;
    }
    Ok(())
}

fn reasons(check: &CheckEntry) -> String {
    let reasons: Vec<_> = check.reasons.iter().map(|reason| escape(reason)).collect();
    if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join("; ")) }
}

/// A rule's full id with what it said.
type Said<'c> = (String, &'c CheckEntry);

/// Rules that have a line of their own, and outcomes with the short ids of two and more rules that say nothing but one and the same
/// *not checked*.
fn parted(checks: Vec<Said<'_>>) -> (Vec<Said<'_>>, Vec<(&CheckEntry, Vec<String>)>) {
    let (mut alone, mut alike): (Vec<Said<'_>>, Vec<(&CheckEntry, Vec<Said<'_>>)>) = (Vec::new(), Vec::new());
    for (rule, check) in checks {
        let blind = check.violated + check.clean == 0;
        match alike.iter_mut().find(|(known, _)| blind && *known == check) {
            Some((_, rules)) => rules.push((rule, check)),
            None if blind => alike.push((check, vec![(rule, check)])),
            None => alone.push((rule, check)),
        }
    }
    let short = |(rule, _): Said<'_>| super::short(&rule);
    let (single, several): (Vec<_>, Vec<_>) = alike.into_iter().partition(|(_, rules)| rules.len() == 1);
    alone.extend(single.into_iter().flat_map(|(_, rules)| rules));
    alone.sort_by(|(a, _), (b, _)| a.cmp(b));
    (alone, several.into_iter().map(|(check, rules)| (check, rules.into_iter().map(short).collect())).collect())
}

fn count(line: &mut style::Line, style: style::Style, n: u64, what: &str) {
    if n > 0 {
        line.put(style::PLAIN, "  ").put(style, &format!("{n} {what}"));
    }
}

fn messages(out: &mut dyn Write, pen: Pen, summary: &Summary) -> io::Result<()> {
    let totals = &summary.totals;
    if totals.messages.is_empty() {
        return Ok(());
    }
    let copies = match totals.message_copies {
        0 => String::new(),
        1 => "1 of them a copy at another tap".to_owned(),
        n => format!("{n} of them copies at another tap"),
    };
    pen.heading(out, "SIP messages", &copies)?;
    let (statuses, methods): (Vec<_>, Vec<_>) =
        totals.messages.iter().partition(|(name, _)| name.starts_with(|c: char| c.is_ascii_digit()));
    for part in [methods, statuses].iter().filter(|part| !part.is_empty()) {
        let mut text: Vec<String> = part.iter().take(MAX_NAMES).map(|(name, n)| format!("{} {n}", brief(name, LONGEST_NAME))).collect();
        let rest: u64 = part.iter().skip(MAX_NAMES).map(|(_, n)| *n).sum();
        text.extend((rest > 0).then(|| format!("{} more {rest}", part.len() - MAX_NAMES)));
        pen.paragraph(out, pen.line(), style::PLAIN, &text.join(", "))?;
    }
    Ok(())
}

fn ledger(out: &mut dyn Write, pen: Pen, ledger: &LedgerEntry) -> io::Result<()> {
    pen.heading(out, "Ledger", &counted(ledger.records, "record", "records"))?;
    let kind = |kind: &Kind| ledger.kinds.get(kind.name()).filter(|n| **n > 0).map(|n| format!("{} {n}", kind.name()));
    let mut parts: Vec<String> = Kind::ALL.iter().filter_map(kind).collect();
    let undecoded: u64 = ledger.undecoded.values().sum();
    parts.push(format!("undecoded {undecoded}"));
    let text = format!("{}; of which duplicates {}; evicted {}", parts.join(", "), ledger.duplicates, ledger.evicted);
    pen.paragraph(out, pen.line(), style::PLAIN, &text)
}
