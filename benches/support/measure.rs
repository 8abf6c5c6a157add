//! Runs a program as its user would and says how long it took and how much memory of its own it held.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often the memory of a running program is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// Wall time of one run. Fails with a line for the table: not installed, or how it ended and its first complaint.
pub fn seconds(command: &mut Command, scratch: &Path) -> Result<f64, String> {
    let clock = Instant::now();
    let mut child = spawn(command, scratch)?;
    let status = child.wait().map_err(|error| error.to_string())?;
    let seconds = clock.elapsed().as_secs_f64();
    check(status, scratch).map(|()| seconds)
}

/// Most anonymous memory that one run held, in bytes; nothing where /proc does not tell (not Linux).
/// Looking takes time from the program, so this run is not one to time.
pub fn peak_anonymous(command: &mut Command, scratch: &Path) -> Result<Option<u64>, String> {
    let mut child = spawn(command, scratch)?;
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

fn spawn(command: &mut Command, scratch: &Path) -> Result<Child, String> {
    let complaints = File::create(scratch.join("stderr")).map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(complaints).spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => "not installed".to_owned(),
        _ => error.to_string(),
    })
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
