//! Long texts on a terminal go through the reader's pager: `PAGER`, else `less`.

use super::output::Output;
use crate::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

/// What is run where `PAGER` says nothing.
const USUAL: &str = "less";
/// How `less` shows a page unless the user has said otherwise: with its colours, and gone without trace where it fits on the screen.
const LESS: &str = "FRX";

/// Writes `text` to a terminal page by page where it is higher than that; else, and where there is no pager, as it is.
pub fn show(text: &[u8], mut output: Output) -> Result<(), Error> {
    let higher = |height: u16| text.iter().filter(|byte| **byte == b'\n').count() >= usize::from(height);
    let high = io::stdout().is_terminal() && terminal_size::terminal_size().is_some_and(|(_, height)| higher(height.0));
    let pager = high.then(|| words(std::env::var("PAGER").ok().as_deref())).flatten();
    if pager.is_some_and(|pager| page(text, &pager).is_ok()) {
        return Ok(());
    }
    output.writer().write_all(text)?;
    output.finish()
}

/// Program and arguments; `None` where the user wants no pager.
fn words(pager: Option<&str>) -> Option<Vec<String>> {
    let words: Vec<String> = pager.unwrap_or(USUAL).split_whitespace().map(str::to_owned).collect();
    words.first().is_some_and(|program| program != "cat").then_some(words)
}

fn page(text: &[u8], pager: &[String]) -> io::Result<()> {
    let (program, arguments) = pager.split_first().ok_or(io::ErrorKind::NotFound)?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        command.env("LESS", LESS);
    }
    let mut child = command.spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // Who leaves the pager early has seen enough.
        stdin.write_all(text).unwrap_or_default();
    }
    child.wait().map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_pager_is_taken_and_cat_is_none() {
        let of = |pager: Option<&str>| words(pager).map(|words| words.join("|"));
        assert_eq!(of(None).as_deref(), Some("less"));
        assert_eq!(of(Some("most -w  +1")).as_deref(), Some("most|-w|+1"));
        assert_eq!([of(Some("cat")), of(Some("")), of(Some(" "))], [None, None, None]);
    }

    #[test]
    fn a_pager_that_is_not_there_is_told() {
        assert!(page(b"x", &["/nowhere/at/all".to_owned()]).is_err());
        assert!(page(b"x", &["true".to_owned()]).is_ok());
    }
}
