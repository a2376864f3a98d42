//! The state machine that cuts a text into units and sums their weights. It knows escapes and scripts, and no sampling.

use super::script::{self, APOSTROPHE, DIGIT, LOWER, NEWLINE, PUNCT, SPACE, UPPER};
use super::{escape, weights};

/// The parts of a token that weights are counted in.
pub(super) const TOKEN: i32 = 32;
/// The character code that stands for a weight of nothing.
const ZERO: u8 = 78;

// States: what the current unit is so far.
const START: u8 = 0;
const ONE_SPACE: u8 = 1;
const SPACES: u8 = 2;
const NEWLINES: u8 = 3;
/// One mark without a space before it: letters after it join it.
const MARK: u8 = 4;
const MARKS: u8 = 5;
const MARKS_NEWLINES: u8 = 6;
/// The first of up to three digits; the states after it count them.
const DIGITS: u8 = 7;
const TWO_DIGITS: u8 = 8;
const CAPITAL: u8 = 10;
const CAPITALS: u8 = 11;
/// A first small letter; the states up to [`LAST_LETTER`] count them.
const LETTER: u8 = 12;
const LAST_LETTER: u8 = 19;

// Symbols: a character as one of a pair. Letters of either case are 1 to 26, marks 32 to 63.
const OTHER_LETTER: u8 = 0;
const DIGIT_SYMBOL: u8 = 27;
const SPACE_SYMBOL: u8 = 28;
const NEWLINE_SYMBOL: u8 = 29;
const OTHER_MARK: u8 = 30;
const START_SYMBOL: u8 = 31;
/// The class of a byte that begins an escape or a character beyond ASCII.
const LONG: u16 = 1 << 15;

/// By state and kind: the next state times 8, how many units end before the character (in bits 8 and 9), and its weight above them.
static STEPS: [i32; 256] = steps();
static CLASSES: [u16; 256] = classes();
static PAIR: [i8; 4096] = unpack(weights::PAIR);
static CHAR: [i8; 4096] = unpack(weights::CHAR);
static BOTH: [i8; 4096] = unpack(weights::BOTH);

/// What a text costs, in parts of a token.
pub(super) fn measure(text: &str) -> u64 {
    let mut machine = Machine { state: START << 3, symbol: START_SYMBOL, last: 0, unit: 0, done: 0 };
    let mut rest = text.as_bytes();
    while let [byte, after @ ..] = rest {
        rest = after;
        let class = at(&CLASSES, *byte);
        if class & LONG == 0 {
            machine.ascii(class);
            machine.last = u32::from(*byte);
        } else {
            let (c, after) = escape::long(*byte, after);
            rest = after;
            machine.any(c);
        }
    }
    machine.finish()
}

/// Where the pass over a text stands.
struct Machine {
    /// Times 8, as [`STEPS`] is indexed.
    state: u8,
    symbol: u8,
    last: u32,
    /// What the current unit costs so far.
    unit: i32,
    /// What the units before it cost.
    done: u64,
}

impl Machine {
    fn step(&mut self, kind: u8) {
        let step = at(&STEPS, self.state | kind);
        let ends = (step >> 8) & 3;
        // Without a branch: whether a unit ends is what no processor can predict of text.
        let ended = -i32::from(ends != 0);
        self.done += ((self.unit.max(TOKEN) + (ends - 1) * TOKEN) & ended) as u64;
        self.unit = (self.unit & !ended) + (step >> 16);
        self.state = step as u8;
    }

    fn ascii(&mut self, class: u16) {
        self.step(class as u8 & 7);
        let symbol = (class >> 3) as u8 & 63;
        self.unit += i32::from(at(&PAIR, u16::from(self.symbol) << 6 | u16::from(symbol)));
        self.symbol = symbol;
    }

    /// A character that came as an escape, or is beyond ASCII.
    fn any(&mut self, c: u32) {
        match u8::try_from(c) {
            Ok(byte) if byte < 128 => self.ascii(at(&CLASSES, byte)),
            _ => {
                let (kind, place) = script::look(c);
                self.step(kind);
                let both = self.last.wrapping_mul(0x9E35).wrapping_add(c.wrapping_mul(0x85EB)) >> 3;
                self.unit += i32::from(at(&CHAR, place)) + i32::from(at(&BOTH, both as u16 & 4095));
                self.symbol = match kind {
                    LOWER | UPPER => OTHER_LETTER,
                    PUNCT => OTHER_MARK,
                    DIGIT => DIGIT_SYMBOL,
                    _ => SPACE_SYMBOL,
                };
            }
        }
        self.last = c;
    }

