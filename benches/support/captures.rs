//! The captures that benches run over: written once, the same on every machine, kept under names that say what they are.

use super::asked::Asked;
use super::{floor, forms};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

#[path = "gen.rs"]
mod generator;
#[path = "shapes.rs"]
mod shapes;

use generator::Plan;

/// A generator's own text is part of its captures' names, so that a changed generator writes anew.
const CALLS: [&str; 3] = [include_str!("gen.rs"), include_str!("script.rs"), include_str!("frame.rs")];
const TRUNKS: [&str; 4] = [include_str!("shapes.rs"), include_str!("drsip.rs"), include_str!("teams.rs"), include_str!("wire.rs")];
const ATTACKS: [&str; 3] = [include_str!("shapes.rs"), include_str!("hostile.rs"), include_str!("wire.rs")];
/// Bytes of *drsip* and of attacks in full.
const FULL: u64 = 300_000_000;

/// A capture, and what the floor under its readers is.
pub struct Capture {
    /// Name of its shape.
    pub shape: String,
    /// Where it lies.
    pub path: PathBuf,
    /// Records in it.
    pub packets: u64,
    /// Its size.
    pub bytes: u64,
    /// How many times this size the full shape has.
    pub to_full: f64,
    /// The fastest bare record walk.
    pub floor: Duration,
}

/// How much goes on at a time.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As the shape says.
    Usual,
    /// So little that single length lasts two minutes: ended calls are kept for 40 s of the capture's clock, and memory has to have
    /// settled before it can be said not to grow.
    Slow,
}

/// Seconds of a slow capture at single length.
const SLOW: u64 = 120;
/// Bytes of a second of one call, of a dialog of *siponly*, and of one of *drsip*, each about.
const CALL_SECOND: u64 = 23_000;
const SIPONLY_DIALOG: u64 = 2_400;
const DRSIP_DIALOG: u64 = 4_400;

impl Pace {
    /// `usual`, or how many times `each` goes into a second of a slow capture of `bytes`.
    fn of(self, usual: u64, bytes: u64, each: u64) -> u64 {
        if self == Pace::Slow { (bytes / SLOW / each).max(1) } else { usual }
    }

    fn tag(self) -> &'static str {
        if self == Pace::Slow { "-slow" } else { "" }
    }
}

/// Names of the attacks.
pub fn attacks() -> Vec<String> {
    shapes::ATTACKS.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// The capture of a shape, written if it is not there yet, no larger than `most` bytes at single length.
pub fn capture(asked: &Asked, shape: &str, most: u64, length: u32, pace: Pace) -> io::Result<Capture> {
    let (path, bytes, full) = match Plan::named(shape) {
        Some(full) => calls(asked, shape, &full, most, length, pace)?,
        None => other(asked, shape, most, length, pace)?,
    };
    let (packets, mut floor) = floor::walk(&path)?;
    for _ in 1..asked.runs {
        floor = floor.min(floor::walk(&path)?.1);
    }
    Ok(Capture { shape: shape.to_owned(), packets, bytes: path.metadata()?.len(), to_full: full as f64 / bytes as f64, floor, path })
}

/// Path, bytes at single length, and bytes in full.
type Made = (PathBuf, u64, u64);

fn calls(asked: &Asked, shape: &str, full: &Plan, most: u64, length: u32, pace: Pace) -> io::Result<Made> {
    let full_bytes = full.bytes.unwrap_or(most);
    let bytes = if shape == "big" { most } else { full_bytes.min(most) };
    let vlan = asked.vlan.or(full.vlan);
    let per_second = pace.of(full.per_second, bytes, SIPONLY_DIALOG);
    let calls = pace.of(u64::from(full.calls), bytes, CALL_SECOND) as u32;
    let plan = Plan { bytes: Some(bytes), seed: asked.seed, vlan, length, per_second, calls, ..full.clone() };
    let tag = vlan.map_or(String::new(), |vlan| format!("-vlan{vlan}"));
    let name = format!("{shape}-{}MB-x{length}{}-seed{}{tag}-{:08x}", bytes / 1_000_000, pace.tag(), asked.seed, fingerprint(&CALLS));
    let path = written(&name, |file| {
        let truth = generator::write(&plan, file)?;
        let streams: Vec<String> = truth.streams.iter().map(ToString::to_string).collect();
        Ok(format!("{truth}\n{}\n", streams.join("\n")))
    })?;
    Ok((path, bytes, full_bytes))
}

fn other(asked: &Asked, shape: &str, most: u64, length: u32, pace: Pace) -> io::Result<Made> {
    let bytes = FULL.min(most);
    let tag = asked.vlan.map_or(String::new(), |vlan| format!("-vlan{vlan}"));
    let text = if shape == "drsip" { fingerprint(&TRUNKS) } else { fingerprint(&ATTACKS) };
    let name = format!("{shape}-{}MB-x{length}{}{tag}-{text:08x}", bytes / 1_000_000, pace.tag());
    let per_second = pace.of(shapes::DIALOGS_PER_SECOND, bytes, DRSIP_DIALOG);
    let path = written(&name, |file| {
        let truth = shapes::write(shape, bytes * u64::from(length), per_second, asked.vlan, file)?;
        Ok(format!("packets {}\nbytes {}\nmessages {:?}\nbroken {}\n", truth.packets, truth.bytes, truth.messages, truth.broken))
    })?;
    Ok((path, bytes, FULL))
}

/// The same records in pcapng.
pub fn pcapng(of: &Capture) -> io::Result<PathBuf> {
    form(of, "pcapng", forms::pcapng)
}

/// The same file in gzip.
pub fn gzip(of: &Capture) -> io::Result<PathBuf> {
    form(of, "pcap.gz", forms::gzip)
}

/// The first ten records.
pub fn ten(of: &Capture) -> io::Result<PathBuf> {
    form(of, "ten.pcap", |from, to| forms::first(from, to, 10))
}

fn form(of: &Capture, suffix: &str, make: impl FnOnce(&Path, &mut dyn Write) -> io::Result<()>) -> io::Result<PathBuf> {
    let path = of.path.with_extension(suffix);
    if !path.exists() {
        let part = of.path.with_extension("form-part");
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&part)?);
        make(&of.path, &mut file)?;
        settle(&file.into_inner()?)?;
        fs::rename(part, &path)?;
    }
    Ok(path)
}

/// `target/bench`, wherever cargo was told to build.
pub fn scratch() -> io::Result<PathBuf> {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("bench");
    fs::create_dir_all(&scratch)?;
    Ok(scratch)
}

/// The capture of this name; if it is not there yet, `write` writes it and says what is in it.
fn written(name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<String>) -> io::Result<PathBuf> {
    let scratch = scratch()?;
    let path = scratch.join(format!("{name}.pcap"));
    if !path.exists() {
        let part = scratch.join(format!("{name}.part"));
        let mut file = BufWriter::with_capacity(1 << 20, File::create(&part)?);
        let truth = write(&mut file)?;
        settle(&file.into_inner()?)?;
        fs::write(scratch.join(format!("{name}.truth")), truth)?;
        fs::rename(part, &path)?;
    }
    Ok(path)
}

/// Makes a file look an hour old: what was written this minute might still be written to, and callpath would not map it.
fn settle(file: &File) -> io::Result<()> {
    file.sync_all()?;
    file.set_modified(SystemTime::now() - Duration::from_secs(3_600))
}

/// FNV-1a of a generator's text.
fn fingerprint(texts: &[&str]) -> u32 {
    texts.iter().flat_map(|text| text.bytes()).fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}
