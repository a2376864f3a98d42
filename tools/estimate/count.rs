//! Counts the tokens of JSON Lines for `fit.py`: each object's `text` and `lang`, with the byte length of each o200k_base token, the number
//! of cl100k_base tokens, and what `estimate.rs` takes them to be now.

#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

use pointsman::estimate::TextBytes;
use pointsman::json::push_quoted;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, BufWriter, Write};

fn main() {
    let (o200k, cl100k) = (tiktoken_rs::o200k_base().unwrap(), tiktoken_rs::cl100k_base().unwrap());
    let mut out = BufWriter::new(std::io::stdout().lock());
    for path in std::env::args().skip(1) {
        for line in BufReader::new(std::fs::File::open(path).unwrap()).lines() {
            let row: Value = serde_json::from_str(&line.unwrap()).unwrap();
            let text = row.get("text").and_then(Value::as_str).unwrap();
            let lengths: Vec<usize> =
                o200k.encode_ordinary(text).iter().map(|token| o200k.decode_bytes(&[*token]).unwrap().len()).collect();
            let mut raw = String::new();
            push_quoted(text, &mut raw);
            let mut estimate = TextBytes::default();
            estimate.add(raw.get(1..raw.len() - 1).unwrap());
            let cl100k = cl100k.count_ordinary(text);
            let counted = json!({
                "text": text, "lang": row.get("lang"), "o200k": lengths, "cl100k": cl100k, "estimate": estimate.tokens(),
            });
            writeln!(out, "{counted}").unwrap();
        }
    }
}
