//! From the paths of the command line to inputs: files, directories, globs and standard input, in the order that numbers them.

use super::magic::{Compression, Format, MAGIC_LEN, not_a_capture};
use super::natural;
use super::open::{cannot_open, first_bytes};
use crate::error::{Error, Problem};
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Skipped files that a note names.
const NAMED_IN_NOTE: usize = 3;

/// The inputs of a run and what is to be said of how they were found.
#[derive(Debug, Default)]
pub struct Discovery {
    /// In the order given; a directory's or glob's files in natural order. The index here is the input's number.
    pub inputs: Vec<Found>,
    /// Skipped files, repeated names; lower case, no final stop.
    pub notes: Vec<String>,
}

/// One input.
#[derive(Debug, Clone)]
pub struct Found {
    /// As the user named it, or the path that a directory or glob led to.
    pub path: String,
    /// Where its bytes come from.
    pub origin: Origin,
}

/// Where the bytes of an input come from.
#[derive(Debug, Clone)]
pub enum Origin {
    /// Standard input.
    Stdin,
    /// A named pipe or device: can be read once.
    Pipe(PathBuf),
    /// A regular file that begins as a capture does.
    File {
        /// Where it lies.
        path: PathBuf,
        /// Its size in bytes, packed where it is packed.
        size: u64,
        /// By magic bytes.
        compression: Option<Compression>,
        /// By magic bytes, below the compression.
        format: Format,
    },
    /// Nothing can be read: missing, no capture, no permission.
    Unreadable(Problem),
}

/// Finds the inputs that `paths` name. What is missing or no capture becomes an input with a problem, so that the others are
/// read all the same. Fails (exit 2) without paths, and when standard input is named twice or is a terminal.
pub fn discover(paths: &[String]) -> Result<Discovery, Error> {
    if paths.is_empty() {
        return Err(Error::Usage("name a capture file, a directory, a glob, or - for standard input".to_owned()));
    }
    let mut search = Search::default();
    for path in paths {
        search.argument(path)?;
    }
    Ok(search.found)
}

#[derive(Default)]
struct Search {
    found: Discovery,
    seen: BTreeSet<PathBuf>,
    stdin: bool,
}

impl Search {
    fn argument(&mut self, path: &str) -> Result<(), Error> {
        if path == "-" {
            return self.stdin();
        }
        match std::fs::metadata(path) {
            Ok(about) if about.is_dir() => self.directory(path),
            Ok(about) if about.is_file() => self.named(path),
            Ok(_) => self.add(path, Origin::Pipe(path.into())),
            Err(_) if path.contains(['*', '?', '[']) => self.glob(path),
            Err(error) => self.add(path, Origin::Unreadable(cannot_open(&error))),
        }
        Ok(())
    }

