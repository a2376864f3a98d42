//! JSON string contents: decoding escapes into bounded text, and quoting text for a splice.

/// Appends the decoded text of a raw JSON string body (without its quotes) to `out`, stopping before `out` would grow past `limit` bytes.
///
/// A lone surrogate becomes U+FFFD, as most servers decode it. Returns false when the text was cut.
pub fn unescape_into(raw: &str, limit: usize, out: &mut String) -> bool {
    let mut rest = raw;
    loop {
        let plain = rest.find('\\').unwrap_or(rest.len());
        let (head, tail) = rest.split_at(plain);
        if !push_bounded(head, limit, out) {
            return false;
        }
        let Some(escape) = tail.strip_prefix('\\') else {
            return true;
        };
        let (decoded, after) = decode_escape(escape);
        if out.len() + decoded.len_utf8() > limit {
            return false;
        }
        out.push(decoded);
        rest = after;
    }
}

/// Appends as much of `text` as fits below `limit`, cut at a character boundary; false when something was left out.
fn push_bounded(text: &str, limit: usize, out: &mut String) -> bool {
    let room = limit.saturating_sub(out.len());
    if text.len() <= room {
        out.push_str(text);
        return true;
    }
    let mut end = room;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    out.push_str(text.get(..end).unwrap_or_default());
    false
}

/// Decodes what follows a backslash; returns the character and the rest.
fn decode_escape(escape: &str) -> (char, &str) {
    let mut chars = escape.chars();
    let Some(kind) = chars.next() else {
        return (char::REPLACEMENT_CHARACTER, "");
    };
    let after = chars.as_str();
    let plain = match kind {
        'n' => '\n',
        't' => '\t',
        'r' => '\r',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'u' => return decode_unicode(after),
        other => other,
    };
    (plain, after)
}

fn hex4(text: &str) -> Option<(u32, &str)> {
    let digits = text.get(..4)?;
    let value = u32::from_str_radix(digits, 16).ok()?;
    Some((value, text.get(4..).unwrap_or_default()))
}

fn decode_unicode(after: &str) -> (char, &str) {
    let Some((high, rest)) = hex4(after) else {
        return (char::REPLACEMENT_CHARACTER, after);
    };
    if let Some(single) = char::from_u32(high) {
        return (single, rest);
    }
    let low = rest.strip_prefix("\\u").and_then(hex4);
    if let (0xD800..=0xDBFF, Some((low @ 0xDC00..=0xDFFF, tail))) = (high, low) {
        let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), tail);
    }
    (char::REPLACEMENT_CHARACTER, rest)
}

/// A count as it may be written: `12`, and `12.0`. Negative and fractional numbers are no counts.
pub fn whole(number: &str) -> Option<u64> {
    let digits = match number.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() && fraction.bytes().all(|b| b == b'0') => whole,
        Some(_) => return None,
        None => number,
    };
    digits.parse().ok()
}

/// Appends `text` as a JSON string, quotes included.
pub fn push_quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if (c as u32) < 0x20 => {
                out.push_str("\\u00");
                for nibble in [(c as u32) >> 4, (c as u32) & 15] {
                    out.push(char::from_digit(nibble, 16).unwrap_or('0'));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(raw: &str) -> String {
        let mut out = String::new();
        unescape_into(raw, usize::MAX, &mut out);
        out
    }

    #[test]
    fn escapes_decode_as_servers_decode_them() {
        assert_eq!(decoded(r"a\n\t\u00e9\/\\"), "a\n\té/\\");
        assert_eq!(decoded(r"\ud83d\ude00"), "😀");
        assert_eq!(decoded(r"\ud83dx"), "\u{fffd}x");
        assert_eq!(decoded(r"\ude00"), "\u{fffd}");
        assert_eq!(decoded(r"\ud83d\u0041"), "\u{fffd}A");
    }

    #[test]
    fn the_bound_cuts_between_characters() {
        for limit in 0..12 {
            let mut out = String::new();
            let whole = unescape_into(r"aé\u00e9日", limit, &mut out);
            assert!(out.len() <= limit);
            assert_eq!(whole, limit >= 8);
            assert!("aéé日".starts_with(&out));
        }
    }

    #[test]
    fn quoting_round_trips_through_serde() {
        for text in ["", "plain", "q\" b\\ n\n c\u{1} é 😀 \u{7f}"] {
            let mut quoted = String::new();
            push_quoted(text, &mut quoted);
            assert_eq!(serde_json::from_str::<String>(&quoted).ok().as_deref(), Some(text));
        }
    }
}
