//! A byte-level splitter for Amazon's binary event streams: it hands out payloads and knows no JSON.
//!
//! A frame is: total length (4 bytes, big endian), length of the headers (4), a checksum of both (4), headers, payload, a checksum of all (4).
//! Checksums are left to the client, for whom the bytes go by unchanged. Memory is fixed however long a frame is.

/// A piece of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Bytes of the frame's payload.
    Payload(&'a [u8]),
    /// The frame is complete.
    End,
}

const PRELUDE: usize = 12;
const TRAILER: u64 = 4;

/// The splitter. Feed it chunks, it calls back.
#[derive(Clone, Debug, Default)]
pub struct Frames {
    prelude: tinyvec::ArrayVec<[u8; PRELUDE]>,
    /// Bytes of headers still to come.
    headers: u64,
    /// Bytes of payload still to come.
    payload: u64,
    /// Bytes of the closing checksum still to come.
    trailer: u64,
    broken: bool,
}

impl Frames {
    /// Takes the next chunk. After a length that cannot be, nothing more is reported.
    pub fn feed(&mut self, mut chunk: &[u8], mut piece: impl FnMut(Piece<'_>)) {
        while !chunk.is_empty() && !self.broken {
            if self.prelude.len() < PRELUDE {
                let (head, rest) = chunk.split_at(chunk.len().min(PRELUDE - self.prelude.len()));
                self.prelude.extend_from_slice(head);
                chunk = rest;
                if self.prelude.len() == PRELUDE {
                    self.begin();
                }
                continue;
            }
            let (_, rest) = take(&mut self.headers, chunk);
            let (payload, rest) = take(&mut self.payload, rest);
            if !payload.is_empty() {
                piece(Piece::Payload(payload));
            }
            let (_, rest) = take(&mut self.trailer, rest);
            chunk = rest;
            if self.headers + self.payload + self.trailer == 0 {
                self.prelude.clear();
                piece(Piece::End);
            }
        }
    }

    fn begin(&mut self) {
        let number = |at: usize| self.prelude.iter().skip(at).take(4).fold(0u64, |number, byte| number << 8 | u64::from(*byte));
        let (total, headers) = (number(0), number(4));
        match total.checked_sub(PRELUDE as u64 + headers + TRAILER) {
            Some(payload) => (self.headers, self.payload, self.trailer) = (headers, payload, TRAILER),
            None => self.broken = true,
        }
    }
}

/// Takes what is there of `left` bytes.
fn take<'a>(left: &mut u64, chunk: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let there = usize::try_from(*left).unwrap_or(usize::MAX).min(chunk.len());
    *left -= there as u64;
    chunk.split_at(there)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing)]
    use super::*;

    fn frame(headers: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend(((PRELUDE + headers.len() + payload.len() + 4) as u32).to_be_bytes());
        out.extend((headers.len() as u32).to_be_bytes());
        out.extend([9; 4]);
        out.extend(headers);
        out.extend(payload);
        out.extend([7; 4]);
        out
    }

    fn payloads(chunks: &[&[u8]]) -> Vec<String> {
        let (mut frames, mut current, mut all) = (Frames::default(), Vec::new(), Vec::new());
        for chunk in chunks {
            frames.feed(chunk, |piece| match piece {
                Piece::Payload(bytes) => current.extend_from_slice(bytes),
                Piece::End => all.push(String::from_utf8_lossy(&core::mem::take(&mut current)).into_owned()),
            });
        }
        all
    }

    #[test]
    fn payloads_at_every_cut() {
        let stream = [frame(b"\x0b:event-type", b"{\"a\":1}"), frame(b"", b""), frame(b"xy", "é".as_bytes())].concat();
        for at in 0..=stream.len() {
            assert_eq!(payloads(&[&stream[..at], &stream[at..]]), ["{\"a\":1}", "", "é"], "cut at {at}");
        }
    }

    #[test]
    fn a_length_that_cannot_be_ends_the_reading() {
        assert!(payloads(&[&[0; 100]]).is_empty());
        assert!(payloads(&[&[0xff; 100]]).is_empty());
    }
}
