//! A response costs the same however it is cut, and its bytes go on as they came.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman::dialect::Dialect;
use pointsman::meter::{Framing, Meter, Passed};

fn watch(dialect: Dialect, framing: Framing, strip: bool, chunks: &[&[u8]]) -> (Vec<u8>, Option<u64>) {
    let mut meter = Meter::new(dialect, framing, strip);
    let mut out = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        match meter.feed(chunk, at + 1 == chunks.len()) {
            Passed::Unchanged => out.extend_from_slice(chunk),
            Passed::Instead(bytes) => out.extend(bytes),
        }
    }
    (out, meter.tokens().map(|tokens| tokens.total()))
}

fuzz_target!(|input: (u8, u8, u16, &[u8])| {
    let (choice, framing, cut, body) = input;
    let Some(dialect) = Dialect::ALL.get(usize::from(choice) % Dialect::ALL.len()).copied() else { return };
    let framing = [Framing::Json, Framing::Events, Framing::Lines, Framing::Frames][usize::from(framing % 4)];
    let (head, tail) = body.split_at(usize::from(cut) % (body.len() + 1));
    let whole = watch(dialect, framing, false, &[body]);
    assert_eq!(whole.0, body);
    assert_eq!(watch(dialect, framing, false, &[head, tail]), whole);
    // With the usage chunk taken out, what goes on is the same at every cut unless an event is longer than what is kept back.
    if body.len() < pointsman::meter::HELD {
        assert_eq!(watch(dialect, framing, true, &[head, tail]), watch(dialect, framing, true, &[body]));
    }
});
