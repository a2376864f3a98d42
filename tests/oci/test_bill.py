"""The bill of materials names what is linked into the module, all of it and nothing else."""

from __future__ import annotations

import json
import re
import uuid
from pathlib import Path
from typing import Any

import pytest
from demo import config
from oci.crates import CargoFailed, read_tree

TREE = """0 app v1.0.0 (/somewhere/app)|Apache-2.0
1 left v0.2.0|MIT/Apache-2.0
2 shared v3.0.0+build|MIT
1 right v0.1.0|MIT OR (Apache-2.0 AND Zlib)
2 shared v3.0.0+build|MIT (*)
1 stand-in v0.3.0 (/somewhere/else (old))|Apache-2.0
"""


@pytest.fixture(scope="module")
def bill(built: Path) -> dict[str, Any]:
    return json.loads((built / "pointsman.cdx.json").read_text())


@pytest.fixture(scope="module")
def components(bill: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {component["name"]: component for component in bill["components"]}


def test_it_is_cyclonedx(bill: dict[str, Any], digests: dict[str, str]) -> None:
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert uuid.UUID(bill["serialNumber"]).urn == bill["serialNumber"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", bill["metadata"]["timestamp"])
    module = bill["metadata"]["component"]
    assert module["hashes"] == [{"alg": "SHA-256", "content": digests["module"].removeprefix("sha256:")}]
    kinds = {component["type"] for component in bill["components"]}
    assert kinds == {"library", "machine-learning-model"}


def test_what_the_module_is_built_from_is_in_it(components: dict[str, dict[str, Any]]) -> None:
    assert {"pointsman", "proxy-wasm", "tract-core", "serde_json", "safetensors", "rust-std", "pointsman-domains"} <= set(components)


def test_what_only_builds_or_tests_is_not(components: dict[str, dict[str, Any]]) -> None:
    """Tests' crates, procedural macros, build scripts' crates, and those of other platforms."""
    assert {"proptest", "serde_derive", "syn", "quote", "proc-macro2", "autocfg", "cc", "pointsman-cli", "libc"} & set(components) == set()


def test_published_crates_bear_the_checksums_of_the_lock_file(components: dict[str, dict[str, Any]]) -> None:
    lock = (config.ROOT / "Cargo.lock").read_text()
    published = [component for component in components.values() if "purl" in component]
    assert len(published) > 40
    for component in published:
        assert component["purl"] == f"pkg:cargo/{component['name']}@{component['version']}"
        (checksum,) = component["hashes"]
        assert checksum["content"] in lock.split(f'name = "{component["name"]}"\nversion = "{component["version"]}"\n')[1].split("[[package]]")[0]


def test_ours_are_not_passed_off_as_published(components: dict[str, dict[str, Any]]) -> None:
    """`inventory` is replaced by an empty crate of the same name; a scanner must not take it for the published one."""
    for name in ("pointsman", "inventory"):
        assert "purl" not in components[name] and "hashes" not in components[name]
        assert components[name]["description"] == "part of this repository"


def test_every_component_has_a_licence_that_may_ship(components: dict[str, dict[str, Any]]) -> None:
    allowed = set(re.findall(r'^    "([^"]+)",$', (config.ROOT / "deny.toml").read_text(), re.MULTILINE))
    for name, component in components.items():
        (licence,) = component["licenses"]
        choices = licence["expression"].split(" OR ")
        assert allowed & set(choices), f"{name}: {licence}"


def test_the_graph_names_only_what_is_there_and_reaches_all_of_it(bill: dict[str, Any]) -> None:
    root = bill["metadata"]["component"]["bom-ref"]
    known = {root, *(component["bom-ref"] for component in bill["components"])}
    edges = {entry["ref"]: entry["dependsOn"] for entry in bill["dependencies"]}
    reached, waiting = set(), [root]
    while waiting:
        at = waiting.pop()
        if at not in reached:
            reached.add(at)
            waiting += edges.get(at, [])
    assert reached == known


def test_nothing_of_the_building_machine_is_in_it(built: Path) -> None:
    text = (built / "pointsman.cdx.json").read_text()
    assert str(config.ROOT) not in text and str(Path.home()) not in text


def test_cargos_tree_is_read() -> None:
    crates = read_tree(TREE, {"left@0.2.0": "aa", "stand-in@0.3.0": "bb"})
    assert list(crates) == ["app@1.0.0", "left@0.2.0", "shared@3.0.0+build", "right@0.1.0", "stand-in@0.3.0"]
    assert crates["app@1.0.0"].needs == {"left@0.2.0", "right@0.1.0", "stand-in@0.3.0"}
    assert crates["right@0.1.0"].needs == crates["left@0.2.0"].needs == {"shared@3.0.0+build"}
    assert crates["left@0.2.0"].licence == "MIT OR Apache-2.0"
    assert (crates["left@0.2.0"].checksum, crates["stand-in@0.3.0"].checksum) == ("aa", None)


def test_a_tree_that_is_not_understood_is_not_guessed_at() -> None:
    with pytest.raises(CargoFailed, match="not understood: 'what'"):
        read_tree("what\n", {})
