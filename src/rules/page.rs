//! A rule's page as its text gives it: remedy and sources are written once, there.

/// What findings quote from a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Text of "What to do", on one line.
    pub remedy: String,
    /// Items of "Sources".
    pub sources: Vec<String>,
}

impl Page {
    /// Reads a page.
    pub fn of(text: &str) -> Self {
        let sources = section(text, "Sources").join(" ");
        Self {
            remedy: section(text, "What to do").join(" "),
            sources: sources.split(';').map(|s| s.trim().trim_end_matches('.').to_owned()).filter(|s| !s.is_empty()).collect(),
        }
    }
}

/// Lines of the section under the heading `## name`, trimmed, blank ones left out.
fn section<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
    let mut lines = text.lines().skip_while(|line| line.strip_prefix("## ").is_none_or(|heading| heading.trim() != name));
    lines.next();
    lines.take_while(|line| !line.starts_with("## ")).map(str::trim).filter(|line| !line.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedy_and_sources_come_from_their_sections() {
        let page = "# X\n\n## What to do\n\nTurn it\noff.\n\n## Sources\n\nS2, \"Contact\"; RFC 3261 section 20.10.\n\n## Ladders\n";
        assert_eq!(
            Page::of(page),
            Page { remedy: "Turn it off.".into(), sources: vec!["S2, \"Contact\"".into(), "RFC 3261 section 20.10".into()] }
        );
    }
}
