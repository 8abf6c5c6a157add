//! A capture filter in tcpdump's language, compiled by libpcap once for each link type and run on records as they lie.

use crate::error::Error;

/// Link type of Ethernet, for which a filter is compiled first: what does not compile there is a mistake.
#[cfg(feature = "live")]
const ETHERNET: u16 = 1;

/// A compiled filter.
#[cfg(feature = "live")]
pub struct Filter {
    expression: String,
    programs: Vec<(u16, Option<pcap::BpfProgram>)>,
}

#[cfg(feature = "live")]
impl Filter {
    /// Compiles `expression`. Fails with libpcap's own words.
    pub fn compile(expression: &str) -> Result<Self, Error> {
        let program = program(expression, ETHERNET)
            .map_err(|e| Error::Usage(format!("-f '{expression}': {e}; 'man pcap-filter' tells the language")))?;
        Ok(Self { expression: expression.to_owned(), programs: vec![(ETHERNET, Some(program))] })
    }

    /// The filter lets a record pass. On a link type that the filter cannot be compiled for nothing passes, as with tcpdump.
    pub fn keeps(&mut self, link: u16, bytes: &[u8]) -> bool {
        let known = self.programs.iter().position(|(of, _)| *of == link).unwrap_or_else(|| {
            self.programs.push((link, program(&self.expression, link).ok()));
            self.programs.len() - 1
        });
        self.programs.get(known).and_then(|(_, program)| program.as_ref()).is_some_and(|program| program.filter(bytes))
    }
}

#[cfg(feature = "live")]
fn program(expression: &str, link: u16) -> Result<pcap::BpfProgram, pcap::Error> {
    // The file format's number for raw IP is 101, libpcap's own is 12.
    let number = if link == 101 { 12 } else { i32::from(link) };
    pcap::Capture::dead(pcap::Linktype(number))?.compile(expression, true)
}

/// Without libpcap there is no filter; the command line says so before it comes to this.
#[cfg(not(feature = "live"))]
pub struct Filter;

#[cfg(not(feature = "live"))]
impl Filter {
    /// Always fails.
    pub fn compile(_: &str) -> Result<Self, Error> {
        Err(Error::Usage("-f needs libpcap: this callpath was built without the feature 'live'".to_owned()))
    }

    /// Everything passes.
    pub fn keeps(&mut self, _: u16, _: &[u8]) -> bool {
        true
    }
}

#[cfg(all(test, feature = "live"))]
mod tests {
    use super::*;

    #[test]
    fn lets_pass_what_tcpdump_would() {
        let mut frame = vec![0u8; 14 + 20 + 8];
        frame[12] = 8;
        frame[14] = 0x45;
        frame[23] = 17;
        frame[36..38].copy_from_slice(&5060u16.to_be_bytes());
        let mut filter = Filter::compile("udp port 5060").unwrap();
        assert!(filter.keeps(1, &frame));
        assert!(filter.keeps(101, &frame[14..]));
        frame[37] = 0;
        assert!(!filter.keeps(1, &frame));
    }

    #[test]
    fn a_mistake_is_told_in_libpcaps_words() {
        let error = Filter::compile("udp prot 5060").map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with("-f 'udp prot 5060': "), "{error}");
    }
}
