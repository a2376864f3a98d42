//! Watches a response go by and keeps what it reports of usage.
//!
//! Bytes pass unchanged, with one exception: the usage-only chunk that a stream carries because we asked for it, and not the client, is taken
//! out again. To tell it, an event's bytes are kept back until the event shows that it is another one, [`HELD`] bytes at most. It never
//! keeps an answer and never pauses a stream.

use crate::dialect::{Dialect, UsagePath};
use crate::frames::{self, Frames};
use crate::json::push::Path;
use crate::json::{Event, Kind, Push, Sink, whole};
use crate::sse::{Piece, Splitter};
use crate::usage::{Tokens, Usage};

/// Bytes of one event that are kept back at most. A usage-only chunk has about 500.
pub const HELD: usize = 16 << 10;

/// How a response's body is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// One JSON document.
    Json,
    /// Server-sent events.
    Events,
    /// A JSON document a line.
    Lines,
    /// Amazon's binary event stream, with JSON payloads.
    Frames,
}

impl Framing {
    /// The framing that a content type names; None is something else, which reports no usage.
    pub fn of(content_type: &str) -> Option<Framing> {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        let is = |name: &str| kind.eq_ignore_ascii_case(name);
        if is("text/event-stream") {
            return Some(Framing::Events);
        }
        if is("application/x-ndjson") || is("application/jsonl") || is("application/stream+json") {
            return Some(Framing::Lines);
        }
        if is("application/vnd.amazon.eventstream") {
            return Some(Framing::Frames);
        }
        let json = is("application/json") || kind.to_ascii_lowercase().ends_with("+json");
        json.then_some(Framing::Json)
    }
}

/// What to forward of a chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passed {
    /// The chunk as it came.
    Unchanged,
    /// These bytes in its place.
    Instead(Vec<u8>),
}

/// The watcher of one response.
#[derive(Clone, Debug)]
pub struct Meter {
    framing: Framing,
    splitter: Splitter,
    frames: Frames,
    json: Push,
    report: Report,
    /// Whether the usage-only chunk is taken out.
    strip: bool,
    held: Vec<u8>,
    dialect: Dialect,
}

impl Meter {
    /// A watcher at the start of a response. `strip` takes the usage-only chunk out.
    pub fn new(dialect: Dialect, framing: Framing, strip: bool) -> Meter {
        Meter {
            framing,
            splitter: Splitter::default(),
            frames: Frames::default(),
            json: Push::default(),
            report: Report { paths: dialect.usage_paths(), ..Report::default() },
            strip: strip && framing == Framing::Events,
            held: Vec::new(),
            dialect,
        }
    }

    /// What was reported so far; None when nothing was.
    pub fn tokens(&self) -> Option<Tokens> {
        self.report.usage.settled(self.dialect.convention())
    }

    /// Takes the next chunk; `end` says that none follows.
    pub fn feed(&mut self, chunk: &[u8], end: bool) -> Passed {
        match self.framing {
            Framing::Json => {
                self.json.feed(chunk, &mut self.report);
                Passed::Unchanged
            }
            Framing::Lines => {
                for line in chunk.split_inclusive(|byte| *byte == b'\n') {
                    self.json.feed(line, &mut self.report);
                    if line.ends_with(b"\n") {
                        next_event(&mut self.json, &mut self.report);
                    }
                }
                Passed::Unchanged
            }
            Framing::Frames => {
                let Meter { frames, json, report, .. } = self;
                frames.feed(chunk, |piece| match piece {
                    frames::Piece::Payload(payload) => json.feed(payload, report),
                    frames::Piece::End => next_event(json, report),
                });
                Passed::Unchanged
            }
            Framing::Events if self.strip => self.feed_stripping(chunk, end),
            Framing::Events => {
                let Meter { splitter, json, report, .. } = self;
                splitter.feed(chunk, |piece| match piece {
                    Piece::Data(data) => json.feed(data, report),
                    Piece::End { .. } => next_event(json, report),
                });
                Passed::Unchanged
            }
        }
    }

    fn feed_stripping(&mut self, chunk: &[u8], end: bool) -> Passed {
        let Meter { splitter, json, report, held, .. } = self;
        let had_held = !held.is_empty();
        let (mut out, mut from, mut dropped) = (core::mem::take(held), 0, false);
        // Where the event under way starts in `out`; what is before it may go.
        let mut event_start = 0;
        splitter.feed(chunk, |piece| match piece {
            Piece::Data(data) => json.feed(data, report),
            Piece::End { offset } => {
                out.extend_from_slice(chunk.get(from..offset).unwrap_or_default());
                from = offset;
                if report.usage_only() {
                    out.truncate(event_start);
                    dropped = true;
                }
                event_start = out.len();
                next_event(json, report);
            }
        });
        out.extend_from_slice(chunk.get(from..).unwrap_or_default());
        let pending = out.len() - event_start;
        if !end && pending > 0 && pending <= HELD && report.may_be_usage_only() {
            *held = out.split_off(event_start);
        } else if pending > 0 {
            report.settled_in_event = true;
        }
        if had_held || dropped || !held.is_empty() { Passed::Instead(out) } else { Passed::Unchanged }
    }
}

fn next_event(json: &mut Push, report: &mut Report) {
    json.end(report);
    json.reset();
    report.next_event();
}

/// What the present event and the whole response have said.
#[derive(Clone, Debug, Default)]
struct Report {
    paths: &'static [UsagePath],
    /// What whole documents have reported.
    usage: Usage,
    /// The same with what the present document says so far; one that is cut off reports nothing.
    pending: Usage,
    /// `choices` is there and empty.
    no_choices: bool,
    /// `usage` is an object.
    has_usage: bool,
    /// The event was seen to be another one, or a part of it went on already.
    settled_in_event: bool,
}

impl Report {
    fn next_event(&mut self) {
        (self.no_choices, self.has_usage, self.settled_in_event) = (false, false, false);
        self.pending = self.usage;
    }

    fn usage_only(&self) -> bool {
        self.no_choices && self.has_usage && !self.settled_in_event
    }

    fn may_be_usage_only(&self) -> bool {
        !self.settled_in_event
    }
}

impl Sink for Report {
    fn event(&mut self, path: Path<'_>, event: Event<'_>) {
        match event {
            Event::Number(text) => {
                if let Some((_, field)) = self.paths.iter().find(|(names, _)| path.is(names))
                    && let Some(count) = whole(text)
                {
                    self.pending.report(*field, count);
                }
            }
            Event::Begin(Kind::Object) if path.is(&["usage"]) => {
                self.has_usage = true;
                self.pending.new_report();
            }
            Event::End { .. } if path.depth() == 0 || path.is(&["*"]) => self.usage = self.pending,
            Event::Begin(_) if path.is(&["choices", "*"]) => self.settled_in_event = true,
            Event::End { kind: Kind::Array, empty: true } if path.is(&["choices"]) => self.no_choices = true,
            _ => {}
        }
    }
}

#[cfg(test)]
#[path = "meter/tests.rs"]
mod tests;
