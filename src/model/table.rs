//! From feature hashes to rows of the embedding table.
//!
//! Training keeps the features that tell most and gives each a row of its own; a byte of its hash beside the row says whose it is. A hash
//! that finds no such byte is a feature that training did not keep, and adds nothing, where a plain hashed table would add noise.

/// Rows in one bucket: a hash names a bucket and may lie in any of its rows.
pub const BUCKET: usize = 4;

/// The fingerprint of a row that no feature uses.
pub const VACANT: u8 = 0;

/// Whose row is whose: one fingerprint for each row.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    buckets: &'static [[u8; BUCKET]],
}

/// What a table knows of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The distinct rows of its features, in the order of their first occurrence.
    pub rows: Vec<i32>,
    /// How many of its features have a row, repeats included.
    pub known: u32,
}

impl Table {
    /// `fingerprints` holds whole buckets; what is left over is never found.
    pub fn new(fingerprints: &'static [u8]) -> Table {
        Table { buckets: fingerprints.as_chunks().0 }
    }

    /// The row of a hash. A feature that was not kept finds another's fingerprint in one of 64 cases; training sees the same ones.
    fn row(&self, hash: u32) -> Option<usize> {
        // The high bits choose the bucket, any number of buckets, the low byte is the fingerprint.
        let bucket = ((u64::from(hash) * self.buckets.len() as u64) >> 32) as usize;
        let fingerprint = (hash as u8).max(VACANT + 1);
        let rows = self.buckets.get(bucket)?;
        let place = rows.iter().position(|&row| row == fingerprint)?;
        Some(bucket * BUCKET + place)
    }

    /// Looks all the hashes of a text up.
    pub fn find(&self, hashes: &[u32]) -> Found {
        let mut seen = vec![0u64; self.buckets.len().div_ceil(64 / BUCKET)];
        let mut found = Found { rows: Vec::with_capacity(hashes.len()), known: 0 };
        for &hash in hashes {
            let Some(row) = self.row(hash) else { continue };
            found.known += 1;
            let Some(word) = seen.get_mut(row / 64) else { continue };
            let bit = 1 << (row % 64);
            if *word & bit == 0 {
                *word |= bit;
                found.rows.push(row as i32);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_row_whose_fingerprint_matches() {
        // Two buckets: hashes below 2^31 go to the first.
        static FINGERPRINTS: [u8; 9] = [7, 0, 9, 0, 7, 1, 0, 0, 9];
        let table = Table::new(&FINGERPRINTS);
        for (hash, row) in [
            (0x0000_0107, Some(0)),
            (0x7FFF_FF09, Some(2)),
            (0x8000_0007, Some(4)),
            (0xFFFF_FF00, Some(5)), // a zero byte stands as 1
            (0x0000_0001, None),
            (0x8000_0009, None),
        ] {
            assert_eq!(table.row(hash), row, "{hash:x}");
        }
        let found = table.find(&[0x8000_0007, 1, 0x107, 0x8000_0107, 0x107]);
        assert_eq!(found, Found { rows: vec![4, 0], known: 4 });
        assert_eq!(Table::new(&[]).find(&[1, 2]), Found::default());
    }
}
