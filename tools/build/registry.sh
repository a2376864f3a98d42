#!/usr/bin/env bash
# What tests/oci push to and pull with: Debian's docker-registry and skopeo. Done again, it does nothing.
# The registry is unpacked into .tools instead of installed, since its package would also start a service on port 5000;
# skopeo has libraries and is installed, where we are root. Whatever cannot be had is named, and its tests are skipped.
set -uo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
readonly tools="$root/.tools" registry="docker-registry"
missing=0
updated=""

# apt's lists may be old or absent; they are fetched once, and only where something is missing.
refresh() {
  [ -z "$updated" ] || return 0
  updated=1
  [ "$(id -u)" -ne 0 ] || apt-get update -qq || true
}

lacks() {
  printf 'registry.sh: %s\n' "$*" >&2
  missing=1
}

if ! command -v apt-get >/dev/null; then
  for name in skopeo "$registry"; do
    command -v "$name" >/dev/null || lacks "$name is missing, and there is no apt-get to get it with"
  done
  exit "$missing"
fi

if ! command -v skopeo >/dev/null; then
  if [ "$(id -u)" -eq 0 ]; then
    refresh
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends skopeo >/dev/null || lacks "apt-get could not install skopeo"
  else
    lacks "skopeo is missing; as root: apt-get install skopeo"
  fi
fi

if ! command -v "$registry" >/dev/null && [ ! -x "$tools/$registry" ]; then
  refresh
  fetched=$(mktemp -d)
  # apt fetches as a user of its own, who has to be able to write here.
  chmod 755 "$fetched"
  if (cd "$fetched" && apt-get download -qq "$registry" >/dev/null 2>"$fetched/why" && dpkg-deb --extract ./*.deb unpacked); then
    mkdir -p "$tools"
    cp "$fetched/unpacked/usr/bin/$registry" "$tools/$registry.new" && mv "$tools/$registry.new" "$tools/$registry"
  else
    lacks "apt-get could not fetch $registry: $(tail -n 1 "$fetched/why")"
  fi
  rm -rf "$fetched"
fi
exit "$missing"
