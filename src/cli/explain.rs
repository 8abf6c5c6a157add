//! `callpath explain`: the page of one rule, found by any part of its id.

use super::args::ListFormat;
use super::output::Output;
use super::pager;
use super::rules::RuleLine;
use crate::error::Error;
use crate::report::terminal::style::{self, Pen};
use serde::Serialize;
use std::io::{self, Write};

/// Ids named when nothing fits.
const NEAREST: usize = 3;

/// The rule that `typed` names: `DR001`, `DR001-contact-ip` or `contact-ip`, in any letter case.
/// Otherwise a usage error with the nearest ids.
pub fn find<'a>(rules: &'a [RuleLine<'a>], typed: &str) -> Result<&'a RuleLine<'a>, Error> {
    let wanted = typed.to_ascii_lowercase();
    let names = |rule: &RuleLine<'_>| forms(rule.id).contains(&wanted);
    rules.iter().find(|rule| names(rule)).ok_or_else(|| Error::Usage(unknown(rules, typed, &wanted)))
}

/// Number and name together and apart, in lower case.
fn forms(id: &str) -> [String; 3] {
    let id = id.to_ascii_lowercase();
    let (number, name) = id.split_once('-').unwrap_or((&id, &id));
    [number.to_owned(), name.to_owned(), id.clone()]
}

fn unknown(rules: &[RuleLine<'_>], typed: &str, wanted: &str) -> String {
    let distance = |rule: &RuleLine<'_>| forms(rule.id).iter().map(|form| edits(wanted, form)).min().unwrap_or(usize::MAX);
    let mut near: Vec<(usize, &str)> = rules.iter().map(|rule| (distance(rule), rule.id)).collect();
    near.sort_unstable();
    let ids: Vec<&str> = near.iter().take(NEAREST).map(|(_, id)| *id).collect();
    match ids.as_slice() {
        [] => format!("no rule '{typed}'"),
        ids => format!("no rule '{typed}': nearest are {}; 'callpath rules' lists all", ids.join(", ")),
    }
}

/// Levenshtein distance in characters; what is typed beyond 64 does not matter.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// A page as an object.
#[derive(Serialize)]
struct Page<'a> {
    schema: &'static str,
    #[serde(flatten)]
    rule: &'a RuleLine<'a>,
    page: &'a str,
}

/// Writes the page of `rule`: Markdown as it stands, headings set off, paragraphs wrapped to the width.
pub fn print(rule: &RuleLine<'_>, page: &str, format: ListFormat, mut output: Output) -> Result<(), Error> {
    match format {
        ListFormat::Terminal => {
            let pen = Pen { width: usize::from(output.width()), color: output.color() };
            let mut rendered = Vec::new();
            text(page, pen, &mut rendered)?;
            pager::show(&rendered, output)
        }
        ListFormat::Json => {
            serde_json::to_writer(output.writer(), &Page { schema: "callpath.rule/1", rule, page }).map_err(io::Error::from)?;
            writeln!(output.writer())?;
            output.finish()
        }
    }
}

fn text(page: &str, pen: Pen, out: &mut dyn Write) -> io::Result<()> {
    let mut block = Vec::new();
    let mut fenced = false;
    for line in page.lines() {
        let fence = line.starts_with("```");
        let begins = line.is_empty() || line.starts_with('#') || line.starts_with("- ") || fence;
        if begins || fenced {
            paragraph(&mut block, pen, out)?;
        }
        fenced ^= fence;
        match line.strip_prefix('#') {
            Some(heading) if !fenced => pen.paragraph(out, pen.line(), style::STRONG, heading.trim_start_matches(['#', ' ']))?,
            _ if fence => {}
            _ if fenced => writeln!(out, "    {line}")?,
            _ if line.is_empty() => writeln!(out)?,
            _ => block.push(line),
        }
    }
    paragraph(&mut block, pen, out)
}

/// The lines gathered, as one paragraph; items of a list hang.
fn paragraph(block: &mut Vec<&str>, pen: Pen, out: &mut dyn Write) -> io::Result<()> {
    if block.is_empty() {
        return Ok(());
    }
    let joined = block.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    block.clear();
    match joined.strip_prefix("- ") {
        Some(item) => pen.paragraph(out, pen.line().put(style::PLAIN, "- ").take(), style::PLAIN, item),
        None => pen.paragraph(out, pen.line(), style::PLAIN, &joined),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    const RULES: [RuleLine<'_>; 4] =
        [rule("DR001-contact-ip"), rule("DR002-record-route-ip"), rule("DR010-number-plus"), rule("DR170-asymmetric-path")];

    const fn rule(id: &str) -> RuleLine<'_> {
        RuleLine { id, title: "a title", severity: Severity::Error, family: "identity", evidence: "SIP text" }
    }

    #[test]
    fn a_rule_is_found_by_number_name_or_both_in_any_letter_case() {
        for typed in ["DR001", "dr001", "DR001-contact-ip", "Contact-IP"] {
            assert_eq!(find(&RULES, typed).unwrap().id, "DR001-contact-ip", "{typed}");
        }
    }

    #[test]
    fn an_unknown_rule_names_the_nearest() {
        let error = find(&RULES, "DR017").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no rule 'DR017': nearest are DR010-number-plus, DR001-contact-ip, DR002-record-route-ip; 'callpath rules' lists all"
        );
        let error = find(&RULES, "contact-ips").unwrap_err();
        assert!(error.to_string().contains("nearest are DR001-contact-ip,"), "{error}");
        assert_eq!(find(&[], "x").unwrap_err().to_string(), "no rule 'x'");
    }

    #[test]
    fn edits_are_counted() {
        assert_eq!([edits("kitten", "sitting"), edits("", "abc"), edits("abc", "abc")], [3, 3, 0]);
    }

    #[test]
    fn a_page_is_wrapped_but_ladders_are_not() {
        let page = "# DR001-contact-ip — A title\n\nseverity: error\n\n## Usual causes\n\n- One cause that is told\n  on two lines.\n- Two.\n\n```ladder\n0.000  sbc > ms   INVITE   contact=<sip:198.51.100.4:5061>\n```\n";
        let mut out = Vec::new();
        text(page, Pen { width: 30, color: false }, &mut out).unwrap();
        let expected = "DR001-contact-ip — A title\n\nseverity: error\n\nUsual causes\n\n- One cause that is told on\n  two lines.\n- Two.\n\n    0.000  sbc > ms   INVITE   contact=<sip:198.51.100.4:5061>\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
