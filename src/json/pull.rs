//! A pull reader over a whole JSON document: the caller asks for the members it wants and skips the rest.
//!
//! It checks the grammar of everything it passes over, so a body that it accepts is JSON. It never recurses: the only nesting on the call
//! stack is the caller's own.

use super::MAX_DEPTH;
use core::ops::Range;

/// What a value is, seen from its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `{`
    Object,
    /// `[`
    Array,
    /// `"`
    String,
    /// A digit or `-`
    Number,
    /// `true` or `false`
    Bool,
    /// `null`
    Null,
}

impl Kind {
    /// The name of this kind in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Object => "an object",
            Kind::Array => "an array",
            Kind::String => "a string",
            Kind::Number => "a number",
            Kind::Bool => "a boolean",
            Kind::Null => "null",
        }
    }
}

/// Why a document could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// The document ends inside a value.
    Truncated,
    /// The byte at `at` cannot stand there.
    Unexpected {
        /// Offset into the document, in bytes.
        at: usize,
        /// What the grammar allows there.
        expected: &'static str,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    TooDeep {
        /// Offset into the document, in bytes.
        at: usize,
    },
    /// A field that the API requires is not there.
    Missing {
        /// The field, as a path.
        field: &'static str,
        /// What the API defines there.
        expected: &'static str,
    },
    /// A field holds another kind of value than the API defines.
    WrongType {
        /// The field, as a path.
        field: &'static str,
        /// What the API defines there.
        expected: &'static str,
        /// What stands there.
        found: Kind,
    },
}

impl core::fmt::Display for JsonError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            JsonError::Truncated => write!(f, "the body is not valid JSON: it ends inside a value"),
            JsonError::Unexpected { at, expected } => write!(f, "the body is not valid JSON: expected {expected} at byte {at}"),
            JsonError::TooDeep { at } => write!(f, "the body nests values deeper than {MAX_DEPTH} levels at byte {at}"),
            JsonError::Missing { field, expected } => write!(f, "'{field}' is missing: expected {expected}"),
            JsonError::WrongType { field, expected, found } => {
                write!(f, "'{field}' must be {expected}, but {} was found", found.name())
            }
        }
    }
}

/// A string of the document, still escaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RawStr<'a> {
    /// The contents between the quotes, as they stand in the document.
    pub raw: &'a str,
    /// Whether `raw` holds a backslash.
    pub escaped: bool,
    /// Where the contents start in the document, in bytes.
    pub start: usize,
}

impl<'a> RawStr<'a> {
    /// Whether the decoded string equals `text`.
    pub fn is(&self, text: &str) -> bool {
        if !self.escaped {
            return self.raw == text;
        }
        self.raw.len() <= text.len() * 6 && self.decode(usize::MAX) == text
    }

    /// The decoded string, at most `limit` bytes of it.
    pub fn decode(&self, limit: usize) -> String {
        let mut out = String::new();
        super::unescape_into(self.raw, limit, &mut out);
        out
    }

    /// The decoded end of the string, about `limit` bytes of it.
    pub fn decode_tail(&self, limit: usize) -> String {
        let mut start = self.raw.len().saturating_sub(limit);
        // Starting inside an escape would decode it wrongly, so the start moves past any backslash that is near.
        while start < self.raw.len() && (!self.raw.is_char_boundary(start) || self.near_escape(start)) {
            start += 1;
        }
        let mut out = String::new();
        super::unescape_into(self.raw.get(start..).unwrap_or_default(), limit, &mut out);
        out
    }

    fn near_escape(&self, at: usize) -> bool {
        const LONGEST: usize = "\\ud83d\\ude00".len();
        self.escaped && self.raw.as_bytes().get(at.saturating_sub(LONGEST)..at).is_some_and(|before| before.contains(&b'\\'))
    }

    /// Where the string stands in the document, quotes included.
    pub fn span(&self) -> Range<usize> {
        self.start.saturating_sub(1)..self.start + self.raw.len() + 1
    }
}

/// The reader: a position in a document.
#[derive(Clone, Debug)]
pub struct Scanner<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

type Done = Result<(), JsonError>;

