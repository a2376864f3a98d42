//! No body makes a dialect panic; edits leave JSON, in which the model is the one that was written.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pointsman::dialect::Dialect;
use pointsman::splice::{Edit, splice};

fuzz_target!(|input: (u8, &str)| {
    let (choice, body) = input;
    let Some(dialect) = Dialect::ALL.get(usize::from(choice) % Dialect::ALL.len()) else { return };
    let Ok(request) = dialect.read(body) else { return };
    assert!(request.prompt.window().len() <= pointsman::prompt::WINDOW + 128);
    let mut edits: Vec<Edit> = request.model_spans.iter().map(|span| Edit { span: span.clone(), text: "\"chosen\"".into() }).collect();
    if edits.is_empty() {
        edits.push(request.insert.edit("\"model\":\"chosen\""));
    }
    edits.extend(request.ask_usage);
    let spliced = splice(body.as_bytes(), edits);
    let text = std::str::from_utf8(&spliced).expect("edits keep UTF-8");
    let read = dialect.read(text).expect("edits keep the body readable");
    if !request.model_spans.is_empty() {
        assert_eq!(read.model.as_deref(), Some("chosen"));
    }
    assert!(read.ask_usage.is_empty(), "a stream that asks for usage needs no more asking");
    assert_eq!(read.prompt.window(), request.prompt.window());
});
