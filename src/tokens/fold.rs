//! One character in, what the classifier sees of it out: lower case, without accents, in one of four classes.
//!
//! The rules are ranges and two tables instead of Unicode's own data, which would add more to the module than the whole tokeniser and
//! changes with each release of the compiler. `tools/train/features.py` holds the same rules; `models/vectors.json` holds them together.

/// How a character takes part in a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Separates tokens.
    Space,
    /// Part of a word.
    Word,
    /// Part of a run of a script that writes whole syllables or words with one character, mostly without spaces.
    Dense,
    /// A token by itself.
    Symbol,
}

/// Base letters of U+00C0 to U+024F; `?` where a letter is its own base, `*` and `/` for the two signs among them.
const LATIN: &[u8; 400] = b"\
    aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo/ouuuuytyaaaaaaccccccccdd\
    ddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkkllllllllllnnnnnnnnnoooooooorrrrrrssssss\
    ssttttttuuuuuuuuuuuuwwyyyzzzzzzs????????????????????????????????oo?????????????u\
    u????????????????????????????aaiioouuuuuuuuuu?aaaaaa??ggkkoooo??j???gg??nnaaaaoo\
    aaaaeeeeiiiioooorrrruuuusstt??hh??????aaeeooooooooyy????????????????????????????";

/// Base letters of U+1E00 to U+1EFF, Latin letters with more than one accent.
const LATIN_MORE: &[u8; 256] = b"\
    aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooo\
    oooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy?s??s?\
    aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuu\
    uuyyyyyyyy??????";

/// What is left of a character, and its class; `None` for one that leaves no trace, such as an accent that stands alone.
pub fn fold(c: char) -> Option<(u32, Class)> {
    let cp = u32::from(c);
    match cp {
        0..0x80 => Some(ascii(cp)),
        0x80..0xC0 => latin_signs(cp),
        0xC0..0x250 => Some(latin(cp, LATIN.get(cp as usize - 0xC0))),
        0x1E00..0x1F00 => Some(latin(cp, LATIN_MORE.get(cp as usize - 0x1E00))),
        0x300..0x370 => None,
        0x370..0x400 => Some((greek(cp), Class::Word)),
        0x400..0x530 => Some((cyrillic(cp), Class::Word)),
        0x591..=0x5C7 => None,
        0x600..0x700 => arabic(cp),
        0x964 | 0x965 => Some((cp, Class::Symbol)),
        0x966..=0x96F => Some((cp - 0x966 + ZERO, Class::Word)),
        0x2000..0x2C00 => punctuation(cp),
        0x2E00..0x2E80 | 0xD800..0xF900 => Some((cp, Class::Symbol)),
        0x2E80..0xD800 => Some(east_asian(cp)),
        0xF900..0xFB00 | 0x20000..0x30000 => Some((cp, Class::Dense)),
        0xFB00..0x10000 => presentation(cp),
        0x1D400..0x1D800 | 0x1F000..0x20000 => Some((cp, Class::Symbol)),
        0xE0000.. => None,
        _ => Some((cp, Class::Word)),
    }
}

const ZERO: u32 = 0x30;
const SPACE: (u32, Class) = (0x20, Class::Space);

fn ascii(cp: u32) -> (u32, Class) {
    match cp {
        0x41..=0x5A => (cp + 32, Class::Word),
        0x30..=0x39 | 0x61..=0x7A => (cp, Class::Word),
        0..=0x20 | 0x7F => SPACE,
        _ => (cp, Class::Symbol),
    }
}

fn latin_signs(cp: u32) -> Option<(u32, Class)> {
    Some(match cp {
        0xA0 => SPACE,
        0xAD => return None, // a soft hyphen is no part of the word
        0xAA => (0x61, Class::Word),
        0xBA => (0x6F, Class::Word),
        0xB2 | 0xB3 => (cp - 0xB0 + ZERO, Class::Word),
        0xB9 => (0x31, Class::Word),
        0xB5 => (0x3BC, Class::Word), // the micro sign is the letter mu
        _ => (cp, Class::Symbol),
    })
}

fn latin(cp: u32, base: Option<&u8>) -> (u32, Class) {
    match base {
        None | Some(b'?') => (cp, Class::Word),
        Some(&sign @ (b'*' | b'/')) => (u32::from(sign), Class::Symbol),
        Some(&letter) => (u32::from(letter), Class::Word),
    }
}

fn greek(cp: u32) -> u32 {
    match cp {
        0x386 | 0x3AC => 0x3B1,
        0x388 | 0x3AD => 0x3B5,
        0x389 | 0x3AE => 0x3B7,
        0x38A | 0x3AF => 0x3B9,
        0x38C | 0x3CC => 0x3BF,
        0x38E | 0x3CD => 0x3C5,
        0x38F | 0x3CE => 0x3C9,
        0x3C2 => 0x3C3,
        0x391..=0x3A9 => cp + 32,
        _ => cp,
    }
}

fn cyrillic(cp: u32) -> u32 {
    match cp {
        0x401 | 0x451 => 0x435, // most people type е for ё
        0x400..0x410 => cp + 80,
        0x410..0x430 => cp + 32,
        0x460.. => cp | 1, // capitals are even there
        _ => cp,
    }
}

fn arabic(cp: u32) -> Option<(u32, Class)> {
    Some(match cp {
        // Vowel marks and the stretching line are ornaments that few people type.
        0x610..=0x61A | 0x64B..=0x65F | 0x640 | 0x670 => return None,
        0x622 | 0x623 | 0x625 | 0x671 => (0x627, Class::Word),
        0x629 => (0x647, Class::Word),
        0x649 | 0x6CC => (0x64A, Class::Word),
        0x6A9 => (0x643, Class::Word),
        0x660..=0x669 => (cp - 0x660 + ZERO, Class::Word),
        0x6F0..=0x6F9 => (cp - 0x6F0 + ZERO, Class::Word),
        0x600..=0x60F | 0x61B..=0x61F | 0x66A..=0x66D | 0x6D4 => (cp, Class::Symbol),
        _ => (cp, Class::Word),
    })
}

fn punctuation(cp: u32) -> Option<(u32, Class)> {
    Some(match cp {
        0x2000..=0x200A | 0x2028..=0x202F | 0x205F => SPACE,
        0x200B..=0x200F | 0x2060..=0x206F => return None,
        0x2010..=0x2015 | 0x2212 => (0x2D, Class::Symbol),
        0x2018..=0x201B => (0x27, Class::Symbol),
        0x201C..=0x201F => (0x22, Class::Symbol),
        0x2026 => (0x2E, Class::Symbol),
        0x2070 | 0x2074..=0x2079 => (cp - 0x2070 + ZERO, Class::Word),
        0x2080..=0x2089 => (cp - 0x2080 + ZERO, Class::Word),
        _ => (cp, Class::Symbol),
    })
}

fn east_asian(cp: u32) -> (u32, Class) {
    match cp {
        0x3000 => SPACE,
        0x3001..=0x3004 | 0x3008..=0x3020 | 0x3030 | 0x303D | 0x30FB => (cp, Class::Symbol),
        _ => (cp, Class::Dense),
    }
}

fn presentation(cp: u32) -> Option<(u32, Class)> {
    Some(match cp {
        0xFE00..=0xFE0F | 0xFEFF => return None,
        0xFB00..0xFE10 | 0xFE70..=0xFEFE => (cp, Class::Word),
        0xFF01..=0xFF5E => ascii(cp - 0xFEE0), // full-width forms
        0xFF66..=0xFF9F => (cp, Class::Dense),
        _ => (cp, Class::Symbol),
    })
}
