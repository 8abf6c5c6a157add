//! Runs a program as its user would and says how long it took and how much memory of its own it held.

use std::fs::{self, File};
use std::io::{self, PipeWriter, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

/// How often the memory of a running program is looked at.
const LOOK: Duration = Duration::from_millis(2);
/// After so long a program is stopped: peers may never come to an end.
const PATIENCE: Duration = Duration::from_secs(300);
/// Size of a pipe, and bytes written to it at a time.
const PIPE: usize = 1 << 20;

/// What a program finds at its standard input.
#[derive(Clone, Copy)]
pub enum Feed<'a> {
    /// Nothing.
    Nothing,
    /// A pipe of 1 MiB through which this file comes.
    Pipe(&'a Path),
}

/// Wall times of several runs.
#[derive(Clone, Copy)]
pub struct Times {
    /// The fastest: what slows a run down is the machine, never the program.
    pub best: f64,
    /// The one in the middle.
    pub median: f64,
}

/// Most anonymous memory in bytes, of two runs; nothing where /proc does not tell (not Linux).
#[derive(Clone, Copy, Default)]
pub struct Memory {
    /// With a report that is spooled, up to 64 MiB of each section in memory.
    pub peak: Option<u64>,
    /// With a report that is too short to matter: what the analysis holds.
    pub state: Option<u64>,
}

impl Memory {
    /// Both in MB, for a table.
    pub fn cells(self) -> String {
        let cell = |bytes: Option<u64>| bytes.map_or("-".to_owned(), |bytes| format!("{:.1}", bytes as f64 / 1e6));
        format!("{} | {}", cell(self.peak), cell(self.state))
    }
}

impl Times {
    /// Those of a single run, or of something that is no run.
    pub fn once(seconds: f64) -> Self {
        Self { best: seconds, median: seconds }
    }
}

/// Times `runs` runs. Fails with a line for the table: not installed, or how it ended and its first complaint.
pub fn times(runs: u32, scratch: &Path, feed: Feed<'_>, command: impl Fn() -> Command) -> Result<Times, String> {
    let mut all = Vec::new();
    for _ in 0..runs {
        all.push(seconds(&mut command(), feed, scratch)?);
    }
    all.sort_by(f64::total_cmp);
    Ok(Times { best: all[0], median: all[all.len() / 2] })
}

fn seconds(command: &mut Command, feed: Feed<'_>, scratch: &Path) -> Result<f64, String> {
    let clock = Instant::now();
    let mut child = spawn(command, feed, scratch)?;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if clock.elapsed() > PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("stopped after {} s", PATIENCE.as_secs()));
            }
            // Looking often would take time from a long run, looking seldom would add to a short one.
            Ok(None) => sleep((clock.elapsed() / 200).clamp(Duration::from_micros(50), LOOK)),
            Err(error) => return Err(error.to_string()),
        }
    };
    let seconds = clock.elapsed().as_secs_f64();
    check(status, scratch).map(|()| seconds)
}

/// Most anonymous memory that one run held, in bytes; nothing where /proc does not tell (not Linux).
/// Looking takes time from the program, so this run is not one to time.
pub fn peak_anonymous(command: &mut Command, feed: Feed<'_>, scratch: &Path) -> Result<Option<u64>, String> {
    let mut child = spawn(command, feed, scratch)?;
    let mut peak = None;
    let status = loop {
        peak = peak.max(anonymous(child.id()));
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => sleep(LOOK),
            Err(error) => return Err(error.to_string()),
        }
    };
    check(status, scratch).map(|()| peak)
}

fn spawn(command: &mut Command, feed: Feed<'_>, scratch: &Path) -> Result<Child, String> {
    let complaints = File::create(scratch.join("stderr")).map_err(|error| error.to_string())?;
    command.stdout(Stdio::null()).stderr(complaints).stdin(Stdio::null());
    let pump = match feed {
        Feed::Nothing => None,
        Feed::Pipe(path) => {
            let (reader, writer) = io::pipe().map_err(|error| error.to_string())?;
            widen(&writer);
            command.stdin(reader);
            Some((File::open(path).map_err(|error| error.to_string())?, writer))
        }
    };
    let child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "not installed".to_owned(),
        _ => error.to_string(),
    })?;
    // The reader's end that was handed on must not stay open here, or nobody would notice when the program ends early.
    command.stdin(Stdio::null());
    if let Some((file, writer)) = pump {
        thread::spawn(move || pour(file, writer));
    }
    Ok(child)
}

/// A pipe of 64 KiB would measure the pipe.
fn widen(pipe: &PipeWriter) {
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(pipe, PIPE);
    #[cfg(not(target_os = "linux"))]
    let _ = pipe;
}

/// Writes the file to the pipe, until its end or until nobody reads any more.
fn pour(mut file: File, mut pipe: PipeWriter) {
    let mut piece = vec![0; PIPE];
    while let Ok(n @ 1..) = file.read(&mut piece) {
        if pipe.write_all(&piece[..n]).is_err() {
            return;
        }
    }
}

/// 1 is callpath's way to say that it found something; of other programs it is left to the caller to know.
fn check(status: ExitStatus, scratch: &Path) -> Result<(), String> {
    if matches!(status.code(), Some(0 | 1)) {
        return Ok(());
    }
    let text = fs::read(scratch.join("stderr")).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    Err(format!("failed, {status}: {}", text.lines().next().unwrap_or("without a word")))
}

/// `RssAnon` of a process in bytes (proc_pid_status(5)): pages of mapped captures are the page cache's, not the program's.
fn anonymous(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    kib.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}
