//! Ways to cut a body into chunks.

/// A way to cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunking {
    /// Not at all.
    Whole,
    /// Behind every byte.
    Bytes,
    /// In the middle, with an empty last chunk, as HTTP/2 often ends a stream.
    Halves,
    /// At places that follow from this seed.
    Random(u64),
}

impl Chunking {
    pub const ALL: [Chunking; 6] = [
        Chunking::Whole,
        Chunking::Bytes,
        Chunking::Halves,
        Chunking::Random(1),
        Chunking::Random(7),
        Chunking::Random(1_234_567),
    ];

    /// The chunks; none of an empty body.
    pub fn cut(self, body: &[u8]) -> Vec<Vec<u8>> {
        if body.is_empty() {
            return Vec::new();
        }
        match self {
            Chunking::Whole => vec![body.to_vec()],
            Chunking::Bytes => body.chunks(1).map(<[u8]>::to_vec).collect(),
            Chunking::Halves => {
                let (first, second) = body.split_at(body.len() / 2);
                vec![first.to_vec(), second.to_vec(), Vec::new()]
            }
            Chunking::Random(seed) => {
                let (mut state, mut rest, mut chunks) = (seed | 1, body, Vec::new());
                while !rest.is_empty() {
                    // Marsaglia's xorshift; a chunk has up to a third of the body.
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let size = 1 + (state >> 16) as usize % (body.len() / 3 + 1);
                    let (chunk, after) = rest.split_at(size.min(rest.len()));
                    chunks.push(chunk.to_vec());
                    rest = after;
                }
                chunks
            }
        }
    }
}
