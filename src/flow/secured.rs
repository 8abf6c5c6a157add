//! What TLS carries in one direction of a connection: records opened in order, and what is within read as if it came by itself.

use super::Seen;
use super::half::{Half, Reading};
use super::tcp::Ordered;
use super::tls::Content;
use crate::proto::tls::record::{self, Next, Record};

/// Reads the TLS records in `ordered`; what they carry goes to `inner`.
pub fn read(ordered: &mut Ordered, inner: &mut Half, closed: bool, reading: &mut Reading<'_>) {
    loop {
        let readable = ordered.readable();
        let record = match Record::next(readable) {
            Next::Record(record) => record,
            Next::More if readable.is_empty() => return,
            Next::More if !closed && !ordered.is_full() => return,
            Next::More => return ordered.drop_readable(),
            Next::Bad => {
                // After a gap records may begin anywhere; they mostly do where a segment does.
                let next = ordered.segments().skip(1).find(|at| readable.get(*at..).is_some_and(record::probe));
                match next {
                    Some(at) => ordered.drop_front(at),
                    None => return ordered.drop_readable(),
                }
                continue;
            }
        };
        let size = record.size();
        let Some(seen) = ordered.seen_at(size) else { return };
        let session = reading.tls.get_or_insert_default();
        match session.record(reading.way.dir, &record, seen, reading.keys) {
            Content::Data(data) => {
                let held = ordered.consume(size);
                inner.plain(&data, &held, reading);
            }
            Content::None => ordered.drop_front(size),
            Content::Missing if session.waits_for_keys(reading.keys) => {
                let bytes = readable.get(..size).unwrap_or_default().to_vec();
                session.late.keep(reading.way.dir, bytes, ordered.consume(size), reading.keys.version);
            }
            Content::Missing => {
                ordered.drop_front(size);
                inner.miss(reading);
            }
        }
    }
}

impl Half {
    /// Reads a record again whose key came late. Whether it carried data.
    pub fn read_late(&mut self, record: &[u8], held: &[(Seen, bool)], reading: &mut Reading<'_>) -> bool {
        let (Some(inner), Next::Record(record), Some((seen, _))) = (self.inner_mut(), Record::next(record), held.last()) else {
            return false;
        };
        let Some(session) = reading.tls.as_deref_mut() else { return false };
        match session.sealed(reading.way.dir, &record, *seen, reading.keys) {
            Content::Data(data) => {
                inner.plain(&data, held, reading);
                return true;
            }
            Content::None => {}
            Content::Missing => inner.miss(reading),
        }
        false
    }

    /// Does something to what is within TLS.
    pub(super) fn within(&mut self, reading: &mut Reading<'_>, read: impl FnOnce(&mut Self, &mut Reading<'_>)) {
        reading.secured = true;
        read(self, reading);
        reading.secured = false;
    }

    /// Takes in what a TLS record carried.
    fn plain(&mut self, bytes: &[u8], held: &[(Seen, bool)], reading: &mut Reading<'_>) {
        let begins = self.begins(bytes, true);
        self.ordered.put(bytes, held);
        self.settle(begins, bytes, true);
        self.within(reading, |inner, reading| inner.read_whole(false, reading));
    }

    /// What a TLS record carried is missing.
    pub(super) fn miss(&mut self, reading: &mut Reading<'_>) {
        self.within(reading, |inner, reading| {
            inner.read_whole(true, reading);
            inner.ordered.skip(0);
            inner.lose(0, reading);
        });
    }
}
