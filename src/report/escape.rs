//! Captured text made safe to print: strangers write SIP, and a terminal obeys control sequences.

use super::width;
use std::borrow::Cow;
use std::fmt::Write;

/// Combining marks that may follow one character; more are written out, so that they cannot climb over other lines.
const MARKS: usize = 2;

/// `text` with everything that does not print shown as `\xNN` or `\u{NNNN}`: control characters (line ends and ESC included), C1,
/// bidirectional overrides and isolates, zero-width and other format characters, private use and noncharacters. What is left
/// prints on one line, in order, in the columns that [`width::of`] says. A backslash stays as it is.
pub fn escape(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut marks = MARKS;
    for c in text.chars() {
        let mark = width::of_char(c) == 0;
        marks = if mark { marks + 1 } else { 0 };
        if !prints(c) || marks > MARKS {
            // A mark needs a character before it to sit on; an escape is none.
            marks = MARKS;
            write_escape(&mut out, c);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// [`escape`] in at most `columns`, with `…` where `text` is longer: a stranger's header may be 64 KiB.
pub fn brief(text: &str, columns: usize) -> String {
    // An escape or character takes a column at least, so what is cut here cannot be part of the result.
    let end = text.char_indices().filter(|(_, c)| width::of_char(*c) > 0).nth(columns + 1).map_or(text.len(), |(at, _)| at);
    width::fit(&escape(text.get(..end).unwrap_or(text)), columns)
}

fn write_escape(out: &mut String, c: char) {
    let code = u32::from(c);
    let written = if code < 0x80 { write!(out, "\\x{code:02X}") } else { write!(out, "\\u{{{code:04X}}}") };
    written.expect("a String takes all text");
}

/// Whether `c` shows something of its own and changes nothing around it.
fn prints(c: char) -> bool {
    !c.is_control() && !formats(c) && !blank(c) && !private(c)
}

/// Characters that only change how others are shown (general category Cf, line and paragraph separators, variation selectors).
fn formats(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{600}'..='\u{605}' | '\u{61C}' | '\u{6DD}' | '\u{70F}' | '\u{890}'..='\u{891}' | '\u{8E2}' | '\u{180B}'..='\u{180F}'
        | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}' | '\u{110BD}' | '\u{110CD}' | '\u{13430}'..='\u{1345F}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Letters and symbols that show nothing.
fn blank(c: char) -> bool {
    matches!(c, '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{2800}' | '\u{3164}' | '\u{FFA0}')
}

/// Private use and noncharacters: every font shows something else.
fn private(c: char) -> bool {
    let code = u32::from(c);
    matches!(code, 0xE000..=0xF8FF | 0xFDD0..=0xFDEF | 0xF0000..) || code & 0xFFFE == 0xFFFE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_borrowed() {
        assert!(matches!(escape("sip:+15551234567@sbc.contoso.com \\x"), Cow::Borrowed(_)));
    }

    #[test]
    fn control_sequences_are_shown_not_obeyed() {
        assert_eq!(escape("\u{1b}[2J\r\n\u{7f}\t\0"), "\\x1B[2J\\x0D\\x0A\\x7F\\x09\\x00");
        assert_eq!(escape("\u{9b}31m"), "\\u{009B}31m");
    }

    #[test]
    fn overrides_isolates_and_zero_width_are_shown() {
        assert_eq!(escape("a\u{202e}b\u{2066}c\u{200b}d\u{feff}"), "a\\u{202E}b\\u{2066}c\\u{200B}d\\u{FEFF}");
        assert_eq!(escape("\u{e0041}\u{fe0f}\u{3164}\u{e000}\u{ffff}"), "\\u{E0041}\\u{FE0F}\\u{3164}\\u{E000}\\u{FFFF}");
    }

    #[test]
    fn names_of_the_world_stay_readable() {
        for name in ["Zoë Müller", "e\u{301}", "李小龙", "Мария", "שלום", "ราชา"] {
            assert_eq!(escape(name), name);
        }
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(brief("abcdef", 6), "abcdef");
        assert_eq!(brief("abcdefg", 6), "abcde…");
        assert_eq!(width::of(&brief(&"\u{1b}李\u{301}".repeat(100_000), 40)), 40);
    }

    #[test]
    fn a_tower_of_marks_is_cut_and_a_mark_needs_a_base() {
        assert_eq!(escape("a\u{301}\u{301}\u{301}"), "a\u{301}\u{301}\\u{0301}");
        assert_eq!(escape("\u{301}a"), "\\u{0301}a");
        assert_eq!(escape("\u{1b}\u{301}"), "\\x1B\\u{0301}");
    }
}
