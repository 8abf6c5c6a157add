//! The UDP datagrams of a capture as decode finds them, for comparisons at the level of one datagram.

use callpath::decode::{self, Decoded, Outer, Transport};
use callpath::engine::par;
use callpath::input::discover;
use callpath::record::{Merge, Options};
use std::path::Path;

/// Records of a window.
const WINDOW: usize = 8_192;

/// What `read` makes of each datagram, given the number of the frame that carried it.
pub fn datagrams<T>(path: &Path, mut read: impl FnMut(u64, &Transport<'_>) -> Option<T>) -> Vec<T> {
    let inputs = [path.to_str().unwrap().to_owned()];
    let mut merge = Merge::open(discover(&inputs).unwrap(), par::spawn, Options::default()).unwrap();
    let (mut found, mut tap) = (Vec::new(), Outer::default());
    while let Some(window) = merge.next_window(WINDOW) {
        for record in (0..window.heads.len()).filter_map(|i| window.record(i)) {
            if let Decoded::Transport(transport) = decode::open(&record, &mut tap)
                && transport.tcp.is_none()
            {
                found.extend(read(record.id.number, &transport));
            }
        }
    }
    found
}
