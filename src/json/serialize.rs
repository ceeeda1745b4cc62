//! Canonical bytes (RFC 8785) of anything that serialises, written straight away: no value tree in between.
//!
//! Gives the same bytes as [`canonical`](super::canonical) gives for the same value; a test holds the two together.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use serde::ser::{self, Serialize};

use super::canonical::{write_double, write_string};

/// Why a value has no canonical bytes: a number that is not finite, or a member name that is not a string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CanonicalError {
    message: String,
}

impl fmt::Display for CanonicalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.message)
    }
}

impl std::error::Error for CanonicalError {}

impl ser::Error for CanonicalError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self {
            message: message.to_string(),
        }
    }
}

/// The canonical bytes of anything that serialises.
///
/// # Errors
/// [`CanonicalError`] for what JSON cannot say.
pub fn to_canonical<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CanonicalError> {
    let mut writer = CanonicalWriter::new();
    writer.write(value)?;
    Ok(writer.writer.out)
}

/// One written member of an object that is still open: its name and where `"name":value` stands.
#[derive(Debug)]
struct Member {
    name: Cow<'static, str>,
    start: usize,
    end: usize,
}

/// Writes canonical values one after another into one buffer.
#[derive(Debug)]
pub struct CanonicalWriter {
    writer: Writer,
}

impl Default for CanonicalWriter {
    fn default() -> Self {
        Self::new()
    }
}

impl CanonicalWriter {
    /// An empty buffer with room for a usual record.
    #[must_use]
    pub fn new() -> Self {
        Self {
            writer: Writer {
                out: Vec::with_capacity(2048),
                members: Vec::with_capacity(32),
                scratch: Vec::new(),
            },
        }
    }

    /// Appends the canonical bytes of a value.
    ///
    /// # Errors
    /// [`CanonicalError`] for what JSON cannot say; what was written of it stays in the buffer.
    pub fn write<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        self.writer.members.clear();
        value.serialize(&mut self.writer)
    }

    /// What was written so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.writer.out
    }
}

#[derive(Debug)]
struct Writer {
    out: Vec<u8>,
    /// Members of all open objects, innermost last: one list instead of one allocation per object.
    members: Vec<Member>,
    scratch: Vec<u8>,
}

impl Writer {
    fn integer<N: itoa::Integer + Copy + TryInto<i128>>(&mut self, number: N) {
        match number.try_into() {
            Ok(wide) if wide.unsigned_abs() > 1 << 53 => write_double(wide as f64, &mut self.out),
            _ => {
                let mut digits = itoa::Buffer::new();
                self.out.extend_from_slice(digits.format(number).as_bytes());
            }
        }
    }

    fn open_object(&mut self) -> Object<'_> {
        let base = self.members.len();
        self.out.push(b'{');
        let start = self.out.len();
        Object {
            writer: self,
            base,
            start,
            ordered: true,
            closes: 1,
        }
    }

    fn open_list(&mut self) -> List<'_> {
        self.out.push(b'[');
        List {
            writer: self,
            empty: true,
            closes: 1,
        }
    }

    /// `{"variant":` before the value of an enum's variant.
    fn open_variant(&mut self, variant: &'static str) {
        self.out.push(b'{');
        write_string(variant, &mut self.out);
        self.out.push(b':');
    }
}

/// Names sort by UTF-16 code units; for ASCII names that is byte order.
fn compare_names(a: &str, b: &str) -> Ordering {
    if a.is_ascii() && b.is_ascii() {
        a.cmp(b)
    } else {
        a.encode_utf16().cmp(b.encode_utf16())
    }
}

/// Whether a name of ASCII letters sorts before another; most are told apart by their first byte.
#[inline]
fn is_before(one: &[u8], other: &[u8]) -> bool {
    match (one.first(), other.first()) {
        (Some(first), Some(second)) if first != second => first < second,
        _ => one < other,
    }
}

/// An object being written.
struct Object<'a> {
    writer: &'a mut Writer,
    base: usize,
    start: usize,
    ordered: bool,
    /// How many braces close it: two for an enum's struct variant.
    closes: u8,
}

