"""`python -m oci build` and `python -m oci push REF`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .build import ARTIFACT, COMPAT, DIGESTS, build
from .crates import CargoFailed
from .facts import Unknown
from .login import BadLogin
from .push import BUILT_IN, SKOPEO, push
from .reference import BadReference, parse
from .registry import PushFailed

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    arguments = options().parse_args()
    try:
        return arguments.run(arguments)
    except (BadLogin, BadReference, CargoFailed, PushFailed, Unknown, FileNotFoundError, ValueError) as error:
        print(f"oci: {error}", file=sys.stderr)
        return 1


def options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="oci", description="Packs dist/pointsman.wasm into OCI images and pushes them")
    verbs = parser.add_subparsers(required=True, metavar="VERB")
    building = verbs.add_parser("build", help="write dist/oci and print the digests")
    building.add_argument("--module", type=Path, default=ROOT / "dist" / "pointsman.wasm")
    building.set_defaults(run=run_build)
    pushing = verbs.add_parser("push", help="push what dist/oci holds: REF is the compat image, REF-artifact the two-layer artifact")
    pushing.add_argument("reference", metavar="REF", help="registry/repository:tag; without a tag, the version")
    pushing.add_argument("--client", choices=(SKOPEO, BUILT_IN), help="default: skopeo where it is installed")
    pushing.add_argument("--plain-http", action="store_true", help="the registry has no TLS (assumed on the loopback)")
    pushing.set_defaults(run=run_push)
    checking = verbs.add_parser("check", help="only say whether REF can be pushed to, before minutes of building")
    checking.add_argument("reference", metavar="REF")
    checking.set_defaults(run=run_check)
    for verb in (building, pushing):
        verb.add_argument("--out", type=Path, default=ROOT / "dist" / "oci")
    return parser


def run_build(arguments: argparse.Namespace) -> int:
    if not arguments.module.exists():
        raise FileNotFoundError(f"{arguments.module} is missing; ./build.sh wasm builds it")
    digests = build(ROOT, arguments.module, arguments.out)
    print(arguments.out)
    print(f"  compat image       {digests[COMPAT]}")
    print(f"  two-layer artifact {digests[ARTIFACT]}")
    print(f"  bill of materials  {digests['sbom']}")
    print("For `sha256` of a WasmPlugin or an EnvoyExtensionPolicy:")
    print(f"  with an oci:// url, the compat image:  {digests[COMPAT].removeprefix('sha256:')}")
    print(f"  with an http(s):// url, the module:    {digests['module'].removeprefix('sha256:')}")
    return 0


def run_push(arguments: argparse.Namespace) -> int:
    if not (arguments.out / DIGESTS).exists():
        raise FileNotFoundError(f"{arguments.out} holds no images; ./build.sh oci writes them")
    version = json.loads((arguments.out / DIGESTS).read_text())["version"]
    reference = parse(arguments.reference, version)
    for target, digest in push(arguments.out, reference, arguments.client, arguments.plain_http):
        print(f"pushed {target}@{digest}")
    return 0


def run_check(arguments: argparse.Namespace) -> int:
    parse(arguments.reference, "latest")
    return 0


if __name__ == "__main__":
    sys.exit(main())
