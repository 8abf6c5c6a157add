//! The spool: rendered entries in order of arrival, in memory up to 64 MiB and in an unlinked temporary file beyond.

use crate::record::Seq;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes kept in memory before a spool goes to its file, where nobody asks for less.
pub const IN_MEMORY: usize = 64 << 20;

/// Bytes of a spool's file that are read at one time.
const PAGE: u64 = 1 << 16;
/// Most pages that are held: entries come back in order of first record, and were written call by call.
const PAGES: usize = 128;

/// Entries that were rendered together.
#[derive(Debug, Default)]
pub struct Part {
    /// Sort key and length of each.
    places: Vec<(Seq, u32)>,
    bytes: Vec<u8>,
}

impl Part {
    /// Adds an entry that sorts by `first`: what `write` appends.
    pub fn entry(&mut self, first: Seq, write: impl FnOnce(&mut Vec<u8>)) {
        let before = self.bytes.len();
        write(&mut self.bytes);
        match u32::try_from(self.bytes.len() - before) {
            Ok(len) => self.places.push((first, len)),
            // No call has 4 GiB of report.
            Err(_) => self.bytes.truncate(before),
        }
    }

    /// Gives back room that is not used.
    pub fn shrink(&mut self) {
        self.bytes.shrink_to_fit();
    }
}

/// Where an entry lies, and its sort key. Entries of one key lie in order of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    first: Seq,
    offset: u64,
    len: u32,
}

/// Entries of one section.
#[derive(Debug)]
pub struct Spool {
    /// Bytes kept in memory before it goes to its file.
    pub most: usize,
    places: Vec<Place>,
    /// What is in memory: offset of each part, and its bytes.
    memory: Vec<(u64, Vec<u8>)>,
    in_memory: usize,
    file: Option<BufWriter<File>>,
    in_file: u64,
}

impl Default for Spool {
    fn default() -> Self {
        Self { most: IN_MEMORY, places: Vec::new(), memory: Vec::new(), in_memory: 0, file: None, in_file: 0 }
    }
}

impl Spool {
    /// Appends what was rendered together; entries of one sort key keep their order of arrival.
    pub fn append(&mut self, part: Part) -> io::Result<()> {
        if part.places.is_empty() {
            return Ok(());
        }
        if self.in_memory > 0 && self.in_memory + part.bytes.len() > self.most {
            self.flush_to_file()?;
        }
        let start = self.in_file + self.in_memory as u64;
        let mut offset = start;
        for (first, len) in part.places {
            self.places.push(Place { first, offset, len });
            offset += u64::from(len);
        }
        self.in_memory += part.bytes.len();
        self.memory.push((start, part.bytes));
        Ok(())
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// No entry was pushed.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Calls `each` with every entry, in order of first record.
    pub fn for_each(&mut self, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.places.sort_unstable();
        let mut file = match self.file.take() {
            Some(writer) => Some(Pages::new(writer.into_inner().map_err(|e| e.into_error())?)),
            None => None,
        };
        for place in &self.places {
            let len = place.len as usize;
            if place.offset >= self.in_file {
                let part = self.memory.partition_point(|(start, _)| *start <= place.offset).checked_sub(1);
                let Some((start, bytes)) = part.and_then(|part| self.memory.get(part)) else { continue };
                let from = (place.offset - start) as usize;
                each(bytes.get(from..from + len).unwrap_or_default())?;
            } else if let Some(file) = file.as_mut() {
                each(file.get(place.offset, len)?)?;
            }
        }
        if let Some(pages) = file {
            let mut file = pages.file;
            file.seek(SeekFrom::End(0))?;
            self.file = Some(BufWriter::new(file));
        }
        Ok(())
    }

    /// All entries with their keys, for saving.
    pub fn entries(&mut self) -> io::Result<Vec<(Seq, Vec<u8>)>> {
        let mut bytes = Vec::with_capacity(self.len());
        self.for_each(|entry| {
            bytes.push(entry.to_vec());
            Ok(())
        })?;
        Ok(self.places.iter().map(|p| p.first).zip(bytes).collect())
    }

    fn flush_to_file(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(BufWriter::new(tempfile::tempfile()?));
        }
        if let Some(file) = self.file.as_mut() {
            self.memory.iter().try_for_each(|(_, bytes)| file.write_all(bytes))?;
        }
        self.in_file += self.in_memory as u64;
        self.memory.clear();
        self.in_memory = 0;
        Ok(())
    }
}

