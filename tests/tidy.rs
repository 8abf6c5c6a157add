//! The shape of the repository, held by reading its text: the order of modules, who does I/O and who starts threads, files that
//! stay one idea, and a page, a file and a catalogue entry for each rule.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "support/skipped.rs"]
mod skipped;

#[path = "support/source.rs"]
mod source;
use source::{Source, is_name, line, lines_before_tests, places};

/// Lines before the tests of a file; more is the sign of a second idea.
const LONGEST: usize = 400;

/// What does I/O, and where it may stand.
const IO: [&str; 21] = [
    "std::fs",
    "fs::",
    "std::env",
    "env::",
    "std::process",
    "Command::new",
    "File::open",
    "File::create",
    "OpenOptions",
    "stdin(",
    "stdout(",
    "stderr(",
    "println!",
    "print!",
    "eprintln!",
    "eprint!",
    "dbg!",
    "tempfile",
    "memmap2",
    "TcpStream",
    "UdpSocket",
];
const DOES_IO: [&str; 5] = ["src/input", "src/report/spool", "src/report/sink", "src/audit", "src/cli"];

/// What starts threads. Compressed inputs are unpacked on a thread of their own, so `input` may; rayon is the engine's alone.
const THREADS: [&str; 3] = ["thread::spawn", "thread::scope", "thread::Builder"];
const RAYON: [&str; 4] = ["rayon", "par_iter", "into_par_iter", "ThreadPoolBuilder"];

#[test]
fn modules_name_only_modules_above_them() {
    let order = order(&read("src/lib.rs"));
    none(library().iter().flat_map(|file| out_of_order(&order, file)));
}

#[test]
fn files_name_a_module_in_one_use_line() {
    none(library().iter().flat_map(named_twice));
}

#[test]
fn files_open_by_saying_what_they_are_for() {
    none(sources(&["src", "tests", "benches", "fuzz"]).iter().flat_map(silent));
}

#[test]
fn files_hold_one_idea() {
    none(sources(&["src", "tests", "benches", "fuzz"]).iter().flat_map(too_long));
}

#[test]
fn only_input_sinks_audit_and_cli_do_io() {
    none(library().iter().flat_map(does_io));
}

#[test]
fn only_engine_starts_threads() {
    none(library().iter().flat_map(starts_threads));
}

#[test]
fn each_rule_has_a_page_and_each_page_a_rule() {
    none(unpaired(&pages(), &rule_files()));
}

#[test]
fn each_page_stands_in_the_catalogue() {
    match fs::read_to_string(root().join("../shared/rules/catalogue.toml")) {
        Ok(catalogue) => none(uncatalogued(&pages(), &catalogue)),
        Err(_) => skipped::skipped("tidy: pages against the catalogue", "no ../shared/rules/catalogue.toml"),
    }
}

/// The modules of `lib.rs` from top to bottom.
fn order(lib: &str) -> Vec<String> {
    let lines = lib.lines().filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod "));
    lines.filter_map(|rest| rest.strip_suffix(';')).map(str::to_owned).collect()
}

fn out_of_order(order: &[String], file: &Source) -> Vec<String> {
    let place = |name: &str| order.iter().position(|module| module == name);
    let Some(own) = file.module().and_then(place) else { return Vec::new() };
    let fault = |(line, name): (usize, String)| match place(&name) {
        _ if name == "{" => Some(format!("{}:{line}: write one `use crate::<module>` line for each module", file.path)),
        Some(other) if other > own => Some(format!("{}:{line}: {} names {name}, which stands below it in lib.rs", file.path, order[own])),
        _ => None,
    };
    roots(file).into_iter().filter_map(fault).collect()
}

/// Names that stand right under the crate's root in paths of the file, with their lines: after `crate::`, and after as many
/// `super::` as lead there.
fn roots(file: &Source) -> Vec<(usize, String)> {
    let code = file.code();
    let up = "super::".repeat(file.modules().len());
    let name = |token: &str, at: usize| {
        let rest = &code[at + token.len()..];
        let name: String = rest.chars().take_while(|&c| is_name(c)).collect();
        (line(&code, at), if rest.starts_with('{') { "{".to_owned() } else { name })
    };
    let macros = |at: &usize| !code[..*at].ends_with('$');
    let by_crate = places(&code, "crate::").filter(macros).map(|at| name("crate::", at));
    by_crate.chain(places(&code, &up).map(|at| name(&up, at))).collect()
}

