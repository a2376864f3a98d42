//! Readers of fields that the APIs share.

use super::{Insert, Request, Size};
use crate::json::{JsonError, Kind, RawStr, Scanner, whole};

pub(super) type Done = Result<(), JsonError>;

/// Longer than any model's name; the rest of a longer one is not kept.
const MODEL_BYTES: usize = 1_024;

/// Reads a body that is an object: `member` gets each key and may read its value.
pub(super) fn body<'a>(
    text: &'a str,
    request: &mut Request<'a>,
    mut member: impl FnMut(&mut Scanner<'a>, RawStr<'a>, &mut Request<'a>) -> Done,
) -> Done {
    let mut scanner = Scanner::new(text);
    if scanner.kind()? != Kind::Object {
        return wrong_type(&mut scanner, "the body", "an object");
    }
    request.insert = insert_point(&scanner);
    scanner.object(|s, key| member(s, key, request))?;
    scanner.finish()
}

pub(super) fn wrong_type<T>(s: &mut Scanner<'_>, field: &'static str, expected: &'static str) -> Result<T, JsonError> {
    Err(JsonError::WrongType { field, expected, found: s.kind()? })
}

/// Where a member can be inserted into the object that begins at the scanner's position.
pub(super) fn insert_point(s: &Scanner<'_>) -> Insert {
    let at = s.position() + 1;
    let after = s.text().get(at..).unwrap_or_default();
    Insert { at, empty: after.trim_start_matches([' ', '\n', '\r', '\t']).starts_with('}') }
}

/// The body's `model`.
pub(super) fn model(s: &mut Scanner<'_>, request: &mut Request<'_>) -> Done {
    match s.kind()? {
        Kind::String => {
            let name = s.string()?;
            request.model_spans.push(name.span());
            request.model = Some(name.decode(MODEL_BYTES)).filter(|name| !name.is_empty());
            Ok(())
        }
        Kind::Null => {
            request.model_spans.push(s.skip()?);
            request.model = None;
            Ok(())
        }
        _ => wrong_type(s, "model", "a string"),
    }
}

/// A boolean; None for null.
pub(super) fn flag(s: &mut Scanner<'_>, field: &'static str) -> Result<Option<bool>, JsonError> {
    match s.kind()? {
        Kind::Bool => s.bool().map(Some),
        Kind::Null => s.skip().map(|_| None),
        _ => wrong_type(s, field, "a boolean"),
    }
}

/// A whole number; None for null. What no upstream would take as a count (negative, fractional, beyond 64 bits) is left to the upstream to refuse.
pub(super) fn count(s: &mut Scanner<'_>, field: &'static str) -> Result<Option<u64>, JsonError> {
    match s.kind()? {
        Kind::Number => Ok(whole(s.number()?)),
        Kind::Null => s.skip().map(|_| None),
        _ => wrong_type(s, field, "an integer"),
    }
}

/// A whole number that may be written as a string, as protocol buffers' JSON has it; None for null.
pub(super) fn count_or_text(s: &mut Scanner<'_>, field: &'static str) -> Result<Option<u64>, JsonError> {
    match s.kind()? {
        Kind::String => Ok(whole(s.string()?.raw)),
        _ => count(s, field),
    }
}

/// A string; None for null.
pub(super) fn text<'a>(
    s: &mut Scanner<'a>,
    field: &'static str,
    expected: &'static str,
) -> Result<Option<RawStr<'a>>, JsonError> {
    match s.kind()? {
        Kind::String => s.string().map(Some),
        Kind::Null => s.skip().map(|_| None),
        _ => wrong_type(s, field, expected),
    }
}

/// Counts a value that the model will read but that is nobody's turn: tools, their calls and results.
pub(super) fn counted(s: &mut Scanner<'_>, size: &mut Size) -> Done {
    let (mut strings, mut media) = (crate::estimate::TextBytes::default(), 0);
    let span = s.visit(|string| {
        if is_base64(string.raw) {
            media += 1;
        } else {
            strings.add(string.raw);
        }
    })?;
    // Punctuation and numbers between the strings cost tokens too, unless there are pictures, whose bytes cost none.
    if media == 0 {
        size.text.add(s.text().get(span).unwrap_or_default());
    } else {
        size.text.join(strings);
    }
    size.media += media;
    Ok(())
}

/// Whether a string is bytes and not text: long, and without anything that a text of that length would have.
fn is_base64(raw: &str) -> bool {
    let data = raw.split_once(";base64,").map_or(raw, |(_, data)| data);
    data.len() >= 512 && data.bytes().take(512).all(|b| b.is_ascii_alphanumeric() || b"+/=-_\\".contains(&b))
}
