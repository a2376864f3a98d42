//! A push reader: JSON in whatever pieces it arrives, nothing kept but the path and one short scalar.
//!
//! Memory is fixed however long a document is, so a response of any size can be watched while its bytes go by. It reports members of the
//! outer [`DEPTH`] levels; deeper ones are passed over. Several documents may follow each other (NDJSON needs no splitter). It is made for
//! answers of an upstream that the gateway trusts, so it accepts some texts that are no JSON; it never reports a value that is not there.

use super::Kind;
use super::run::plain_run;

/// Levels of the path that are remembered. The deepest usage field of any API stands at 4 (`response.usage.output_tokens_details.reasoning_tokens`).
pub const DEPTH: usize = 6;
/// Bytes of a key or scalar that are remembered; longer ones are reported as cut.
const SCALAR: usize = 48;

/// Something that was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// An object or array begins.
    Begin(Kind),
    /// An object or array ends.
    End {
        /// Object or array.
        kind: Kind,
        /// Whether it had no members.
        empty: bool,
    },
    /// A string, still escaped.
    Text {
        /// The string; None when it is longer than what is remembered.
        short: Option<&'a str>,
        /// Its whole length in bytes, escapes counted as they stand.
        len: u64,
    },
    /// A number.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
}

/// A short byte string kept in place.
#[derive(Clone, Copy, Debug)]
struct Short {
    bytes: [u8; SCALAR],
    len: usize,
    cut: bool,
    /// Bytes seen, kept or not.
    seen: u64,
}

impl Short {
    const EMPTY: Short = Short { bytes: [0; SCALAR], len: 0, cut: false, seen: 0 };

    fn extend(&mut self, more: &[u8]) {
        self.seen = self.seen.saturating_add(more.len() as u64);
        if self.cut {
            return;
        }
        for &byte in more {
            match self.bytes.get_mut(self.len) {
                Some(slot) => {
                    *slot = byte;
                    self.len += 1;
                }
                None => {
                    self.cut = true;
                    return;
                }
            }
        }
    }

    fn text(&self) -> Option<&str> {
        if self.cut {
            return None;
        }
        core::str::from_utf8(self.bytes.get(..self.len)?).ok()
    }
}

#[derive(Clone, Copy, Debug)]
struct Level {
    kind: Kind,
    key: Short,
    empty: bool,
}

const CLOSED: Level = Level { kind: Kind::Array, key: Short::EMPTY, empty: true };

/// Where in a document a value stands.
#[derive(Clone, Copy, Debug)]
pub struct Path<'a> {
    levels: &'a [Level],
    deeper: bool,
}

impl Path<'_> {
    /// Whether the path is exactly `names`; an array's elements are named `*`.
    pub fn is(&self, names: &[&str]) -> bool {
        !self.deeper
            && self.levels.len() == names.len()
            && self.levels.iter().zip(names).all(|(level, name)| match level.kind {
                Kind::Array => *name == "*",
                _ => level.key.text() == Some(name),
            })
    }

    /// How many levels enclose the value.
    pub fn depth(&self) -> usize {
        self.levels.len() + usize::from(self.deeper)
    }
}

/// Takes what a [`Push`] reads.
pub trait Sink {
    /// One event, at the path of the value that it belongs to.
    fn event(&mut self, path: Path<'_>, event: Event<'_>);
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Value,
    KeyOrEnd,
    Key,
    Colon,
    Text { key: bool, escaped: bool },
    Bare { number: bool },
    After,
    Broken,
}

/// The reader. Feed it bytes, it calls the sink.
#[derive(Clone, Debug)]
pub struct Push {
    levels: [Level; DEPTH],
    /// Open levels, remembered or not.
    depth: usize,
    /// Kinds of the levels below those remembered: a bit for each, set for an object.
    objects: [u64; super::MAX_DEPTH / 64],
    scalar: Short,
    state: State,
}

impl Default for Push {
    fn default() -> Self {
        Push { levels: [CLOSED; DEPTH], depth: 0, objects: [0; 8], scalar: Short::EMPTY, state: State::Value }
    }
}

