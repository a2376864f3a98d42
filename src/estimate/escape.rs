//! Characters that take more than a byte in JSON text: escapes, and those beyond ASCII.

/// The code of a character whose first byte is an escape's or beyond ASCII, and what follows it.
pub(super) fn long(first: u8, after: &[u8]) -> (u32, &[u8]) {
    let bits = |byte: &u8| u32::from(*byte) & 0x3F;
    match (first, after) {
        (b'\\', [b'u', rest @ ..]) => unicode(rest),
        (b'\\', [b'n' | b'r', rest @ ..]) => (u32::from(b'\n'), rest),
        (b'\\', [b't' | b'b' | b'f', rest @ ..]) => (u32::from(b'\t'), rest),
        (b'\\', [mark @ (b'"' | b'\\' | b'/'), rest @ ..]) => (u32::from(*mark), rest),
        (0xF0.., [b, c, d, rest @ ..]) => ((u32::from(first) & 7) << 18 | bits(b) << 12 | bits(c) << 6 | bits(d), rest),
        (0xE0.., [b, c, rest @ ..]) => ((u32::from(first) & 15) << 12 | bits(b) << 6 | bits(c), rest),
        (0xC0.., [b, rest @ ..]) => ((u32::from(first) & 31) << 6 | bits(b), rest),
        _ => (u32::from(first), after),
    }
}

/// What follows `\u`: a lone surrogate or four bytes that are no number count as U+FFFD.
fn unicode(text: &[u8]) -> (u32, &[u8]) {
    const LOST: u32 = 0xFFFD;
    let Some((high, rest)) = hex(text) else { return (LOST, text) };
    if !(0xD800..0xE000).contains(&high) {
        return (high, rest);
    }
    match rest {
        [b'\\', b'u', low @ ..] if high < 0xDC00 => match hex(low) {
            Some((low @ 0xDC00..0xE000, rest)) => (0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00), rest),
            _ => (LOST, rest),
        },
        _ => (LOST, rest),
    }
}

fn hex(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<4>()?;
    let value = digits.iter().try_fold(0, |value, digit| Some(value << 4 | char::from(*digit).to_digit(16)?))?;
    Some((value, rest))
}
