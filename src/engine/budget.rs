//! How much the tables of a run may hold (`--max-memory`), in entries: what goes when depends on the records alone, so the same capture
//! gives the same report on any machine.

use super::SHARDS;

/// Memory that a run needs whatever it reads: windows under way, what 65 536 records bring until the next tick, small tables, what the
/// allocator keeps.
const FIXED: u64 = 96 << 20;
/// What an entry of a table of flows takes: a stream with its statistics, or a connection.
const FLOW: u64 = 2_048;
/// What a connection takes that closed.
const CONNECTION: u64 = 1_024;
/// What a message takes that is kept until its leg is judged, with its share of the leg, where its text is copied.
const MESSAGE: u64 = 1_024;
/// Most flows of one kind in a shard where nobody asks for less.
const MOST_FLOWS: usize = 1 << 16;
/// Most open legs in a shard where nobody asks for less.
const MOST_LEGS: usize = 4_096;
/// Most bytes that the TCP flows of a shard keep for messages that are not whole where nobody asks for less.
const MOST_BUFFERED: usize = 8 << 20;
/// Most bytes that the TCP flows of a shard keep of them until keys come: 64 MiB in all, and one connection may fill its shard's share.
const MOST_LATE: usize = (64 << 20) / SHARDS;
/// Rendered bytes that a section of the report keeps in memory where nobody asks for less.
const MOST_RENDERED: usize = 64 << 20;

/// The least that can be asked for, in bytes.
pub const LEAST: u64 = 128 << 20;

/// Caps. At ticks, what was unseen for longest goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    /// Entries of a shard's table of flows: streams, and flows without.
    pub flows: usize,
    /// Bytes that TCP flows of a shard keep for messages that are not whole.
    pub buffered: usize,
    /// Bytes of them that wait for keys.
    pub late: usize,
    /// Open legs of a call shard.
    pub legs: usize,
    /// Messages of a call shard's open legs.
    pub messages: usize,
    /// Streams that ended and that nobody claims.
    pub streams: usize,
    /// Connections that closed, kept for calls that may ask for them.
    pub connections: usize,
    /// Rendered bytes that a section of the report keeps in memory.
    pub rendered: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            flows: MOST_FLOWS,
            buffered: MOST_BUFFERED,
            late: MOST_LATE,
            legs: MOST_LEGS,
            messages: usize::MAX,
            streams: usize::MAX,
            connections: usize::MAX,
            rendered: MOST_RENDERED,
        }
    }
}

impl Budget {
    /// Caps that keep a run within `bytes` of memory of its own; at least [`LEAST`].
    pub fn of(bytes: u64) -> Self {
        let room = bytes.max(LEAST) - FIXED;
        let shards = SHARDS as u64;
        let share = |percent: u64, entry: u64| usize::try_from(room / 100 * percent / entry).unwrap_or(usize::MAX).max(1);
        let usual = Self::default();
        Self {
            flows: share(30, FLOW * shards).min(usual.flows),
            buffered: share(5, shards).min(usual.buffered),
            // Half of what all bytes have: messages that wait for their rest have room beside them.
            late: share(5, 2 * shards).min(usual.late),
            legs: share(25, 2 * MESSAGE * shards).min(usual.legs),
            messages: share(25, MESSAGE * shards),
            streams: share(10, FLOW),
            connections: share(10, CONNECTION),
            rendered: share(3, 1).min(usual.rendered),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_the_memory_has_half_the_room_and_plenty_changes_nothing() {
        let (small, large) = (Budget::of((200 << 20) + FIXED), Budget::of((400 << 20) + FIXED));
        assert!((small.flows * 2).abs_diff(large.flows) <= 1 && (small.streams * 2).abs_diff(large.streams) <= 1);
        let (plenty, usual) = (Budget::of(1 << 40), Budget::default());
        assert_eq!(
            (plenty.flows, plenty.buffered, plenty.legs, plenty.rendered),
            (usual.flows, usual.buffered, usual.legs, usual.rendered)
        );
        assert_eq!(Budget::of(0), Budget::of(LEAST));
    }

    #[test]
    fn shares_are_no_more_than_there_is() {
        let bytes = 300 << 20;
        let budget = Budget::of(bytes);
        let shards = SHARDS as u64;
        let flows = budget.flows as u64 * FLOW * shards;
        let calls = budget.messages as u64 * MESSAGE * shards + budget.streams as u64 * FLOW + budget.connections as u64 * CONNECTION;
        let bytes_kept = budget.buffered as u64 * shards + 5 * budget.rendered as u64;
        assert!(flows + calls + bytes_kept + FIXED <= bytes, "{}", flows + calls + bytes_kept + FIXED);
    }
}
