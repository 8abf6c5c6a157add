//! Longest-prefix match: nested prefixes flattened to sorted ranges, found by binary search.

use ipnet::IpNet;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Values by prefix. The longest prefix that holds an address decides; of equal prefixes the one given first.
#[derive(Debug, Clone)]
pub(super) struct PrefixMap<T> {
    items: Vec<(IpNet, T)>,
    v4: Ranges<u32>,
    v6: Ranges<u128>,
}

impl<T> PrefixMap<T> {
    /// Builds the map in n log n.
    pub fn new(given: impl IntoIterator<Item = (IpNet, T)>) -> Self {
        let mut seen = BTreeSet::new();
        let items: Vec<(IpNet, T)> = given.into_iter().filter(|(net, _)| seen.insert(*net)).collect();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (idx, (net, _)) in items.iter().enumerate() {
            match net {
                IpNet::V4(net) => v4.push(Net { first: net.network().to_bits(), last: net.broadcast().to_bits(), idx }),
                IpNet::V6(net) => v6.push(Net { first: net.network().to_bits(), last: net.broadcast().to_bits(), idx }),
            }
        }
        Self { v4: Ranges::new(v4), v6: Ranges::new(v6), items }
    }

    /// The longest prefix that holds `ip`, an IPv4-mapped IPv6 address read as IPv4.
    pub fn get(&self, ip: IpAddr) -> Option<&(IpNet, T)> {
        let idx = match ip.to_canonical() {
            IpAddr::V4(ip) => self.v4.get(ip.to_bits()),
            IpAddr::V6(ip) => self.v6.get(ip.to_bits()),
        };
        idx.and_then(|idx| self.items.get(idx))
    }
}

#[derive(Clone, Copy)]
struct Net<K> {
    first: K,
    last: K,
    idx: usize,
}

trait Key: Copy + Ord {
    /// The next address, none behind the last.
    fn next(self) -> Option<Self>;
}

impl Key for u32 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Key for u128 {
    fn next(self) -> Option<Self> {
        self.checked_add(1)
    }
}

/// `items[i]` holds from `starts[i]` to the address before `starts[i + 1]`.
#[derive(Debug, Clone)]
struct Ranges<K> {
    starts: Vec<K>,
    items: Vec<Option<usize>>,
}

impl<K: Key> Ranges<K> {
    fn new(mut nets: Vec<Net<K>>) -> Self {
        nets.sort_by(|a, b| a.first.cmp(&b.first).then(b.last.cmp(&a.last)));
        let mut ranges = Self { starts: Vec::new(), items: Vec::new() };
        let mut open = Vec::new();
        for net in nets {
            ranges.close(&mut open, Some(net.first));
            ranges.start(net.first, Some(net.idx));
            open.push(net);
        }
        ranges.close(&mut open, None);
        ranges
    }

    /// Ends the open prefixes that lie before `limit`, all of them without one. Prefixes nest, so the innermost is on top.
    fn close(&mut self, open: &mut Vec<Net<K>>, limit: Option<K>) {
        while let Some(inner) = open.pop_if(|net| limit.is_none_or(|limit| net.last < limit)) {
            if let Some(next) = inner.last.next() {
                self.start(next, open.last().map(|outer| outer.idx));
            }
        }
    }

    fn start(&mut self, at: K, item: Option<usize>) {
        if self.starts.last() == Some(&at) {
            self.items.pop();
        } else {
            self.starts.push(at);
        }
        self.items.push(item);
    }

    fn get(&self, key: K) -> Option<usize> {
        let after = self.starts.partition_point(|start| *start <= key);
        self.items.get(after.checked_sub(1)?).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(nets: &[&str]) -> PrefixMap<usize> {
        PrefixMap::new(nets.iter().enumerate().map(|(idx, net)| (net.parse().unwrap(), idx)))
    }

    fn find(map: &PrefixMap<usize>, ip: &str) -> Option<usize> {
        map.get(ip.parse().unwrap()).map(|(_, idx)| *idx)
    }

    #[test]
    fn longest_prefix_decides_on_both_sides_of_each_border() {
        let map = map(&["10.0.0.0/8", "10.1.0.0/16", "10.1.255.0/24", "10.2.0.0/16"]);
        for (ip, idx) in [
            ("9.255.255.255", None),
            ("10.0.0.0", Some(0)),
            ("10.1.0.0", Some(1)),
            ("10.1.255.1", Some(2)),
            ("10.2.0.0", Some(3)),
            ("10.3.0.0", Some(0)),
            ("10.255.255.255", Some(0)),
            ("11.0.0.0", None),
        ] {
            assert_eq!(find(&map, ip), idx, "{ip}");
        }
    }

    #[test]
    fn first_of_equal_prefixes_decides() {
        assert_eq!(find(&map(&["10.0.0.0/8", "10.0.0.0/8"]), "10.1.1.1"), Some(0));
    }

    #[test]
    fn default_route_and_last_address_are_within_range() {
        let map = map(&["0.0.0.0/0", "255.255.255.255/32", "::/0", "ffff::/16"]);
        assert_eq!(find(&map, "0.0.0.0"), Some(0));
        assert_eq!(find(&map, "255.255.255.255"), Some(1));
        assert_eq!(find(&map, "::1"), Some(2));
        assert_eq!(find(&map, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), Some(3));
        assert_eq!(find(&map, "::ffff:255.255.255.255"), Some(1));
    }

    #[test]
    fn agrees_with_a_linear_search_over_nested_prefixes() {
        let nets: Vec<IpNet> = (0..=32)
            .flat_map(|len| [format!("10.77.3.9/{len}"), format!("10.77.2.255/{len}")])
            .map(|text| text.parse::<IpNet>().unwrap().trunc())
            .collect();
        let map = PrefixMap::new(nets.iter().map(|net| (*net, ())));
        for step in 0..4096_u32 {
            let ip = IpAddr::from((0x0a4d_0000 + step).to_be_bytes());
            let longest = nets.iter().filter(|net| net.contains(&ip)).max_by_key(|net| net.prefix_len());
            assert_eq!(map.get(ip).map(|(net, ())| net), longest, "{ip}");
        }
    }
}
