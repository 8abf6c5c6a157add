//! Input: bytes from files, directories, globs, pipes and compressed files. Only this module, the report's sinks, `audit` and
//! `cli` do I/O.

use std::sync::Arc;

/// A block of input bytes that records lie in: a mapped file or a piece read from a stream.
pub type Block = Arc<dyn AsRef<[u8]> + Send + Sync>;
