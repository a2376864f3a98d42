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

/// The confidence from which a label counts: the domain's own threshold, else the policy's, else the one fitted for the model.
pub fn threshold(policy: &Policy, label: &str, fitted: f32) -> f32 {
    policy.domains.get(label).and_then(|rule| rule.threshold).or(policy.threshold).unwrap_or(fitted)
}

/// The target of a label that is sure; None is the target of one that is not.
pub fn choose<'p>(policy: &'p Policy, sure: Option<&str>) -> (&'p Target, Reason) {
    match sure {
        Some(label) => (policy.domains.get(label).unwrap_or(&policy.default), Reason::Classified),
        None => (&policy.default, Reason::Unsure),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn policy(threshold: &str) -> Policy {
        let document = format!(
            r#"{{"default": {{"model": "g"}}, {threshold}
            "domains": {{"math": {{"model": "m", "threshold": 0.8}}, "law": {{"model": "l"}}}}}}"#
        );
        crate::config::read(document.as_bytes(), &["math", "law", "other"].map(String::from)).unwrap()
    }

    #[test]
    fn the_nearest_threshold_counts() {
        let (own, fitted) = (policy(r#""threshold": 0.6,"#), policy(""));
        let cases =
            [(&own, "math", 0.8), (&own, "law", 0.6), (&own, "other", 0.6), (&fitted, "math", 0.8), (&fitted, "law", 0.5)];
        for (policy, label, expected) in cases {
            assert_eq!(threshold(policy, label, 0.5), expected, "{label}");
        }
    }

    #[test]
    fn a_domain_without_an_entry_is_known_and_goes_to_the_default() {
        let policy = policy("");
        let chosen = |sure| {
            let (target, reason) = choose(&policy, sure);
            (target.model.as_str(), reason)
        };
        assert_eq!(chosen(Some("law")), ("l", Reason::Classified));
        assert_eq!(chosen(Some("other")), ("g", Reason::Classified));
        assert_eq!(chosen(None), ("g", Reason::Unsure));
    }
}
