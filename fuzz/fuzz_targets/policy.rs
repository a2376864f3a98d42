//! No policy document and no model file panics, and a refusal says something.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|document: &[u8]| {
    let labels = ["math".to_owned(), "law".to_owned()];
    if let Err(error) = pointsman::config::read(document, &labels) {
        assert!(!error.to_string().is_empty());
    }
});