    fn finish(self) -> u64 {
        if self.state == START << 3 { 0 } else { self.done + self.unit.max(TOKEN) as u64 }
    }
}

/// An entry; the masks of the callers keep within the tables.
fn at<T: Copy + Default, const N: usize>(table: &[T; N], index: impl Into<usize>) -> T {
    table.get(index.into()).copied().unwrap_or_default()
}

/// The next state, and how many units end before a character of that kind.
const fn next(state: u8, kind: u8) -> (u8, i32) {
    let begun = (state != START) as i32;
    match (kind, state) {
        (SPACE, ONE_SPACE | SPACES) => (SPACES, 0),
        (SPACE, _) => (ONE_SPACE, begun),
        (NEWLINE, START | ONE_SPACE | SPACES | NEWLINES) => (NEWLINES, 0),
        (NEWLINE, MARK | MARKS | MARKS_NEWLINES) => (MARKS_NEWLINES, 0),
        (NEWLINE, _) => (NEWLINES, 1),
        // As in "don't".
        (APOSTROPHE, CAPITAL..) => (state, 0),
        (PUNCT | APOSTROPHE, ONE_SPACE | MARK | MARKS) => (MARKS, 0),
        (PUNCT | APOSTROPHE, SPACES) => (MARKS, 1),
        (PUNCT | APOSTROPHE, _) => (MARK, begun),
        (DIGIT, DIGITS | TWO_DIGITS) => (state + 1, 0),
        (DIGIT, SPACES) => (DIGITS, 2),
        (DIGIT, _) => (DIGITS, begun),
        (UPPER, CAPITAL | CAPITALS) => (CAPITALS, 0),
        (UPPER, START | ONE_SPACE | MARK) => (CAPITAL, 0),
        (UPPER, _) => (CAPITAL, 1),
        (_, CAPITAL | CAPITALS) => (LETTER + 1, 0),
        (_, LETTER..LAST_LETTER) => (state + 1, 0),
        (_, LAST_LETTER..) => (LAST_LETTER, 0),
        (_, START | ONE_SPACE | MARK) => (LETTER, 0),
        (_, _) => (LETTER, 1),
    }
}

/// The kind in the low three bits, the symbol above them.
const fn class(byte: u8) -> u16 {
    let (kind, symbol) = match byte {
        b'a'..=b'z' => (LOWER, byte & 31),
        b'A'..=b'Z' => (UPPER, byte & 31),
        b'0'..=b'9' => (DIGIT, DIGIT_SYMBOL),
        b'\n' | b'\r' => (NEWLINE, NEWLINE_SYMBOL),
        b'\'' => (APOSTROPHE, 38),
        b'!'..=b'/' => (PUNCT, 32 + byte - b'!'),
        b':'..=b'@' => (PUNCT, 47 + byte - b':'),
        b'['..=b'`' => (PUNCT, 54 + byte - b'['),
        b'{'..=b'~' => (PUNCT, 60 + byte - b'{'),
        _ => (SPACE, SPACE_SYMBOL),
    };
    let class = (symbol as u16) << 3 | kind as u16;
    if byte == b'\\' || byte >= 128 { class | LONG } else { class }
}

// The compiler evaluates these three: an index out of bounds would not build.

#[allow(clippy::indexing_slicing)]
const fn classes() -> [u16; 256] {
    let (mut table, mut byte) = ([0; 256], 0);
    while byte < 256 {
        table[byte] = class(byte as u8);
        byte += 1;
    }
    table
}

#[allow(clippy::indexing_slicing)]
const fn steps() -> [i32; 256] {
    let (weights, mut table, mut i) = (unpack::<256>(weights::STEP), [0; 256], 0);
    while i < 256 {
        let (state, ends) = next(i as u8 >> 3, i as u8 & 7);
        table[i] = (weights[i] as i32) << 16 | ends << 8 | (state as i32) << 3;
        i += 1;
    }
    table
}

#[allow(clippy::indexing_slicing)]
const fn unpack<const N: usize>(text: &str) -> [i8; N] {
    let (bytes, mut table, mut from, mut to) = (text.as_bytes(), [0; N], 0, 0);
    while from < bytes.len() {
        if bytes[from] != b'\n' {
            table[to] = bytes[from].wrapping_sub(ZERO) as i8;
            to += 1;
        }
        from += 1;
    }
    table
}