impl Object<'_> {
    fn name(&mut self, name: Cow<'static, str>) {
        if let Some(last) = self.writer.members[self.base..].last() {
            self.ordered &= compare_names(&last.name, &name) == Ordering::Less;
            self.writer.out.push(b',');
        }
        let start = self.writer.out.len();
        write_string(&name, &mut self.writer.out);
        self.writer.out.push(b':');
        self.writer.members.push(Member {
            name,
            start,
            end: start,
        });
    }

    /// As [`Object::name`], for a name that a struct declares: an ASCII word, in which nothing is escaped.
    fn declared(&mut self, name: &'static str) {
        debug_assert!(
            name.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'-')),
            "`{name}` has to be written as a name from outside"
        );
        let out = &mut self.writer.out;
        if let Some(last) = self.writer.members[self.base..].last() {
            self.ordered = self.ordered && is_before(last.name.as_bytes(), name.as_bytes());
            out.push(b',');
        }
        let start = out.len();
        out.reserve(name.len() + 3);
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
        self.writer.members.push(Member {
            name: Cow::Borrowed(name),
            start,
            end: start,
        });
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        value.serialize(&mut *self.writer)?;
        let end = self.writer.out.len();
        if let Some(last) = self.writer.members.last_mut() {
            last.end = end;
        }
        Ok(())
    }

    fn close(self) {
        let Writer {
            out,
            members,
            scratch,
        } = self.writer;
        if !self.ordered {
            members[self.base..].sort_unstable_by(|a, b| compare_names(&a.name, &b.name));
            scratch.clear();
            for (index, member) in members[self.base..].iter().enumerate() {
                if index > 0 {
                    scratch.push(b',');
                }
                scratch.extend_from_slice(&out[member.start..member.end]);
            }
            out.truncate(self.start);
            out.extend_from_slice(scratch);
        }
        members.truncate(self.base);
        for _ in 0..self.closes {
            out.push(b'}');
        }
    }
}

/// A list being written.
struct List<'a> {
    writer: &'a mut Writer,
    empty: bool,
    /// One bracket; two marks an enum's tuple variant, which a brace closes too.
    closes: u8,
}

impl List<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        if !self.empty {
            self.writer.out.push(b',');
        }
        self.empty = false;
        value.serialize(&mut *self.writer)
    }

    fn close(self) {
        self.writer.out.push(b']');
        if self.closes == 2 {
            self.writer.out.push(b'}');
        }
    }
}

impl<'a> ser::Serializer for &'a mut Writer {
    type Ok = ();
    type Error = CanonicalError;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    fn serialize_bool(self, flag: bool) -> Result<(), CanonicalError> {
        self.out
            .extend_from_slice(if flag { b"true" } else { b"false" });
        Ok(())
    }
    fn serialize_i8(self, number: i8) -> Result<(), CanonicalError> {
        self.integer(number);
        Ok(())
    }
    fn serialize_i16(self, number: i16) -> Result<(), CanonicalError> {
        self.integer(number);
        Ok(())
    }
    fn serialize_i32(self, number: i32) -> Result<(), CanonicalError> {
        self.integer(number);
        Ok(())
    }
    fn serialize_i64(self, number: i64) -> Result<(), CanonicalError> {
        self.integer(number);
        Ok(())
    }
    fn serialize_u8(self, number: u8) -> Result<(), CanonicalError> {
        self.integer(number);
        Ok(())
    }
    fn serialize_u16(self, number: u16) -> Result<(), CanonicalError> {
        self.integer(number);
        Ok(())
    }
    fn serialize_u32(self, number: u32) -> Result<(), CanonicalError> {
        self.integer(number);
        Ok(())
    }
    fn serialize_u64(self, number: u64) -> Result<(), CanonicalError> {
        self.integer(number);
        Ok(())
    }
    fn serialize_f32(self, number: f32) -> Result<(), CanonicalError> {
        self.serialize_f64(number.into())
    }
    fn serialize_f64(self, number: f64) -> Result<(), CanonicalError> {
        if !number.is_finite() {
            return Err(ser::Error::custom("a number that is not finite"));
        }
        write_double(number, &mut self.out);
        Ok(())
    }
    fn serialize_char(self, character: char) -> Result<(), CanonicalError> {
        write_string(character.encode_utf8(&mut [0; 4]), &mut self.out);
        Ok(())
    }
    fn serialize_str(self, text: &str) -> Result<(), CanonicalError> {
        write_string(text, &mut self.out);
        Ok(())
    }
    fn serialize_bytes(self, _: &[u8]) -> Result<(), CanonicalError> {
        Err(ser::Error::custom("bytes are no JSON value"))
    }
    fn serialize_none(self) -> Result<(), CanonicalError> {
        self.serialize_unit()
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), CanonicalError> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<(), CanonicalError> {
        self.out.extend_from_slice(b"null");
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<(), CanonicalError> {
        self.serialize_unit()
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), CanonicalError> {
        self.serialize_str(variant)
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), CanonicalError> {
        self.open_variant(variant);
        value.serialize(&mut *self)?;
        self.out.push(b'}');
        Ok(())
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, CanonicalError> {
        Ok(self.open_list())
    }
    fn serialize_tuple(self, _: usize) -> Result<List<'a>, CanonicalError> {
        Ok(self.open_list())
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'a>, CanonicalError> {
        Ok(self.open_list())
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'a>, CanonicalError> {
        self.open_variant(variant);
        let mut list = self.open_list();
        list.closes = 2;
        Ok(list)
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, CanonicalError> {
        Ok(self.open_object())
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a>, CanonicalError> {
        Ok(self.open_object())
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'a>, CanonicalError> {
        self.open_variant(variant);
        let mut object = self.open_object();
        object.closes = 2;
        Ok(object)
    }
}

macro_rules! as_list {
    ($($of:ident::$item:ident),*) => {$(
        impl ser::$of for List<'_> {
            type Ok = ();
            type Error = CanonicalError;
            fn $item<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
                self.item(value)
            }
            fn end(self) -> Result<(), CanonicalError> {
                self.close();
                Ok(())
            }
        }
    )*};
}
as_list!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! as_object {
    ($($of:ident),*) => {$(
        impl ser::$of for Object<'_> {
            type Ok = ();
            type Error = CanonicalError;
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), CanonicalError> {
                self.declared(name);
                self.value(value)
            }
            fn end(self) -> Result<(), CanonicalError> {
                self.close();
                Ok(())
            }
        }
    )*};
}
as_object!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Object<'_> {
    type Ok = ();
    type Error = CanonicalError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), CanonicalError> {
        let name = key.serialize(NameOf)?;
        self.name(Cow::Owned(name));
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), CanonicalError> {
        self.value(value)
    }

    fn end(self) -> Result<(), CanonicalError> {
        self.close();
        Ok(())
    }
}

