//! The script of a letter, as far as the classifier needs to know it: whether training covered it.

/// Scripts by number; the model file names those that training covered.
pub const NAMES: [&str; 13] = [
    "latin",
    "greek",
    "cyrillic",
    "hebrew",
    "arabic",
    "devanagari",
    "thai",
    "han",
    "kana",
    "hangul",
    "bengali",
    "tamil",
    "other",
];

/// Every script that has no name here.
const OTHER: usize = NAMES.len() - 1;

/// Letters counted by script.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scripts {
    letters: [u16; NAMES.len()],
}

impl Scripts {
    /// Counts a folded character of a word; digits belong to no script.
    pub fn count(&mut self, cp: u32) {
        if (0x30..=0x39).contains(&cp) {
            return;
        }
        if let Some(count) = self.letters.get_mut(script(cp)) {
            *count = count.saturating_add(1);
        }
    }

    /// The script that most letters are in, as an index into [`NAMES`], and how many letters there are in all; `None` without letters.
    pub fn main(&self) -> Option<(usize, u32)> {
        let (script, &most) = self.letters.iter().enumerate().max_by_key(|&(_, &count)| count)?;
        let all = self.letters.iter().map(|&count| u32::from(count)).sum();
        (most > 0).then_some((script, all))
    }
}

fn script(cp: u32) -> usize {
    match cp {
        0..0x250 | 0x1E00..0x1F00 => 0,
        0x370..0x400 | 0x1F00..0x2000 => 1,
        0x400..0x530 => 2,
        0x590..0x600 => 3,
        0x600..0x780 | 0x8A0..0x900 | 0xFB50..0xFE00 | 0xFE70..0xFF00 => 4,
        0x900..0x980 => 5,
        0xE00..0xE80 => 6,
        0x2E80..0x3000 | 0x3005..0x3008 | 0x3400..0xA000 | 0xF900..0xFB00 | 0x20000..0x30000 => 7,
        0x3040..0x3100 | 0x31F0..0x3200 | 0xFF66..0xFFA0 => 8,
        0x1100..0x1200 | 0x3130..0x3190 | 0xA960..0xA980 | 0xAC00..0xD800 => 9,
        0x980..0xA00 => 10,
        0xB80..0xC00 => 11,
        _ => OTHER,
    }
}
