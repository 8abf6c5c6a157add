//! The spool: rendered entries in order of arrival, in memory up to 64 MiB and in an unlinked temporary file beyond.

use crate::record::Seq;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes kept in memory before a spool goes to its file.
pub const IN_MEMORY: usize = 64 << 20;

/// Where an entry lies, and its sort key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Place {
    first: Seq,
    order: u64,
    offset: u64,
    len: u32,
}

/// Entries of one section.
#[derive(Debug, Default)]
pub struct Spool {
    places: Vec<Place>,
    memory: Vec<u8>,
    file: Option<BufWriter<File>>,
    in_file: u64,
}

impl Spool {
    /// Appends one entry that sorts by `first`; entries of one `first` keep their order of arrival.
    pub fn push(&mut self, first: Seq, entry: &[u8]) -> io::Result<()> {
        if self.memory.len() + entry.len() > IN_MEMORY {
            self.flush_to_file()?;
        }
        let place = Place {
            first,
            order: self.places.len() as u64,
            offset: self.in_file + self.memory.len() as u64,
            len: u32::try_from(entry.len()).map_err(|_| io::Error::other("an entry of over 4 GiB"))?,
        };
        self.places.push(place);
        self.memory.extend_from_slice(entry);
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
            Some(writer) => Some(writer.into_inner().map_err(|e| e.into_error())?),
            None => None,
        };
        let mut buffer = Vec::new();
        for place in &self.places {
            let len = place.len as usize;
            if place.offset >= self.in_file {
                let start = (place.offset - self.in_file) as usize;
                each(self.memory.get(start..start + len).unwrap_or_default())?;
            } else if let Some(file) = file.as_mut() {
                buffer.resize(len, 0);
                file.seek(SeekFrom::Start(place.offset))?;
                file.read_exact(&mut buffer)?;
                each(&buffer)?;
            }
        }
        if let Some(file) = file.as_mut() {
            file.seek(SeekFrom::End(0))?;
        }
        self.file = file.map(BufWriter::new);
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
            file.write_all(&self.memory)?;
        }
        self.in_file += self.memory.len() as u64;
        self.memory.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_out_by_first_record_from_memory_and_file_alike() {
        let mut spool = Spool::default();
        spool.push(Seq(5), b"e").unwrap();
        spool.push(Seq(1), b"a").unwrap();
        spool.flush_to_file().unwrap();
        spool.push(Seq(3), b"cc").unwrap();
        spool.push(Seq(1), b"b").unwrap();
        let got: Vec<_> = spool.entries().unwrap();
        let expected: Vec<(Seq, Vec<u8>)> =
            vec![(Seq(1), b"a".into()), (Seq(1), b"b".into()), (Seq(3), b"cc".into()), (Seq(5), b"e".into())];
        assert_eq!(got, expected);
        spool.push(Seq(4), b"d").unwrap();
        assert_eq!(spool.entries().unwrap().get(3), Some(&(Seq(4), b"d".to_vec())));
    }
}
