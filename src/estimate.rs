//! How many tokens a text will cost, from its bytes alone.
//!
//! It sets the reserve of a request before an upstream has counted; the truth replaces it. It never decodes text.

/// What an image part is taken to cost: between a tile of low detail (85) and a large picture of high detail (about 1,100) of the vision models in use.
pub const IMAGE_TOKENS: u64 = 800;
/// What framing a message costs in the chat formats in use.
pub const MESSAGE_TOKENS: u64 = 4;

/// Bytes of text, by what they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextBytes {
    ascii: u64,
    other: u64,
}

impl TextBytes {
    /// Counts a text, escapes as they stand.
    pub fn add(&mut self, text: &str) {
        let other = text.bytes().map(|byte| u64::from(!byte.is_ascii())).sum::<u64>();
        self.other += other;
        self.ascii += text.len() as u64 - other;
    }

    /// Tokens, rounded up: about four ASCII bytes to a token, and about three others, which is one Chinese character or one and a half Cyrillic ones.
    pub fn tokens(&self) -> u64 {
        self.ascii.div_ceil(4) + self.other.div_ceil(3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_cost_what_they_cost() {
        let tokens = |text: &str| {
            let mut bytes = TextBytes::default();
            bytes.add(text);
            bytes.tokens()
        };
        assert_eq!(tokens(""), 0);
        assert_eq!(tokens("what is the capital of France"), 8);
        assert_eq!(tokens("法国的首都"), 5);
    }
}
