//! Sources and interfaces of a run: which input continues which, so that a rotated set is one point of observation.

use super::idb::Described;
use super::{Interface, InterfaceId, LinkType, SourceId};
use crate::input::skeleton;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Says whether the topology's `link.file` globs leave two paths on one link.
pub type SameLink = Box<dyn Fn(&str, &str) -> bool + Send>;

/// Name and link type of an interface, in the order described: what must agree where one input continues another.
pub type Signature = Vec<(Option<String>, LinkType)>;

/// All sources and interfaces so far. Saved, it lets a later run continue the sources of this one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sources {
    sources: Vec<Source>,
    interfaces: Vec<Interface>,
    /// Drop count that an interface last stated, by interface.
    stated: Vec<u64>,
    /// One interface is known within a source by index, name and link type.
    known: BTreeMap<(SourceId, u32, Option<String>, LinkType), InterfaceId>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Source {
    /// Path of its latest input.
    path: String,
    /// That path with its numbers left out.
    skeleton: String,
    /// Interfaces of its latest input.
    signature: Signature,
    /// Running maximum of time when its latest input ended; `None` while that is being read.
    ended: Option<Timestamp>,
}

/// How well an input would continue another: same rotated set first, then the later end, then the lower source.
pub type Fit = (bool, Timestamp, std::cmp::Reverse<SourceId>);

/// An input that is about to be read: what decides which source it belongs to.
pub struct Begin<'a> {
    path: &'a str,
    skeleton: String,
    signature: &'a Signature,
    first: Timestamp,
}

impl<'a> Begin<'a> {
    /// An input as the user named it, with the interfaces described before its first record and the time of that record.
    pub fn new(path: &'a str, signature: &'a Signature, first: Timestamp) -> Self {
        Self { path, skeleton: skeleton(path), signature, first }
    }
}

impl Sources {
    /// All interfaces; [`InterfaceId`] is the index.
    pub fn interfaces(&self) -> &[Interface] {
        &self.interfaces
    }

    /// The best source among those that have ended which `begin` continues.
    pub fn continued(&self, begin: &Begin<'_>, same_link: &SameLink) -> Option<(Fit, SourceId)> {
        let ids = (0..self.sources.len()).map(|id| SourceId(id as u32));
        let ended = |id: &SourceId| self.sources.get(id.0 as usize)?.ended.filter(|ended| *ended <= begin.first);
        ids.filter_map(|id| Some((self.fit(id, ended(&id)?, begin, same_link)?, id))).max()
    }

    /// How well `begin` would continue `source`, which ended or will end at `ended`; `None` when their interfaces or links differ.
    pub fn fit(&self, source: SourceId, ended: Timestamp, begin: &Begin<'_>, same_link: &SameLink) -> Option<Fit> {
        let before = self.sources.get(source.0 as usize)?;
        let follows = agree(&before.signature, begin.signature) && same_link(&before.path, begin.path);
        follows.then(|| (before.skeleton == begin.skeleton, ended, std::cmp::Reverse(source)))
    }

    /// Opens a new source.
    pub fn open(&mut self, begin: &Begin<'_>) -> SourceId {
        let id = SourceId(self.sources.len() as u32);
        let (path, skeleton) = (begin.path.to_owned(), begin.skeleton.clone());
        self.sources.push(Source { path, skeleton, signature: begin.signature.clone(), ended: None });
        id
    }

    /// Goes on with a source and gives the time at which it had ended.
    pub fn resume(&mut self, id: SourceId, begin: &Begin<'_>) -> Option<Timestamp> {
        let source = self.sources.get_mut(id.0 as usize)?;
        (source.path, source.skeleton) = (begin.path.to_owned(), begin.skeleton.clone());
        source.signature = begin.signature.clone();
        source.ended.take()
    }

    /// The latest input of a source has ended at running maximum `run`, having described `signature`.
    pub fn end(&mut self, id: SourceId, run: Timestamp, signature: Signature) {
        if let Some(source) = self.sources.get_mut(id.0 as usize) {
            source.ended = Some(run);
            // A last section without interfaces says nothing against the one before.
            if !signature.is_empty() {
                source.signature = signature;
            }
        }
    }
}

