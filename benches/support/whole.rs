//! The tables of whole runs: every shape beside what bounds it, and peers.

use super::asked::Asked;
use super::captures::{self, Capture, Pace, capture};
use super::goal::Goal;
use super::measure::{Feed, Memory, Times, times};
use super::table::{HEAD, Row};
use super::tools::{self, NOWHERE, callpath, checked};
use std::env;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs of what takes a few milliseconds.
const SHORT_RUNS: u32 = 20;

/// What rows are measured against.
struct Bench<'a> {
    asked: &'a Asked,
    scratch: PathBuf,
    /// Seconds of tcpdump's copy of *big* in full.
    t: Option<f64>,
    /// ns a packet of callpath on *big*.
    big_ns: Option<f64>,
}

/// A capture with what is known of it.
struct Subject<'a> {
    capture: &'a Capture,
    /// Seconds of tcpdump's copy.
    copy: Option<f64>,
}

/// `make bench`.
pub fn run(asked: &Asked) -> io::Result<()> {
    let most = asked.big_mb * 1_000_000;
    let big = capture(asked, "big", most, asked.length, Pace::Usual)?;
    let mut bench = Bench { asked, scratch: captures::scratch()?, t: None, big_ns: None };
    bench.t = bench.time(|| tools::tcpdump(&big.path)).ok().map(|times| times.best * big.to_full);
    let t = bench.t.map_or("tcpdump is not installed".to_owned(), |t| format!("T = {t:.3} s"));
    writeln!(io::stdout(), "{} runs of each, {t}\n\n{HEAD}", asked.runs)?;
    for shape in &asked.shapes {
        let other;
        let capture = if shape == "big" {
            &big
        } else {
            other = capture(asked, shape, most, asked.length, Pace::Usual)?;
            &other
        };
        bench.shape(capture)?;
    }
    bench.start_up(&big)
}

/// `make bench-peers`.
pub fn peers(asked: &Asked) -> io::Result<()> {
    let bench = Bench { asked, scratch: captures::scratch()?, t: None, big_ns: None };
    writeln!(io::stdout(), "\n{HEAD}")?;
    for shape in ["small", "siponly"] {
        let capture = capture(asked, shape, asked.big_mb * 1_000_000, asked.length, Pace::Usual)?;
        let mut subject = Subject { capture: &capture, copy: None };
        subject.copy = bench.beside(&subject, "tcpdump -w /dev/null", || tools::tcpdump(&capture.path))?;
        bench.json(&subject, None, |_, _, _| Vec::new())?;
        bench.others(&subject)?;
    }
    Ok(())
}

