"""Pushed to a real registry, copied, pulled back: the bytes are the same, and the real Envoy runs them."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest
from demo import config
from demo.envoy import Envoy
from demo.wire import Answer, Request, Server
from packer import pack
from registries import PASSWORD, USER, Registry, TokenRegistry, docker_registry, login_of
from test_images import plugin_as_gateways_find_it

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CLIENTS = ("skopeo", "built-in")
PROMPT = "Solve the quadratic equation x^2 - 5x + 6 = 0 and factor the polynomial"


def need_skopeo() -> None:
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed; as root: bash tools/build/registry.sh")


def skopeo(*arguments: str) -> str:
    ended = subprocess.run(["skopeo", *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def login_file(folder: Path, registry: str, password: str = PASSWORD) -> str:
    path = folder / "auth.json"
    path.write_text(json.dumps({"auths": {registry: {"auth": login_of(USER, password)}}}))
    return str(path)


@pytest.mark.parametrize("client", CLIENTS)
def test_both_images_arrive_as_they_were(built: Path, registry: Registry, digests: dict[str, str], client: str) -> None:
    if client == "skopeo":
        need_skopeo()
    name = f"{registry.address}/team/{client}"
    ended = pack("push", f"{name}:1.0", "--out", str(built), "--client", client)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f"pushed {name}:1.0@{digests['compat']}\npushed {name}:1.0-artifact@{digests['artifact']}\n"
    for tag, image in (("1.0", "compat"), ("1.0-artifact", "artifact")):
        manifest = registry.get(f"team/{client}/manifests/{tag}", MANIFEST)
        assert "sha256:" + hashlib.sha256(manifest).hexdigest() == digests[image]
        document = json.loads(manifest)
        for descriptor in (document["config"], *document["layers"]):
            there = registry.get(f"team/{client}/blobs/{descriptor['digest']}")
            assert there == (built / image / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")).read_bytes()


def test_pushing_again_changes_nothing(built: Path, registry: Registry) -> None:
    once, again = (pack("push", f"{registry.address}/twice", "--out", str(built), "--client", "built-in") for _ in range(2))
    assert once.returncode == 0, once.stderr
    assert (again.returncode, again.stdout) == (0, once.stdout)


def test_without_a_tag_it_is_the_version(built: Path, registry: Registry, digests: dict[str, str]) -> None:
    ended = pack("push", f"{registry.address}/untagged", "--out", str(built))
    assert ended.returncode == 0, ended.stderr
    assert sorted(json.loads(registry.get("untagged/tags/list"))["tags"]) == [digests["version"], f"{digests['version']}-artifact"]


@pytest.mark.parametrize(("tag", "image"), [("1.0", "compat"), ("1.0-artifact", "artifact")])
def test_copied_and_pulled_back_it_runs_in_envoy(built: Path, registry: Registry, tmp_path: Path, tag: str, image: str) -> None:
    need_skopeo()
    assert pack("push", f"{registry.address}/origin:1.0", "--out", str(built), "--client", "built-in").returncode == 0
    origin, copy = f"docker://{registry.address}/origin:{tag}", f"docker://{registry.address}/copy:{tag}"
    skopeo("copy", "--src-tls-verify=false", "--dest-tls-verify=false", origin, copy)
    skopeo("copy", "--src-tls-verify=false", copy, f"oci:{tmp_path}/pulled:{tag}")
    index = json.loads((tmp_path / "pulled" / "index.json").read_bytes())
    assert index["manifests"][0]["digest"] == json.loads((built / "digests.json").read_text())[image]
    module = tmp_path / "plugin.wasm"
    module.write_bytes(plugin_as_gateways_find_it(tmp_path / "pulled"))
    assert module.read_bytes() == config.MODULE.read_bytes()
    assert goes_to_its_model_through(module) == "stem"


def goes_to_its_model_through(module: Path) -> str:
    """One request about mathematics through an Envoy with this module; returns the server that it reached."""
    reached: list[str] = []

    def server(name: str) -> Server:
        def serve(_request: Request, answer: Answer) -> None:
            reached.append(name)
            answer.json(200, {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}})

        return Server(serve)

    settings = config.shipped()
    with server("general") as general, server("stem") as stem, server("office") as office:
        config.set_upstreams(settings, {"general": general.port, "stem": stem.port, "office": office.port})
        config.set_free_ports(settings)
        config.set_module(settings, module)
        with Envoy(settings) as envoy:
            body = json.dumps({"model": "auto", "messages": [{"role": "user", "content": PROMPT}]}).encode()
            url = f"http://127.0.0.1:{envoy.ports['llm']}/v1/chat/completions"
            request = urllib.request.Request(url, data=body, headers={"content-type": "application/json"})
            with urllib.request.urlopen(request, timeout=20) as answer:
                assert answer.status == 200
    (only,) = reached
    return only


@pytest.mark.parametrize("client", CLIENTS)
def test_a_registry_that_asks_for_a_login_gets_it(built: Path, tmp_path: Path, client: str) -> None:
    if client == "skopeo":
        need_skopeo()
    with docker_registry(tmp_path, htpasswd=True) as closed:
        name = f"{closed.address}/closed:1.0"
        push = ("push", name, "--out", str(built), "--client", client)
        ended = pack(*push, REGISTRY_AUTH_FILE=login_file(tmp_path, closed.address))
        assert ended.returncode == 0, ended.stderr
        assert closed.get("closed/manifests/1.0", MANIFEST, login_of(USER, PASSWORD))
        for refused in (pack(*push), pack(*push, REGISTRY_AUTH_FILE=login_file(tmp_path, closed.address, "wrong"))):
            assert refused.returncode == 1
            assert f"skopeo login {closed.address}" in refused.stderr, refused.stderr
            assert "Traceback" not in refused.stderr and PASSWORD not in refused.stderr


def push_to(server: Server, built: Path, tmp_path: Path, password: str = PASSWORD) -> tuple[int, str]:
    address = f"127.0.0.1:{server.port}"
    login = login_file(tmp_path, address, password)
    ended = pack("push", f"{address}/team/p:1", "--out", str(built), "--client", "built-in", REGISTRY_AUTH_FILE=login)
    assert "Traceback" not in ended.stderr
    return ended.returncode, ended.stderr


def test_a_login_buys_a_token(built: Path, digests: dict[str, str], tmp_path: Path) -> None:
    false = TokenRegistry()
    with Server(false) as server:
        assert push_to(server, built, tmp_path) == (0, "")
    # Once for each of the two names that are pushed.
    assert false.asked == [{"service": ["false"], "scope": ["repository:team/p:pull,push"]}] * 2
    assert "sha256:" + hashlib.sha256(false.stored["1"]).hexdigest() == digests["compat"]
    assert "sha256:" + hashlib.sha256(false.stored["1-artifact"]).hexdigest() == digests["artifact"]


def test_a_wrong_password_is_told(built: Path, tmp_path: Path) -> None:
    with Server(TokenRegistry()) as server:
        status, said = push_to(server, built, tmp_path, "wrong")
    assert status == 1
    assert "could not get a token: HTTP 401 DENIED: wrong password; log in with: skopeo login" in said


def test_a_login_is_not_sent_elsewhere_in_the_open(built: Path, tmp_path: Path) -> None:
    with Server(TokenRegistry(realm="http://elsewhere.example/token")) as server:
        status, said = push_to(server, built, tmp_path)
    assert status == 1
    assert "asks to send the login to 'http://elsewhere.example/token' without TLS; it was not sent" in said


def test_what_the_registry_says_is_passed_on(built: Path, tmp_path: Path) -> None:
    with Server(TokenRegistry(refuse_manifest=True)) as server:
        status, said = push_to(server, built, tmp_path)
    assert status == 1
    assert "could not put the manifest: HTTP 400 MANIFEST_INVALID: manifest invalid" in said


def test_a_registry_that_is_elsewhere_is_told(built: Path, tmp_path: Path) -> None:
    with Server(lambda _request, answer: answer.bytes(301, b"", [("location", "https://elsewhere.example/")])) as server:
        status, said = push_to(server, built, tmp_path)
    assert status == 1
    assert "could not begin an upload: HTTP 301" in said and "use skopeo" in said


@pytest.mark.parametrize("client", CLIENTS)
def test_a_registry_that_is_not_there_is_told(built: Path, client: str) -> None:
    if client == "skopeo":
        need_skopeo()
    ended = pack("push", "127.0.0.1:1/p:1", "--out", str(built), "--client", client)
    assert ended.returncode == 1
    assert "127.0.0.1:1" in ended.stderr and "refused" in ended.stderr and "Traceback" not in ended.stderr


def test_pushing_before_building_is_told(tmp_path: Path) -> None:
    ended = pack("push", "registry.example.com/p:1", "--out", str(tmp_path / "oci"))
    assert (ended.returncode, ended.stderr) == (1, f"oci: {tmp_path}/oci holds no images; ./build.sh oci writes them\n")


def test_a_blob_that_was_altered_is_not_pushed(built: Path, tmp_path: Path) -> None:
    altered = tmp_path / "oci"
    shutil.copytree(built, altered)
    layer = max((altered / "compat" / "blobs" / "sha256").iterdir(), key=lambda path: path.stat().st_size)
    layer.write_bytes(b"other")
    ended = pack("push", "registry.example.com/p:1", "--out", str(altered))
    assert ended.returncode == 1
    assert f"sha256:{layer.name} has other bytes" in ended.stderr
