//! Where a report goes: standard output, or a file that appears when the report is complete.
//!
//! `-o FILE` writes beside FILE and renames, so that a script that polls for it never reads half a report and an interrupted run
//! leaves the last one in place. What is no plain file (`/dev/stdout`, a FIFO) is written to as it is.

use super::args::Color;
use crate::error::Error;
use crate::report::terminal::{DEFAULT_WIDTH, MIN_WIDTH};
use anstream::{AutoStream, ColorChoice};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// An open place for a report.
pub struct Output {
    sink: Sink,
    color: bool,
    width: u16,
}

enum Sink {
    Stdout(BufWriter<AutoStream<io::Stdout>>),
    Direct(BufWriter<File>),
    Renamed(BufWriter<NamedTempFile>, PathBuf),
}

impl Output {
    /// Opens `path`, or standard output for none and `-`. Fails before anything is analysed when the place cannot be written to.
    pub fn open(path: Option<&Path>, color: Color) -> Result<Self, Error> {
        match path.filter(|path| *path != Path::new("-")) {
            None => Ok(Self::stdout(color)),
            Some(path) => {
                let sink = file(path).map_err(|cause| Error::Usage(format!("cannot write to '{}': {}", path.display(), reason(&cause))))?;
                Ok(Self { sink, color: color == Color::Always, width: DEFAULT_WIDTH })
            }
        }
    }

    /// Standard output; colours and width are those of its terminal.
    pub fn stdout(color: Color) -> Self {
        let stdout = io::stdout();
        let choice = match color {
            Color::Auto => AutoStream::choice(&stdout),
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let width = if stdout.is_terminal() { terminal_width() } else { DEFAULT_WIDTH };
        // What is written holds escape sequences only when they are wanted: pass everything through.
        let stream = AutoStream::always(stdout);
        Self { sink: Sink::Stdout(BufWriter::with_capacity(1 << 16, stream)), color: choice != ColorChoice::Never, width }
    }

    /// Write colours as escape sequences.
    pub fn color(&self) -> bool {
        self.color
    }

    /// Columns of a line: the terminal's, or 100 where there is none.
    pub fn width(&self) -> u16 {
        self.width
    }

    /// Where to write.
    pub fn writer(&mut self) -> &mut (dyn Write + Send) {
        match &mut self.sink {
            Sink::Stdout(to) => to,
            Sink::Direct(to) => to,
            Sink::Renamed(to, _) => to,
        }
    }

    /// Ends the report: everything is written, and a file has its name.
    pub fn finish(self) -> Result<(), Error> {
        match self.sink {
            Sink::Stdout(mut to) => to.flush()?,
            Sink::Direct(mut to) => to.flush()?,
            Sink::Renamed(to, path) => {
                let file = to.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.persist(&path).map_err(|cause| cause.error)?;
            }
        }
        Ok(())
    }
}

/// Why a place cannot be written to, and what to do. The temporary file beside it is no business of the user's.
fn reason(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => "no such folder: create it, or name another".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied: make it writable for this user, or name another".to_owned(),
        _ => cause.to_string(),
    }
}

fn file(path: &Path) -> io::Result<Sink> {
    let known = fs::metadata(path).ok();
    if known.as_ref().is_some_and(|meta| !meta.is_file()) {
        return Ok(Sink::Direct(BufWriter::new(OpenOptions::new().write(true).open(path)?)));
    }
    // A link is followed, not replaced.
    let path = if known.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
    if path.file_name().is_none() {
        return Err(io::Error::other("it has no file name"));
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = beside(directory)?;
    if let Some(meta) = known {
        // The rename keeps the mode of the file that it replaces, and a file that may not be written stays.
        OpenOptions::new().append(true).open(&path)?;
        file.as_file().set_permissions(meta.permissions())?;
    }
    Ok(Sink::Renamed(BufWriter::with_capacity(1 << 16, file), path))
}

/// A temporary file with the mode that any new file has.
#[cfg(unix)]
fn beside(directory: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().prefix(".callpath-").permissions(fs::Permissions::from_mode(0o666)).tempfile_in(directory)
}

#[cfg(not(unix))]
fn beside(directory: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".callpath-").tempfile_in(directory)
}

fn terminal_width() -> u16 {
    terminal_size::terminal_size().map_or(DEFAULT_WIDTH, |(width, _)| width.0.max(MIN_WIDTH))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, text: &str) -> Result<(), Error> {
        let mut output = Output::open(Some(path), Color::Auto)?;
        output.writer().write_all(text.as_bytes())?;
        output.finish()
    }

    #[test]
    fn a_file_keeps_its_old_report_until_the_new_one_is_complete() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.json");
        write(&path, "old").unwrap();
        let mut output = Output::open(Some(&path), Color::Auto).unwrap();
        output.writer().write_all(b"half").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        drop(output);
        assert_eq!(fs::read_to_string(&path).unwrap(), "old");
        write(&path, "new").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_is_no_plain_file_is_written_to_as_it_is() {
        write(Path::new("/dev/null"), "x").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_and_the_mode_kept() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("real"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write(&link, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_place_that_cannot_be_written_is_a_usage_error() {
        let error = write(Path::new("/nowhere/at/all/report.json"), "").unwrap_err();
        assert!(matches!(&error, Error::Usage(text) if text.starts_with("cannot write to '/nowhere/at/all/report.json': ")), "{error}");
    }
}