impl<'a> Scanner<'a> {
    /// A reader at the start of `text`.
    pub fn new(text: &'a str) -> Self {
        Scanner { text, at: 0, depth: 0 }
    }

    /// The whole document.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The offset of the next byte.
    pub fn position(&self) -> usize {
        self.at
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.byte() {
            self.at += 1;
        }
    }

    fn unexpected<T>(&self, expected: &'static str) -> Result<T, JsonError> {
        match self.byte() {
            None => Err(JsonError::Truncated),
            Some(_) => Err(JsonError::Unexpected { at: self.at, expected }),
        }
    }

    /// The kind of the next value, which is not consumed.
    pub fn kind(&mut self) -> Result<Kind, JsonError> {
        self.space();
        match self.byte() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::String),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            _ => self.unexpected("a value"),
        }
    }

    fn enter(&mut self) -> Done {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(JsonError::TooDeep { at: self.at }) } else { Ok(()) }
    }

    /// Reads an object: `member` is called after each key and may read the value; a value that it leaves is skipped.
    pub fn object(&mut self, mut member: impl FnMut(&mut Self, RawStr<'a>) -> Done) -> Done {
        self.space();
        if self.byte() != Some(b'{') {
            return self.unexpected("an object");
        }
        self.enter()?;
        self.at += 1;
        self.space();
        if self.byte() == Some(b'}') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            if self.byte() != Some(b':') {
                return self.unexpected("':'");
            }
            self.at += 1;
            self.space();
            let before = self.at;
            member(self, key)?;
            if self.at == before {
                self.skip()?;
            }
            self.space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(());
                }
                _ => return self.unexpected("',' or '}'"),
            }
        }
    }

    /// Reads an array: `item` is called before each element and may read it; an element that it leaves is skipped.
    pub fn array(&mut self, mut item: impl FnMut(&mut Self) -> Done) -> Done {
        self.space();
        if self.byte() != Some(b'[') {
            return self.unexpected("an array");
        }
        self.enter()?;
        self.at += 1;
        self.space();
        if self.byte() == Some(b']') {
            self.at += 1;
            self.depth -= 1;
            return Ok(());
        }
        loop {
            self.space();
            let before = self.at;
            item(self)?;
            if self.at == before {
                self.skip()?;
            }
            self.space();
            match self.byte() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    self.depth -= 1;
                    return Ok(());
                }
                _ => return self.unexpected("',' or ']'"),
            }
        }
    }

    /// Reads a string.
    pub fn string(&mut self) -> Result<RawStr<'a>, JsonError> {
        if self.byte() != Some(b'"') {
            return self.unexpected("a string");
        }
        let start = self.at + 1;
        let mut at = start;
        let mut escaped = false;
        let bytes = self.text.as_bytes();
        loop {
            at = plain_run(bytes, at);
            match bytes.get(at) {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    at = escape_end(bytes, at)?;
                }
                Some(_) => {
                    return Err(JsonError::Unexpected { at, expected: "no raw control character in a string" });
                }
                None => return Err(JsonError::Truncated),
            }
        }
        self.at = at + 1;
        let raw = self.text.get(start..at).unwrap_or_default();
        Ok(RawStr { raw, escaped, start })
    }

    /// Reads a number and returns its text.
    pub fn number(&mut self) -> Result<&'a str, JsonError> {
        self.space();
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        match self.byte() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return self.unexpected("a digit"),
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Done {
        let before = self.at;
        self.digits();
        if self.at == before { self.unexpected("a digit") } else { Ok(()) }
    }

    fn word(&mut self, word: &'static str) -> Done {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if rest.starts_with(word.as_bytes()) {
            self.at += word.len();
            return Ok(());
        }
        if word.as_bytes().starts_with(rest) { Err(JsonError::Truncated) } else { self.unexpected("a value") }
    }

    /// Reads `true` or `false`.
    pub fn bool(&mut self) -> Result<bool, JsonError> {
        self.space();
        if self.byte() == Some(b't') {
            self.word("true")?;
            return Ok(true);
        }
        self.word("false")?;
        Ok(false)
    }

    /// Passes over one value of any size and depth, checking its grammar, and returns where it stands.
    pub fn skip(&mut self) -> Result<Range<usize>, JsonError> {
        self.visit(|_| ())
    }

    /// Passes over one value as [`Scanner::skip`] does, and shows each string in it that is no key.
    pub fn visit(&mut self, mut string: impl FnMut(RawStr<'a>)) -> Result<Range<usize>, JsonError> {
        self.space();
        let start = self.at;
        // One bit for each open level: set for an object. The caller's own depth counts against the bound too.
        let mut objects = [0u64; MAX_DEPTH / 64];
        let outer = self.depth;
        loop {
            match self.kind()? {
                Kind::Object => {
                    self.open(&mut objects, true)?;
                    self.space();
                    if self.byte() != Some(b'}') {
                        self.member_name()?;
                        continue;
                    }
                }
                Kind::Array => {
                    self.open(&mut objects, false)?;
                    self.space();
                    if self.byte() != Some(b']') {
                        continue;
                    }
                }
                Kind::String => string(self.string()?),
                Kind::Number => {
                    self.number()?;
                }
                Kind::Bool => {
                    self.bool()?;
                }
                Kind::Null => self.word("null")?,
            }
            if self.close(&objects, outer)? {
                return Ok(start..self.at);
            }
        }
    }

    fn open(&mut self, objects: &mut [u64; MAX_DEPTH / 64], object: bool) -> Done {
        self.enter()?;
        self.at += 1;
        let level = self.depth - 1;
        if let Some(word) = objects.get_mut(level / 64) {
            let bit = 1u64 << (level % 64);
            *word = if object { *word | bit } else { *word & !bit };
        }
        Ok(())
    }

    fn member_name(&mut self) -> Done {
        self.space();
        self.string()?;
        self.space();
        if self.byte() != Some(b':') {
            return self.unexpected("':'");
        }
        self.at += 1;
        Ok(())
    }

    /// After a value: closes what ends here. True when the outermost value is complete, false when another value follows.
    fn close(&mut self, objects: &[u64; MAX_DEPTH / 64], outer: usize) -> Result<bool, JsonError> {
        loop {
            if self.depth == outer {
                return Ok(true);
            }
            let level = self.depth - 1;
            let object = objects.get(level / 64).is_some_and(|word| word & (1 << (level % 64)) != 0);
            self.space();
            match (self.byte(), object) {
                (Some(b'}'), true) | (Some(b']'), false) => {
                    self.at += 1;
                    self.depth -= 1;
                }
                (Some(b','), _) => {
                    self.at += 1;
                    if object {
                        self.member_name()?;
                    }
                    return Ok(false);
                }
                (_, true) => return self.unexpected("',' or '}'"),
                (_, false) => return self.unexpected("',' or ']'"),
            }
        }
    }

    /// Checks that nothing but white space follows.
    pub fn finish(&mut self) -> Done {
        self.space();
        if self.at == self.text.len() { Ok(()) } else { self.unexpected("the end of the body") }
    }
}

