//! `scripts/setup.sh` on machines that lack something, played by stand-ins for the commands that it calls.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A machine with only the commands given as (name, body in sh). Every stand-in can note its call with `"$note"` and its arguments.
struct Machine {
    folder: tempfile::TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// A stand-in cannot run while any process holds it open for writing, and one that another test is just forking would.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

impl Machine {
    fn with(commands: &[(&str, &str)]) -> Self {
        let alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let machine = Self { folder: tempfile::tempdir().expect("a temporary folder"), _alone: alone };
        for (name, body) in commands {
            let path = machine.folder.path().join(name);
            fs::write(&path, format!("#!/bin/sh\nnote() {{ echo \"{name} $*\" >>'{}'; }}\n{body}\n", machine.notes().display()))
                .expect("a stand-in");
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("a stand-in that runs");
        }
        machine
    }

    fn notes(&self) -> PathBuf {
        self.folder.path().join("notes")
    }

    /// Runs the script; gives whether it succeeded, what it said, and the notes.
    fn set_up(&self) -> (bool, String, String) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/setup.sh");
        let output = Command::new("/bin/sh").arg(script).env_clear().env("PATH", self.folder.path()).output().expect("sh");
        let notes = fs::read_to_string(self.notes()).unwrap_or_default();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned(), notes)
    }
}

const CARGO: (&str, &str) = ("cargo", "");
const LINKS: (&str, &str) = ("cc", "");
/// Links once some package manager has run.
const LINKS_LATER: (&str, &str) = ("cc", "[ -e \"${0%/*}/installed\" ]");
const APT: (&str, &str) = ("apt-get", "note \"$@\"; case $1 in install) : >\"${0%/*}/installed\";; esac");
const ROOT: (&str, &str) = ("id", "echo 0");
const USER: (&str, &str) = ("id", "echo 1000");

#[test]
fn nothing_is_installed_where_nothing_is_missing() {
    assert_eq!(Machine::with(&[CARGO, LINKS, APT, ROOT]).set_up(), (true, String::new(), String::new()));
}

#[test]
fn root_installs_through_the_package_manager() {
    let (ok, _, notes) = Machine::with(&[CARGO, LINKS_LATER, APT, ROOT]).set_up();
    assert!(ok);
    assert_eq!(notes, "apt-get update -qq\napt-get install -y libpcap-dev -qq\n");
}

#[test]
fn sudo_is_used_where_it_asks_for_nothing() {
    let sudo = ("sudo", "note \"$@\"; [ \"$1\" = -n ] && shift && \"$@\"");
    let dnf = ("dnf", ": >\"${0%/*}/installed\"");
    let (ok, _, notes) = Machine::with(&[CARGO, LINKS_LATER, dnf, USER, sudo, ("true", "")]).set_up();
    assert!(ok);
    assert_eq!(notes, "sudo -n true\nsudo -n dnf install -y libpcap-devel -q\n");
}

#[test]
fn a_sudo_that_wants_a_password_gets_one_command_printed() {
    let (ok, said, notes) = Machine::with(&[CARGO, LINKS_LATER, APT, USER, ("sudo", "exit 1")]).set_up();
    assert!(!ok);
    assert!(said.contains("\nsetup:     sudo apt-get install -y libpcap-dev\n"), "{said}");
    assert_eq!(notes, "");
}

#[test]
fn an_unknown_system_is_told_what_to_look_for() {
    let (ok, said, _) = Machine::with(&[CARGO, LINKS_LATER, ROOT]).set_up();
    assert!(!ok);
    assert!(said.contains("libpcap-dev") && said.contains("--no-default-features"), "{said}");
}

#[test]
fn rust_and_a_compiler_are_asked_for_by_name() {
    let (ok, said, _) = Machine::with(&[LINKS, ROOT]).set_up();
    assert!(!ok && said.contains("https://rustup.rs"), "{said}");
    let (ok, said, _) = Machine::with(&[CARGO, ROOT]).set_up();
    assert!(!ok && said.contains("C compiler"), "{said}");
}