impl Bench<'_> {
    fn time(&self, command: impl Fn() -> Command) -> Result<Times, String> {
        times(self.asked.runs, &self.scratch, Feed::Nothing, command)
    }

    /// All rows of one shape.
    fn shape(&mut self, capture: &Capture) -> io::Result<()> {
        let mut subject = Subject { capture, copy: None };
        self.print(&subject, "bare record walk", Ok(Times::once(capture.floor.as_secs_f64())), Memory::default(), Vec::new())?;
        subject.copy = self.beside(&subject, "tcpdump -w /dev/null", || tools::tcpdump(&capture.path))?;
        let shape = capture.shape.as_str();
        let (n, big_ns) = (capture.packets as f64, self.big_ns);
        let two = self.json(&subject, None, |of_t, best, memory| {
            let ns = best * 1e9 / n;
            let of_big = big_ns.map(|big| ns / big);
            let memory = |most| Goal::memory(memory.state, most);
            match shape {
                "big" => vec![Goal::copies(of_t, 0.30, 0.40), memory(100.0)],
                "big2" => vec![Goal::times(of_big, "big", 1.2, 1.4)],
                "wide" => vec![Goal::copies(of_t, 0.40, 0.55), memory(300.0)],
                "siponly" => vec![Goal::copies(of_t, 0.30, 0.50), memory(300.0)],
                "drsip" => vec![Goal::copies(of_t, 0.50, 0.70)],
                _ => Vec::new(),
            }
        })?;
        if shape == "big" {
            self.big_ns = two.map(|best| best * 1e9 / n);
        }
        self.json(&subject, Some(1), |_, one, _| match shape {
            "wide" | "siponly" => vec![Goal::speedup(Some(one), two, 1.5, 1.3)],
            _ => Vec::new(),
        })?;
        match shape {
            "wide" => self.terminal(&subject)?,
            "big" => self.forms(&subject, two)?,
            "small" => self.others(&subject)?,
            _ => {}
        }
        if self.asked.tshark_everywhere && shape != "small" {
            self.print(
                &subject,
                "tshark",
                times(1, &self.scratch, Feed::Nothing, || tools::tshark(&capture.path)),
                Memory::default(),
                Vec::new(),
            )?;
        }
        Ok(())
    }

    /// callpath's JSON with so many threads, as many as there are for none. Gives the best time.
    fn json<G>(&self, subject: &Subject<'_>, threads: Option<u32>, goals: G) -> io::Result<Option<f64>>
    where
        G: FnOnce(Option<f64>, f64, Memory) -> Vec<Option<Goal>>,
    {
        let tool = threads.map_or("callpath".to_owned(), |n| format!("callpath -j{n}"));
        self.analyse(subject, (&tool, &subject.capture.path, Feed::Nothing, threads), goals)
    }

    /// callpath's JSON of an input that holds the capture's records, once a run of it has shown that it reads them all.
    fn analyse<G>(&self, subject: &Subject<'_>, (tool, input, feed, threads): Started<'_>, goals: G) -> io::Result<Option<f64>>
    where
        G: FnOnce(Option<f64>, f64, Memory) -> Vec<Option<Goal>>,
    {
        let (result, memory) = match checked(input, feed, threads, subject.capture.packets, &self.scratch) {
            Ok(memory) => (times(self.asked.runs, &self.scratch, feed, || callpath(input, "json", threads, Path::new(NOWHERE))), memory),
            Err(problem) => (Err(problem), Memory::default()),
        };
        let best = result.as_ref().ok().map(|times| times.best);
        let goals = best.map_or_else(Vec::new, |best| goals(self.of_t(subject, best), best, memory));
        self.print(subject, tool, result, memory, goals.into_iter().flatten().collect())?;
        Ok(best)
    }

    fn terminal(&self, subject: &Subject<'_>) -> io::Result<()> {
        let result = self.time(|| callpath(&subject.capture.path, "terminal", None, Path::new(NOWHERE)));
        let of_t = result.as_ref().ok().and_then(|times| self.of_t(subject, times.best));
        self.print(subject, "callpath, terminal report", result, Memory::default(), Goal::copies(of_t, 0.25, 0.35).into_iter().collect())
    }

    /// The same records as pcapng, from a pipe and in gzip; `plain` is the best time of the plain file.
    fn forms(&self, plain: &Subject<'_>, plain_best: Option<f64>) -> io::Result<()> {
        let ratio = |best: f64, bound: Option<f64>| Some(best / bound?);
        let ng = captures::pcapng(plain.capture)?;
        let copy = self.time(|| tools::tcpdump(&ng)).ok().map(|times| times.best);
        let subject = Subject { copy, ..*plain };
        self.analyse(&subject, ("callpath, pcapng", &ng, Feed::Nothing, None), |_, best, _| {
            vec![Goal::times(ratio(best, plain_best), "plain", 1.2, 1.3)]
        })?;

        let subject = Subject { copy: None, ..*plain };
        let feed = Feed::Pipe(&plain.capture.path);
        let this = env::current_exe()?;
        let discard = times(self.asked.runs, &self.scratch, feed, || {
            let mut command = Command::new(&this);
            command.arg(super::DISCARD);
            command
        });
        let bound = larger(plain_best, discard.as_ref().ok().map(|times| times.best));
        self.print(&subject, "a pipe, discarded", discard, Memory::default(), Vec::new())?;
        self.analyse(&subject, ("callpath, pipe", Path::new("-"), feed, None), |_, best, _| {
            vec![Goal::times(ratio(best, bound), "plain or discarding", 1.3, 1.3)]
        })?;

        let packed = captures::gzip(plain.capture)?;
        let unpack = self.beside(&subject, "gzip -dc > /dev/null", || tools::gunzip(&packed))?;
        let bound = larger(plain_best.map(|plain| 1.3 * plain), unpack.map(|unpack| 1.15 * unpack));
        self.analyse(&subject, ("callpath, gzip", &packed, Feed::Nothing, None), |_, best, _| {
            vec![Goal::times(ratio(best, bound), "the larger of 1.15 × gzip -dc and 1.3 × plain", 1.0, 1.0)]
        })?;
        Ok(())
    }

    /// Ten packets: what a user waits for when there is nothing to do.
    fn start_up(&self, big: &Capture) -> io::Result<()> {
        let path = captures::ten(big)?;
        let result = times(SHORT_RUNS, &self.scratch, Feed::Nothing, || callpath(&path, "terminal", None, Path::new(NOWHERE)));
        let ten = Capture { shape: "start-up".to_owned(), packets: 10, bytes: path.metadata()?.len(), path, ..*big };
        let goal = Goal::ms(result.as_ref().ok().map(|times| times.best), 10.0);
        let subject = Subject { capture: &ten, copy: None };
        let row = Row {
            of_t: None,
            floor: None,
            ..self.row(&subject, "callpath, ten packets", result, Memory::default(), goal.into_iter().collect())
        };
        writeln!(io::stdout(), "{row}")
    }

    /// Tools that read SIP and RTP too; once each, for they are slow.
    fn others(&self, subject: &Subject<'_>) -> io::Result<()> {
        let path = &subject.capture.path;
        for (name, tool) in [("sipnab -N", tools::sipnab as fn(&Path) -> Command), ("sngrep -N -q", tools::sngrep)] {
            self.print(subject, name, times(1, &self.scratch, Feed::Nothing, || tool(path)), Memory::default(), Vec::new())?;
        }
        let tshark = times(1, &self.scratch, Feed::Nothing, || tools::tshark(path));
        self.print(subject, "tshark -z rtp,streams -z sip,stat", tshark, Memory::default(), Vec::new())
    }

    /// A tool of which nothing is asked. Gives its best time.
    fn beside(&self, subject: &Subject<'_>, tool: &str, command: impl Fn() -> Command) -> io::Result<Option<f64>> {
        let result = self.time(command);
        let best = result.as_ref().ok().map(|times| times.best);
        self.print(subject, tool, result, Memory::default(), Vec::new())?;
        Ok(best)
    }

    fn of_t(&self, subject: &Subject<'_>, best: f64) -> Option<f64> {
        Some(best * subject.capture.to_full / self.t?)
    }

    fn row(&self, subject: &Subject<'_>, tool: &str, times: Result<Times, String>, memory: Memory, goals: Vec<Goal>) -> Row {
        let Capture { shape, packets, bytes, floor, .. } = subject.capture;
        let of_t = times.as_ref().ok().and_then(|times| self.of_t(subject, times.best));
        let (shape, tool, floor) = (shape.clone(), tool.to_owned(), Some(floor.as_secs_f64()));
        Row { shape, tool, packets: *packets, bytes: *bytes, times, memory, floor, copy: subject.copy, of_t, goals }
    }

    fn print(&self, subject: &Subject<'_>, tool: &str, times: Result<Times, String>, memory: Memory, goals: Vec<Goal>) -> io::Result<()> {
        writeln!(io::stdout(), "{}", self.row(subject, tool, times, memory, goals))
    }
}

/// Name in the table, input, standard input, threads.
type Started<'a> = (&'a str, &'a Path, Feed<'a>, Option<u32>);

fn larger(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    [one, other].into_iter().flatten().max_by(f64::total_cmp)
}