fn named_twice(file: &Source) -> Vec<String> {
    let code = file.code();
    let mut seen = BTreeSet::new();
    let uses = places(&code, "use crate::").map(|at| (line(&code, at), &code[at + "use crate::".len()..]));
    let names = uses.map(|(line, rest)| (line, rest.chars().take_while(|&c| is_name(c)).collect::<String>()));
    let again = names.filter(|(_, name)| !name.is_empty() && !seen.insert(name.clone()));
    again.map(|(line, name)| format!("{}:{line}: a second `use crate::{name}`; put both in one", file.path)).collect()
}

fn silent(file: &Source) -> Option<String> {
    (!file.text.starts_with("//! ")).then(|| format!("{}:1: open with `//!` and what the file is for", file.path))
}

fn too_long(file: &Source) -> Option<String> {
    let lines = lines_before_tests(&file.text);
    (lines > LONGEST).then(|| format!("{}: {lines} lines before the tests; look for the second idea", file.path))
}

fn does_io(file: &Source) -> Vec<String> {
    let may = file.module().is_none() || DOES_IO.iter().any(|place| is_in(&file.path, place));
    if may { Vec::new() } else { named(file, &IO, "does I/O, which only input, report's sinks, audit and cli do") }
}

fn starts_threads(file: &Source) -> Vec<String> {
    if is_in(&file.path, "src/engine") {
        return Vec::new();
    }
    let mut faults = named(file, &RAYON, "is the engine's; it offers par_map");
    if !is_in(&file.path, "src/input") {
        faults.extend(named(file, &THREADS, "starts a thread, which only the engine does"));
    }
    faults
}

/// Whether the file is the module at `place` or a part of it.
fn is_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.starts_with(['/', '.']))
}

/// A fault for each token that the file names, in paths and in `use std::{…}` alike.
fn named(file: &Source, tokens: &[&str], why: &str) -> Vec<String> {
    let code = unfolded(&file.code());
    let each = |token: &&str| places(&code, token).map(|at| (line(&code, at), token.to_string())).collect::<Vec<_>>();
    tokens.iter().flat_map(each).map(|(line, token)| format!("{}:{line}: `{token}` {why}", file.path)).collect()
}

/// Puts the prefix of `use std::{fs, io}` before each name in the braces, so that a search finds `std::fs`.
fn unfolded(code: &str) -> String {
    let mut unfolded = String::new();
    let mut rest = code;
    while let Some(at) = rest.find("use std::{") {
        let (before, from) = rest.split_at(at + "use std::{".len());
        let (inside, after) = from.split_once(';').unwrap_or((from, ""));
        let names =
            inside.split_inclusive([',', '{']).map(|name| name.replacen(name.trim_start(), &format!("std::{}", name.trim_start()), 1));
        unfolded += before;
        unfolded.extend(names);
        unfolded.push(';');
        rest = after;
    }
    unfolded + rest
}

/// Pages without a rule's file and files without a page. Both are given as family/name.
fn unpaired(pages: &BTreeSet<String>, files: &BTreeSet<String>) -> Vec<String> {
    let wanted: BTreeSet<String> = pages.iter().map(|page| page.to_lowercase().replace('-', "_")).collect();
    let missing = wanted.difference(files).map(|file| format!("src/rules/{file}.rs is missing: its page is there"));
    let silent = files.difference(&wanted).map(|file| format!("src/rules/{file}.rs has no page of its name in rules/"));
    missing.chain(silent).collect()
}

