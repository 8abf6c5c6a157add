//! The spool: rendered entries in order of arrival, in memory up to 64 MiB and in an unlinked temporary file beyond.

use crate::input::{self, Mapped};
use crate::record::Seq;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, BufWriter, Write};

/// Bytes kept in memory before a spool goes to its file, where nobody asks for less.
pub const IN_MEMORY: usize = 64 << 20;

/// Entries that are given together are no longer than this.
const LONGEST_RUN: usize = 1 << 18;
/// Bytes of a spool's file that are mapped at one time: a multiple of the page of any system.
const PAGE: usize = 1 << 22;
/// Pages kept.
const MOST_PAGES: usize = 16;

/// Bytes that a part has room for at first: some calls.
const USUAL: usize = 1 << 15;

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
        if self.bytes.capacity() == 0 {
            self.bytes.reserve(USUAL);
        }
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
    pub fn for_each(&mut self, each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.walk(0, each)
    }

    /// Calls `each` with all entries, in order of first record, as many at a time as lie behind one another.
    pub fn for_each_run(&mut self, each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.walk(LONGEST_RUN, each)
    }

    /// The same, and then they are gone, with what told where they lie.
    pub fn take_runs(&mut self, each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.for_each_run(each)?;
        *self = Self { most: self.most, ..Self::default() };
        Ok(())
    }

    /// Gives entries in order, joined while they lie behind one another and are no longer than `most` together.
    fn walk(&mut self, most: usize, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        self.places.sort_unstable();
        let mut file = match self.file.take() {
            Some(writer) => Some(Pages::new(writer.into_inner().map_err(|e| e.into_error())?, self.in_file)),
            None => None,
        };
        let mut places = self.places.iter().peekable();
        while let Some(place) = places.next() {
            let (start, mut len) = (place.offset, place.len as usize);
            let part = self.part_of(start);
            let room = part.map_or(self.in_file - start.min(self.in_file), |(_, bytes)| bytes.len() as u64);
            let end = part.map_or(start, |(at, _)| *at) + room;
            while let Some(next) = places.next_if(|next| {
                let behind = next.offset == start + len as u64 && next.offset + u64::from(next.len) <= end;
                behind && len + next.len as usize <= most
            }) {
                len += next.len as usize;
            }
            if let Some((at, bytes)) = part {
                let from = (start - at) as usize;
                each(bytes.get(from..from + len).unwrap_or_default())?;
            } else if let Some(file) = file.as_mut() {
                each(file.get(start, len)?)?;
            }
        }
        if let Some(pages) = file {
            self.file = Some(BufWriter::new(pages.file));
        }
        Ok(())
    }

    /// The part in memory that holds the entry at `offset`.
    fn part_of(&self, offset: u64) -> Option<&(u64, Vec<u8>)> {
        let after = self.memory.partition_point(|(start, _)| *start <= offset);
        self.memory.get(after.checked_sub(1)?)
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

/// A spool's file as it is read back: in the order that it was written in, but for several lots of entries that alternate. It is mapped
/// page by page, as the bytes are only handed on: to read them would copy them once more.
struct Pages {
    file: File,
    /// Bytes of the file.
    len: u64,
    pages: VecDeque<(u64, Mapped)>,
    joined: Vec<u8>,
}

impl Pages {
    fn new(file: File, len: u64) -> Self {
        Self { file, len, pages: VecDeque::new(), joined: Vec::new() }
    }

    /// The `len` bytes at `offset`.
    fn get(&mut self, offset: u64, len: usize) -> io::Result<&[u8]> {
        let from = (offset % PAGE as u64) as usize;
        if from + len <= PAGE {
            let page = self.page(offset / PAGE as u64)?;
            return page.get(from..from + len).ok_or_else(|| io::ErrorKind::UnexpectedEof.into());
        }
        let mut joined = std::mem::take(&mut self.joined);
        joined.clear();
        while joined.len() < len {
            let at = offset + joined.len() as u64;
            let page = self.page(at / PAGE as u64)?;
            let from = (at % PAGE as u64) as usize;
            let part = page.get(from..page.len().min(from + len - joined.len())).unwrap_or_default();
            if part.is_empty() {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            joined.extend_from_slice(part);
        }
        self.joined = joined;
        Ok(&self.joined)
    }

    fn page(&mut self, number: u64) -> io::Result<&[u8]> {
        let known = self.pages.iter().position(|(known, _)| *known == number);
        let page = match known.and_then(|at| self.pages.remove(at)) {
            Some(page) => page,
            None => {
                self.pages.truncate(MOST_PAGES - 1);
                let start = number * PAGE as u64;
                let len = self.len.saturating_sub(start).min(PAGE as u64) as usize;
                (number, input::map_own(&self.file, start, len)?)
            }
        };
        self.pages.push_front(page);
        Ok(self.pages.front().map_or(&[], |(_, mapped)| mapped.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_back_from_pages_in_any_order() {
        let entry = |i: u64| vec![i as u8; (i as usize * 7_919) % 50_000];
        let mut part = Part::default();
        let keys: Vec<u64> = (0..400).map(|i| i * 173 % 400).collect();
        keys.iter().for_each(|key| part.entry(Seq(*key), |bytes| bytes.extend(entry(*key))));
        let mut spool = Spool::default();
        spool.append(part).unwrap();
        spool.flush_to_file().unwrap();
        let mut at = 0;
        let mut is_next = |bytes: &[u8]| {
            assert_eq!(bytes, entry(at));
            at += 1;
            Ok(())
        };
        spool.for_each(&mut is_next).unwrap();
        assert_eq!(at, 400);
    }

    fn runs(spool: &mut Spool) -> Vec<String> {
        let mut runs = Vec::new();
        let mut note = |run: &[u8]| {
            runs.push(String::from_utf8_lossy(run).into_owned());
            Ok(())
        };
        spool.for_each_run(&mut note).unwrap();
        runs
    }

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
        assert_eq!(runs(&mut spool), ["a", "b", "cc", "d", "e"]);
        let mut spool = Spool::default();
        spool.append(part(&[(1, "a"), (2, "b"), (9, "z"), (4, "d")])).unwrap();
        spool.flush_to_file().unwrap();
        spool.append(part(&[(5, "e"), (6, "f")])).unwrap();
        assert_eq!(runs(&mut spool), ["ab", "d", "ef", "z"]);
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

    #[test]
    fn what_is_taken_leaves_nothing_behind() {
        let (mut spool, mut taken) = (Spool { most: 4, ..Spool::default() }, Vec::new());
        for (key, text) in [(3, "cc"), (1, "a"), (2, "b")] {
            let mut part = Part::default();
            part.entry(Seq(key), |bytes| bytes.extend_from_slice(text.as_bytes()));
            part.entry(Seq(key), |bytes| bytes.extend_from_slice(text.as_bytes()));
            spool.append(part).unwrap();
            if key != 3 {
                let mut take = |run: &[u8]| {
                    taken.extend_from_slice(run);
                    Ok(())
                };
                spool.take_runs(&mut take).unwrap();
                assert!(spool.is_empty() && spool.in_file == 0 && spool.in_memory == 0 && spool.most == 4);
            }
        }
        assert_eq!(taken, b"aaccccbb");
    }
}
