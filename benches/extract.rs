//! Reading a request, beside `serde_json`'s tree of the same body and a plain copy of its bytes: `./build.sh bench extract`.
//!
//! The three are timed in turn within one run, and each figure is the median of its rounds, so that a noisy machine slows all alike. What
//! Pointsman does is all that it does to a body before it classifies: check UTF-8 and the grammar, find the model, the turns and the caps, count the
//! text, and decode the window that the classifier reads.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::indexing_slicing)]

use pointsman::dialect::Dialect;
use std::hint::black_box;
use std::time::{Duration, Instant};

const SENTENCE: &str =
    "The quick survey of the northern valley found that most of the older terraces had been rebuilt at least twice. ";
const ROUNDS: usize = 15;

fn message(text: &str) -> String {
    format!("{{\"role\":\"user\",\"content\":\"{text}\"}}")
}

fn body(messages: &str) -> String {
    format!("{{\"model\":\"auto\",\"temperature\":0.7,\"messages\":[{messages}],\"stream\":true,\"max_tokens\":512}}")
}

/// One long message, with an escape in each sentence.
fn long(bytes: usize) -> String {
    let sentence = SENTENCE.replace(". ", ".\\n");
    body(&message(&sentence.repeat(bytes / sentence.len() + 1)))
}

/// Many short messages: 10,000 of them at 1 MB.
fn many(bytes: usize) -> String {
    let one = message(&SENTENCE[..69]);
    body(&vec![one.as_str(); bytes / (one.len() + 1) + 1].join(","))
}

/// A question about a picture that comes as base64.
fn image(bytes: usize) -> String {
    let data = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB".repeat(bytes / 32 + 1);
    let parts = format!(
        "[{{\"type\":\"text\",\"text\":\"{SENTENCE}\"}},{{\"type\":\"image_url\",\"image_url\":{{\"url\":\"data:image/png;base64,{data}\"}}}}]"
    );
    body(&format!("{{\"role\":\"user\",\"content\":{parts}}}"))
}

fn once(work: &mut dyn FnMut(), repeats: u32) -> Duration {
    let start = Instant::now();
    for _ in 0..repeats {
        work();
    }
    start.elapsed() / repeats
}

fn main() {
    println!("MB/s, median of {ROUNDS} rounds in turn; the last column is Pointsman's speed over that of serde_json's tree");
    println!("{:<22}{:>9}{:>12}{:>12}{:>12}{:>9}", "body", "bytes", "pointsman", "serde_json", "copy", "ratio");
    for (name, make) in [("one long message", long as fn(usize) -> String), ("many messages", many), ("base64 image", image)] {
        for bytes in [1_000, 10_000, 100_000, 1_000_000] {
            let text = make(bytes);
            let repeats = u32::try_from((4_000_000 / text.len()).max(1)).unwrap();
            let mut read = || {
                let text = std::str::from_utf8(black_box(text.as_bytes())).unwrap();
                let request = Dialect::OpenAiChat.read(text).unwrap();
                black_box((request.prompt.window(), request.size.tokens()));
            };
            let mut tree = || {
                black_box(serde_json::from_slice::<serde_json::Value>(black_box(text.as_bytes())).unwrap());
            };
            let mut copy = || {
                black_box(black_box(text.as_bytes()).to_vec());
            };
            let mut times: [Vec<Duration>; 3] = Default::default();
            for _ in 0..ROUNDS {
                times[0].push(once(&mut read, repeats));
                times[1].push(once(&mut tree, repeats));
                times[2].push(once(&mut copy, repeats));
            }
            let [ours, serde, plain] = times.map(|mut rounds| {
                rounds.sort_unstable();
                text.len() as f64 / rounds[ROUNDS / 2].as_secs_f64() / 1e6
            });
            println!("{name:<22}{:>9}{ours:>12.0}{serde:>12.0}{plain:>12.0}{:>8.1}x", text.len(), ours / serde);
        }
    }
}
