//! `callpath classify`: the place of each address, and why.

use super::args::{Classify, ListFormat};
use super::output::Output;
use super::pipeline;
use crate::error::Error;
use crate::path::classify::{self, Classified};
use crate::time::Timestamp;
use serde::Serialize;
use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

/// The answer as an object.
#[derive(Serialize)]
struct List<'a> {
    schema: &'static str,
    addresses: &'a [Classified],
}

/// Writes the answers in the order asked, as a capture taken now would see them.
pub fn run(args: &Classify, mut output: Output) -> Result<(), Error> {
    let topology = pipeline::topology(args.topology.as_deref())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let addresses = classify::classify(&topology, &args.addresses, Timestamp(i64::try_from(now).unwrap_or(i64::MAX)));
    match args.format {
        ListFormat::Terminal => output.writer().write_all(classify::text(&addresses).as_bytes())?,
        ListFormat::Json => {
            let list = List { schema: "callpath.classify/1", addresses: &addresses };
            serde_json::to_writer(output.writer(), &list).map_err(io::Error::from)?;
            writeln!(output.writer())?;
        }
    }
    output.finish()
}
