//! A string as it stands in a document, and its decoded text as far as it is wanted.

use core::ops::Range;

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