impl Push {
    /// Whether the text so far cannot be JSON; nothing more is reported until [`Push::reset`].
    pub fn broken(&self) -> bool {
        self.state == State::Broken
    }

    /// Forgets the document in progress.
    pub fn reset(&mut self) {
        self.depth = 0;
        self.state = State::Value;
        self.scalar = Short::EMPTY;
    }

    /// Takes the next bytes.
    pub fn feed(&mut self, bytes: &[u8], sink: &mut impl Sink) {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match self.state {
                State::Text { key, escaped } => rest = self.text(rest, key, escaped, sink),
                State::Bare { number } => {
                    if matches!(byte, b'-' | b'+' | b'.' | b'0'..=b'9' | b'a'..=b'z' | b'E') {
                        self.scalar.extend(&[byte]);
                        rest = after;
                    } else {
                        self.bare_end(number, sink);
                    }
                }
                State::Broken => return,
                _ => {
                    self.structure(byte, sink);
                    rest = after;
                }
            }
        }
    }

    /// Says that no more bytes come: a number at the top level ends here.
    pub fn end(&mut self, sink: &mut impl Sink) {
        if let State::Bare { number } = self.state {
            self.bare_end(number, sink);
        }
    }

    fn text<'b>(&mut self, bytes: &'b [u8], key: bool, escaped: bool, sink: &mut impl Sink) -> &'b [u8] {
        if escaped {
            let (head, tail) = bytes.split_at(1.min(bytes.len()));
            self.scalar.extend(head);
            self.state = State::Text { key, escaped: false };
            return tail;
        }
        let run = plain_run(bytes, 0);
        let (plain, tail) = bytes.split_at(run.min(bytes.len()));
        self.scalar.extend(plain);
        let Some((&byte, tail)) = tail.split_first() else {
            return tail;
        };
        match byte {
            b'"' if key => {
                if let Some(level) = self.depth.checked_sub(1).and_then(|at| self.levels.get_mut(at)) {
                    level.key = self.scalar;
                }
                self.state = State::Colon;
            }
            b'"' => {
                let scalar = self.scalar;
                self.emit(Event::Text { short: scalar.text(), len: scalar.seen }, sink);
                self.state = State::After;
            }
            b'\\' => {
                self.scalar.extend(b"\\");
                self.state = State::Text { key, escaped: true };
            }
            other => self.scalar.extend(&[other]),
        }
        tail
    }

    fn bare_end(&mut self, number: bool, sink: &mut impl Sink) {
        let scalar = self.scalar;
        self.state = State::After;
        match (scalar.text(), number) {
            (Some(text), true) => self.emit(Event::Number(text), sink),
            (Some("true"), false) => self.emit(Event::Bool(true), sink),
            (Some("false"), false) => self.emit(Event::Bool(false), sink),
            (Some("null"), false) => self.emit(Event::Null, sink),
            _ => self.state = State::Broken,
        }
    }

    fn structure(&mut self, byte: u8, sink: &mut impl Sink) {
        if matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
            return;
        }
        if self.state == State::After && self.depth == 0 {
            self.state = State::Value;
        }
        match (self.state, byte) {
            (State::KeyOrEnd | State::Key, b'"') => {
                self.used();
                self.begin_scalar(State::Text { key: true, escaped: false });
            }
            (State::Colon, b':') => self.state = State::Value,
            (State::KeyOrEnd, b'}') => self.close(Kind::Object, sink),
            (State::After, b'}') if self.inside(Kind::Object) => self.close(Kind::Object, sink),
            (State::After, b']') if self.inside(Kind::Array) => self.close(Kind::Array, sink),
            (State::Value, b']') if self.inside(Kind::Array) && self.is_empty() => self.close(Kind::Array, sink),
            (State::After, b',') => {
                self.state = if self.inside(Kind::Object) { State::Key } else { State::Value };
            }
            (State::Value, b'{') => self.open(Kind::Object, sink),
            (State::Value, b'[') => self.open(Kind::Array, sink),
            (State::Value, b'"') => {
                self.used();
                self.begin_scalar(State::Text { key: false, escaped: false });
            }
            (State::Value, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                self.used();
                self.begin_scalar(State::Bare { number: !byte.is_ascii_lowercase() });
                self.scalar.extend(&[byte]);
            }
            _ => self.state = State::Broken,
        }
    }

    fn begin_scalar(&mut self, state: State) {
        self.scalar = Short::EMPTY;
        self.state = state;
    }

    /// Marks the innermost level as having a member.
    fn used(&mut self) {
        if let Some(level) = self.depth.checked_sub(1).and_then(|at| self.levels.get_mut(at)) {
            level.empty = false;
        }
    }

    fn is_empty(&self) -> bool {
        // A level that is not remembered may be taken for empty, as `[1,]`: no harm, it is not reported.
        self.depth.checked_sub(1).is_none_or(|at| self.levels.get(at).is_none_or(|level| level.empty))
    }

    fn inside(&self, kind: Kind) -> bool {
        let Some(at) = self.depth.checked_sub(1) else {
            return false;
        };
        let object = self.objects.get(at / 64).is_some_and(|word| word & (1 << (at % 64)) != 0);
        object == (kind == Kind::Object)
    }

    fn open(&mut self, kind: Kind, sink: &mut impl Sink) {
        self.used();
        self.emit(Event::Begin(kind), sink);
        let Some(word) = self.objects.get_mut(self.depth / 64) else {
            self.state = State::Broken;
            return;
        };
        let bit = 1u64 << (self.depth % 64);
        *word = if kind == Kind::Object { *word | bit } else { *word & !bit };
        if let Some(level) = self.levels.get_mut(self.depth) {
            *level = Level { kind, ..CLOSED };
        }
        self.depth += 1;
        self.state = if kind == Kind::Object { State::KeyOrEnd } else { State::Value };
    }

    fn close(&mut self, kind: Kind, sink: &mut impl Sink) {
        let empty = self.is_empty();
        self.depth = self.depth.saturating_sub(1);
        self.emit(Event::End { kind, empty }, sink);
        self.state = State::After;
    }

    fn emit(&self, event: Event<'_>, sink: &mut impl Sink) {
        let levels = self.levels.get(..self.depth.min(DEPTH)).unwrap_or_default();
        sink.event(Path { levels, deeper: self.depth > DEPTH }, event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log(Vec<String>);

    impl Sink for Log {
        fn event(&mut self, path: Path<'_>, event: Event<'_>) {
            let names: Vec<_> =
                path.levels.iter().map(|l| if l.kind == Kind::Array { "*" } else { l.key.text().unwrap_or("…") }).collect();
            self.0.push(format!("{} {event:?}", names.join(".")));
        }
    }

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let (mut push, mut log) = (Push::default(), Log::default());
        for piece in pieces {
            push.feed(piece, &mut log);
        }
        push.end(&mut log);
        log.0
    }

    const DOCUMENT: &str = r#"{"a":[{"b":1.5e3},[],"x\"é"],"c":{"d":null,"e":true},"f":{}} [2] 7"#;

    #[test]
    fn reports_every_value_with_its_path() {
        let events = read(&[DOCUMENT.as_bytes()]);
        for expected in
            ["a.*.b Number(\"1.5e3\")", "c.d Null", "c.e Bool(true)", "f End { kind: Object, empty: true }", " Number(\"7\")"]
        {
            assert!(events.iter().any(|e| e == expected), "{expected} in {events:#?}");
        }
    }

    #[test]
    fn any_cut_reads_the_same() {
        let whole = read(&[DOCUMENT.as_bytes()]);
        for at in 0..DOCUMENT.len() {
            let (head, tail) = DOCUMENT.as_bytes().split_at(at);
            assert_eq!(read(&[head, tail]), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = DOCUMENT.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes), whole);
    }

    #[test]
    fn depth_beyond_what_is_remembered_comes_back_right() {
        let deep = format!("{{\"x\":{}1{},\"usage\":5}}", "[".repeat(40), "]".repeat(40));
        assert!(read(&[deep.as_bytes()]).iter().any(|e| e == "usage Number(\"5\")"));
        let mut push = Push::default();
        push.feed("[".repeat(10_000).as_bytes(), &mut Log::default());
        assert!(push.broken());
    }
}
