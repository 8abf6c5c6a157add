//! Columns of a terminal: how many a text takes, and cutting, padding and wrapping by them. Texts are escaped before.

use unicode_width::UnicodeWidthChar;

/// Columns of one character: 2 for most of China, Japan and Korea, 0 for combining marks and controls.
pub fn of_char(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// Columns of `text`.
pub fn of(text: &str) -> usize {
    text.chars().map(of_char).sum()
}

/// `text` in at most `columns`, its end replaced by `…` where it is longer.
pub fn fit(text: &str, columns: usize) -> String {
    if of(text) <= columns {
        return text.to_owned();
    }
    let (head, _) = split(text, columns.saturating_sub(1));
    let mark = if columns == 0 { "" } else { "…" };
    format!("{head}{mark}")
}

/// `text` in at most `columns`, its middle replaced by `…` where it is longer: for addresses and ids, whose ends tell most.
pub fn fit_middle(text: &str, columns: usize) -> String {
    if of(text) <= columns || columns < 5 {
        return fit(text, columns);
    }
    let keep = columns - 1;
    let (head, _) = split(text, keep.div_ceil(2));
    let mut tail = text;
    while of(tail) > keep / 2 {
        let mut chars = tail.chars();
        chars.next();
        tail = chars.as_str();
    }
    format!("{head}…{tail}")
}

/// `text` followed by spaces up to `columns`.
pub fn left(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(of(text))))
}

/// Spaces up to `columns`, then `text`.
pub fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(of(text))))
}

/// The longest beginning of `text` in at most `columns`, and the rest. Marks stay with their character.
pub fn split(text: &str, columns: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += of_char(c);
        if used > columns {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// `text` in lines, the first of at most `first` columns and the others of `rest`, broken at spaces; a word longer than a line is
/// broken anywhere. At least one line; runs of spaces are kept where the text fits on one.
pub fn wrap(text: &str, first: usize, rest: usize) -> Vec<String> {
    if of(text) <= first {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    let mut room = first;
    for mut word in text.split(' ').filter(|word| !word.is_empty()) {
        let gap = usize::from(lines.last().is_some_and(|line| !line.is_empty()));
        if gap + of(word) <= room {
            push_word(&mut lines, word, gap);
            room -= gap + of(word);
            continue;
        }
        if gap > 0 || of(word) <= rest {
            lines.push(String::new());
            room = rest;
        }
        while of(word) > room {
            let (head, tail) = split(word, room.max(2));
            push_word(&mut lines, head, 0);
            lines.push(String::new());
            (word, room) = (tail, rest.max(2));
        }
        push_word(&mut lines, word, 0);
        room -= of(word);
    }
    lines
}

/// `text` in lines of at most `columns`, broken at spaces only: for what is copied and pasted.
pub fn wrap_whole_words(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let used = lines.last().map_or(0, |line| of(line));
        if used > 0 && used + 1 + of(word) > columns {
            lines.push(String::new());
        }
        let gap = usize::from(lines.last().is_some_and(|line| !line.is_empty()));
        push_word(&mut lines, word, gap);
    }
    lines
}

fn push_word(lines: &mut [String], word: &str, gap: usize) {
    if let Some(line) = lines.last_mut() {
        line.push_str(&" ".repeat(gap));
        line.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn east_asian_letters_take_two_columns() {
        assert_eq!((of("李小龙"), of("abc"), of("e\u{301}")), (6, 3, 1));
        assert_eq!(left("李", 4), "李  ");
        assert_eq!(right("李", 4), "  李");
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        assert_eq!(fit("+15551234567", 8), "+155512…");
        assert_eq!(fit("李小龙", 4), "李…");
        assert_eq!(fit("ok", 0), "");
        assert_eq!(fit_middle("2001:db8:85a3::8a2e:370:7334", 12), "2001:d…:7334");
    }

    #[test]
    fn lines_break_at_spaces_and_inside_words_that_are_too_long() {
        assert_eq!(wrap("one two three", 8, 8), ["one two", "three"]);
        assert_eq!(wrap("a abcdefghij b", 4, 4), ["a", "abcd", "efgh", "ij b"]);
        assert_eq!(wrap("one two three", 3, 9), ["one", "two three"]);
        assert_eq!(wrap("three", 2, 9), ["", "three"]);
        assert_eq!(wrap("", 4, 4), [""]);
    }

    #[test]
    fn whole_words_are_never_broken() {
        assert_eq!(wrap_whole_words("a abcdefghij b c", 4), ["a", "abcdefghij", "b c"]);
    }
}
