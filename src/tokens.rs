//! Text to feature hashes: what the classifier sees of a prompt.
//!
//! A text is folded character by character ([`fold`]), split into tokens, and each token gives hashes of itself, of its pair with the token
//! before it, and of the character n-grams in it, so that a misspelt or inflected word still shares most of what it says. It knows no
//! vocabulary and no model file, keeps nothing of the text, and its work and its output are bounded by [`LIMIT`].
//! `tools/train/features.py` is the same function for training.

mod fold;
mod script;

pub use fold::{Class, fold};
pub use script::{NAMES as SCRIPT_NAMES, Scripts};

use tinyvec::{ArrayVec, TinyVec};

/// Bytes of a text that are read; the rest is cut at a character boundary.
pub const LIMIT: usize = 2048;

/// Characters of one token; a longer run is split.
pub const TOKEN: usize = 32;

/// The most hashes that a text can give: four for each byte, where one word follows another without a space, and those of the first tokens.
pub const MAX_HASHES: usize = 4 * LIMIT + LEAD;

/// What these hashes are, by name: a model file was trained for one scheme and says which.
pub const SCHEME: &str = "fnv1a32-murmur3/words1-2,lead4,chars2-5,dense1-3,fold1";

/// Tokens at the start of a text that also count as leading ones: "translate", "write a poem" there are the task itself.
const LEAD: usize = 4;
/// Mark the two ends of a word in its n-grams; no folded text contains them.
const OPEN: u32 = 2;
const CLOSE: u32 = 3;
/// A word this long is a feature by itself; a shorter one is already one of its own n-grams, ends included.
const WHOLE: usize = 4;

const GRAM: u32 = seed(0x11);
const WORD: u32 = seed(0x22);
const PAIR: u32 = seed(0x33);
const FIRST: u32 = seed(0x44);

/// FNV-1a over 32-bit units, started differently for each kind of feature.
const fn seed(salt: u32) -> u32 {
    step(0x811C_9DC5, salt)
}

const fn step(hash: u32, unit: u32) -> u32 {
    (hash ^ unit).wrapping_mul(0x0100_0193)
}

/// The finalizer of MurmurHash3: FNV leaves the high bits, which choose the table's bucket, poorly mixed.
const fn mix(mut hash: u32) -> u32 {
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85EB_CA6B);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xC2B2_AE35);
    hash ^ (hash >> 16)
}

/// The features of one text.
#[derive(Clone, Debug, Default)]
pub struct Features {
    /// One hash for each occurrence, repeats included, at most [`MAX_HASHES`].
    pub hashes: TinyVec<[u32; 1024]>,
    /// The letters of the text by script.
    pub scripts: Scripts,
}

impl Features {
    /// Reads the first [`LIMIT`] bytes of a text.
    pub fn of(text: &str) -> Features {
        let mut reader = Reader::default();
        for c in cut(text).chars() {
            reader.take(c);
        }
        reader.finish();
        reader.features
    }
}

