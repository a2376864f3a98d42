//! Kinds of values, and why a document could not be read.

use super::MAX_DEPTH;

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
