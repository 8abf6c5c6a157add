//! The whole pipeline on capture files and on ladders, in this process, and the JSON report that it makes.

use super::capture::Capture;
use callpath::analysis::run::{Drive, WINDOW, finish, run};
use callpath::analysis::{Analysis, Settings};
use callpath::config::NONE;
use callpath::engine::par;
use callpath::flow::keylog::KeyLog;
use callpath::input::discover;
use callpath::path::scenario::Profile;
use callpath::record::{Merge, Options};
use callpath::report::{Format, json::Json};
use callpath::rules::RULES;
use callpath::topology::Topology;
use std::path::{Path, PathBuf};

/// The report of `inputs`, read with the topology of a file where one is given.
pub fn analyze(inputs: &[PathBuf], topology: Option<&Path>) -> serde_json::Value {
    let topology = topology.map(|path| (std::fs::read_to_string(path).unwrap(), named(path)));
    let topology = topology.as_ref().map(|(text, name)| (text.as_str(), name.as_str()));
    serde_json::from_str(&report(inputs, topology)).unwrap()
}

/// The report of a ladder's capture, read with the topology of a text where one is given.
pub fn analyze_capture(capture: &Capture, topology: Option<&str>) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(if capture.pcapng { "ladder.pcapng" } else { "ladder.pcap" });
    std::fs::write(&path, &capture.bytes).unwrap();
    let mut report: serde_json::Value = serde_json::from_str(&report(&[path], topology.map(|text| (text, "topology")))).unwrap();
    report["inputs"][0]["path"] = "ladder".into();
    report
}

/// The same of clients of Skype for Business.
pub fn analyze_skype(capture: &Capture, topology: &str) -> serde_json::Value {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(if capture.pcapng { "ladder.pcapng" } else { "ladder.pcap" });
    std::fs::write(&path, &capture.bytes).unwrap();
    serde_json::from_str(&report_of(&[path], Some((topology, "topology")), Profile::SkypeForBusiness)).unwrap()
}

/// The report as it is written. Paths in the repository are given from its root on, so that no report names a machine's folders.
pub fn report(inputs: &[PathBuf], topology: Option<(&str, &str)>) -> String {
    report_of(inputs, topology, Profile::Teams)
}

fn report_of(inputs: &[PathBuf], topology: Option<(&str, &str)>, profile: Profile) -> String {
    let topology = topology.map_or_else(Topology::built_in, |(text, name)| Topology::parse(text, name).unwrap());
    let inputs: Vec<String> = inputs.iter().map(|path| named(path)).collect();
    let options = Options::new(None, topology.same_link());
    let mut merge = Merge::open(discover(&inputs).unwrap(), par::spawn, options).unwrap();
    let settings = Settings { topology: &topology, rules: RULES, format: &Json, profile, config: &NONE };
    let mut analysis = Analysis::new(&Json);
    analysis.know(KeyLog::default(), merge.secrets());
    let mut out = Vec::new();
    let drive = Drive { window: WINDOW, filter: None, progress: &mut |_| {}, out: &mut out };
    run(&mut analysis, &mut merge, settings, drive).unwrap();
    let summary = finish(&mut analysis, &merge, settings).unwrap();
    Json.finish(&summary, &mut analysis.into_sections(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// A path from the repository's root on, where tests run.
fn named(path: &Path) -> String {
    path.strip_prefix(super::root()).unwrap_or(path).to_str().unwrap().replace('\\', "/")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::capture::capture;
    use crate::support::{ladder::parse, root};

    #[test]
    fn a_report_names_files_from_the_root_on() {
        let report = analyze(&[root().join("captures/contact-ip.pcap")], None);
        assert_eq!((&report["inputs"][0]["path"], &report["totals"]["calls"]), (&"captures/contact-ip.pcap".into(), &2.into()));
        let topology = root().join("captures/er-out-internet-back.toml");
        assert_eq!(
            analyze(&[root().join("captures/er-out-internet-back.pcapng")], Some(&topology))["checks"]["DR170-asymmetric-segment"]["violated"],
            2
        );
    }

    #[test]
    fn a_ladder_goes_through_the_whole_pipeline() {
        let capture = capture(&parse("0 sbc 198.51.100.4:50000 > ms 52.114.75.24:5061 tls OPTIONS\n0.1 ms > sbc 200\n").unwrap()).unwrap();
        let report = analyze_capture(&capture, Some("schema = 1\n"));
        assert_eq!((&report["calls"][0]["kind"], &report["calls"][0]["legs"][0]["status"]), (&"options".into(), &200.into()));
    }

    #[test]
    fn media_of_skype_for_business_has_rows() {
        let ladder = parse("0 a 10.0.0.1:4000 > b 10.0.0.2:4000 rtp PCMU x 100 every 20 ms\n").unwrap();
        assert_eq!(analyze_skype(&capture(&ladder).unwrap(), "schema = 1\n")["calls"][0]["scenario"], "ON1/HY1/HY2");
    }
}
