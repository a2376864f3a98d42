//! How many tokens a text will cost, from its bytes alone.
//!
//! It sets the reserve of a request before an upstream has counted; the truth replaces it. No vocabulary: a state machine cuts the text into words,
//! digits by threes, runs of punctuation and of spaces, much as the pre-tokenizers of o200k_base and cl100k_base do, and each such unit costs a token
//! or the sum of small weights of its characters and neighbouring pairs, whichever is more. The weights are fitted to o200k_base. JSON escapes are
//! seen through.

mod escape;
mod machine;
mod script;
mod weights;

use machine::{TOKEN, measure};

/// What an image part is taken to cost: between a tile of low detail (85) and a large picture of high detail (about 1,100) of the vision models in use.
pub const IMAGE_TOKENS: u64 = 800;
/// What framing a message costs in the chat formats in use.
pub const MESSAGE_TOKENS: u64 = 4;

/// Bytes of text that are all counted; beyond them a sample stands for the rest, since no reserve has to be exact to the token and reading every
/// character costs more than all else that is done to a body.
const WHOLE: u64 = 2_048;
/// Beyond [`WHOLE`] a piece of this many bytes is counted at every so many bytes of text …
const PIECE: usize = 256;
/// … at first,
const NEAR: u64 = 2_048;
/// and so many beyond [`FAR_FROM`]: a hundredth of the text is off by a few per cent then.
const FAR: u64 = 8_192;
const FAR_FROM: u64 = 16_384;

/// Text, by what it costs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextBytes {
    parts: u64,
    /// Bytes so far.
    seen: u64,
    /// How many of them `parts` stands for; the rest costs as much by the byte.
    counted: u64,
}

impl TextBytes {
    /// So many bytes, taken for English: about four to a token.
    pub fn ascii(bytes: u64) -> TextBytes {
        TextBytes { parts: bytes.saturating_mul(TOKEN as u64 / 4), seen: bytes, counted: bytes }
    }

    /// Counts a text as it stands in JSON, escapes and all.
    pub fn add(&mut self, text: &str) {
        let start = self.seen;
        let end = start.saturating_add(text.len() as u64);
        self.seen = end;
        let head = usize::try_from(WHOLE.saturating_sub(start)).unwrap_or(usize::MAX);
        if head >= text.len() {
            self.count(measure(text), text.len() as u64);
            return;
        }
        if head > 0 {
            let head = text.get(..boundary(text, head)).unwrap_or_default();
            self.count(measure(head), head.len() as u64);
        }
        let mut at = next_sample(start.max(WHOLE));
        while at <= end {
            let every = if at <= FAR_FROM { NEAR } else { FAR };
            let offset = usize::try_from(at - start).unwrap_or(usize::MAX).min(text.len()).saturating_sub(PIECE / 2);
            let from = boundary(text, offset.min(text.len().saturating_sub(PIECE)));
            let piece = text.get(from..boundary(text, from + PIECE)).unwrap_or_default();
            // The piece stands for all bytes up to it from the one before, at its own cost by the byte.
            let cost = measure(piece).saturating_mul(every) / (piece.len() as u64).max(1);
            self.count(cost, every);
            at += if at < FAR_FROM { NEAR } else { FAR };
        }
    }

    fn count(&mut self, parts: u64, bytes: u64) {
        self.parts = self.parts.saturating_add(parts);
        self.counted = self.counted.saturating_add(bytes);
    }

    /// Adds what another count holds.
    pub fn join(&mut self, more: TextBytes) {
        self.parts = self.parts.saturating_add(more.parts);
        self.seen = self.seen.saturating_add(more.seen);
        self.counted = self.counted.saturating_add(more.counted);
    }

    /// Tokens, rounded to the nearest; no text is free.
    pub fn tokens(&self) -> u64 {
        let whole = TOKEN as u64;
        let parts = u128::from(self.parts) * u128::from(self.seen) / u128::from(self.counted.max(1));
        let parts = u64::try_from(parts).unwrap_or(u64::MAX);
        (parts.saturating_add(whole / 2) / whole).max(parts.min(1))
    }
}

/// The first place after `seen` at which a piece is counted.
fn next_sample(seen: u64) -> u64 {
    let every = if seen < FAR_FROM { NEAR } else { FAR };
    (seen / every + 1) * every
}

/// The last character boundary at or before an offset.
fn boundary(text: &str, offset: usize) -> usize {
    let mut at = offset.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_sample_stands_for_a_long_text() {
        let sentence = "The quick survey found 1,204 terraces — most rebuilt twice; \"old\" ones, e.g. Größe, не менялись. ";
        for length in [1_000, 3_000, 10_000, 30_000, 300_000] {
            let text: String = sentence.chars().cycle().take(length).collect();
            let (mut whole, mut sampled, mut in_pieces) = (0, TextBytes::default(), TextBytes::default());
            whole += measure(&text);
            sampled.add(&text);
            for line in text.split_inclusive(". ") {
                in_pieces.add(line);
            }
            for count in [sampled, in_pieces] {
                let ratio = count.tokens() as f64 / (whole as f64 / TOKEN as f64);
                assert!((0.9..1.1).contains(&ratio), "{ratio} at {length}");
            }
        }
    }

    use super::*;

    fn tokens(raw: &str) -> u64 {
        let mut text = TextBytes::default();
        text.add(raw);
        text.tokens()
    }

    #[test]
    fn scripts_cost_what_they_cost() {
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens("what is the capital of France"), 6);
        assert!((3..=6).contains(&tokens("法国的首都")));
    }

    #[test]
    fn escapes_cost_what_they_stand_for() {
        for (escaped, plain) in [
            (r"caf\u00e9 \ud83d\ude00!", "café 😀!"),
            (r"\u6cd5\u56fd\u7684\u9996\u90fd", "法国的首都"),
            (r"a\/b", "a/b"),
            (r"say\u0020it", "say it"),
            (r"one\ntwo\tthree", "one\ntwo\tthree"),
            (r"\ud83d and \ude00", "\u{fffd} and \u{fffd}"),
        ] {
            assert_eq!(tokens(escaped), tokens(plain), "{plain}");
        }
    }

    #[test]
    fn digits_go_by_threes_and_spaces_join_words() {
        assert_eq!(tokens("1234567"), 3);
        assert_eq!(tokens("a 12"), 3);
        assert_eq!(tokens("a            b"), 3);
    }

    #[test]
    fn broken_escapes_are_no_trouble() {
        for raw in ["\\", "\\u", "\\u12", "\\uzzzz", "\\ud83d", "\\ud83d\\u", "\\q", "é\\"] {
            assert!((1..9).contains(&tokens(raw)), "{raw}");
        }
    }
}