fn uncatalogued(pages: &BTreeSet<String>, catalogue: &str) -> Vec<String> {
    let ids: BTreeSet<&str> = catalogue.lines().filter_map(|line| line.strip_prefix("id = \"")?.strip_suffix('"')).collect();
    let known = |page: &&String| page.split_once('/').is_some_and(|(_, id)| ids.contains(id));
    pages.iter().filter(|page| !known(page)).map(|page| format!("rules/{page}.md is not in the catalogue")).collect()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Files of the library that are compiled outside tests.
fn library() -> Vec<Source> {
    let all = sources(&["src"]);
    let tests: BTreeSet<String> = all.iter().flat_map(Source::test_files).collect();
    let library: Vec<Source> = all.into_iter().filter(|file| !tests.iter().any(|test| file.path.starts_with(test))).collect();
    assert!(library.iter().any(|file| file.path == "src/lib.rs"), "the library was not found");
    library
}

fn sources(folders: &[&str]) -> Vec<Source> {
    let paths = folders.iter().flat_map(|folder| files(Path::new(folder), "rs"));
    paths.map(|path| Source { text: read(&path), path }).collect()
}

/// Rule files are those named for an id; what several rules of a family share has another name.
fn rule_files() -> BTreeSet<String> {
    let is_rule = |name: &&str| {
        name.split_once('/').is_some_and(|(_, stem)| stem.split('_').next().is_some_and(|id| id.ends_with(|c: char| c.is_ascii_digit())))
    };
    families("src/rules", "rs").iter().map(String::as_str).filter(is_rule).map(str::to_owned).collect()
}

fn pages() -> BTreeSet<String> {
    families("rules", "md").into_iter().filter(|page| !page.ends_with("/README")).collect()
}

/// Files two levels below `folder`, as family/name.
fn families(folder: &str, ext: &str) -> Vec<String> {
    let inner = |path: String| path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(&format!(".{ext}")).map(str::to_owned);
    files(Path::new(folder), ext).into_iter().filter_map(inner).filter(|name| name.matches('/').count() == 1).collect()
}

/// Files below a folder of the repository, sorted; none where the folder is missing.
fn files(folder: &Path, ext: &str) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root().join(folder)) else { return Vec::new() };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.expect("a readable folder");
        let path = folder.join(entry.file_name());
        if entry.file_type().expect("a file's type").is_dir() {
            if path.file_name().is_some_and(|name| name != "target") {
                files.extend(self::files(&path, ext));
            }
        } else if path.extension().is_some_and(|found| found == ext) {
            files.push(path.to_str().expect("names in UTF-8").replace('\\', "/"));
        }
    }
    files.sort();
    files
}

