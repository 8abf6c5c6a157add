//! The tables of codes that say why a call failed (`rules/codes.toml`): SIP status codes, causes of ITU-T Q.850, codes and texts of
//! Microsoft's.

use serde::Deserialize;
use std::collections::HashMap;
use std::sync::LazyLock;

static TABLES: LazyLock<Tables> =
    LazyLock::new(|| Tables::new(toml::from_str(include_str!("../../rules/codes.toml")).expect("the tables parse, as a test shows")));

/// What a code is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// What somebody did or did not do.
    User,
    /// A fault on the way, which another way may not have.
    Network,
}

/// One code.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The number. Of Microsoft's with three digits, all that begin with them.
    pub code: u32,
    /// What its standard calls it; of Microsoft's codes, in few words.
    pub name: String,
    /// What it is about, where that is one of the two.
    pub kind: Option<Kind>,
    /// What it says, in a sentence without its end.
    pub meaning: String,
    /// Where it usually comes from.
    pub cause: String,
    /// What to do.
    pub remedy: String,
    /// Who says so.
    pub source: String,
    /// Text by which a Reason header is known to mean it.
    #[serde(default)]
    says: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(rename = "schema")]
    _schema: u32,
    status: Vec<Code>,
    q850: Vec<Code>,
    microsoft: Vec<Code>,
}

struct Tables {
    status: HashMap<u32, Code>,
    q850: HashMap<u32, Code>,
    microsoft: Vec<Code>,
}

impl Tables {
    fn new(file: File) -> Self {
        let by_code = |codes: Vec<Code>| codes.into_iter().map(|code| (code.code, code)).collect();
        Self { status: by_code(file.status), q850: by_code(file.q850), microsoft: file.microsoft }
    }
}

/// A SIP status from 400 on; without a row of its own, the first of its class (RFC 3261 section 8.1.3.2).
pub fn status(status: u16) -> Option<&'static Code> {
    let table = &TABLES.status;
    table.get(&u32::from(status)).or_else(|| table.get(&(u32::from(status) / 100 * 100)))
}

/// A cause of ITU-T Q.850.
pub fn q850(cause: u16) -> Option<&'static Code> {
    TABLES.q850.get(&u32::from(cause))
}

/// A code of Microsoft's by its number: the row of that number, else the one that its first digits have.
pub fn microsoft(code: u32) -> Option<&'static Code> {
    let by = |wanted: u32| TABLES.microsoft.iter().find(|row| row.code == wanted);
    by(code).or_else(|| by(code / 1000).filter(|row| row.code > 99))
}

/// A code of Microsoft's by what a Reason header says: the row whose text is longest of those that are in it.
pub fn said(text: &str) -> Option<&'static Code> {
    let text = text.to_lowercase();
    let fits = |row: &&Code| row.says.iter().filter(|says| text.contains(says.as_str())).map(String::len).max();
    TABLES.microsoft.iter().filter_map(|row| Some((fits(&row)?, row))).max_by_key(|(length, _)| *length).map(|(_, row)| row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_says_everything_and_each_status_and_cause_has_one() {
        let file: File = toml::from_str(include_str!("../../rules/codes.toml")).unwrap();
        let n = [&file.status, &file.q850, &file.microsoft].map(Vec::len);
        for row in file.status.iter().chain(&file.q850).chain(&file.microsoft) {
            let texts = [&row.name, &row.meaning, &row.cause, &row.remedy, &row.source];
            assert!(texts.iter().all(|text| !text.is_empty() && !text.ends_with('.')), "{row:?}");
            assert!(row.says.iter().all(|says| *says == says.to_lowercase()), "{row:?}");
        }
        assert!(file.status.iter().all(|row| (400..700).contains(&row.code)) && file.q850.iter().all(|row| row.code <= 127));
        let tables = Tables::new(file);
        assert_eq!([tables.status.len(), tables.q850.len()], [n[0], n[1]]);
    }

    #[test]
    fn codes_are_found_by_number_by_class_and_by_what_is_said() {
        assert_eq!(status(486).unwrap().name, "Busy Here");
        assert_eq!(status(499).unwrap().name, "Bad Request");
        assert!(status(302).is_none() && q850(200).is_none() && microsoft(12).is_none() && said("").is_none());
        assert_eq!(microsoft(560_403).unwrap().code, 560);
        assert_eq!(microsoft(510_532).unwrap().name, "trunk not known");
        assert_eq!(said("No callee endpoints were found.").unwrap().code, 10_037);
        assert_eq!(said("Get Outbound - No trunk config found by LBR selection criteria").unwrap().code, 510_546);
    }
}
