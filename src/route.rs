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
#[path = "route/tests.rs"]
mod tests;
