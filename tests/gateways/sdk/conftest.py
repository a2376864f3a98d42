"""Official clients of the APIs against servers that speak them: the roads between the two."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
# So that a difference between two answers is shown.
pytest.register_assert_rewrite("roads")

from lab import Lab  # noqa: E402
from policies import STEM  # noqa: E402
from roads import MakeRoads, Road, Roads, Speaker  # noqa: E402

@pytest.fixture(autouse=True)
def no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients read keys, addresses and proxies from the environment; here they use what they are given."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "ANTHROPIC_AUTH_TOKEN", "GOOGLE_API_KEY", "GEMINI_API_KEY", "CO_API_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("OLLAMA_HOST", "OLLAMA_API_KEY", "AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


@pytest.fixture
def roads(lab: Lab, tenant: str) -> MakeRoads:
    """Makes both roads to two servers that `server` makes; `model` is what a client asks for, `chosen` what it is to get."""

    def make(server: Callable[[], Speaker], model: str = "auto", chosen: str = STEM, listener: str = "main", named: bool = True) -> Roads:
        gateway = lab.listener(listener)
        through = Road(lab, gateway.port, model, server(), tenant if named else None)
        return Roads(gateway, through, Road(lab, lab.ports["stem"], chosen, server(), None))

    return make