    fn stdin(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.stdin, true) {
            return Err(Error::Usage("standard input (-) can be read once: name it once".to_owned()));
        }
        if std::io::stdin().is_terminal() {
            return Err(Error::Usage("standard input is a terminal: pipe a capture into it, or name a file".to_owned()));
        }
        self.add("-", Origin::Stdin);
        Ok(())
    }

    fn named(&mut self, path: &str) {
        if self.is_new(Path::new(path)) {
            let origin = match look(Path::new(path)) {
                Look::Capture(origin) => origin,
                Look::Suspect(problem) | Look::Other(problem) => Origin::Unreadable(problem),
            };
            self.add(path, origin);
        }
    }

    fn directory(&mut self, path: &str) {
        let mut files = Vec::new();
        self.collect(Path::new(path), &mut files);
        self.sift(path, files, "the directory holds no capture: name one that does");
    }

    fn glob(&mut self, pattern: &str) {
        let matches = match glob::glob(pattern) {
            Ok(matches) => matches,
            Err(error) => {
                let text = format!("not a glob ({error}): quote or correct it");
                return self.add(pattern, Origin::Unreadable(Problem { offset: 0, text }));
            }
        };
        let mut files = Vec::new();
        for found in matches {
            let path = match found {
                Ok(path) => path,
                Err(error) => {
                    self.add(&error.path().display().to_string(), Origin::Unreadable(cannot_open(error.error())));
                    continue;
                }
            };
            if path.is_dir() {
                self.collect(&path, &mut files);
            } else if path.is_file() {
                files.push(path);
            }
        }
        self.sift(pattern, files, "the glob matches no capture: check the pattern");
    }

    /// All regular files below a directory. Links to files are followed, links to directories are not: they may lead in circles.
    fn collect(&mut self, folder: &Path, files: &mut Vec<PathBuf>) {
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => return self.add(&folder.display().to_string(), Origin::Unreadable(cannot_open(&error))),
        };
        for entry in entries.filter_map(Result::ok) {
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.collect(&path, files),
                Ok(_) if path.is_file() => files.push(path),
                _ => {}
            }
        }
    }

    /// Keeps the captures among `files`, in natural order, and notes what is none.
    fn sift(&mut self, what: &str, mut files: Vec<PathBuf>, none_left: &str) {
        files.sort_by(|a, b| natural::by_path(a, b));
        let before = self.found.inputs.len();
        let mut skipped = Vec::new();
        let mut repeated = false;
        for file in files {
            let shown = file.display().to_string();
            if !self.is_new(&file) {
                repeated = true;
                continue;
            }
            match look(&file) {
                Look::Capture(origin) => self.add(&shown, origin),
                Look::Suspect(problem) => self.add(&shown, Origin::Unreadable(problem)),
                Look::Other(_) => skipped.push(shown),
            }
        }
        if !skipped.is_empty() {
            self.found.notes.push(skipped_note(what, &skipped));
        }
        if self.found.inputs.len() == before && !repeated {
            self.add(what, Origin::Unreadable(Problem { offset: 0, text: none_left.to_owned() }));
        }
    }

    /// False, with a note, for a file that is an input already: reading it twice would double every packet.
    fn is_new(&mut self, path: &Path) -> bool {
        let Ok(real) = path.canonicalize() else { return true };
        let new = self.seen.insert(real);
        if !new {
            self.found.notes.push(format!("'{}' is named more than once: it is read once", path.display()));
        }
        new
    }

    fn add(&mut self, path: &str, origin: Origin) {
        self.found.inputs.push(Found { path: path.to_owned(), origin });
    }
}

fn skipped_note(what: &str, skipped: &[String]) -> String {
    let named: Vec<String> = skipped.iter().take(NAMED_IN_NOTE).map(|path| format!("'{path}'")).collect();
    let more = if skipped.len() > NAMED_IN_NOTE { " …" } else { "" };
    let (n, files) = (skipped.len(), if skipped.len() == 1 { "file" } else { "files" });
    format!("'{what}': skipped {n} {files} that are no capture: {}{more}", named.join(", "))
}

enum Look {
    Capture(Origin),
    /// Not readable as a capture, but likely meant as one: a problem even inside a directory.
    Suspect(Problem),
    Other(Problem),
}

fn look(path: &Path) -> Look {
    let (first, compression) = match first_bytes(path, MAGIC_LEN) {
        Ok(first) => first,
        Err(error) => return Look::Suspect(cannot_open(&error)),
    };
    if let Some(format) = Format::of(&first) {
        let size = std::fs::metadata(path).map_or(0, |about| about.len());
        return Look::Capture(Origin::File { path: path.to_owned(), size, compression, format });
    }
    let text = match compression {
        Some(unread) if !unread.is_read() => unread.refusal(),
        Some(packed) => format!("{}-compressed, and no capture inside: unpack it to see what it is", packed.name()),
        None => not_a_capture(&first),
    };
    let problem = Problem { offset: 0, text };
    if compression.is_some() && is_named_as_capture(path) { Look::Suspect(problem) } else { Look::Other(problem) }
}

