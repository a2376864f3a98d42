//! Estimating tokens, beside a plain copy of the same bytes: `cargo bench --bench estimate`.

#![allow(clippy::disallowed_methods, clippy::unwrap_used, clippy::indexing_slicing)]

use pointsman::estimate::TextBytes;
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 21;

fn once(work: &mut dyn FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn main() {
    println!("MB/s, median of {ROUNDS} rounds in turn, at 1 MB");
    println!("{:<10}{:>10}{:>10}", "text", "estimate", "copy");
    let samples = include_str!("../tests/estimate/samples.txt").split("@ ");
    let group = |name: &str| {
        samples.clone().find_map(|group| group.strip_prefix(name)?.strip_prefix('\n')).unwrap_or_default().replace('\n', " ")
    };
    let code = include_str!("../src/quota.rs").replace('\\', "").replace('"', "\\\"").replace('\n', "\\n");
    let escaped: String = group("zh").chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    for (name, text) in [
        ("English", group("en")),
        ("code", code),
        ("German", group("de")),
        ("Russian", group("ru")),
        ("Chinese", group("zh")),
        ("escaped", escaped),
    ] {
        let text = text.repeat(1_000_000 / text.len());
        let mut estimate = || {
            let mut bytes = TextBytes::default();
            bytes.add(black_box(&text));
            black_box(bytes.tokens());
        };
        let mut copy = || drop(black_box(black_box(text.as_bytes()).to_vec()));
        let (mut ours, mut plain) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            ours.push(once(&mut estimate));
            plain.push(once(&mut copy));
        }
        let [ours, plain] = [ours, plain].map(|mut times| {
            times.sort_unstable();
            text.len() as f64 / times[ROUNDS / 2].as_secs_f64() / 1e6
        });
        println!("{name:<10}{ours:>10.0}{plain:>10.0}");
    }
}
