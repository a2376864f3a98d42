//! Scores to a decision: a domain, or not sure.
//!
//! It compares numbers and nothing else: the threshold is the caller's, and what a text is made of was judged by the model.

use tinyvec::ArrayVec;

/// The most labels that a model may have.
pub const MAX_LABELS: usize = 32;

/// What the model says of one text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// The probability of each label, in the order of the model's labels. They sum to one, or are all zero for a text without features.
    pub probabilities: ArrayVec<[f32; MAX_LABELS]>,
    /// Features of the text that the model's table knows, repeats included.
    pub known: u32,
    /// Features of the text, repeats included.
    pub features: u32,
    /// The text is written in a script or a language that training did not cover, so its probabilities mean nothing.
    pub foreign: bool,
}

impl Scores {
    /// The likeliest label and its probability; the first one wins a tie. No labels at all count as label 0 at zero.
    pub fn best(&self) -> (usize, f32) {
        let mut best = (0, 0.0);
        for (label, &probability) in self.probabilities.iter().enumerate() {
            if probability > best.1 {
                best = (label, probability);
            }
        }
        best
    }
}

/// A decision on one text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Domain {
    /// The label is sure enough to act on.
    Sure {
        /// Index into the model's labels.
        label: usize,
        /// Its probability, 0 to 1.
        confidence: f32,
    },
    /// The best guess, not to be acted on.
    Unsure {
        /// Index into the model's labels.
        label: usize,
        /// Its probability, 0 to 1; 0 for an empty text and for one in a script or a language that training did not cover.
        confidence: f32,
    },
}

/// Decides at a threshold, a probability from 0 to 1. A label at the threshold is sure.
pub fn decide(scores: &Scores, threshold: f32) -> Domain {
    let (label, probability) = scores.best();
    let confidence = if scores.foreign || scores.known == 0 { 0.0 } else { probability };
    // Written so that a score that is not a number is not sure.
    if confidence > 0.0 && confidence >= threshold {
        Domain::Sure { label, confidence }
    } else {
        Domain::Unsure { label, confidence }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(probabilities: &[f32]) -> Scores {
        Scores { probabilities: probabilities.iter().copied().collect(), known: 1, features: 1, foreign: false }
    }

    #[test]
    fn decides_at_the_threshold() {
        let cases = [
            (vec![0.2, 0.5, 0.3], 0.5, Domain::Sure { label: 1, confidence: 0.5 }),
            (vec![0.2, 0.5, 0.3], 0.51, Domain::Unsure { label: 1, confidence: 0.5 }),
            (vec![0.5, 0.5], 0.1, Domain::Sure { label: 0, confidence: 0.5 }),
            (vec![], 0.0, Domain::Unsure { label: 0, confidence: 0.0 }),
            (vec![f32::NAN, 0.1], 0.5, Domain::Unsure { label: 1, confidence: 0.1 }),
            (vec![0.9, 0.1], f32::NAN, Domain::Unsure { label: 0, confidence: 0.9 }),
        ];
        for (probabilities, threshold, expected) in cases {
            assert_eq!(decide(&scores(&probabilities), threshold), expected, "{probabilities:?}");
        }
    }

    #[test]
    fn what_training_never_saw_is_never_sure() {
        let mut foreign = scores(&[0.99, 0.01]);
        foreign.foreign = true;
        assert_eq!(decide(&foreign, 0.0), Domain::Unsure { label: 0, confidence: 0.0 });
        let mut empty = scores(&[0.99, 0.01]);
        empty.known = 0;
        assert_eq!(decide(&empty, 0.0), Domain::Unsure { label: 0, confidence: 0.0 });
    }
}
