//! Edits of a body that leave every other byte as it came.

use core::ops::Range;

/// One replacement. An empty span inserts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced, in bytes of the body.
    pub span: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
}

/// Applies edits. They may come in any order and must not overlap; one that does, or lies outside the body, is left out.
pub fn splice(body: &[u8], mut edits: Vec<Edit>) -> Vec<u8> {
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let added: usize = edits.iter().map(|edit| edit.text.len()).sum();
    let (mut out, mut at) = (Vec::with_capacity(body.len() + added), 0);
    for edit in edits {
        let (Some(kept), Some(_)) = (body.get(at..edit.span.start), body.get(edit.span.clone())) else {
            continue;
        };
        out.extend_from_slice(kept);
        out.extend_from_slice(edit.text.as_bytes());
        at = edit.span.end;
    }
    out.extend_from_slice(body.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(span: Range<usize>, text: &str) -> Edit {
        Edit { span, text: text.into() }
    }

    #[test]
    fn replaces_inserts_and_keeps_the_rest() {
        let edits = vec![edit(4..7, "XY"), edit(0..0, "<"), edit(9..9, ">")];
        assert_eq!(splice(b"abcdefghi", edits), b"<abcdXYhi>");
        assert_eq!(splice(b"abc", vec![]), b"abc");
    }

    #[test]
    fn an_edit_that_cannot_be_is_left_out() {
        assert_eq!(splice(b"abc", vec![edit(0..2, "x"), edit(1..3, "y"), edit(2..9, "z")]), b"xc");
    }
}