fn cut(text: &str) -> &str {
    if text.len() <= LIMIT {
        return text;
    }
    let mut end = LIMIT;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[derive(Default)]
struct Reader {
    features: Features,
    /// The open token's characters, between the marks that its n-grams need: a first place is kept for [`OPEN`].
    token: ArrayVec<[u32; TOKEN + 2]>,
    dense: bool,
    /// The hash of the token before, if there is one.
    before: Option<u32>,
    tokens: usize,
}

impl Reader {
    fn take(&mut self, c: char) {
        let Some((cp, class)) = fold(c) else { return };
        match class {
            Class::Space => self.finish(),
            Class::Symbol => {
                self.finish();
                let hash = step(WORD, cp);
                self.features.hashes.push(mix(hash));
                self.place(hash);
            }
            Class::Word | Class::Dense => {
                let dense = class == Class::Dense;
                if self.token.len() == TOKEN + 1 || dense != self.dense {
                    self.finish();
                }
                if self.token.is_empty() {
                    self.token.push(OPEN);
                    self.dense = dense;
                }
                self.token.push(cp);
                self.features.scripts.count(cp);
            }
        }
    }

    /// Ends the open token, if any.
    fn finish(&mut self) {
        let chars = self.token.get(1..).unwrap_or_default();
        if chars.is_empty() {
            return;
        }
        let hash = chars.iter().fold(WORD, |hash, &cp| step(hash, cp));
        if chars.len() >= WHOLE {
            self.features.hashes.push(mix(hash));
        }
        self.place(hash);
        // One digit is as good as another inside an n-gram; the whole token keeps its own.
        for cp in &mut self.token {
            if (0x30..=0x39).contains(cp) {
                *cp = 0x30;
            }
        }
        if self.dense {
            grams(self.token.get(1..).unwrap_or_default(), 1, 3, &mut self.features);
        } else {
            self.token.push(CLOSE);
            grams(&self.token, 2, 5, &mut self.features);
        }
        self.token.clear();
    }

    /// Notes where a token stands: after which other, and whether among the first.
    fn place(&mut self, hash: u32) {
        if let Some(before) = self.before {
            self.features.hashes.push(mix(step(step(PAIR, before), hash)));
        }
        if self.tokens < LEAD {
            self.features.hashes.push(mix(step(FIRST, hash)));
        }
        self.before = Some(hash);
        self.tokens += 1;
    }
}

/// The n-grams of `shortest` to `longest` characters.
fn grams(chars: &[u32], shortest: usize, longest: usize, into: &mut Features) {
    for start in 0..chars.len() {
        let mut hash = GRAM;
        for (n, &cp) in chars.iter().skip(start).take(longest).enumerate() {
            hash = step(hash, cp);
            if n + 1 >= shortest {
                into.hashes.push(mix(hash));
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn sorted(text: &str) -> Vec<u32> {
        let mut hashes: Vec<u32> = Features::of(text).hashes.to_vec();
        hashes.sort_unstable();
        hashes
    }

    #[test]
    fn case_accents_and_ornaments_do_not_count() {
        for (a, b) in [
            ("Où est l’ÉTÉ…", "ou est l'ete."),
            ("ПРИВЕТ всё", "привет все"),
            ("ＡＢＣ １２", "abc 12"),
            ("H₂O", "h2o"),
            ("cafe\u{301}", "café"),
            ("co\u{ad}op\u{200b}", "coop"),
            ("مُحَمَّد", "محمد"),
        ] {
            assert_eq!(sorted(a), sorted(b), "{a} {b}");
        }
        assert_ne!(sorted("1789"), sorted("1790"), "a year is a word");
    }

    #[test]
    fn tokens_are_words_runs_and_single_symbols() {
        // "<ab>": 3 + 2 + 1 n-grams and a leading token.
        assert_eq!(sorted("ab").len(), 7);
        // Each symbol: itself and a leading one, and one pair.
        assert_eq!(sorted("+-").len(), 5);
        // Three characters of a dense script: 3 + 2 + 1 n-grams, a leading token.
        assert_eq!(sorted("量子力").len(), 7);
        assert_eq!(sorted("a 力").len(), sorted("a力").len());
        assert!(sorted("").is_empty());
        assert!(sorted(" \n\u{300}\u{feff}").is_empty());
    }

    #[test]
    fn output_is_bounded_whatever_the_text() {
        for piece in ["a", "a ", "ab ", "+", "a+", "力", "力a", "\u{10ffff}", "ё", "😀", "abcdefghijklmnopqrstuvwxyz0123456789"]
        {
            let text = piece.repeat(3 * LIMIT / piece.len());
            let features = Features::of(&text);
            assert!(features.hashes.len() <= MAX_HASHES, "{piece} {}", features.hashes.len());
            for end in (0..64).filter(|&end| text.is_char_boundary(end)) {
                Features::of(&text[..end]);
            }
        }
    }

    #[test]
    fn the_main_script_is_that_of_most_letters() {
        let main = |text: &str| Features::of(text).scripts.main().map(|(script, letters)| (SCRIPT_NAMES[script], letters));
        assert_eq!(main("abc где 12 გამარჯობა"), Some(("other", 15)));
        assert_eq!(main("α = sin β"), Some(("latin", 5)));
        assert_eq!(main("日本語のテスト"), Some(("kana", 7)));
        assert_eq!(main("12 + 3"), None);
    }
}
