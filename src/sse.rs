//! A byte-level splitter for server-sent events: it knows no JSON and keeps no data.
//!
//! It follows the HTML standard's grammar: lines end in LF, CRLF or CR; a BOM may open the stream; several `data` lines of one event are
//! joined by a line feed; a line that starts with a colon is a comment. The data is handed on in the pieces in which it arrives, so memory
//! is fixed however long an event is.

/// A piece of an event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes of the event's data.
    Data(&'a [u8]),
    /// The event is complete.
    End {
        /// Offset just after the event in the chunk being fed.
        offset: usize,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In a field name, so many bytes of which equal `data`.
    Name { matched: usize },
    /// After `data:`, where one space is not part of the value.
    Space,
    /// In the value of a `data` field.
    Value,
    /// In a line that is of no interest.
    Other,
}

const DATA: &[u8] = b"data";
const BOM: &[u8] = &[0xEF, 0xBB, 0xBF];

/// The splitter. Feed it chunks, it calls back.
#[derive(Clone, Debug)]
pub struct Splitter {
    state: State,
    /// Nothing of the current line was seen yet.
    line_start: bool,
    /// The last byte was a CR, so a LF belongs to it.
    after_cr: bool,
    /// The current event has a data line already.
    has_data: bool,
    /// How many bytes of a BOM the stream began with; BOM.len() once that is decided.
    bom: usize,
}

impl Default for Splitter {
    fn default() -> Self {
        Splitter { state: State::Name { matched: 0 }, line_start: true, after_cr: false, has_data: false, bom: 0 }
    }
}

impl Splitter {
    /// Takes the next chunk.
    pub fn feed(&mut self, chunk: &[u8], mut piece: impl FnMut(Piece<'_>)) {
        let mut at = 0;
        while let Some(&byte) = chunk.get(at) {
            if self.bom < BOM.len() {
                if BOM.get(self.bom) == Some(&byte) {
                    self.bom += 1;
                    at += 1;
                    continue;
                }
                self.bom = BOM.len();
            }
            if core::mem::take(&mut self.after_cr) && byte == b'\n' {
                at += 1;
                continue;
            }
            if byte == b'\n' || byte == b'\r' {
                self.after_cr = byte == b'\r';
                at += 1;
                self.line_end(at, &mut piece);
                continue;
            }
            self.line_start = false;
            match self.state {
                State::Name { matched } if byte == b':' => {
                    self.state = if matched == DATA.len() { State::Space } else { State::Other };
                    at += 1;
                }
                State::Name { matched } => {
                    self.state =
                        if DATA.get(matched) == Some(&byte) { State::Name { matched: matched + 1 } } else { State::Other };
                    at += 1;
                }
                State::Space => {
                    self.begin_value(&mut piece);
                    at += usize::from(byte == b' ');
                }
                State::Value | State::Other => {
                    let rest = chunk.get(at..).unwrap_or_default();
                    let run = rest.iter().position(|&b| b == b'\n' || b == b'\r').unwrap_or(rest.len());
                    if self.state == State::Value {
                        piece(Piece::Data(rest.get(..run).unwrap_or_default()));
                    }
                    at += run;
                }
            }
        }
    }

    fn begin_value(&mut self, piece: &mut impl FnMut(Piece<'_>)) {
        if core::mem::replace(&mut self.has_data, true) {
            piece(Piece::Data(b"\n"));
        }
        self.state = State::Value;
    }

    fn line_end(&mut self, offset: usize, piece: &mut impl FnMut(Piece<'_>)) {
        if self.line_start {
            self.has_data = false;
            piece(Piece::End { offset });
        } else if matches!(self.state, State::Space | State::Name { matched: 4 }) {
            self.begin_value(piece);
        }
        self.state = State::Name { matched: 0 };
        self.line_start = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(chunks: &[&[u8]]) -> Vec<String> {
        let (mut splitter, mut current, mut all) = (Splitter::default(), Vec::new(), Vec::new());
        for chunk in chunks {
            splitter.feed(chunk, |piece| match piece {
                Piece::Data(data) => current.extend_from_slice(data),
                Piece::End { .. } => all.push(String::from_utf8_lossy(&core::mem::take(&mut current)).into_owned()),
            });
        }
        all.push(String::from_utf8_lossy(&current).into_owned());
        all
    }

    const STREAMS: [&str; 6] = [
        "data: {\"a\":1}\n\ndata:two\n\n: comment\nevent: x\ndata: three\nid: 4\ndata: lines\n\n",
        "data: {\"a\":1}\r\n\r\ndata:two\r\n\r\n: comment\r\nevent: x\r\ndata: three\r\nid: 4\r\ndata: lines\r\n\r\n",
        "data: {\"a\":1}\r\rdata:two\r\r: comment\revent: x\rdata: three\rid: 4\rdata: lines\r\r",
        "\u{feff}data: {\"a\":1}\n\ndata:two\n\ndata: three\ndatabase: no\ndata: lines\n\n",
        "retry: 1\ndata: {\"a\":1}\n\nevent: e\ndata:two\n\ndata: three\ndata: lines\n\n",
        "data: {\"a\":1}\n\r\ndata:two\r\n\ndata: three\r\ndata: lines\n\n",
    ];

    #[test]
    fn every_line_ending_every_cut() {
        for stream in STREAMS {
            let expected = ["{\"a\":1}", "two", "three\nlines", ""];
            assert_eq!(events(&[stream.as_bytes()]), expected, "{stream:?}");
            for at in 0..=stream.len() {
                let (head, tail) = stream.as_bytes().split_at(at);
                assert_eq!(events(&[head, tail]), expected, "{stream:?} cut at {at}");
            }
            let bytes: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
            assert_eq!(events(&bytes), expected);
        }
    }

    #[test]
    fn empty_data_lines_join() {
        assert_eq!(events(&[b"data\ndata: \ndata:x\n\n"]), ["\n\nx", ""]);
    }

    #[test]
    fn an_unfinished_event_has_no_end() {
        assert_eq!(events(&[b"data: tail"]), ["tail"]);
    }
}
