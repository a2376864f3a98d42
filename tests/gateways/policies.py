"""The policies under test, one listener of the same Envoy for each."""

from __future__ import annotations

from typing import Any

# Far more than any test spends, where the limit itself is not what is tested.
PLENTY = 10_000_000
EXPECTED_OUTPUT = 200
STEM, OFFICE, GENERAL = "stem-32b", "office-14b", "general-large"

BASE: dict[str, Any] = {
    "default": {"model": GENERAL},
    "domains": {"math": {"model": STEM, "headers": {"x-pool": "stem"}}, "law": {"model": OFFICE}},
    "explain": True,
    "tenants": {"from": [{"header": "x-tenant"}]},
    "quotas": {
        "default": [{"tokens": PLENTY, "per": "month"}],
        "tenants": {"unlimited": [], "spent": [{"tokens": 1, "per": "month"}]},
        "expected_output_tokens": EXPECTED_OUTPUT,
    },
}


def with_quota(*limits: dict[str, Any], **other: Any) -> dict[str, Any]:
    """The base policy with other limits for every tenant."""
    return {**BASE, "quotas": {"default": list(limits), "expected_output_tokens": EXPECTED_OUTPUT}, **other}


POLICIES: dict[str, dict[str, Any]] = {
    "main": BASE,
    "pass": {**BASE, "unreadable": "pass"},
    "small": {**BASE, "max_body_bytes": 2000},
    "small-pass": {**BASE, "max_body_bytes": 2000, "unreadable": "pass"},
    "tight": with_quota({"tokens": 1000, "per": "month"}),
    "seconds": with_quota({"tokens": 1000, "per": "second"}),
    "two-limits": with_quota({"tokens": 5000, "per": "month"}, {"tokens": 600, "per": "day"}),
    "no-quota": {name: value for name, value in BASE.items() if name != "quotas"},
    "strict": with_quota({"tokens": PLENTY, "per": "month"}, tenants={"from": [{"header": "x-tenant"}], "unidentified": "refuse"}),
    "free": with_quota({"tokens": 1000, "per": "month"}, tenants={"from": [{"header": "x-tenant"}], "unidentified": "free"}),
    "silent": {**BASE, "explain": False},
    "never-sure": {**BASE, "threshold": 1.0},
    "renamed": {
        **BASE,
        "auto_models": ["best", "router/auto"],
        "headers": {"domain": "x-topic", "model": "x-llm"},
        "paths": {"/inference/completions": "openai_chat"},
    },
}