/// `call.pcap.bz2`: what is inside cannot be seen, and leaving it out silently would look like "clean".
fn is_named_as_capture(path: &Path) -> bool {
    let inner = path.file_stem().map(Path::new).and_then(Path::extension);
    inner.is_some_and(|ext| ["pcap", "pcapng", "cap", "dmp"].iter().any(|known| ext.eq_ignore_ascii_case(known)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{create_dir_all, write};

    const PCAP: &[u8] = b"\xd4\xc3\xb2\xa1\x02\0\x04\0\0\0\0\0\0\0\0\0\0\0\x04\0\x01\0\0\0";

    fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            create_dir_all(path.parent().unwrap()).unwrap();
            write(path, bytes).unwrap();
        }
        folder
    }

    fn paths_below(folder: &tempfile::TempDir, found: &Discovery) -> Vec<(String, bool)> {
        let root = format!("{}/", folder.path().display());
        let good = |found: &Found| matches!(found.origin, Origin::File { .. });
        found.inputs.iter().map(|f| (f.path.strip_prefix(&root).unwrap_or("").to_owned(), good(f))).collect()
    }

    fn search(folder: &tempfile::TempDir, below: &[&str]) -> Discovery {
        let paths: Vec<String> = below.iter().map(|p| folder.path().join(p).display().to_string()).collect();
        discover(&paths).unwrap()
    }

    #[test]
    fn a_directory_is_read_in_natural_order_and_what_is_no_capture_is_noted() {
        let here = folder(&[
            ("cap10.pcap", PCAP),
            ("cap2.pcap", PCAP),
            ("cap2.d/x", PCAP),
            ("notes.txt", b"text"),
            ("empty.pcap", b""),
            ("old.pcap.bz2", b"BZh91AY"),
            ("log.gz", b"\x1f\x8b\x08\0broken"),
        ]);
        let found = search(&here, &[""]);
        let want = [("cap2.d/x", true), ("cap2.pcap", true), ("cap10.pcap", true), ("old.pcap.bz2", false)];
        assert_eq!(paths_below(&here, &found), want.map(|(path, good)| (path.to_owned(), good)));
        assert_eq!(found.notes.len(), 1);
        assert!(found.notes[0].contains("skipped 3 files"), "{}", found.notes[0]);
    }

    #[test]
    fn a_missing_or_wrong_named_file_is_a_problem_and_the_others_go_on() {
        let here = folder(&[("a.pcap", PCAP), ("b.txt", b"hello world")]);
        let found = search(&here, &["gone.pcap", "b.txt", "a.pcap"]);
        assert_eq!(paths_below(&here, &found).iter().map(|(_, good)| *good).collect::<Vec<_>>(), [false, false, true]);
        let Origin::Unreadable(problem) = &found.inputs[1].origin else { panic!() };
        assert!(problem.text.contains("begins with 'hell'"));
    }

    #[test]
    fn a_directory_or_glob_without_captures_is_a_problem() {
        let here = folder(&[("b.txt", b"hello"), ("sub/c.txt", b"x")]);
        for path in ["sub", "*.pcap", "*.txt", "[", "**/*.pcapng"] {
            let found = search(&here, &[path]);
            assert_eq!(paths_below(&here, &found), [(path.to_owned(), false)]);
        }
    }

    #[test]
    fn a_glob_matches_in_natural_order_and_a_literal_name_comes_first() {
        let here = folder(&[("c10.pcap", PCAP), ("c9.pcap", PCAP), ("d[1].pcap", PCAP)]);
        assert_eq!(paths_below(&here, &search(&here, &["c*.pcap"])), [("c9.pcap".to_owned(), true), ("c10.pcap".to_owned(), true)]);
        assert_eq!(paths_below(&here, &search(&here, &["d[1].pcap"])), [("d[1].pcap".to_owned(), true)]);
    }

    #[test]
    fn a_file_named_twice_is_read_once() {
        let here = folder(&[("a.pcap", PCAP)]);
        let found = search(&here, &["a.pcap", "", "a.pcap"]);
        assert_eq!(found.inputs.len(), 1);
        assert_eq!(found.notes.len(), 2);
    }

    #[test]
    fn a_packed_capture_is_found_by_its_magic() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(PCAP).unwrap();
        let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
        lz4.write_all(PCAP).unwrap();
        let mut xz = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1)).unwrap();
        xz.write_all(PCAP).unwrap();
        let packed = [gzip.finish().unwrap(), lz4.finish().unwrap(), xz.finish().unwrap()];
        let here = folder(&[("1.bin", &packed[0]), ("2.bin", &packed[1]), ("3.bin", &packed[2])]);
        let expected = [Compression::Gzip, Compression::Lz4, Compression::Xz].map(Some);
        for below in [&["1.bin", "2.bin", "3.bin"][..], &[""], &["*.bin"]] {
            let found = search(&here, below).inputs.into_iter().map(|found| match found.origin {
                Origin::File { compression, format: Format::Pcap, .. } => compression,
                other => panic!("{other:?}"),
            });
            assert_eq!(found.collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn no_path_is_a_usage_error() {
        assert!(matches!(discover(&[]), Err(Error::Usage(_))));
    }
}
