//! Holds JSON against a JSON Schema (2020-12), as far as our schemas go: a keyword that is not known here fails, so that none is
//! passed over.

use serde_json::{Map, Value};

/// Most faults told of one document.
const MOST: usize = 10;

/// A schema whose references lead into itself.
pub struct Schema {
    root: Value,
}

impl Schema {
    /// Reads a schema. Panics where it is none.
    pub fn parse(text: &str) -> Self {
        let root: Value = serde_json::from_str(text).expect("a schema is JSON");
        assert_eq!(root["$schema"], "https://json-schema.org/draft/2020-12/schema");
        Self { root }
    }

    /// What is wrong with `value`, each fault with the place where it is.
    pub fn faults(&self, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(&self.root, value, "", &mut faults);
        faults.truncate(MOST);
        faults
    }

    /// Definitions that nothing refers to.
    pub fn unused(&self) -> Vec<String> {
        let text = self.root.to_string();
        let names = self.root["$defs"].as_object().expect("definitions").keys();
        names.filter(|name| !text.contains(&format!("\"#/$defs/{name}\""))).cloned().collect()
    }

    fn fits(&self, schema: &Value, value: &Value) -> bool {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        faults.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
        let schema = schema.as_object().expect("a schema is an object");
        for (keyword, wanted) in schema {
            if !self.keyword(keyword, wanted, schema, value, at, faults) {
                faults.push(format!("{at}: {keyword} {wanted} does not allow {}", brief(value)));
            }
        }
    }

    /// Whether `value` keeps to one keyword; faults further down are added by themselves.
    fn keyword(
        &self,
        keyword: &str,
        wanted: &Value,
        schema: &Map<String, Value>,
        value: &Value,
        at: &str,
        faults: &mut Vec<String>,
    ) -> bool {
        match keyword {
            "$schema" | "$id" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let name = wanted.as_str().and_then(|to| to.strip_prefix("#/$defs/")).expect("a reference into $defs");
                self.check(self.root["$defs"].get(name).unwrap_or_else(|| panic!("no $defs/{name}")), value, at, faults);
                true
            }
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|one| is_of_type(one, value)),
                one => is_of_type(one, value),
            },
            "const" => value == wanted,
            "enum" => wanted.as_array().expect("a list").contains(value),
            "minimum" => value.as_f64().is_none_or(|n| n >= wanted.as_f64().expect("a number")),
            "maximum" => value.as_f64().is_none_or(|n| n <= wanted.as_f64().expect("a number")),
            "pattern" => {
                let pattern = regex_lite::Regex::new(wanted.as_str().expect("text")).expect("a pattern");
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "format" => value.as_str().is_none_or(|text| has_format(wanted.as_str().expect("text"), text)),
            "anyOf" => wanted.as_array().expect("a list").iter().any(|one| self.fits(one, value)),
            "oneOf" => wanted.as_array().expect("a list").iter().filter(|one| self.fits(one, value)).count() == 1,
            "items" => {
                for (i, entry) in value.as_array().into_iter().flatten().enumerate() {
                    self.check(wanted, entry, &format!("{at}/{i}"), faults);
                }
                true
            }
            "required" => {
                let has = |name: &Value| value.as_object().is_none_or(|members| members.contains_key(name.as_str().expect("a name")));
                wanted.as_array().expect("a list").iter().all(has)
            }
            "properties" | "additionalProperties" | "propertyNames" => {
                self.members(keyword, wanted, schema, value, at, faults);
                true
            }
            unknown => panic!("the validator does not know '{unknown}'"),
        }
    }

    fn members(&self, keyword: &str, wanted: &Value, schema: &Map<String, Value>, value: &Value, at: &str, faults: &mut Vec<String>) {
        let named = |name: &str| schema.get("properties").and_then(|all| all.get(name));
        for (name, member) in value.as_object().into_iter().flatten() {
            let at = format!("{at}/{name}");
            match (keyword, wanted) {
                ("properties", _) => named(name).into_iter().for_each(|schema| self.check(schema, member, &at, faults)),
                ("propertyNames", _) => self.check(wanted, &Value::String(name.clone()), &at, faults),
                (_, Value::Bool(allowed)) if named(name).is_none() && !allowed => faults.push(format!("{at} is not in the schema")),
                (_, Value::Object(_)) if named(name).is_none() => self.check(wanted, member, &at, faults),
                _ => {}
            }
        }
    }
}

fn is_of_type(name: &Value, value: &Value) -> bool {
    match name.as_str().expect("a name") {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        unknown => panic!("no type '{unknown}'"),
    }
}

fn has_format(name: &str, text: &str) -> bool {
    match name {
        "date-time" => text.parse::<jiff::Timestamp>().is_ok(),
        "ipv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
        "ipv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
        unknown => panic!("the validator does not know the format '{unknown}'"),
    }
}

fn brief(value: &Value) -> String {
    value.to_string().chars().take(100).collect()
}

#[test]
fn the_validator_finds_what_is_wrong() {
    let schema = Schema::parse(
        r##"{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["a"],"additionalProperties":false,
            "properties":{"a":{"$ref":"#/$defs/few"},"b":{"type":["string","null"],"pattern":"^x"},"c":{"anyOf":[{"const":1},{"enum":["y"]}]},
            "d":{"type":"object","propertyNames":{"pattern":"^[a-z]$"},"additionalProperties":{"type":"boolean"}}},
            "$defs":{"few":{"type":"array","items":{"type":"integer","minimum":0,"maximum":9}},"spare":{}}}"##,
    );
    let n_faults = |text: &str| schema.faults(&serde_json::from_str(text).unwrap()).len();
    assert_eq!(n_faults(r#"{"a":[0,9],"b":null,"c":"y","d":{"q":true}}"#), 0);
    assert_eq!(
        (n_faults("{}"), n_faults(r#"{"a":[10,-1,0.5]}"#), n_faults(r#"{"a":[],"b":"y"}"#), n_faults(r#"{"a":[],"e":1}"#)),
        (1, 3, 1, 1)
    );
    assert_eq!((n_faults(r#"{"a":[],"c":2}"#), n_faults(r#"{"a":[],"d":{"Q":true}}"#), n_faults(r#"{"a":[],"d":{"q":1}}"#)), (1, 1, 1));
    assert_eq!(schema.unused(), ["spare"]);
}
