//! A pull reader over a whole JSON document: the caller asks for the members it wants and skips the rest.
//!
//! It checks the grammar of everything it passes over, so a body that it accepts is JSON. It never recurses: the only nesting on the call
//! stack is the caller's own.

use super::MAX_DEPTH;
use super::error::{JsonError, Kind};
use super::raw::RawStr;
use super::run::plain_run;
use core::ops::Range;

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
#[path = "pull/tests.rs"]
mod tests;
