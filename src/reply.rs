//! Answers of ours, worded by the dialect, and the headers that tell how a limit stands.

use crate::dialect::{ApiError, Dialect};
use crate::json::JsonError;
use crate::ledger::Standing;
use crate::quota::Refusal;
use crate::step::Reply;

const SECOND: u64 = 1_000_000_000;

/// A body or request that cannot be taken, and what stands in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The body is not the API's request.
    Body(JsonError),
    /// The body is not UTF-8 from this byte on.
    Utf8(usize),
    /// There is no body.
    NoBody,
    /// The body is compressed in this way.
    Encoded(String),
    /// The body is longer than this many bytes.
    TooLong(usize),
    /// No tenant source names a tenant; these are the headers that would.
    NoTenant(String),
    /// The ledger could not be reached.
    Ledger(&'static str),
}

/// Words a fault.
pub fn fault(dialect: Dialect, fault: &Fault) -> Reply {
    let (status, message, param, code, detail) = match fault {
        Fault::Body(error) => {
            let (param, code) = match error {
                JsonError::WrongType { field, .. } => (Some(*field), "invalid_type"),
                JsonError::Missing { field, .. } => (Some(*field), "missing_required_parameter"),
                _ => (None, "invalid_json"),
            };
            (400, error.to_string(), param, code, "pointsman_unreadable")
        }
        Fault::Utf8(at) => (
            400,
            format!("the body is not valid JSON: expected UTF-8 at byte {at}"),
            None,
            "invalid_json",
            "pointsman_unreadable",
        ),
        Fault::NoBody => {
            (400, "the request has no body: expected a JSON object".into(), None, "invalid_json", "pointsman_unreadable")
        }
        Fault::Encoded(encoding) => (
            415,
            format!(
                "the body is encoded as '{encoding}', which is not read here: send it as plain JSON, without content-encoding"
            ),
            None,
            "unsupported_content_encoding",
            "pointsman_encoded",
        ),
        Fault::TooLong(most) => (
            413,
            format!("the body is longer than {most} bytes, the most that this gateway reads"),
            None,
            "request_too_large",
            "pointsman_oversize",
        ),
        Fault::NoTenant(headers) => (
            401,
            format!("the request names no tenant: expected it in {headers}"),
            None,
            "tenant_required",
            "pointsman_no_tenant",
        ),
        Fault::Ledger(reason) => {
            (503, format!("the quota cannot be checked: {reason}"), None, "quota_unavailable", "pointsman_ledger")
        }
    };
    let error = ApiError { status, message: &message, kind: None, param, code: Some(code) };
    Reply { status, headers: vec![json_type()], body: dialect.error(&error), detail }
}

fn json_type() -> (String, String) {
    ("content-type".into(), "application/json".into())
}

/// Words a refusal by a limit. `tokens` is what the request asked for, `now` is in nanoseconds since 1970.
pub fn over_quota(dialect: Dialect, standing: &Standing, refusal: Refusal, tokens: u64, now: u64) -> Reply {
    let (limit, per) = (standing.limit.tokens, standing.limit.per.name());
    let mut headers = vec![json_type()];
    headers.extend(limit_headers(standing, now));
    let (message, code) = match refusal {
        Refusal::Never => {
            headers.push(("x-should-retry".into(), "false".into()));
            let message = format!(
                "Request too large: it needs about {tokens} tokens (prompt and the most it may generate), \
                 and the limit is {limit} tokens per {per}. Shorten the prompt or lower max_tokens."
            );
            (message, "request_too_large")
        }
        Refusal::Until(_) => {
            let (left, wait) = (standing.remaining, seconds_until(standing.resets, now));
            let message = format!(
                "Rate limit reached: {limit} tokens per {per}, {left} left, and this request needs about {tokens} \
                 (prompt and the most it may generate). Try again in {wait} s."
            );
            (message, "rate_limit_exceeded")
        }
    };
    headers.push(("retry-after".into(), seconds_until(standing.resets, now).to_string()));
    let error = ApiError { status: 429, message: &message, kind: Some("tokens"), param: None, code: Some(code) };
    Reply { status: 429, headers, body: dialect.error(&error), detail: "pointsman_quota" }
}

/// The headers of the binding limit, as OpenAI sends them. `now` is in nanoseconds since 1970.
pub fn limit_headers(standing: &Standing, now: u64) -> [(String, String); 3] {
    [
        ("x-ratelimit-limit-tokens".into(), standing.limit.tokens.to_string()),
        ("x-ratelimit-remaining-tokens".into(), standing.remaining.to_string()),
        ("x-ratelimit-reset-tokens".into(), duration(nanos_until(standing.resets, now))),
    ]
}

fn nanos_until(second: u64, now: u64) -> u64 {
    second.saturating_mul(SECOND).saturating_sub(now)
}

/// Whole seconds until then, rounded up, since a client that comes back too early is refused again; at least 1.
fn seconds_until(second: u64, now: u64) -> u64 {
    nanos_until(second, now).div_ceil(SECOND).max(1)
}

/// A duration as OpenAI writes it: `120ms`, `59s`, `6m0s`, `23h59m1s`.
fn duration(nanos: u64) -> String {
    if nanos < SECOND {
        return format!("{}ms", nanos.div_ceil(1_000_000));
    }
    let seconds = nanos.div_ceil(SECOND);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::quota::{Limit, Per};

    #[test]
    fn durations_are_written_as_openai_does() {
        let cases = [
            (0, "0ms"),
            (119_500_000, "120ms"),
            (SECOND, "1s"),
            (SECOND + 1, "2s"),
            (59 * SECOND, "59s"),
            (360 * SECOND, "6m0s"),
            (86_341 * SECOND, "23h59m1s"),
        ];
        for (nanos, text) in cases {
            assert_eq!(duration(nanos), text);
        }
    }

    #[test]
    fn a_refusal_says_which_limit_how_much_and_until_when() {
        let standing = Standing { limit: Limit { tokens: 2_000, per: Per::Hour }, remaining: 130, resets: 3_600 };
        let reply = over_quota(Dialect::OpenAiChat, &standing, Refusal::Until(3_600), 300, 3_590 * SECOND + 1);
        for word in ["2000 tokens per hour", "130 left", "about 300", "in 10 s", "rate_limit_exceeded"] {
            assert!(reply.body.contains(word), "{word} is missing in {}", reply.body);
        }
        let header = |name: &str| reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        assert_eq!(header("retry-after"), Some("10"));
        assert_eq!(header("x-ratelimit-reset-tokens"), Some("10s"));
        assert_eq!(header("x-ratelimit-remaining-tokens"), Some("130"));
        assert_eq!(header("x-should-retry"), None);
        let never = over_quota(Dialect::OpenAiChat, &standing, Refusal::Never, 3_000, 0);
        assert!(never.headers.contains(&("x-should-retry".into(), "false".into())));
    }
}
