//! Text of a message: a range of the mapped input where that stays and messages are dense, else a copy.

use crate::decode::Packet;
use crate::input::Mapped;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// Text that outlives its window. A range of a mapped file costs no memory of its own; what came through a pipe or was joined from
/// several records is copied. Saved, it is its bytes.
#[derive(Clone)]
pub struct Text(Held);

#[derive(Clone)]
enum Held {
    Copy(Arc<[u8]>),
    Range { file: Arc<Mapped>, at: usize, len: u32 },
}

/// Where the last text of a shard lay, and how far apart the last ones were. To read a range of a mapped file takes a page fault for every
/// 64 KiB or so: much for a message alone among media, little where they lie close. What lies far apart takes little memory.
#[derive(Debug, Default)]
pub struct Near {
    last: usize,
    apart: usize,
}

/// Texts of a shard that begin closer than this are close: it has one of 64 messages.
const CLOSE: usize = 256 << 10;

impl Near {
    /// Whether texts lie close where this one begins.
    fn note(&mut self, at: usize) -> bool {
        // One that is far off says little of those around it.
        let apart = at.abs_diff(std::mem::replace(&mut self.last, at)).min(2 * CLOSE);
        self.apart = (7 * self.apart + apart) / 8;
        self.apart < CLOSE
    }
}

impl Text {
    /// A copy of `bytes`.
    pub fn copy(bytes: &[u8]) -> Self {
        Self(Held::Copy(bytes.into()))
    }

    /// `bytes`, which are part of the payload of `packet`: a range of its input where they lie there, that stays, and the text before
    /// them was `near`.
    pub fn of(packet: &Packet<'_>, bytes: &[u8], near: &mut Near) -> Self {
        range(packet, bytes, near).map_or_else(|| Self::copy(bytes), Self)
    }

    /// The bytes as captured; not always UTF-8.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Held::Copy(bytes) => bytes,
            Held::Range { file, at, len } => {
                let file: &[u8] = (**file).as_ref();
                file.get(*at..*at + *len as usize).unwrap_or_default()
            }
        }
    }
}

/// Where `bytes` lie in the file of their record; `None` where they do not, or where that is not mapped.
fn range(packet: &Packet<'_>, bytes: &[u8], near: &mut Near) -> Option<Held> {
    let window = packet.home.0?;
    let head = window.heads.get(usize::try_from(packet.seq.0.checked_sub(window.first.0)?).ok()?)?;
    let block = window.blocks.get(head.block as usize)?;
    let whole: &[u8] = (**block).as_ref();
    let (file, base) = block.mapped()?;
    let at = bytes.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let there = whole.get(at..at.checked_add(bytes.len())?)?.as_ptr() == bytes.as_ptr();
    let (at, len) = (usize::try_from(base).ok()?.checked_add(at)?, u32::try_from(bytes.len()).ok()?);
    let close = near.note(at);
    (there && close).then(|| Held::Range { file: Arc::clone(file), at, len })
}

impl PartialEq for Text {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Text {}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(self.bytes()))
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.bytes().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Held::Copy(Arc::deserialize(deserializer)?)))
    }
}
