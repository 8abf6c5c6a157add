//! What can only be checked once the whole file is read: things given twice, names that nothing bears, doubtful facts.

mod links;
mod network;
mod voice;

use super::network::Tables;
use super::words::At;
use super::written::Source;
use crate::error::Error;
use std::collections::BTreeMap;

/// Checks the whole file. Fails on the first fault; what is only doubtful comes back as notes, `file:line: text`.
pub(super) fn check(tables: &Tables, source: Source<'_>) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    network::check(tables, source, &mut notes)?;
    links::check(tables, source, &mut notes)?;
    voice::check(tables, source, &mut notes)?;
    Ok(notes)
}

/// Fails where one of `items` stands a second time; `what` names the kind of thing.
fn unique<'t, T: Ord + Clone + std::fmt::Display + 't>(
    source: Source<'_>,
    what: &str,
    items: impl IntoIterator<Item = &'t At<T>>,
) -> Result<(), Error> {
    let mut seen: BTreeMap<T, usize> = BTreeMap::new();
    for item in items {
        if let Some(first) = seen.insert((**item).clone(), item.offset) {
            let line = source.line(first);
            return Err(source.fault(item.offset, format!("{what} {item} stands in line {line} already: write it once")));
        }
    }
    Ok(())
}
