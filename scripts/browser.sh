#!/usr/bin/env bash
# Finds Chromium or installs it, and prints where it is: usage browser.sh [--optional] <virtual environment>.
# Looked for as remalis_envs/web/sandbox/find.py says: $CHROMIUM, headless shells, browsers, Playwright's downloads.
# With --optional a machine without one is told so once and the script succeeds.
set -euo pipefail
optional=no
if [ "$1" = --optional ]; then
    optional=yes
    shift
fi
venv=$1
absent="$venv/.no-chromium" # written when none could be had, so that a second run does not try for minutes again

find_browser() { # the same way as the package, which says why there is none
    "$venv/bin/python" -c 'from remalis_envs.web.sandbox.find import find_chromium; print(find_chromium())'
}

limited() { # runs a command for at most the given seconds, where the system can do that
    local seconds=$1
    shift
    if command -v timeout >/dev/null; then timeout "$seconds" "$@"; else "$@"; fi
}

install_browser() {
    if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
        export DEBIAN_FRONTEND=noninteractive
        limited 120 apt-get update -qq >/dev/null 2>&1 || true
        # The shell is what runs; the whole browser is what other machines have, and the sandbox's tests try both.
        # Ubuntu's package of that name only asks for snap, which does not run in a container: try it, then go on.
        limited 400 apt-get install -y -qq --no-install-recommends chromium-headless-shell chromium >/dev/null 2>&1 ||
            limited 300 apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1 && return 0
    fi
    limited 180 "$venv/bin/python" -m playwright install chromium >/dev/null 2>&1
}

if [ -n "${CHROMIUM:-}" ] && ! command -v "$CHROMIUM" >/dev/null; then
    echo "CHROMIUM names $CHROMIUM, which is not a program that can be run: correct it or unset it." >&2
    exit 1
fi
if path=$(find_browser 2>/dev/null); then
    rm -f "$absent"
elif [ $optional = yes ] && [ -e "$absent" ]; then
    exit 0
else
    echo "Installing Chromium"
    install_browser || true
    if ! path=$(find_browser 2>/dev/null); then
        touch "$absent"
        echo "Chromium was not found and could not be installed: the traffic environments run without it, what needs" \
            "a browser does not. Install Chromium or Chrome, or name one in CHROMIUM, then run \`make browser\`." >&2
        [ $optional = yes ]
        exit
    fi
    rm -f "$absent"
fi
[ $optional = yes ] || echo "Chromium: $path"