/// A spool's file as it is read back: nearly in the order that it was written in, with a few places at a time where it is read on.
struct Pages {
    file: File,
    /// Page numbers and pages; a page has one place where it may stand.
    held: Vec<(u64, Vec<u8>)>,
    /// An entry that lies across pages.
    across: Vec<u8>,
}

impl Pages {
    fn new(file: File) -> Self {
        Self { file, held: std::iter::repeat_with(|| (u64::MAX, Vec::new())).take(PAGES).collect(), across: Vec::new() }
    }

    /// The `len` bytes at `offset`.
    fn get(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        let from = (offset % PAGE) as usize;
        if from + len <= PAGE as usize {
            let page = self.page(offset / PAGE)?;
            return page.get(from..from + len).ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        let mut across = std::mem::take(&mut self.across);
        across.clear();
        while across.len() < len {
            let at = offset + across.len() as u64;
            let rest = self.page(at / PAGE)?.get((at % PAGE) as usize..).unwrap_or_default();
            let part = rest.get(..len - across.len()).unwrap_or(rest);
            if part.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            across.extend_from_slice(part);
        }
        self.across = across;
        Ok(&self.across)
    }

    fn page(&mut self, number: u64) -> io::Result<&[u8]> {
        let place = (number % PAGES as u64) as usize;
        let Some((held, page)) = self.held.get_mut(place) else { return Ok(&[]) };
        if *held != number {
            page.clear();
            *held = u64::MAX;
            self.file.seek(SeekFrom::Start(number * PAGE))?;
            (&self.file).take(PAGE).read_to_end(page)?;
            *held = number;
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_by_first_record_from_memory_and_file_alike() {
        let part = |entries: &[(u64, &str)]| {
            let mut part = Part::default();
            entries.iter().for_each(|(first, text)| part.entry(Seq(*first), |bytes| bytes.extend_from_slice(text.as_bytes())));
            part
        };
        let mut spool = Spool::default();
        spool.append(part(&[(5, "e"), (1, "a")])).unwrap();
        spool.flush_to_file().unwrap();
        spool.append(part(&[(3, "cc")])).unwrap();
        spool.append(part(&[(1, "b")])).unwrap();
        let got: Vec<_> = spool.entries().unwrap();
        let expected: Vec<(Seq, Vec<u8>)> =
            vec![(Seq(1), b"a".into()), (Seq(1), b"b".into()), (Seq(3), b"cc".into()), (Seq(5), b"e".into())];
        assert_eq!(got, expected);
        spool.append(part(&[(4, "d")])).unwrap();
        assert_eq!(spool.entries().unwrap().get(3), Some(&(Seq(4), b"d".to_vec())));
    }

    #[test]
    fn a_file_of_many_pages_is_read_back_in_any_order() {
        let mut spool = Spool::default();
        let text = |n: u64| vec![n as u8; (n * n * 7 % 70_000) as usize];
        for n in 0..400 {
            let mut part = Part::default();
            part.entry(Seq(n * 7_919 % 400), |bytes| bytes.extend(text(n * 7_919 % 400)));
            spool.append(part).unwrap();
        }
        spool.flush_to_file().unwrap();
        let got = spool.entries().unwrap();
        assert!(got.len() == 400 && (0..400).zip(got).all(|(n, (first, bytes))| (first, bytes) == (Seq(n), text(n))));
    }
}
