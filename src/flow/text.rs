//! Text of a message: a range of the mapped input where that stays, else a copy.

use crate::decode::Packet;
use crate::input::Block;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::sync::Arc;

/// Blocks shorter than this are pieces of streams, which a message must not keep whole, or files so small that a copy costs nothing.
const LASTS: usize = 4 << 20;

/// Text that outlives its window. A range of a mapped file costs no memory of its own; what came through a pipe or was joined from
/// several records is copied. Saved, it is its bytes.
#[derive(Clone)]
pub struct Text(Held);

#[derive(Clone)]
enum Held {
    Copy(Arc<[u8]>),
    Range { block: Block, at: usize, len: u32 },
}

impl Text {
    /// A copy of `bytes`.
    pub fn copy(bytes: &[u8]) -> Self {
        Self(Held::Copy(bytes.into()))
    }

    /// `bytes`, which are part of the payload of `packet`: a range of its input where they lie there and that stays.
    pub fn of(packet: &Packet<'_>, bytes: &[u8]) -> Self {
        range(packet, bytes).map_or_else(|| Self::copy(bytes), Self)
    }

    /// The bytes as captured; not always UTF-8.
    pub fn bytes(&self) -> &[u8] {
        match &self.0 {
            Held::Copy(bytes) => bytes,
            Held::Range { block, at, len } => {
                let block: &[u8] = (**block).as_ref();
                block.get(*at..*at + *len as usize).unwrap_or_default()
            }
        }
    }
}

/// Where `bytes` lie in the block of their record; `None` where they do not, or where that is not kept.
fn range(packet: &Packet<'_>, bytes: &[u8]) -> Option<Held> {
    let window = packet.home.0?;
    let head = window.heads.get(usize::try_from(packet.seq.0.checked_sub(window.first.0)?).ok()?)?;
    let block = window.blocks.get(head.block as usize)?;
    let whole: &[u8] = (**block).as_ref();
    let at = bytes.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let there = whole.len() >= LASTS && whole.get(at..at.checked_add(bytes.len())?)?.as_ptr() == bytes.as_ptr();
    let len = u32::try_from(bytes.len()).ok()?;
    there.then(|| Held::Range { block: Arc::clone(block), at, len })
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
