//! Rust source as the tidy tests read it: without comments, literals and test modules.

/// One file of the repository.
pub struct Source {
    /// From the repository's root, with `/`.
    pub path: String,
    /// All of it.
    pub text: String,
}

impl Source {
    /// What is compiled outside tests. Literals are blank and lines keep their numbers.
    pub fn code(&self) -> String {
        without_tests(&without_words(&self.text))
    }

    /// The module of `lib.rs` that the file belongs to; nothing for `lib.rs`, `main.rs` and files outside `src`.
    pub fn module(&self) -> Option<&str> {
        self.modules().first().copied()
    }

    /// The file's own path in the crate: `src/a/b.rs` and `src/a/b/mod.rs` are both a, b.
    pub fn modules(&self) -> Vec<&str> {
        let Some(inner) = self.path.strip_prefix("src/").and_then(|path| path.strip_suffix(".rs")) else { return Vec::new() };
        if matches!(inner, "lib" | "main") {
            return Vec::new();
        }
        inner.strip_suffix("/mod").unwrap_or(inner).split('/').collect()
    }

    /// Files and folders that `#[cfg(test)] mod name;` in this one turns into tests.
    pub fn test_files(&self) -> Vec<String> {
        let folder = match self.path.strip_suffix("mod.rs").or(self.path.strip_suffix("lib.rs")).or(self.path.strip_suffix("main.rs")) {
            Some(folder) => folder.to_owned(),
            None => format!("{}/", self.path.trim_end_matches(".rs")),
        };
        let code = without_words(&self.text);
        let lines: Vec<&str> = code.lines().map(str::trim).collect();
        let pairs = lines.windows(2).filter(|pair| pair[0] == TEST);
        let names = pairs.filter_map(|pair| pair[1].split_once("mod ")?.1.strip_suffix(';'));
        names.flat_map(|name| [format!("{folder}{name}.rs"), format!("{folder}{name}/")]).collect()
    }
}

const TEST: &str = "#[cfg(test)]";

/// Lines before the first test module; all of them where there is none.
pub fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.windows(2).position(opens_tests).unwrap_or(lines.len())
}

fn opens_tests(pair: &[&str]) -> bool {
    pair[0] == TEST && (pair[1].starts_with("mod ") || pair[1].contains(" mod ") && pair[1].starts_with("pub"))
}

/// Blanks `#[cfg(test)] mod … { … }`, brace for brace.
fn without_tests(code: &str) -> String {
    let lines: Vec<&str> = code.lines().collect();
    let (mut kept, mut depth, mut inside) = (String::new(), 0_usize, false);
    for (i, line) in lines.iter().enumerate() {
        let next = lines.get(i + 1).map_or("", |next| next.trim());
        let opens = !inside && opens_tests(&[line.trim(), next]) && next.ends_with('{');
        if opens {
            (inside, depth) = (true, 0);
        }
        if !inside {
            kept.push_str(line);
        }
        kept.push('\n');
        if inside && !opens {
            depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
            inside = depth > 0;
        }
    }
    kept
}

/// Blanks comments and the inside of literals.
fn without_words(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = word_end(&chars, at);
        if end == at {
            code.push(chars[at]);
            at += 1;
        } else {
            code.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    code
}

/// Where the comment or literal ends that begins at `at`; `at` itself when none does.
fn word_end(chars: &[char], at: usize) -> usize {
    let peek = |n: usize| chars.get(at + n).copied().unwrap_or(' ');
    let from = |start: usize, what: &[char]| {
        chars[start.min(chars.len())..].windows(what.len()).position(|w| w == what).map_or(chars.len(), |n| start + n + what.len())
    };
    let starts_word = at == 0 || !is_name(chars[at - 1]) || chars[at - 1] == 'b' && (at == 1 || !is_name(chars[at - 2]));
    match (peek(0), peek(1)) {
        ('/', '/') => from(at, &['\n']) - usize::from(chars[at..].contains(&'\n')),
        ('/', '*') => block_end(chars, at),
        ('"', _) => quoted_end(chars, at + 1),
        ('r', '"' | '#') if starts_word => {
            let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
            match peek(1 + hashes) {
                '"' => from(at + 2 + hashes, &[&['"'][..], &vec!['#'; hashes]].concat()),
                _ => at, // a raw identifier
            }
        }
        ('\'', '\\') => from(at + 3, &['\'']),
        ('\'', _) if peek(2) == '\'' => at + 3,
        _ => at, // a lifetime, or code
    }
}

fn quoted_end(chars: &[char], mut at: usize) -> usize {
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn block_end(chars: &[char], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0);
    while at < chars.len() {
        match (chars[at], chars.get(at + 1)) {
            ('/', Some('*')) => (at, depth) = (at + 2, depth + 1),
            ('*', Some('/')) => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

/// Whether `c` can stand in a name.
pub fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Byte offsets where `token` stands in `code` as words of its own.
pub fn places<'a>(code: &'a str, token: &'a str) -> impl Iterator<Item = usize> + 'a {
    let own = move |at: &usize| {
        let before = code[..*at].chars().next_back().is_none_or(|c| !is_name(c));
        let open = !token.ends_with(is_name); // "env::" may be followed by a name, "rayon" may not
        before && (open || code[at + token.len()..].chars().next().is_none_or(|c| !is_name(c)))
    };
    code.match_indices(token).map(|(at, _)| at).filter(own)
}

/// The line of a byte offset, from 1.
pub fn line(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}