/// The offset of the first quote, backslash or control character from `at` on.
///
/// Most strings of a body are short, so the first bytes are looked at in words of eight. A long run is searched with the vector instructions
/// of the machine or of simd128, and then looked through for control characters, which it must not hold.
#[inline]
pub(super) fn plain_run(bytes: &[u8], at: usize) -> usize {
    const SHORT: usize = 32;
    let mut rest = bytes.get(at..).unwrap_or_default();
    let long = rest.len().saturating_sub(SHORT);
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return bytes.len() - rest.len() + (special.trailing_zeros() / 8) as usize;
        }
        rest = after;
        if rest.len() <= long {
            return bytes.len() - rest.len() + long_run(rest);
        }
    }
    let end = rest.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20).unwrap_or(rest.len());
    bytes.len() - rest.len() + end
}

fn long_run(bytes: &[u8]) -> usize {
    let end = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
    let run = bytes.get(..end).unwrap_or_default();
    if run.iter().fold(0u8, |any, &b| any | u8::from(b < 0x20)) == 0 {
        return end;
    }
    run.iter().position(|&b| b < 0x20).unwrap_or(end)
}

/// The high bit of the first byte in the word that is a quote, a backslash or a control character, and perhaps bits of bytes after it; 0 if
/// there is none. Subtracting borrows upwards only, so the lowest bit that is set is exact.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES * 0x80;
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero(word ^ (ONES * b'"' as u64)) | zero(word ^ (ONES * b'\\' as u64)) | control) & HIGHS
}