fn none(faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> Source {
        Source { path: path.to_owned(), text: text.to_owned() }
    }

    fn n_out_of_order(path: &str, text: &str) -> usize {
        out_of_order(&order("pub mod error;\n\npub mod flow;\n\nmod call;\n"), &file(path, text)).len()
    }

    #[test]
    fn a_module_may_name_itself_and_those_above() {
        assert_eq!(n_out_of_order("src/flow/tcp.rs", "use crate::error::Error;\nuse crate::flow::Dir;\nuse super::tls;\n"), 0);
        assert_eq!(n_out_of_order("src/call.rs", "fn f() { crate::flow::f() }"), 0);
    }

    #[test]
    fn a_module_below_is_seen_in_any_kind_of_path() {
        assert_eq!(n_out_of_order("src/flow/tcp.rs", "use crate::call::Leg;"), 1);
        assert_eq!(n_out_of_order("src/flow/mod.rs", "fn f() { let leg: crate::call::Leg; }"), 1);
        assert_eq!(n_out_of_order("src/flow/tcp.rs", "use super::super::call::Leg;"), 1);
        assert_eq!(n_out_of_order("src/flow.rs", "use super::call;"), 1);
        assert_eq!(n_out_of_order("src/flow.rs", "use crate::{call, error};"), 1);
        assert_eq!(n_out_of_order("src/flow.rs", "const URL: &str = \"http://x\"; use crate::call::Leg;"), 1);
    }

    #[test]
    fn comments_literals_tests_and_macros_may_name_any_module() {
        let text = "//! [`crate::call::Leg`]\n/* crate::call /* crate::call */ */\nconst A: &str = \"crate::call\\\" crate::call\";\n\
                    const B: &str = r#\"\"crate::call\"#;\nconst C: (char, char) = ('\"', '\\'');\nmacro_rules! m { () => { $crate::call::f() } }\n\
                    #[cfg(test)]\nmod tests {\n    use crate::call::Leg;\n    fn f() {}\n}\n";
        assert_eq!(n_out_of_order("src/flow.rs", text), 0);
        assert_eq!(n_out_of_order("src/flow.rs", &format!("{text}use crate::call::Leg;\n")), 1);
    }

    #[test]
    fn a_second_use_line_of_a_module_is_a_fault() {
        assert_eq!(named_twice(&file("src/a.rs", "use crate::x::A;\npub use crate::x::B;\n")).len(), 1);
        assert_eq!(named_twice(&file("src/a.rs", "use crate::x::{A, B};\nuse crate::y;\n")).len(), 0);
    }

    #[test]
    fn a_file_without_a_purpose_is_a_fault() {
        assert!(silent(&file("src/a.rs", "use std::fmt;\n//! late\n")).is_some());
        assert!(silent(&file("src/a.rs", "//! Says it.\n")).is_none());
    }

    #[test]
    fn lines_count_up_to_the_tests() {
        let long = "//! Long.\n".to_owned() + &"fn f() {}\n".repeat(400);
        assert!(too_long(&file("src/a.rs", &long)).is_some());
        let tested = "//! Short.\n#[cfg(test)]\nmod tests {\n".to_owned() + &"fn f() {}\n".repeat(400) + "}\n";
        assert!(too_long(&file("src/a.rs", &tested)).is_none());
    }

    #[test]
    fn io_is_seen_where_it_must_not_be() {
        for text in [
            "use std::fs;",
            "use std::{fmt, fs};",
            "use std::{\n    collections::HashMap,\n    env,\n};",
            "fn f() { println!(\"\") }",
            "fn f() { std::io::stdout().lock(); }",
            "fn f() { File::open(p) }",
            "fn f() { std::process::exit(1) }",
        ] {
            assert_ne!(does_io(&file("src/rules/mod.rs", text)).len(), 0, "{text}");
            assert_ne!(does_io(&file("src/report/json.rs", text)).len(), 0, "{text}");
            assert_ne!(does_io(&file("src/inputs.rs", text)).len(), 0, "{text}");
        }
        for path in ["src/input/mmap.rs", "src/cli/mod.rs", "src/report/sink.rs", "src/report/spool/mod.rs", "src/audit.rs", "src/main.rs"]
        {
            assert_eq!(does_io(&file(path, "use std::fs;")).len(), 0, "{path}");
        }
    }

    #[test]
    fn writing_to_what_one_is_given_is_no_io() {
        let text = "use std::{fmt, io::Write};\nfn f(out: &mut dyn Write, offs: usize) { writeln!(out, \"{}\", env!(\"CARGO_PKG_NAME\")) }\n\
                    // println! here is a word\nconst FS: &str = \"std::fs\";\n";
        assert_eq!(does_io(&file("src/report/json.rs", text)), Vec::<String>::new());
    }

    #[test]
    fn threads_and_rayon_are_seen_outside_the_engine() {
        assert_eq!(starts_threads(&file("src/call/mod.rs", "use rayon::prelude::*;")).len(), 1);
        assert_eq!(starts_threads(&file("src/call/mod.rs", "fn f() { std::thread::spawn(g); }")).len(), 1);
        assert_eq!(starts_threads(&file("src/input/stream.rs", "fn f() { std::thread::spawn(g); }")).len(), 0);
        assert_eq!(starts_threads(&file("src/input/stream.rs", "use rayon::scope;")).len(), 1);
        assert_eq!(starts_threads(&file("src/engine/par.rs", "use rayon::prelude::*;")).len(), 0);
    }

    #[test]
    fn a_page_and_a_rule_belong_together() {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
        assert_eq!(unpaired(&set(&["identity/DR001-contact-ip"]), &set(&["identity/dr001_contact_ip"])).len(), 0);
        assert_eq!(unpaired(&set(&["identity/DR001-contact-ip"]), &set(&[])).len(), 1);
        assert_eq!(unpaired(&set(&[]), &set(&["identity/dr001_contact_ip"])).len(), 1);
        assert_eq!(unpaired(&set(&["identity/DR001-contact-ip"]), &set(&["media/dr001_contact_ip"])).len(), 2);
    }

    #[test]
    fn a_page_of_no_catalogue_entry_is_a_fault() {
        let pages = BTreeSet::from(["identity/DR001-contact-ip".to_owned(), "identity/DR001-contact-up".to_owned()]);
        assert_eq!(
            uncatalogued(&pages, "[[rule]]\nid = \"DR001-contact-ip\"\n"),
            ["rules/identity/DR001-contact-up.md is not in the catalogue"]
        );
    }

    #[test]
    fn test_files_are_found_by_their_parents() {
        let files = file("src/call/mod.rs", "mod leg;\n#[cfg(test)]\nmod scenes;\n").test_files();
        assert_eq!(files, ["src/call/scenes.rs", "src/call/scenes/"]);
    }
}
