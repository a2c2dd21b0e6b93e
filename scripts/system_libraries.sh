#!/usr/bin/env bash
# Makes sure that SUMO's wheel finds its system libraries: usage system_libraries.sh <python>.
set -euo pipefail
python=$1
packages="libgl1 libx11-6 libxext6 libxrender1 libatomic1 libexpat1"

loads() { "$python" -c "import libsumo" 2>&1; }

message=$(loads) && exit 0
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    echo "Installing the system libraries that SUMO needs: $packages"
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086 # a list of words
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages; } >/dev/null || true
    message=$(loads) && exit 0
fi
echo "SUMO cannot be loaded (${message##*$'\n'}). Install its system libraries, on Debian and Ubuntu:" \
    "apt-get install $packages" >&2
exit 1
