# Sourced by the other scripts: what Fletch needs from Debian, and a Python environment with the real clients.
#
#   install_debian_packages   the C libraries, if any is missing
#   install_python_clients    .venv with the pinned clients, made once and again when the pins change
#   build CONFIGURATION       builds everything; the programs are then in $bin

set -euo pipefail
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top"

# A trap in a test prints a backtrace of its own; Swift's interactive one only costs time.
export SWIFT_BACKTRACE=${SWIFT_BACKTRACE:-enable=no}

# Debian package, and a file of it that tells whether it is there.
debian_packages=(
  "libzstd-dev /usr/include/zstd.h"
  "liblz4-dev /usr/include/lz4frame.h"
  "libnghttp2-dev /usr/include/nghttp2/nghttp2.h"
  "libssl-dev /usr/include/openssl/ssl.h"
  "libsqlite3-dev /usr/include/sqlite3.h"
  "libyaml-dev /usr/include/yaml.h"
  "openssl /usr/bin/openssl"
  "curl /usr/bin/curl"
)

install_debian_packages() {
  local missing=() entry
  for entry in "${debian_packages[@]}"; do
    [ -e "${entry#* }" ] || missing+=("${entry%% *}")
  done
  [ ${#missing[@]} -eq 0 ] && return
  echo "Installing ${missing[*]}"
  local sudo=
  [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -qq
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

install_python_clients() {
  python="$top/.venv/bin/python"
  local stamp="$top/.venv/requirements.txt"
  if ! cmp -s scripts/lib/requirements.txt "$stamp"; then
    echo "Installing the Python clients into .venv"
    rm -rf .venv
    python3 -m venv .venv
    "$python" -m pip install -q --disable-pip-version-check -r scripts/lib/requirements.txt
    cp scripts/lib/requirements.txt "$stamp"
  fi
}

build() {
  if ! command -v swift >/dev/null; then
    echo "swift is not on the PATH: install Swift 6.2 or later (swift.org/install)" >&2
    exit 1
  fi
  swift build -c "$1"
  bin=$(swift build -c "$1" --show-bin-path)
}
