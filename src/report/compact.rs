//! JSON without white space, as `serde_json` writes it, for plain data: member names are known to need no escape, and text is copied up to
//! the first character that does.

use serde::ser::{self, Impossible, Serialize};
use std::fmt;

/// Appends `value` to `text`. Fails on what no report has: bytes, enums with data, map keys that are no text.
pub fn append(text: &mut Vec<u8>, value: &impl Serialize) -> Result<(), NoPlainData> {
    value.serialize(Writer { text })
}

/// The value is no plain data.
#[derive(Debug)]
pub struct NoPlainData(String);

impl fmt::Display for NoPlainData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for NoPlainData {}

impl ser::Error for NoPlainData {
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(why.to_string())
    }
}

fn unknown<T>(what: &str) -> Result<T, NoPlainData> {
    Err(NoPlainData(format!("{what} in a report")))
}

type Done = Result<(), NoPlainData>;

struct Writer<'t> {
    text: &'t mut Vec<u8>,
}

/// An array or object under way.
struct Members<'t> {
    text: &'t mut Vec<u8>,
    any: bool,
    end: u8,
}

impl<'t> Members<'t> {
    #[inline]
    fn open(text: &'t mut Vec<u8>, [start, end]: [u8; 2]) -> Self {
        text.push(start);
        Self { text, any: false, end }
    }

    #[inline]
    fn next(&mut self) {
        if std::mem::replace(&mut self.any, true) {
            self.text.push(b',');
        }
    }

    #[inline]
    fn close(self) -> Done {
        self.text.push(self.end);
        Ok(())
    }
}

/// Longest member name that is written in one go.
const LONG_NAME: usize = 28;

/// Appends `,"name":`, without the comma for the first member. Where it is inlined all of it is a constant.
#[inline(always)]
fn member(text: &mut Vec<u8>, first: bool, name: &'static str) {
    let mut key = [b'"'; LONG_NAME + 4];
    key[0] = b',';
    let end = name.len() + 2;
    if let Some(place) = key.get_mut(2..end) {
        place.copy_from_slice(name.as_bytes());
    }
    if let Some(colon) = key.get_mut(end + 1) {
        *colon = b':';
    }
    match key.get(usize::from(first)..end + 2) {
        Some(key) => text.extend_from_slice(key),
        None => [if first { "\"" } else { ",\"" }, name, "\":"].iter().for_each(|part| text.extend_from_slice(part.as_bytes())),
    }
}

/// The bytes that JSON writes in another way (RFC 8259 section 7).
#[inline]
fn is_escaped(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Has its high bit set in some byte when any of the eight is to be escaped. Control characters and `"`, and no others, are below 0x21
/// when their bit of 2 is turned.
#[inline]
fn escaped_of(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    let word = u64::from_le_bytes(word);
    let (turned, backslash) = (word ^ (ONES * 2), word ^ (ONES * b'\\' as u64));
    turned.wrapping_sub(ONES * 0x21) & !turned | backslash.wrapping_sub(ONES) & !backslash
}

/// Nothing in it is to be escaped. What is left of the last eight is looked at with some bytes before it.
#[inline]
fn is_plain(bytes: &[u8]) -> bool {
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    match bytes.last_chunk() {
        Some(last) => bytes.as_chunks().0.iter().fold(escaped_of(*last), |any, word| any | escaped_of(*word)) & HIGH == 0,
        None => !bytes.iter().copied().any(is_escaped),
    }
}

fn string(text: &mut Vec<u8>, value: &str) {
    let mut rest = value.as_bytes();
    text.reserve(rest.len() + 2);
    text.push(b'"');
    if !is_plain(rest) {
        while let Some(at) = rest.iter().position(|byte| is_escaped(*byte)) {
            let (before, after) = rest.split_at(at);
            text.extend_from_slice(before);
            let (first, after) = after.split_first().unwrap_or((&0, &[]));
            escape(text, *first);
            rest = after;
        }
    }
    text.extend_from_slice(rest);
    text.push(b'"');
}

fn escape(text: &mut Vec<u8>, byte: u8) {
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let digit = |nibble: u8| if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 };
            return text.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
        }
    };
    text.extend_from_slice(&[b'\\', short]);
}

fn number(text: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut n = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        (value, n) = (value / 10, n + 1);
        if value == 0 {
            break;
        }
    }
    text.extend_from_slice(digits.get(digits.len() - n..).unwrap_or_default());
}

