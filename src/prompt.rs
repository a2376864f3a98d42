//! The turns of a conversation as the classifier reads them: the last user turns, bounded, nothing decoded before it is wanted.
//!
//! What the user says decides. System text and tool results do not, so that a conversation stays on its model through tool loops: the last
//! user turn stays the same. Where there is no user turn at all, instructions stand in for it, as programs send them.

use crate::json::RawStr;

/// Bytes of text that the classifier reads: about 500 tokens of English.
pub const WINDOW: usize = 2_048;
/// Of a longer turn, so many bytes come from its end and the rest from its start: tasks are stated before or after what is pasted.
const TAIL: usize = 512;
/// A last turn shorter than this ("and in French?") is read with the turns before it.
const SHORT: usize = 64;
/// Turns that are remembered.
const TURNS: usize = 4;
/// Text parts of one turn that are remembered, from its start and from its end each.
const PARTS: usize = 8;

/// Who speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// The person or program whose question it is.
    User,
    /// Whoever set the task: system and developer messages.
    Instructions,
    /// The model, a tool, or a role that is not known.
    #[default]
    Other,
}

/// The text of one turn, still escaped.
#[derive(Clone, Debug, Default)]
pub struct Turn<'a> {
    /// Most turns have a single part, for which nothing is allocated.
    parts: tinyvec::TinyVec<[RawStr<'a>; 1]>,
}

impl<'a> Turn<'a> {
    /// Adds a text part. Of many, those at both ends are remembered.
    pub fn push(&mut self, part: RawStr<'a>) {
        if part.raw.is_empty() {
            return;
        }
        if self.parts.len() == 2 * PARTS {
            self.parts.remove(PARTS);
        }
        self.parts.push(part);
    }

    fn parts(&self) -> impl DoubleEndedIterator<Item = &RawStr<'a>> {
        self.parts.iter()
    }

    fn len(&self) -> usize {
        self.parts().map(|part| part.raw.len() + 1).sum()
    }

    fn is_blank(&self) -> bool {
        // Blanks may be written as escapes; a part of this length that is blank to its end is not worth a look.
        const ENOUGH: usize = 256;
        self.parts().all(|part| {
            let raw = part.raw.trim_start();
            raw.is_empty() || (raw.starts_with('\\') && part.decode(ENOUGH).trim().is_empty())
        })
    }

    /// Appends about `room` bytes of the turn to `out`.
    fn read(&self, room: usize, out: &mut String) {
        if self.len() <= room {
            for part in self.parts() {
                separate(out);
                crate::json::unescape_into(part.raw, usize::MAX, out);
            }
            return;
        }
        let tail = TAIL.min(room / 4);
        let limit = out.len() + room - tail;
        for part in self.parts() {
            separate(out);
            if out.len() >= limit || !crate::json::unescape_into(part.raw, limit, out) {
                break;
            }
        }
        separate(out);
        let mut ends = Vec::new();
        let mut left = tail;
        for part in self.parts().rev() {
            let end = part.decode_tail(left);
            left = left.saturating_sub(end.len() + 1);
            ends.push(end);
            if left == 0 {
                break;
            }
        }
        for end in ends.iter().rev() {
            out.push_str(end);
            out.push('\n');
        }
    }
}

