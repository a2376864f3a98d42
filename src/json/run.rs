//! Runs of plain string contents: where the next quote, backslash or control character stands.

/// The offset of the first quote, backslash or control character from `at` on.
///
/// Most strings of a body are short, so the first bytes are looked at in words of eight. A long run is searched with the vector instructions
/// of the machine or of simd128, and then looked through for control characters, which it must not hold.
#[inline]
pub(super) fn plain_run(bytes: &[u8], at: usize) -> usize {
    const SHORT: usize = 32;
    let mut rest = bytes.get(at..).unwrap_or_default();
    let long = rest.len().saturating_sub(SHORT);
    while let Some((word, after)) = rest.split_first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return bytes.len() - rest.len() + (special.trailing_zeros() / 8) as usize;
        }
        rest = after;
        if rest.len() <= long {
            return bytes.len() - rest.len() + long_run(rest);
        }
    }
    let end = rest.iter().position(|&b| b == b'"' || b == b'\\' || b < 0x20).unwrap_or(rest.len());
    bytes.len() - rest.len() + end
}

fn long_run(bytes: &[u8]) -> usize {
    let end = memchr::memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
    let run = bytes.get(..end).unwrap_or_default();
    if run.iter().fold(0u8, |any, &b| any | u8::from(b < 0x20)) == 0 {
        return end;
    }
    run.iter().position(|&b| b < 0x20).unwrap_or(end)
}

/// The high bit of the first byte in the word that is a quote, a backslash or a control character, and perhaps bits of bytes after it; 0 if
/// there is none. Subtracting borrows upwards only, so the lowest bit that is set is exact.
#[inline]
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES * 0x80;
    let zero = |x: u64| x.wrapping_sub(ONES) & !x;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    (zero(word ^ (ONES * b'"' as u64)) | zero(word ^ (ONES * b'\\' as u64)) | control) & HIGHS
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn runs_end_where_a_plain_loop_says() {
        let specials = [b'"', b'\\', 0, 0x1f, b'\n'];
        for length in [0, 1, 7, 8, 9, 31, 63, 64, 65, 72, 130] {
            let plain: Vec<u8> = (0..length).map(|at| [b'a', 0x80, 0xff, b' ', b'!', b'#', b'[', b']'][at % 8]).collect();
            assert_eq!(plain_run(&plain, 0), length);
            for (at, special) in (0..length).flat_map(|at| specials.map(|special| (at, special))) {
                let mut bytes = plain.clone();
                bytes[at] = special;
                for from in 0..length {
                    assert_eq!(
                        plain_run(&bytes, from),
                        if from <= at { at } else { length },
                        "{special} at {at} of {length} from {from}"
                    );
                }
            }
        }
    }
}
