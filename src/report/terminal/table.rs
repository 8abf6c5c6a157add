//! The calls that the report shows, chosen from a spool that may hold millions, and how many there are in all.

use super::shortlist::{choose, place};
use super::{calls::Row, unspool};
use crate::report::{CallReport, spool::Spool};
use std::collections::BTreeMap;
use std::io;

/// Of a tally: an OPTIONS, REGISTER or other exchange.
const EXCHANGE: u8 = 1;
/// Of a tally: with findings.
const MARKED: u8 = 2;
/// Of a tally: its row is in the spool of rows, which is in the same order.
const KEPT: u8 = 4;

/// One octet for every call, shown or not.
pub fn tally(report: &CallReport<'_>, kept: bool) -> [u8; 1] {
    let exchange = !report.call.as_ref().is_some_and(|call| matches!(call.kind.as_str(), "call" | "media_only"));
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    [flag(exchange, EXCHANGE) | flag(!report.findings.is_empty(), MARKED) | flag(kept, KEPT)]
}

/// What the report says of calls.
#[derive(Default)]
pub struct Table {
    /// The rows shown, in order of first record, with the number that the call has among all.
    pub rows: Vec<(usize, Row)>,
    /// Numbers by id of the call, for sections that name one.
    pub numbers: BTreeMap<String, usize>,
    /// Entries of `calls[]`.
    pub total: usize,
    /// How many of them are OPTIONS, REGISTER and the like.
    pub exchanges: u64,
    /// How many have findings.
    pub marked: usize,
}

impl Table {
    /// Counts what is in `tallies` and takes the `most` worst calls out of `rows`.
    pub fn read(tallies: &mut Spool, rows: &mut Spool, most: usize) -> io::Result<Self> {
        let mut table = Self::default();
        let mut numbers = Vec::new();
        tallies.for_each(|tally| {
            let tally = tally.first().copied().unwrap_or_default();
            table.total += 1;
            table.exchanges += u64::from(tally & EXCHANGE != 0);
            table.marked += usize::from(tally & MARKED != 0);
            if tally & KEPT != 0 {
                numbers.push(table.total);
            }
            Ok(())
        })?;
        let mut places = Vec::new();
        rows.for_each(|row| {
            places.push(row.first().copied().unwrap_or(place(None)));
            Ok(())
        })?;
        let mut chosen = numbers.into_iter().zip(choose(&places, most));
        rows.for_each(|row| {
            if let Some((number, true)) = chosen.next() {
                let row: Row = unspool(row.get(1..).unwrap_or_default())?;
                table.numbers.insert(row.id.clone(), number);
                table.rows.push((number, row));
            }
            Ok(())
        })?;
        Ok(table)
    }

    /// How many of the rows shown have findings.
    pub fn marked_rows(&self) -> usize {
        self.rows.iter().filter(|(_, row)| row.has_findings()).count()
    }
}
