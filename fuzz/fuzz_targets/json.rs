//! The pull reader accepts and refuses what serde_json does, and strings decode to the same text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman::json::{JsonError, Scanner};

fuzz_target!(|text: &str| {
    let mut scanner = Scanner::new(text);
    let ours = scanner.skip().and_then(|_| scanner.finish());
    match serde_json::from_str::<serde::de::IgnoredAny>(text) {
        Ok(_) => assert!(matches!(ours, Ok(()) | Err(JsonError::TooDeep { .. })), "refused: {ours:?}"),
        // serde_json stops at a depth of its own and is strict with lone surrogates; both are refusals of documents that are JSON.
        Err(error) if error.to_string().contains("recursion") || error.to_string().contains("surrogate") => {}
        Err(error) if error.to_string().contains("hex escape") => {}
        Err(error) => assert!(ours.is_err(), "accepted what serde_json refuses: {error}"),
    }
    if let Ok(expected) = serde_json::from_str::<String>(text) {
        let mut scanner = Scanner::new(text.trim());
        let string = scanner.string().expect("serde_json reads it as a string");
        assert_eq!(string.decode(usize::MAX), expected);
        assert!(expected.starts_with(&string.decode(expected.len() / 2)));
        assert!(string.is(&expected));
    }
});
