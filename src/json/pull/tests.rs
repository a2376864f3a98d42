#![allow(clippy::indexing_slicing)]
use super::*;

fn check(text: &str) -> Result<(), JsonError> {
    let mut scanner = Scanner::new(text);
    scanner.skip()?;
    scanner.finish()
}

#[test]
fn accepts_and_refuses_what_serde_does() {
    let cases = [
        "{}",
        "[]",
        "[1,2]",
        "{\"a\":1}",
        "{\"a\":[{}]}",
        "0",
        "-0.5e+3",
        "\"\\u00e9\"",
        "true",
        "null",
        " [ 1 , {\"a\" : null } ] ",
        "",
        "{",
        "[1,]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "01",
        "1.",
        "1e",
        "-",
        "tru",
        "nul",
        "\"a",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\n\"",
        "[1}",
        "{\"a\":1]",
        "[1 2]",
        "{,}",
        "[,]",
        "1 2",
        "{\"a\":1,}",
        "\"\\",
    ];
    for case in cases {
        assert_eq!(check(case).is_ok(), serde_json::from_str::<serde_json::Value>(case).is_ok(), "{case}");
    }
}

#[test]
fn every_prefix_is_truncated_never_a_panic() {
    let document = r#"{"a":[1,-2.5e3,"x\u00e9\n",{"b":null}],"c":true}"#;
    assert_eq!(check(document), Ok(()));
    for end in 0..document.len() {
        assert_eq!(check(document.get(..end).unwrap_or_default()), Err(JsonError::Truncated), "cut at {end}");
    }
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(check(&nested(MAX_DEPTH)), Ok(()));
    assert!(matches!(check(&nested(MAX_DEPTH + 1)), Err(JsonError::TooDeep { .. })));
    assert!(matches!(check(&"{\"a\":".repeat(100_000)), Err(JsonError::TooDeep { .. })));
}

#[test]
fn members_are_read_or_skipped() -> Result<(), JsonError> {
    let text = r#"{"skip":{"deep":[1]},"m\u006fdel":"x","n":12}"#;
    let (mut model, mut n) = (None, "");
    let mut scanner = Scanner::new(text);
    scanner.object(|s, key| {
        if key.is("model") {
            model = Some(s.string()?);
        } else if key.is("n") {
            n = s.number()?;
        }
        Ok(())
    })?;
    assert_eq!(n, "12");
    assert_eq!(model.map(|m| text.get(m.span())), Some(Some("\"x\"")));
    Ok(())
}
