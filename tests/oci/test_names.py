"""Names of images, places of logins, and addresses of sources: what is taken, and what is refused with which words."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from oci import login
from oci.facts import web_address
from oci.reference import BadReference, Reference, parse


@pytest.mark.parametrize(
    ("text", "registry", "repository", "tag"),
    [
        ("registry.example.com/pointsman:0.1.0", "registry.example.com", "pointsman", "0.1.0"),
        ("registry.example.com/pointsman", "registry.example.com", "pointsman", "9.9"),
        ("localhost/p:1", "localhost", "p", "1"),
        ("127.0.0.1:5000/team/a-b__c.d:latest", "127.0.0.1:5000", "team/a-b__c.d", "latest"),
        ("[::1]:5000/p:1", "[::1]:5000", "p", "1"),
    ],
)
def test_good_names(text: str, registry: str, repository: str, tag: str) -> None:
    assert parse(text, "9.9") == Reference(registry, repository, tag)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("pointsman", "the registry is missing"),
        ("team/pointsman:1", "the registry is missing"),
        ("", "the registry is missing"),
        ("https://registry.example.com/pointsman", "leave out the scheme"),
        ("registry.example.com/pointsman@sha256:00", "a digest cannot be pushed to"),
        ("registry.example.com/Pointsman:1", "'Pointsman' is no repository"),
        ("registry.example.com/:1", "'' is no repository"),
        ("registry.example.com/a//b:1", "'a//b' is no repository"),
        ("registry.example.com/p:", "'' is no tag"),
        ("registry.example.com/p:-x", "'-x' is no tag"),
        ("registry.example.com/p:" + "x" * 129, "is no tag"),
        ("-bad.example/p:1", "is no host"),
    ],
)
def test_bad_names(text: str, why: str) -> None:
    with pytest.raises(BadReference) as refused:
        parse(text, "9.9")
    assert why in str(refused.value)


@pytest.mark.parametrize(
    ("registry", "loopback"),
    [
        ("localhost:5000", True),
        ("127.0.0.2:5000", True),
        ("[::1]:5000", True),
        ("10.0.0.1:5000", False),
        ("localhost.example.com", False),
        ("registry.example.com", False),
    ],
)
def test_only_the_loopback_goes_without_tls(registry: str, loopback: bool) -> None:
    assert Reference(registry, "p", "1").loopback is loopback


def written(path: Path, name: str, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"auths": {name: {"auth": base64.b64encode(text.encode()).decode()}}}))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    return tmp_path


def user(found: str | None) -> str | None:
    return None if found is None else base64.b64decode(found).decode().partition(":")[0]


def test_skopeos_login_comes_before_dockers(home: Path) -> None:
    assert login.basic("r.example", "p") is None
    written(home / ".docker" / "config.json", "r.example", "docker:x")
    assert user(login.basic("r.example", "p")) == "docker"
    written(home / "run" / "containers" / "auth.json", "r.example", "skopeo:x")
    assert user(login.basic("r.example", "p")) == "skopeo"
    assert login.basic("other.example", "p") is None


def test_the_most_particular_login_is_taken(home: Path) -> None:
    path = home / ".docker" / "config.json"
    path.parent.mkdir()
    encoded = {name: {"auth": base64.b64encode(f"{name}:x".encode()).decode()} for name in ("r.example", "r.example/team")}
    path.write_text(json.dumps({"auths": encoded}))
    assert user(login.basic("r.example", "team/p")) == "r.example/team"
    assert user(login.basic("r.example", "teams/p")) == "r.example"


def test_dockers_helper_is_asked(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    helper = home / "bin" / "docker-credential-test"
    helper.parent.mkdir()
    helper.write_text('#!/bin/sh\nread name\necho "{\\"Username\\": \\"for-$name\\", \\"Secret\\": \\"x\\"}"\n')
    helper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{helper.parent}:/usr/bin:/bin")
    (home / ".docker").mkdir()
    (home / ".docker" / "config.json").write_text(json.dumps({"credHelpers": {"r.example": "test"}, "auths": {"r.example": {}}}))
    assert user(login.basic("r.example", "p")) == "for-r.example"


@pytest.mark.parametrize("text", ["{", '{"auths": {"r.example": {"auth": "!"}}}', '{"auths": {"r.example": {"auth": "bm9jb2xvbg=="}}}'])
def test_a_broken_file_of_logins_is_named(home: Path, text: str) -> None:
    path = home / ".docker" / "config.json"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(login.BadLogin, match=str(path)):
        login.basic("r.example", "p")


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://git.example/team/pointsman.git", "https://git.example/team/pointsman"),
        ("https://user:secret@git.example/team/pointsman", "https://git.example/team/pointsman"),
        ("git@git.example:team/pointsman.git", "https://git.example/team/pointsman"),
        ("ssh://git@git.example/team/pointsman.git", "https://git.example/team/pointsman"),
        ("/srv/git/pointsman", None),
        ("file:///srv/git/pointsman", None),
        ("", None),
    ],
)
def test_a_source_is_an_address_for_all(remote: str, address: str | None) -> None:
    assert web_address(remote) == address