/// Reads the string a map's key serialises to; anything else is no member name.
struct NameOf;

macro_rules! not_a_name {
    ($($method:ident: $of:ty),*) => {$(
        fn $method(self, _: $of) -> Result<String, CanonicalError> {
            Err(ser::Error::custom("a member name that is not a string"))
        }
    )*};
}

impl ser::Serializer for NameOf {
    type Ok = String;
    type Error = CanonicalError;
    type SerializeSeq = ser::Impossible<String, CanonicalError>;
    type SerializeTuple = ser::Impossible<String, CanonicalError>;
    type SerializeTupleStruct = ser::Impossible<String, CanonicalError>;
    type SerializeTupleVariant = ser::Impossible<String, CanonicalError>;
    type SerializeMap = ser::Impossible<String, CanonicalError>;
    type SerializeStruct = ser::Impossible<String, CanonicalError>;
    type SerializeStructVariant = ser::Impossible<String, CanonicalError>;

    fn serialize_str(self, text: &str) -> Result<String, CanonicalError> {
        Ok(text.to_owned())
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<String, CanonicalError> {
        Ok(variant.to_owned())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<String, CanonicalError> {
        value.serialize(self)
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<String, CanonicalError> {
        value.serialize(self)
    }
    fn serialize_none(self) -> Result<String, CanonicalError> {
        self.serialize_unit()
    }
    fn serialize_unit(self) -> Result<String, CanonicalError> {
        Err(ser::Error::custom("a member name that is not a string"))
    }
    fn serialize_unit_struct(self, _: &'static str) -> Result<String, CanonicalError> {
        self.serialize_unit()
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, CanonicalError> {
        self.serialize_unit()
    }
    not_a_name!(
        serialize_bool: bool, serialize_char: char, serialize_bytes: &[u8],
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_f32: f32, serialize_f64: f64
    );
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, CanonicalError> {
        Err(ser::Error::custom("a member name that is a list"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, CanonicalError> {
        Err(ser::Error::custom("a member name that is a list"))
    }
    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, CanonicalError> {
        Err(ser::Error::custom("a member name that is a list"))
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, CanonicalError> {
        Err(ser::Error::custom("a member name that is a list"))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, CanonicalError> {
        Err(ser::Error::custom("a member name that is an object"))
    }
    fn serialize_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, CanonicalError> {
        Err(ser::Error::custom("a member name that is an object"))
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, CanonicalError> {
        Err(ser::Error::custom("a member name that is an object"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{canonical, parse};

    #[test]
    fn the_bytes_are_those_of_the_value_tree() {
        for text in [
            r#"{"b":[1,2.50,-0.0,1e21,{"z":1,"y":{"b":[],"a":{}},"x":3}],"a":{"\u20ac":"\u0001\n/","\r":null}}"#,
            "{\"\u{fb33}\":1,\"\u{1f600}\":2,\"a\":true}",
            r#"[9007199254740993,-9007199254740993,18446744073709551615,"",[[]],false]"#,
            "\"\\u001f\\u007f\\\\\"",
        ] {
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(
                String::from_utf8(to_canonical(&value).unwrap()).unwrap(),
                String::from_utf8(canonical(&value)).unwrap()
            );
        }
    }

    #[derive(serde::Serialize)]
    enum Shape {
        Unit,
        New(u8),
        Pair(u8, Option<u8>),
        Named { z: u8, a: &'static str },
    }

    #[test]
    fn structs_and_variants_are_sorted_too() {
        let shapes = [
            Shape::Unit,
            Shape::New(1),
            Shape::Pair(2, None),
            Shape::Named { z: 3, a: "x" },
        ];
        assert_eq!(
            String::from_utf8(to_canonical(&shapes).unwrap()).unwrap(),
            r#"["Unit",{"New":1},{"Pair":[2,null]},{"Named":{"a":"x","z":3}}]"#
        );
    }

    #[test]
    fn what_json_cannot_say_is_refused() {
        assert!(to_canonical(&f64::NAN).is_err());
        assert!(to_canonical(&std::collections::BTreeMap::from([(1_u8, 2_u8)])).is_err());
    }
}
