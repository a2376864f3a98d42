# shellcheck shell=bash
# The verbs that judge the tree: test, lint, deny. Sourced by build.sh.

# Runs every suite even when one fails, then prints one closing line over all of them.
# The counts come from what the suites reported, and a suite that did not get as far as reporting counts as one failure.
run_tests() {
  local reports cargo_status=0 module_status=0 pytest_status=0
  reports=$(mktemp -d)
  # shellcheck disable=SC2064  # the directory's name is wanted as it is now
  trap "rm -rf '$reports'" EXIT
  # The module comes first: tests/host runs it, and tells how to build it where it is missing.
  build_module || module_status=$?
  say "Testing the crates, and the module in the test host (cargo test)"
  POINTSMAN_WASM="$module" cargo test --workspace --no-fail-fast 2>&1 | tee "$reports/cargo.log" || cargo_status=$?
  if [ "$module_status" -eq 0 ]; then
    # What cannot be had leaves its tests skipped, with the reason; that is no failure of the tree.
    bash "$root/tools/build/registry.sh" >&2 || true
    say "Testing the module inside Envoy, and its images (pytest)"
    "$venv/bin/python" -m pytest tests --junitxml "$reports/pytest.xml" || pytest_status=$?
  else
    say "The module did not build, so nothing can run inside Envoy"
    pytest_status=1
  fi
  "$venv/bin/python" tools/build/tally.py --cargo "$reports/cargo.log" "$cargo_status" --pytest "$reports/pytest.xml" "$pytest_status"
}

run_lint() {
  local failed=()
  lint_step() {
    local name="$1"
    shift
    say "lint: $name"
    "$@" || failed+=("$name")
  }
  lint_step "rustfmt" cargo fmt --all --check
  lint_step "clippy" cargo clippy --workspace --all-targets -- -D warnings
  lint_step "clippy for wasm" env RUSTFLAGS="-C target-feature=+simd128" \
    cargo clippy --target wasm32-wasip1 -p pointsman-gateway -- -D warnings
  lint_step "licences and advisories" run_deny optional
  if command -v shellcheck >/dev/null; then
    lint_step "shell scripts" shellcheck -x -a build.sh .ci/run tools/build/registry.sh
  else
    say "lint: shellcheck is not installed, shell scripts were not checked; on Debian or Ubuntu: apt-get install shellcheck"
  fi
  lint_step "Python compiles" "$venv/bin/python" tools/build/python_compiles.py tools tests
  lint_step "the README's map" "$venv/bin/python" tools/build/readme_map.py README.md
  [ ${#failed[@]} -eq 0 ] || die "lint failed: $(printf '%s; ' "${failed[@]}" | sed 's/; $//')"
  say "lint: clean"
}

# run_deny required|optional: with "optional", a machine without cargo-deny is told how to get it and goes on.
run_deny() {
  if ! cargo deny --version >/dev/null 2>&1; then
    local how="cargo-deny is not installed; to get it: cargo install cargo-deny --locked"
    [ "$1" = optional ] || die "$how"
    say "lint: $how (licences were not checked)"
    return 0
  fi
  # The advisory database is fetched from the network; without one, everything else is still checked.
  cargo deny check bans licenses sources || return 1
  if [ "$1" != optional ]; then cargo deny check advisories; fi
}
