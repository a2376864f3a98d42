//! Token usage as an upstream reports it, in one form for all APIs.
//!
//! It knows no JSON: [`crate::meter`] reads, this folds. Counts are tokens.

/// A count that an upstream reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Tokens of the prompt.
    Input,
    /// Tokens that were generated.
    Output,
    /// The upstream's own sum.
    Total,
    /// Prompt tokens read from a cache.
    CachedInput,
    /// Prompt tokens written to a cache.
    CacheCreation,
    /// Generated tokens that the client does not see.
    Reasoning,
    /// Prompt tokens of tools that the upstream ran, on top of the input count.
    ToolInput,
    /// Prompt tokens of one of the steps that a request took, cached ones included; they add up within a report.
    StepInput,
    /// Generated tokens of one of the steps; they add up within a report.
    StepOutput,
}

/// How an API's counts relate to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Convention {
    /// Cached and cache-creation tokens come on top of the input count (Anthropic), and are not a part of it (OpenAI).
    pub cache_is_extra: bool,
    /// Reasoning tokens come on top of the output count (Gemini), and are not a part of it (OpenAI).
    pub reasoning_is_extra: bool,
}

/// What was reported so far. `None` means: not reported, which is not zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    input: Option<u64>,
    output: Option<u64>,
    total: Option<u64>,
    cached_input: Option<u64>,
    cache_creation: Option<u64>,
    reasoning: Option<u64>,
    tool_input: Option<u64>,
    step_input: Option<u64>,
    step_output: Option<u64>,
}

/// No model has a context near this, so a larger count is a fault of the upstream and is not taken.
const ABSURD: u64 = 1 << 40;

impl Usage {
    /// Takes a reported count. Reports repeat and grow within a stream, so the last one stands.
    pub fn report(&mut self, field: Field, count: u64) {
        if count >= ABSURD {
            return;
        }
        match field {
            Field::StepInput => self.step_input = Some(self.step_input.unwrap_or(0) + count),
            Field::StepOutput => self.step_output = Some(self.step_output.unwrap_or(0) + count),
            _ => self.replace(field, count),
        }
    }

    /// A further report begins, whose steps are counted anew.
    pub fn new_report(&mut self) {
        (self.step_input, self.step_output) = (None, None);
    }

    fn replace(&mut self, field: Field, count: u64) {
        let slot = match field {
            Field::Input => &mut self.input,
            Field::Output => &mut self.output,
            Field::Total => &mut self.total,
            Field::CachedInput => &mut self.cached_input,
            Field::CacheCreation => &mut self.cache_creation,
            Field::Reasoning => &mut self.reasoning,
            Field::ToolInput => &mut self.tool_input,
            Field::StepInput => &mut self.step_input,
            Field::StepOutput => &mut self.step_output,
        };
        *slot = Some(count);
    }

    /// The reported counts in one convention: cached tokens a part of input, reasoning tokens a part of output. None if nothing was reported
    /// from which a total follows.
    pub fn settled(&self, convention: Convention) -> Option<Tokens> {
        let cached_input = self.cached_input.unwrap_or(0);
        let cache_creation = self.cache_creation.unwrap_or(0);
        let reasoning = self.reasoning.unwrap_or(0);
        let extra_input = if convention.cache_is_extra { cached_input + cache_creation } else { 0 };
        let extra_output = if convention.reasoning_is_extra { reasoning } else { 0 };
        let input = self.input.map(|count| count + extra_input + self.tool_input.unwrap_or(0));
        let output = self.output.map(|count| count + extra_output);
        let (input, output) = (input.max(self.step_input), output.max(self.step_output));
        let (input, output) = match (input, output, self.total) {
            // A total beyond both is output that the other count leaves out, as reasoning is with some servers.
            (Some(input), Some(output), total) => (input, output.max(total.unwrap_or(0).saturating_sub(input))),
            (Some(input), None, total) => (input, total.unwrap_or(input).saturating_sub(input)),
            (None, Some(output), total) => (total.unwrap_or(output).saturating_sub(output), output),
            (None, None, Some(total)) => (total, 0),
            (None, None, None) => return None,
        };
        Some(Tokens { input, output, cached_input, cache_creation, reasoning })
    }
}

/// Usage of one finished exchange, in tokens. The last three are parts of the first two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The whole prompt.
    pub input: u64,
    /// Everything generated.
    pub output: u64,
    /// The part of the input that came from a cache.
    pub cached_input: u64,
    /// The part of the input that was written to a cache.
    pub cache_creation: u64,
    /// The part of the output that is reasoning.
    pub reasoning: u64,
}

impl Tokens {
    /// Input and output together.
    pub fn total(&self) -> u64 {
        self.input.saturating_add(self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_reported_is_unknown_not_zero() {
        assert_eq!(Usage::default().settled(Convention::default()), None);
        let mut cached_only = Usage::default();
        cached_only.report(Field::CachedInput, 5);
        assert_eq!(cached_only.settled(Convention::default()), None);
    }

    #[test]
    fn conventions_agree_on_the_total() {
        let mut usage = Usage::default();
        usage.report(Field::Input, 10);
        usage.report(Field::Output, 7);
        usage.report(Field::CachedInput, 4);
        usage.report(Field::Reasoning, 3);
        let total = |convention| usage.settled(convention).map(|t| t.total());
        assert_eq!(total(Convention::default()), Some(17));
        assert_eq!(total(Convention { cache_is_extra: true, reasoning_is_extra: false }), Some(21));
        assert_eq!(total(Convention { cache_is_extra: false, reasoning_is_extra: true }), Some(20));
    }

    #[test]
    fn the_last_report_stands_and_absurd_ones_do_not() {
        let mut usage = Usage::default();
        usage.report(Field::Output, 1);
        usage.report(Field::Output, 9);
        usage.report(Field::Output, u64::MAX);
        usage.report(Field::Total, 12);
        assert_eq!(usage.settled(Convention::default()), Some(Tokens { input: 3, output: 9, ..Tokens::default() }));
    }
}