/// Checks the escape whose backslash stands at `at` and returns the offset after it.
fn escape_end(bytes: &[u8], at: usize) -> Result<usize, JsonError> {
    match bytes.get(at + 1) {
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        Some(b'u') => {
            for offset in 2..6 {
                match bytes.get(at + offset) {
                    Some(b) if b.is_ascii_hexdigit() => {}
                    Some(_) => {
                        return Err(JsonError::Unexpected { at: at + offset, expected: "a hexadecimal digit" });
                    }
                    None => return Err(JsonError::Truncated),
                }
            }
            Ok(at + 6)
        }
        Some(_) => Err(JsonError::Unexpected { at: at + 1, expected: "an escape" }),
        None => Err(JsonError::Truncated),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    fn check(text: &str) -> Result<(), JsonError> {
        let mut scanner = Scanner::new(text);
        scanner.skip()?;
        scanner.finish()
    }

    #[test]
    fn accepts_and_refuses_what_serde_does() {
        let cases = [
            "{}",
            "[]",
            "[1,2]",
            "{\"a\":1}",
            "{\"a\":[{}]}",
            "0",
            "-0.5e+3",
            "\"\\u00e9\"",
            "true",
            "null",
            " [ 1 , {\"a\" : null } ] ",
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{a:1}",
            "01",
            "1.",
            "1e",
            "-",
            "tru",
            "nul",
            "\"a",
            "\"\\x\"",
            "\"\\u12\"",
            "\"\n\"",
            "[1}",
            "{\"a\":1]",
            "[1 2]",
            "{,}",
            "[,]",
            "1 2",
            "{\"a\":1,}",
            "\"\\",
        ];
        for case in cases {
            assert_eq!(check(case).is_ok(), serde_json::from_str::<serde_json::Value>(case).is_ok(), "{case}");
        }
    }

    #[test]
    fn every_prefix_is_truncated_never_a_panic() {
        let document = r#"{"a":[1,-2.5e3,"x\u00e9\n",{"b":null}],"c":true}"#;
        assert_eq!(check(document), Ok(()));
        for end in 0..document.len() {
            assert_eq!(check(document.get(..end).unwrap_or_default()), Err(JsonError::Truncated), "cut at {end}");
        }
    }

    #[test]
    fn runs_end_where_a_plain_loop_says() {
        let specials = [b'"', b'\\', 0, 0x1f, b'\n'];
        for length in [0, 1, 7, 8, 9, 31, 63, 64, 65, 72, 130] {
            let plain: Vec<u8> = (0..length).map(|at| [b'a', 0x80, 0xff, b' ', b'!', b'#', b'[', b']'][at % 8]).collect();
            assert_eq!(plain_run(&plain, 0), length);
            for (at, special) in (0..length).flat_map(|at| specials.map(|special| (at, special))) {
                let mut bytes = plain.clone();
                bytes[at] = special;
                for from in 0..length {
                    assert_eq!(
                        plain_run(&bytes, from),
                        if from <= at { at } else { length },
                        "{special} at {at} of {length} from {from}"
                    );
                }
            }
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
        assert!(matches!(check(&nested(MAX_DEPTH + 1)), Err(JsonError::TooDeep { .. })));
        assert!(matches!(check(&"{\"a\":".repeat(100_000)), Err(JsonError::TooDeep { .. })));
    }

    #[test]
    fn members_are_read_or_skipped() -> Result<(), JsonError> {
        let text = r#"{"skip":{"deep":[1]},"m\u006fdel":"x","n":12}"#;
        let (mut model, mut n) = (None, "");
        let mut scanner = Scanner::new(text);
        scanner.object(|s, key| {
            if key.is("model") {
                model = Some(s.string()?);
            } else if key.is("n") {
                n = s.number()?;
            }
            Ok(())
        })?;
        assert_eq!(n, "12");
        assert_eq!(model.map(|m| text.get(m.span())), Some(Some("\"x\"")));
        Ok(())
    }
}