impl<'t> ser::Serializer for Writer<'t> {
    type Ok = ();
    type Error = NoPlainData;
    type SerializeSeq = Members<'t>;
    type SerializeTuple = Members<'t>;
    type SerializeTupleStruct = Members<'t>;
    type SerializeTupleVariant = Impossible<(), NoPlainData>;
    type SerializeMap = Members<'t>;
    type SerializeStruct = Members<'t>;
    type SerializeStructVariant = Impossible<(), NoPlainData>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Done {
        self.text.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_i8(self, value: i8) -> Done {
        self.serialize_i64(value.into())
    }
    fn serialize_i16(self, value: i16) -> Done {
        self.serialize_i64(value.into())
    }
    fn serialize_i32(self, value: i32) -> Done {
        self.serialize_i64(value.into())
    }
    fn serialize_i64(self, value: i64) -> Done {
        if value < 0 {
            self.text.push(b'-');
        }
        number(self.text, value.unsigned_abs());
        Ok(())
    }
    fn serialize_u8(self, value: u8) -> Done {
        self.serialize_u64(value.into())
    }
    fn serialize_u16(self, value: u16) -> Done {
        self.serialize_u64(value.into())
    }
    fn serialize_u32(self, value: u32) -> Done {
        self.serialize_u64(value.into())
    }
    #[inline]
    fn serialize_u64(self, value: u64) -> Done {
        number(self.text, value);
        Ok(())
    }
    fn serialize_f32(self, value: f32) -> Done {
        self.serialize_f64(value.into())
    }
    fn serialize_f64(self, value: f64) -> Done {
        serde_json::to_writer(self.text, &value).map_err(ser::Error::custom)
    }
    fn serialize_char(self, value: char) -> Done {
        string(self.text, value.encode_utf8(&mut [0; 4]));
        Ok(())
    }
    #[inline]
    fn serialize_str(self, value: &str) -> Done {
        string(self.text, value);
        Ok(())
    }
    fn serialize_bytes(self, _: &[u8]) -> Done {
        unknown("bytes")
    }
    #[inline]
    fn serialize_none(self) -> Done {
        self.serialize_unit()
    }
    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }
    #[inline]
    fn serialize_unit(self) -> Done {
        self.text.extend_from_slice(b"null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Done {
        self.serialize_unit()
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Done {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Done {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(self, _: &'static str, _: u32, _: &'static str, _: &T) -> Done {
        unknown("an enum with data")
    }
    #[inline]
    fn serialize_seq(self, _: Option<usize>) -> Result<Members<'t>, NoPlainData> {
        Ok(Members::open(self.text, *b"[]"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Members<'t>, NoPlainData> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Members<'t>, NoPlainData> {
        self.serialize_seq(None)
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, NoPlainData> {
        unknown("an enum with data")
    }
    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Members<'t>, NoPlainData> {
        Ok(Members::open(self.text, *b"{}"))
    }
    #[inline]
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Members<'t>, NoPlainData> {
        self.serialize_map(None)
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, NoPlainData> {
        unknown("an enum with data")
    }
}

impl ser::SerializeSeq for Members<'_> {
    type Ok = ();
    type Error = NoPlainData;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        self.next();
        value.serialize(Writer { text: self.text })
    }
    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeTuple for Members<'_> {
    type Ok = ();
    type Error = NoPlainData;
    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        ser::SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeTupleStruct for Members<'_> {
    type Ok = ();
    type Error = NoPlainData;
    fn serialize_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        ser::SerializeSeq::serialize_element(self, value)
    }
    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeMap for Members<'_> {
    type Ok = ();
    type Error = NoPlainData;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Done {
        self.next();
        let before = self.text.len();
        key.serialize(Writer { text: self.text })?;
        if self.text.get(before) != Some(&b'"') {
            return unknown("a key that is no text");
        }
        self.text.push(b':');
        Ok(())
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Done {
        value.serialize(Writer { text: self.text })
    }
    fn end(self) -> Done {
        self.close()
    }
}

impl ser::SerializeStruct for Members<'_> {
    type Ok = ();
    type Error = NoPlainData;
    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Done {
        member(self.text, !std::mem::replace(&mut self.any, true), name);
        value.serialize(Writer { text: self.text })
    }
    fn end(self) -> Done {
        self.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::sample;
    use std::collections::BTreeMap;

    fn same(value: &impl Serialize) {
        let mut text = Vec::new();
        append(&mut text, value).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), serde_json::to_string(value).unwrap());
    }

    #[test]
    fn text_is_that_of_serde_json() {
        let (summary, calls) = sample();
        for call in &calls {
            same(&call.call);
            call.streams.iter().for_each(|(_, entry)| same(entry));
            call.hops.iter().for_each(|(_, entry)| same(entry));
        }
        same(&summary.findings);
        same(&summary.totals);
        same(&(0u8..=127).map(char::from).collect::<String>());
        for at in 0..9 {
            let around = |byte: u8| ["a".repeat(at), char::from(byte).to_string(), "\u{e9}".repeat(4)].concat();
            same(&(0u8..=127).map(around).collect::<Vec<_>>());
        }
        same(&["", "a", "12345678", "1234567\n", "12345678\n", "\u{7f}\u{e9}\u{1f600}\0"]);
        same(&(u64::MAX, i64::MIN, -7i8, 0u16, 0.1f64, 1e300f64, true, (), 'x', Some(1), None::<u8>));
        same(&BTreeMap::from([("a\"b", 1), ("c", 2)]));
    }

    #[test]
    fn what_is_no_plain_data_is_refused() {
        let mut text = Vec::new();
        assert!(append(&mut text, &BTreeMap::from([(1, 2)])).is_err());
        assert!(append(&mut text, &Ok::<u8, u8>(1)).is_err());
    }
}
