//! A rule's page (`rules/<family>/<ID-name>.md`), read as its fixtures: sections, ladders, and what each ladder must yield.

use super::ladder::{self, Ladder};

/// A page.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// Full id of its rule, `DR001-contact-ip`.
    pub rule: String,
    /// What stands after the dash of its first line.
    pub title: String,
    /// The header line's `key: value` parts, in order.
    pub header: Vec<(String, String)>,
    /// Name and text of each section, in order.
    pub sections: Vec<(String, String)>,
    /// The ladders, in order.
    pub ladders: Vec<Case>,
}

/// A ladder and what it must yield.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// The text above it.
    pub heading: String,
    /// The topology file that it is read with.
    pub topology: Option<String>,
    /// The ladder.
    pub ladder: Ladder,
    /// Outcome of the page's own rule over the whole ladder: its findings, else one of the other three.
    pub expect: Vec<Expect>,
}

/// One line of an `expect` block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expect {
    /// `<severity> <rule>  <message>  records n n …`
    Finding {
        /// `error`, `warning` or `info`.
        severity: String,
        /// Full id.
        rule: String,
        /// The finding's sentence.
        message: String,
        /// Ladder lines, from 1, of the finding's records, each once, in order.
        records: Vec<usize>,
    },
    /// `clean <ID>`: at least one subject was judged, none broke the rule.
    Clean(String),
    /// `not checked <ID>  <reason>`: nothing was judged, for want of this.
    NotChecked(String, String),
    /// `not applicable <ID>`: the rule is for nothing in the ladder.
    NotApplicable(String),
}

/// Reads a page. Fails on what is not of a page's shape, naming the block or the line.
pub fn page(text: &str) -> Result<Page, String> {
    let mut blocks = text.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    let first = blocks.next().and_then(|line| line.strip_prefix("# ")).ok_or("the page does not begin with '# '")?;
    let (rule, title) = first.split_once(" — ").ok_or("the first line has no ' — '")?;
    let header = blocks.next().ok_or("the header line is missing")?;
    let header = header.split(" · ").map(|part| part.split_once(": ").map(|(k, v)| (k.to_owned(), v.to_owned())));
    let header = header.collect::<Option<_>>().ok_or("a part of the header line is no 'key: value'")?;
    let mut sections = Vec::new();
    for section in text.split("\n## ").skip(1) {
        let (name, body) = section.split_once('\n').ok_or("a section is empty")?;
        sections.push((name.trim().to_owned(), body.trim().to_owned()));
    }
    let ladders = sections.iter().find(|(name, _)| name == "Ladders").ok_or("the section 'Ladders' is missing")?;
    let ladders = cases(&ladders.1)?;
    Ok(Page { rule: rule.to_owned(), title: title.to_owned(), header, sections, ladders })
}

/// A line-wise reading of the section: text, then fenced blocks, an `expect` block ending each case.
fn cases(text: &str) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let (mut heading, mut topology, mut ladder) = (String::new(), None, None);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```") else {
            heading = [heading.as_str(), line.trim()].join(" ").trim().to_owned();
            continue;
        };
        let body: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        let body = body.join("\n");
        match kind {
            "topology" => topology = Some(body),
            "ladder" => ladder = Some(ladder::parse(&body).map_err(|e| format!("{heading} {e}"))?),
            "expect" => cases.push(Case {
                heading: std::mem::take(&mut heading),
                topology: topology.take(),
                ladder: ladder.take().ok_or("an expect block without a ladder")?,
                expect: body.lines().map(expect).collect::<Result<_, _>>()?,
            }),
            other => return Err(format!("a block of kind '{other}'")),
        }
    }
    if ladder.is_some() { Err("a ladder without an expect block".to_owned()) } else { Ok(cases) }
}

fn expect(line: &str) -> Result<Expect, String> {
    let bad = || format!("no expectation: {line}");
    let parts: Vec<&str> = line.split("  ").map(str::trim).filter(|part| !part.is_empty()).collect();
    match *parts.as_slice() {
        [outcome] => match outcome.rsplit_once(' ') {
            Some(("clean", id)) => Ok(Expect::Clean(id.to_owned())),
            Some(("not applicable", id)) => Ok(Expect::NotApplicable(id.to_owned())),
            _ => Err(bad()),
        },
        [outcome, reason] => match outcome.rsplit_once(' ') {
            Some(("not checked", id)) => Ok(Expect::NotChecked(id.to_owned(), reason.to_owned())),
            _ => Err(bad()),
        },
        [outcome, message, records] => {
            let (severity, rule) = outcome.split_once(' ').ok_or_else(bad)?;
            let records = records.strip_prefix("records ").ok_or_else(bad)?;
            let records = records.split(' ').map(|n| n.parse().map_err(|_| bad())).collect::<Result<_, _>>()?;
            Ok(Expect::Finding { severity: severity.to_owned(), rule: rule.to_owned(), message: message.to_owned(), records })
        }
        _ => Err(bad()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# EX001-x — A title\n\nseverity: error · scope: Message\n\n## What it means\n\nA.\n\n## Ladders\n\nFirst\none:\n
```topology\nschema = 1\n```\n```ladder\n0 a 10.0.0.1:1 > b 10.0.0.2:2 udp OPTIONS\n```\n```expect\nerror EX001-x  it broke  records 1 2\n```
Then:\n\n```ladder\n0 a 10.0.0.1:1 > b 10.0.0.2:2 udp OPTIONS\n```\n```expect\nnot checked EX001  no answer\n```\n";

    #[test]
    fn a_page_is_its_sections_and_its_cases() {
        let page = page(PAGE).unwrap();
        assert_eq!((page.rule.as_str(), page.title.as_str()), ("EX001-x", "A title"));
        assert_eq!(page.header[1], ("scope".to_owned(), "Message".to_owned()));
        assert_eq!(page.sections[0], ("What it means".to_owned(), "A.".to_owned()));
        let [first, second] = page.ladders.as_slice() else { panic!() };
        assert_eq!((first.heading.as_str(), first.topology.as_deref()), ("First one:", Some("schema = 1")));
        assert!(matches!(&first.expect[0], Expect::Finding { records, message, .. } if records == &[1, 2] && message == "it broke"));
        assert_eq!(second.expect, [Expect::NotChecked("EX001".to_owned(), "no answer".to_owned())]);
        assert_eq!((second.topology.as_ref(), second.ladder.lines.len()), (None, 1));
    }

    #[test]
    fn shapes_that_are_none_are_refused() {
        assert!(page(&PAGE.replace(" — ", " - ")).is_err());
        assert!(page(&PAGE.replace("not checked EX001", "perhaps EX001")).is_err());
        assert!(page(&PAGE.replace("```expect\nnot checked EX001  no answer\n```", "")).is_err());
        assert_eq!(expect("clean EX001"), Ok(Expect::Clean("EX001".to_owned())));
        assert_eq!(expect("not applicable EX001"), Ok(Expect::NotApplicable("EX001".to_owned())));
    }
}
