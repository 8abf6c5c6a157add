//! Whether two reports say the same of the same packets, however those came in.

use serde_json::Value;

/// A report without what depends on the form of its input: `inputs`, `taps[].inputs`, `filter` and the notes that name an input go,
/// and record references count through all inputs; `before` has for each input the records of those before it.
pub fn content(report: &[u8], before: &[u64]) -> Value {
    let mut report: Value = serde_json::from_slice(report).expect("a report is JSON");
    let inputs = report["inputs"].take();
    let paths: Vec<String> =
        inputs.as_array().into_iter().flatten().filter_map(|input| Some(format!("'{}'", input["path"].as_str()?))).collect();
    if let Some(notes) = report["notes"].as_array_mut() {
        notes.retain(|note| !paths.iter().any(|path| note.as_str().is_some_and(|note| note.starts_with(path.as_str()))));
    }
    for tap in report["taps"].as_array_mut().into_iter().flatten() {
        tap["inputs"].take();
    }
    for finding in report["findings"].as_array_mut().into_iter().flatten() {
        finding["filter"].take();
        for list in ["records", "evidence"] {
            finding[list].as_array_mut().into_iter().flatten().for_each(|record| number_through(record, before));
        }
    }
    for stream in report["streams"].as_array_mut().into_iter().flatten() {
        stream["dtmf"].as_array_mut().into_iter().flatten().for_each(|digit| number_through(&mut digit["record"], before));
        for place in ["/events/longest_gap_record", "/events/payload_type_changes/first", "/events/timestamp_jumps/first"] {
            stream.pointer_mut(place).filter(|record| !record.is_null()).into_iter().for_each(|record| number_through(record, before));
        }
    }
    report
}

fn number_through(record: &mut Value, before: &[u64]) {
    let input = record["input"].take().as_u64().expect("an input's number") as usize;
    let number = record["number"].as_u64().expect("a record's number");
    record["number"] = (before.get(input).expect("an input that was given") + number).into();
}

/// The first place where two values differ, and what stands there.
pub fn difference(a: &Value, b: &Value) -> Option<String> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let names = x.keys().chain(y.keys().filter(|name| !x.contains_key(*name)));
            names.into_iter().find_map(|name| Some(format!(".{name}{}", difference(&a[name], &b[name])?)))
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            x.iter().zip(y).enumerate().find_map(|(i, (x, y))| Some(format!("[{i}]{}", difference(x, y)?)))
        }
        _ => (a != b).then(|| format!(": {}\n   not {}", short(a), short(b))),
    }
}

/// The same of two reports as they stand, which must agree in every byte.
pub fn difference_of_bytes(a: &[u8], b: &[u8]) -> Option<String> {
    let value = |report: &[u8]| serde_json::from_slice(report).unwrap_or(Value::Null);
    (a != b).then(|| difference(&value(a), &value(b)).unwrap_or_else(|| ": the order of members".to_owned()))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    text.chars().take(400).collect()
}

#[test]
fn records_are_counted_through_and_differences_named() {
    let report = |input: u64, number: u64| {
        let records = serde_json::json!([{ "input": input, "number": number }]);
        serde_json::to_vec(&serde_json::json!({
            "inputs": [{ "path": "a" }], "taps": [{ "id": 0, "inputs": [input] }], "notes": ["'a' is odd", "odd"],
            "findings": [{ "filter": number, "records": records, "evidence": [] }],
        }))
        .unwrap()
    };
    let (a, b, c) = (content(&report(0, 7), &[0]), content(&report(1, 2), &[0, 5]), content(&report(1, 3), &[0, 5]));
    assert_eq!(difference(&a, &b), None);
    assert_eq!(difference(&a, &c).unwrap(), ".findings[0].records[0].number: 7\n   not 8");
    assert_eq!(a["notes"], serde_json::json!(["odd"]));
    assert_eq!(difference_of_bytes(b"{}", b"{}"), None);
    assert!(difference_of_bytes(&report(0, 7), &report(0, 8)).is_some());
}
