//! Messages for benches of the parts: whole dialogs in two styles, plain SIP over UDP and Direct Routing.

use callpath::proto::sip::{HeaderIndex, Sip, scan};

#[path = "script.rs"]
mod script;
#[path = "teams.rs"]
mod teams;

/// Dialogs of each style.
const DIALOGS: u32 = 1_000;

/// Time from one dialog's beginning to the next, in µs.
const APART: u64 = 1_000;

/// Runs the benches. `cargo test --all-targets` starts them without `--bench` and wants them to do nothing.
pub fn main() {
    if std::env::args().any(|arg| arg == "--bench") {
        divan::main();
    }
}

/// The texts of both styles, in the order in which a capture would show them; several MB, so that they are not in the nearest cache.
pub fn texts() -> Vec<Vec<u8>> {
    let mut all: Vec<(u64, String)> = (0..DIALOGS).flat_map(dialogs).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, text)| text.into_bytes()).collect()
}

/// One dialog of each style, with the time of every message.
fn dialogs(number: u32) -> Vec<(u64, String)> {
    let begin = u64::from(number) * APART;
    let after = |at: &mut u64, wait: u64| {
        *at += wait;
        Some(*at)
    };
    let script = [script::CALL, script::OPTIONS, script::REGISTER][number as usize % 3];
    let trunk = teams::Dialog::new(number);
    let plain_times = script.iter().map(|step| step.after).scan(begin, after);
    let trunk_times = trunk.script().iter().map(|step| step.after).scan(begin, after);
    let plain = plain_times.zip(script).map(|(at, step)| (at, script::text(number, number, step)));
    plain.chain(trunk_times.zip(trunk.script()).map(|(at, step)| (at, trunk.text(step)))).collect()
}

/// Bytes in all.
pub fn bytes(texts: &[Vec<u8>]) -> usize {
    texts.iter().map(Vec::len).sum()
}

/// The index of a text.
pub fn index(text: &[u8]) -> HeaderIndex {
    scan(text, false).expect("what the generator writes is SIP")
}

/// Calls `each` with a view of every message.
pub fn for_each<'a>(texts: &'a [Vec<u8>], indices: &'a [HeaderIndex], mut each: impl FnMut(Sip<'a>)) {
    texts.iter().zip(indices).for_each(|(text, index)| each(Sip { text, index }));
}
