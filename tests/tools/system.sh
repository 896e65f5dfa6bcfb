#!/bin/sh
# Install the Debian packages that building and testing want, where that is possible; otherwise say which are missing.
#   system.sh venv     what a virtual environment needs
#   system.sh cross    the Arm compiler and emulator that the cross tests run with
set -eu

case "$1" in
venv)
    python3 -c 'import ensurepip' 2>/dev/null && exit 0
    packages="python3-venv"
    ;;
cross)
    packages=""
    command -v arm-none-eabi-gcc >/dev/null 2>&1 || packages="$packages gcc-arm-none-eabi libnewlib-arm-none-eabi"
    command -v qemu-system-arm >/dev/null 2>&1 || packages="$packages qemu-system-arm"
    [ -n "$packages" ] || exit 0
    ;;
*)
    echo "usage: system.sh venv|cross" >&2
    exit 2
    ;;
esac

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing$packages" | sed 's/installing\([^ ]\)/installing \1/'
    export DEBIAN_FRONTEND=noninteractive
    # shellcheck disable=SC2086
    if apt-get update -qq && apt-get install -y -qq --no-install-recommends $packages >/dev/null; then
        exit 0
    fi
fi
echo "not installed: $packages" >&2
echo "On Debian: sudo apt-get install $packages" >&2
[ "$1" = cross ] && echo "Going on with the compiler that comes from PyPI (ziglang); tests in the emulator are skipped." >&2
[ "$1" = cross ]