fn separate(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// The last turns of a conversation.
#[derive(Clone, Debug, Default)]
pub struct Prompt<'a> {
    /// The last user turns; the next one takes the place of the oldest.
    user: [Turn<'a>; TURNS],
    /// User turns so far.
    turns: usize,
    /// Instructions among the turns.
    instructions: Option<Turn<'a>>,
    /// Instructions beside them.
    beside: Option<Turn<'a>>,
}

impl<'a> Prompt<'a> {
    /// Forgets the turns of a conversation, of which the body holds another one. Instructions that stand beside it stay.
    pub fn forget_turns(&mut self) {
        self.turns = 0;
        self.instructions = None;
    }

    /// Adds instructions that stand beside the conversation.
    pub fn instruct(&mut self, turn: Turn<'a>) {
        self.beside = Some(turn).filter(|turn| !turn.is_blank());
    }

    /// Adds a turn, in the order of the conversation.
    pub fn push(&mut self, role: Role, turn: Turn<'a>) {
        if turn.is_blank() {
            return;
        }
        match role {
            Role::User => {
                if let Some(oldest) = self.user.get_mut(self.turns % TURNS) {
                    *oldest = turn;
                    self.turns += 1;
                }
            }
            Role::Instructions => self.instructions = Some(turn),
            Role::Other => {}
        }
    }

    /// The text that the classifier reads, at most [`WINDOW`] bytes or a few more: the last user turn, with the turns before it in front when
    /// it is short. Empty when nobody said anything.
    pub fn window(&self) -> String {
        let mut turns = Vec::<&Turn<'_>>::with_capacity(TURNS);
        let mut length = 0;
        for at in (self.turns.saturating_sub(TURNS)..self.turns).rev() {
            if let Some(turn) = self.user.get(at % TURNS).filter(|_| length < SHORT) {
                length += turn.len();
                turns.insert(0, turn);
            }
        }
        let mut out = String::new();
        for (at, turn) in turns.iter().enumerate() {
            // Earlier turns give context only, so they leave room for the last.
            let later: usize = turns.iter().skip(at + 1).map(|turn| turn.len()).sum();
            turn.read(WINDOW.saturating_sub(out.len() + later), &mut out);
        }
        if let (true, Some(turn)) = (turns.is_empty(), self.instructions.as_ref().or(self.beside.as_ref())) {
            turn.read(WINDOW, &mut out);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(text: &str) -> Turn<'_> {
        let mut turn = Turn::default();
        turn.push(RawStr { raw: text, escaped: text.contains('\\'), start: 0 });
        turn
    }

    fn window(turns: &[(Role, &str)]) -> String {
        let mut prompt = Prompt::default();
        for (role, text) in turns {
            prompt.push(*role, turn(text));
        }
        prompt.window()
    }

    const LONG: &str = "How do I prove that the square root of two is irrational, by contradiction?";

    #[test]
    fn the_last_user_turn_decides() {
        let turns = [
            (Role::Instructions, "You are a lawyer."),
            (Role::User, "first"),
            (Role::Other, "answer"),
            (Role::User, LONG),
            (Role::Other, "tool"),
        ];
        assert_eq!(window(&turns), LONG);
    }

    #[test]
    fn a_short_turn_is_read_with_those_before_it() {
        assert_eq!(
            window(&[(Role::User, LONG), (Role::Other, "x"), (Role::User, "and of three?")]),
            format!("{LONG}\nand of three?")
        );
        assert_eq!(window(&[(Role::User, "a"), (Role::User, "b")]), "a\nb");
    }

    #[test]
    fn instructions_stand_in_and_silence_is_empty() {
        assert_eq!(window(&[(Role::Instructions, "Translate."), (Role::User, " \\n".trim_end_matches("\\n"))]), "Translate.");
        assert_eq!(window(&[(Role::Other, "x")]), "");
        assert_eq!(window(&[]), "");
    }

    #[test]
    fn blank_is_blank_however_it_is_written() {
        for blank in [" ", "\\n \\t", "\\u0020\\r\\n", "\u{a0}\\u00a0"] {
            assert_eq!(window(&[(Role::User, blank)]), "", "{blank:?}");
        }
    }

    #[test]
    fn a_long_turn_keeps_its_start_and_its_end() {
        let text = format!("START {} END", "é ".repeat(5_000));
        let read = window(&[(Role::User, &text)]);
        assert!(read.starts_with("START") && read.trim_end().ends_with("END"), "{read}");
        assert!((WINDOW - 64..=WINDOW + 64).contains(&read.len()), "{}", read.len());
    }

    #[test]
    fn many_parts_are_bounded_and_keep_both_ends() {
        let parts: Vec<String> = (0..10_000).map(|at| format!("part{at} with a few more words to it")).collect();
        let mut turn = Turn::default();
        for part in &parts {
            turn.push(RawStr { raw: part, escaped: false, start: 0 });
        }
        let mut prompt = Prompt::default();
        prompt.push(Role::User, turn);
        let read = prompt.window();
        assert!(read.contains("part0 ") && read.contains("part9999 "), "{read}");
        assert!(read.len() <= WINDOW + 64);
    }

    #[test]
    fn an_escape_is_never_cut() {
        for pad in 0..40 {
            let text = format!("{}{}", "x".repeat(pad), "\\ud83d\\ude00\\n".repeat(600));
            let read = window(&[(Role::User, &text)]);
            assert!(!read.contains('\u{fffd}') && !read.contains("\\u"), "pad {pad}: {read}");
        }
    }
}