/// One describes what the other does, as far as both go: interfaces may come up while a capture runs.
fn agree(before: &Signature, now: &Signature) -> bool {
    !before.is_empty() && !now.is_empty() && before.iter().zip(now).all(|(a, b)| a == b)
}

/// Numbers the interfaces of one source.
pub struct Registry<'a> {
    /// All sources and interfaces.
    pub sources: &'a mut Sources,
    /// The source of the input that is read.
    pub source: SourceId,
}

impl Registry<'_> {
    /// The id of an interface: that of an earlier input of the source, or a new one.
    pub fn interface(&mut self, index: u32, described: &Described) -> InterfaceId {
        let all = &mut *self.sources;
        let key = (self.source, index, described.name.clone(), described.link);
        *all.known.entry(key).or_insert_with(|| {
            let id = InterfaceId(all.interfaces.len() as u32);
            all.stated.push(0);
            all.interfaces.push(Interface {
                source: self.source,
                index,
                name: described.name.clone(),
                description: described.description.clone(),
                link: described.link,
                snaplen: described.snaplen,
                dropped: 0,
            });
            id
        })
    }

    /// An interface states `n` dropped packets since its capture began. A lower number than before is a new capture's.
    pub fn dropped(&mut self, id: InterfaceId, n: u64) {
        let at = id.0 as usize;
        if let (Some(stated), Some(interface)) = (self.sources.stated.get_mut(at), self.sources.interfaces.get_mut(at)) {
            let more = n.checked_sub(*stated).unwrap_or(n);
            interface.dropped = interface.dropped.saturating_add(more);
            *stated = n;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Span;

    fn ethernet(name: &str) -> Signature {
        vec![(Some(name.to_owned()).filter(|n| !n.is_empty()), LinkType::ETHERNET)]
    }

    fn any() -> SameLink {
        Box::new(|_, _| true)
    }

    fn begin<'a>(path: &'a str, signature: &'a Signature, secs: i64) -> Begin<'a> {
        Begin::new(path, signature, at(secs))
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp(0) + Span::secs(secs)
    }

    #[test]
    fn an_input_continues_what_ended_before_it_on_the_same_interfaces() {
        let (eth0, eth1) = (ethernet("eth0"), ethernet("eth1"));
        let mut all = Sources::default();
        let id = all.open(&begin("a", &eth0, 0));
        assert_eq!(all.continued(&begin("b", &eth0, 10), &any()), None, "still read");
        all.end(id, at(10), eth0.clone());
        assert_eq!(all.continued(&begin("b", &eth0, 10), &any()).map(|(_, id)| id), Some(id));
        assert_eq!(all.continued(&begin("b", &eth1, 10), &any()), None);
        assert_eq!(all.continued(&begin("b", &eth0, 5), &any()), None, "overlaps");
        let parted: SameLink = Box::new(|a, b| a == b);
        assert_eq!(all.continued(&begin("b", &eth0, 10), &parted), None, "link.file parts them");
    }

    #[test]
    fn of_several_sources_the_same_rotated_set_is_continued_then_the_one_that_ended_last() {
        let eth = ethernet("");
        let mut all = Sources::default();
        for (path, ended) in [("tapA/cap1", 10), ("tapB/cap1", 9), ("tapC/x", 11)] {
            let id = all.open(&begin(path, &eth, 0));
            all.end(id, at(ended), eth.clone());
        }
        let of = |path| all.continued(&begin(path, &eth, 12), &any()).map(|(_, id)| id.0);
        assert_eq!((of("tapA/cap2"), of("tapB/cap2"), of("tapD/cap2")), (Some(0), Some(1), Some(2)));
    }

    #[test]
    fn interfaces_keep_their_ids_within_a_source_and_drops_count_on() {
        let described = Described::read(crate::record::bytes::Order::Little, &[1, 0, 0, 0, 0, 0, 0, 0]).unwrap();
        let mut all = Sources::default();
        let mut of = |source| {
            let mut registry = Registry { sources: &mut all, source: SourceId(source) };
            (registry.interface(0, &described), registry.interface(1, &described))
        };
        let first = of(0);
        assert_eq!(first, of(0));
        assert_ne!(first, of(1));
        let mut registry = Registry { sources: &mut all, source: SourceId(0) };
        for n in [3, 5, 2] {
            registry.dropped(first.0, n);
        }
        assert_eq!(all.interfaces()[0].dropped, 7);
    }
}
