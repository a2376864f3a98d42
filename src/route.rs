//! From a domain and a policy to the model that a request goes to, and why.

use crate::policy::{Policy, Target};

/// Why a request goes where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The classifier was sure.
    Classified,
    /// The classifier was not sure.
    Unsure,
    /// The user said nothing that could be classified.
    Empty,
    /// The client named a model that is no auto name.
    Explicit,
    /// The body could not be read, and the policy lets it pass.
    Unreadable,
    /// The body was too long to be read, and the policy lets it pass.
    Oversize,
    /// The gateway did not show the body.
    Unseen,
    /// The classifier broke, which is not the same as being unsure.
    Failed,
}

impl Reason {
    /// The word for it in a header.
    pub fn name(self) -> &'static str {
        match self {
            Reason::Classified => "classified",
            Reason::Unsure => "unsure",
            Reason::Empty => "empty",
            Reason::Explicit => "explicit",
            Reason::Unreadable => "unreadable",
            Reason::Oversize => "oversize",
            Reason::Unseen => "unseen",
            Reason::Failed => "failed",
        }
    }
}

/// What the classifier said: the likeliest label and its probability.
#[derive(Clone, Debug, PartialEq)]
pub struct Best<'a> {
    /// The label.
    pub label: &'a str,
    /// 0 to 1.
    pub confidence: f32,
}

/// Chooses the target. `fitted` is the model's own threshold, for a policy that names none.
pub fn choose<'p>(policy: &'p Policy, best: &Best<'_>, fitted: f32) -> (&'p Target, Reason) {
    let rule = policy.domains.get(best.label);
    let threshold = rule.and_then(|rule| rule.threshold).or(policy.threshold).unwrap_or(fitted);
    if best.confidence > 0.0 && best.confidence >= threshold {
        (rule.unwrap_or(&policy.default), Reason::Classified)
    } else {
        (&policy.default, Reason::Unsure)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_nearest_threshold_counts() {
        let document = br#"{"default": {"model": "g"}, "threshold": 0.6,
            "domains": {"math": {"model": "m", "threshold": 0.8}, "law": {"model": "l"}}}"#;
        let labels = ["math", "law", "other"].map(String::from);
        let mut policy = crate::config::read(document, &labels).unwrap();
        let chosen = |policy: &Policy, label: &str, confidence: f32| {
            let (target, reason) = choose(policy, &Best { label, confidence }, 0.5);
            (target.model.clone(), reason)
        };
        assert_eq!(chosen(&policy, "math", 0.8), ("m".into(), Reason::Classified));
        assert_eq!(chosen(&policy, "math", 0.79), ("g".into(), Reason::Unsure));
        assert_eq!(chosen(&policy, "law", 0.6), ("l".into(), Reason::Classified));
        assert_eq!(chosen(&policy, "other", 0.9), ("g".into(), Reason::Classified));
        policy.threshold = None;
        assert_eq!(chosen(&policy, "law", 0.5), ("l".into(), Reason::Classified));
        policy.threshold = Some(0.0);
        assert_eq!(chosen(&policy, "law", 0.0), ("g".into(), Reason::Unsure));
    }
}
