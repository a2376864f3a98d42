//! Characters beyond ASCII: their kind, and where their weight stands.

// Kinds. An apostrophe inside a word belongs to it.
pub(super) const SPACE: u8 = 0;
pub(super) const NEWLINE: u8 = 1;
pub(super) const PUNCT: u8 = 2;
pub(super) const DIGIT: u8 = 3;
pub(super) const LOWER: u8 = 4;
pub(super) const UPPER: u8 = 5;
pub(super) const APOSTROPHE: u8 = 6;

/// Where Han begins: three pages, by a hash.
const HAN: u16 = 29 << 7;

/// Kinds (from bit 12) and places of the alphabets below U+0800, whose texts are nearly all of them.
static ALPHABETS: [u16; 2048] = alphabets();

/// The kind of a character beyond ASCII, and where its weight stands.
pub(super) fn look(c: u32) -> (u8, u16) {
    match ALPHABETS.get(c as usize) {
        Some(entry) => ((entry >> 12) as u8, entry & 4095),
        // Spares Han and Hangul, which come in long runs, the search for marks.
        None if matches!(c, 0x3400..0xA000 | 0xAC00..0xD7A4) => (LOWER, place(c)),
        None => (kind(c), place(c)),
    }
}

// The compiler evaluates this: an index out of bounds would not build.
#[allow(clippy::indexing_slicing)]
const fn alphabets() -> [u16; 2048] {
    let (mut table, mut c) = ([0; 2048], 0);
    while c < 2048 {
        table[c] = (kind(c as u32) as u16) << 12 | place(c as u32);
        c += 1;
    }
    table
}

/// A letter of a script without case is a small one.
const fn kind(c: u32) -> u8 {
    match c {
        0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000 => SPACE,
        0x80..=0xBF | 0xD7 | 0xF7 | 0x37E | 0x387 => PUNCT,
        0xC0..=0xDE | 0x386..=0x3AB | 0x400..=0x42F | 0x531..=0x556 => UPPER,
        // Cases alternate, an odd capital first between U+0139 and U+0148 and from U+0179 to U+017E.
        0x139..=0x148 | 0x179..=0x17E if c % 2 == 1 => UPPER,
        0x139..=0x148 | 0x179..=0x17E => LOWER,
        0x100..=0x24F | 0x460..=0x52F | 0x1E00..=0x1EFF if c.is_multiple_of(2) => UPPER,
        0x5BE | 0x5F3 | 0x5F4 | 0x60C | 0x60D | 0x61B..=0x61F | 0x66A..=0x66D | 0x6D4 | 0x964 | 0x965 => PUNCT,
        0x660..=0x669 | 0x6F0..=0x6F9 | 0xE50..=0xE59 => DIGIT,
        0x900..=0xDFF if matches!(c & 0x7F, 0x66..=0x6F) => DIGIT,
        0xE3F | 0xE4F | 0xE5A | 0xE5B => PUNCT,
        ..0x200B => LOWER,
        0x2070..=0x2079 | 0x2080..=0x2089 | 0x2150..=0x218F | 0x2460..=0x249B | 0xFF10..=0xFF19 => DIGIT,
        0x200B..=0x206F | 0x207A..=0x207E | 0x208A..=0x214F | 0x2190..=0x2BFF | 0x2E00..=0x3004 | 0x3008..=0x3020 => PUNCT,
        0x3030 | 0x303D..=0x303F | 0x30FB | 0xE000..=0xF8FF | 0xFD3E | 0xFD3F | 0xFE00..=0xFE6F => PUNCT,
        0xFF00..=0xFF20 | 0xFF3B..=0xFF40 | 0xFF5B..=0xFF65 | 0xFFE0..=0xFFFF => PUNCT,
        0x1_0100..=0x1_02FF | 0x1_D000..=0x1_D3FF | 0x1_F000..=0x1_FFFF | 0xE_0000..=0xE_01FF => PUNCT,
        _ => LOWER,
    }
}

/// Where the weight of a character beyond ASCII stands: in pages of 128, one to a block that is much in use, and shared by the rest.
const fn place(c: u32) -> u16 {
    let (block, low) = (c >> 7, c & 127);
    if matches!(c, 0x3400..0xA000) {
        return HAN + (c % 384) as u16;
    }
    let (page, place) = match block {
        1 | 2 => (block, low),
        3..=6 | 10 => (3, low),
        7..=9 => (block - 3, low),
        11..=13 => (block - 4, low),
        18 | 19 => (block - 8, low),
        23 => (12, low),
        20..=27 => (13, low),
        28 => (14, low),
        60 | 61 => (block - 44, low),
        64 => (18, low),
        96 | 97 => (block - 76, low),
        510 | 511 => (27, low),
        // Hangul by its syllables without their last consonant, emoji by eights.
        _ => match c {
            0xAC00..0xD7A4 => (23, (c - 0xAC00) / 28),
            0x2_0000.. => return HAN + (c % 384) as u16,
            0x1_F000.. => (28, (c >> 3) & 127),
            0x2080..0x3000 => (19, low),
            _ => (15, low),
        },
    };
    (page << 7) as u16 + place as u16
}
