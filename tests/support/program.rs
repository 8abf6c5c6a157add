//! Starts the program itself, as a user does.

use std::io::Write;
use std::process::{Command, Stdio};

/// What a run of the program left.
#[derive(Debug)]
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: Vec<u8>,
    /// Standard error as text.
    pub err: String,
}

impl Ran {
    /// Standard output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.out).into_owned()
    }
}

/// `callpath ARGS` with `stdin` at its standard input.
pub fn callpath(args: &[&str], stdin: &[u8]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callpath"));
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    let mut pipe = child.stdin.take().expect("a pipe was asked for");
    let done = std::thread::scope(|scope| {
        // What the program does not read is not missed.
        scope.spawn(move || pipe.write_all(stdin).unwrap_or_default());
        child.wait_with_output().expect("the program ends")
    });
    let code = done.status.code().expect("the program is not killed");
    Ran { code, out: done.stdout, err: String::from_utf8(done.stderr).expect("errors are text") }
}

#[test]
fn the_program_tells_its_version() {
    let ran = callpath(&["--version"], b"");
    assert_eq!((ran.code, ran.text(), ran.err.as_str()), (0, format!("callpath {}\n", env!("CARGO_PKG_VERSION")), ""));
}
