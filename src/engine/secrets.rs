//! Secrets of TLS connections: of the key logs that the user gave, and of those that stand in the inputs.

use crate::flow::keylog::KeyLog;
use crate::record::secrets::Text;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Finds the key logs of an input, by its number.
pub type Find = Box<dyn FnMut(u32) -> Vec<Text> + Send + Sync>;

/// What is known, and where more may be found.
#[derive(Default)]
pub struct Secrets {
    log: Arc<KeyLog>,
    find: Option<Find>,
    /// Inputs that were searched.
    searched: BTreeSet<u32>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("log", &self.log).finish_non_exhaustive()
    }
}

impl Secrets {
    /// These, and what `find` finds.
    pub fn new(log: KeyLog, find: Find) -> Self {
        Self { log: Arc::new(log), find: Some(find), searched: BTreeSet::new() }
    }

    /// All that is known now.
    pub fn log(&self) -> &Arc<KeyLog> {
        &self.log
    }

    /// Takes in key logs, and those of `inputs` that were not searched yet. Whether more is known now.
    pub fn take<'t>(&mut self, texts: impl Iterator<Item = &'t Text>, inputs: impl Iterator<Item = &'t u32>) -> bool {
        let before = self.log.version;
        for text in texts {
            Arc::make_mut(&mut self.log).read(text);
        }
        for input in inputs {
            if let Some(find) = self.find.as_mut().filter(|_| self.searched.insert(*input)) {
                for text in find(*input) {
                    Arc::make_mut(&mut self.log).read(&text);
                }
            }
        }
        self.log.version > before
    }
}
