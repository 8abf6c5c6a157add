//! `callpath schema`: the JSON Schema of what scripts read.

use super::output::Output;
use crate::error::Error;
use clap::{Args, ValueEnum};

/// `callpath schema`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "Examples:\n  callpath schema > report.schema.json\n  callpath schema --format jsonl | jq '.oneOf[].title'")]
pub struct Schema {
    /// Form of the report that is described
    #[arg(long, value_enum, default_value_t = SchemaOf::Json)]
    pub format: SchemaOf,
}

/// What a schema describes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// The object of --format json
    Json,
    /// A line of --format jsonl
    Jsonl,
}

/// The schema of a report, with the definitions that both forms share at its end.
const REPORT: &str = include_str!("../../schema/report.json");
/// The schema of a line of jsonl, without definitions.
const LINE: &str = include_str!("../../schema/line.json");
/// Where the definitions begin in [`REPORT`].
const DEFINITIONS: &str = ",\n  \"$defs\": {";

/// Writes the schema of `of`.
pub fn print(of: SchemaOf, mut output: Output) -> Result<(), Error> {
    output.writer().write_all(text(of).as_bytes())?;
    output.finish()
}

/// Each schema is complete in itself: definitions are not looked up elsewhere.
fn text(of: SchemaOf) -> String {
    match of {
        SchemaOf::Json => REPORT.to_owned(),
        SchemaOf::Jsonl => {
            let definitions = REPORT.split_once(DEFINITIONS).map_or("}\n", |(_, definitions)| definitions);
            let line = LINE.trim_end().trim_end_matches('}').trim_end();
            format!("{line}{DEFINITIONS}{definitions}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Kind;
    use serde_json::Value;

    fn schema(of: SchemaOf) -> Value {
        serde_json::from_str(&text(of)).unwrap()
    }

    #[test]
    fn both_are_json_with_the_same_definitions() {
        let [report, line] = [SchemaOf::Json, SchemaOf::Jsonl].map(schema);
        assert!(report["$defs"].as_object().unwrap().len() > 20);
        assert_eq!(report["$defs"], line["$defs"]);
        assert_eq!(report["title"], crate::report::json::SCHEMA);
    }

    #[test]
    fn every_kind_of_the_ledger_is_there() {
        let kinds = &schema(SchemaOf::Json)["$defs"]["ledger"]["properties"]["kinds"]["required"];
        let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(kinds.as_array().unwrap(), &names);
    }
}
