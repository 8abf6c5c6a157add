//! A draft of a topology file, from what captures show: what is known stands there, what is guessed is a comment, and what only the
//! network team knows is asked for.

mod gather;
mod link;
mod text;

use super::spool::Spool;
use super::{CallReport, Format, Rendered, Summary, Survey};
use gather::Gathered;
use std::io::{self, Write};

/// The format of `callpath topology init`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Draft;

impl Format for Draft {
    fn sections(&self) -> usize {
        1
    }

    fn surveys(&self) -> bool {
        true
    }

    fn render(&self, call: &CallReport<'_>, out: &mut Rendered) {
        if let Some(survey) = call.survey.as_ref().filter(|survey| **survey != Survey::default()) {
            // A survey is plain data: it can always be written.
            out.entry(0, call.first, |text| serde_json::to_writer(text, survey).unwrap_or_default());
        }
    }

    fn finish(&self, summary: &Summary, sections: &mut [Spool], out: &mut dyn Write) -> io::Result<()> {
        let mut gathered = Gathered::default();
        for spool in sections {
            spool.for_each(|survey| {
                gathered.add(serde_json::from_slice(survey)?);
                Ok(())
            })?;
        }
        text::write(&gathered, summary, out)
    }
}

#[cfg(test)]
mod tests;
