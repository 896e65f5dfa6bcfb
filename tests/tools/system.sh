#!/bin/sh
# Install the Debian packages that building and testing want, where that is possible; otherwise say which are missing.
#   system.sh venv     what a virtual environment needs; fails without it
#   system.sh cross    the compilers for other processors, the emulators, and OpenSSH; without them there is still the compiler that pip installs
#   system.sh cache    what keeps compiled kernels for the next test that needs the same ones
set -eu

missing() {
    case "$1" in
    venv) "${PYTHON:-python3}" -c 'import ensurepip' 2>/dev/null || echo python3-venv ;;
    cross)
        command -v arm-none-eabi-gcc >/dev/null 2>&1 || echo gcc-arm-none-eabi libnewlib-arm-none-eabi
        command -v qemu-system-arm >/dev/null 2>&1 || echo qemu-system-arm
        command -v qemu-aarch64 >/dev/null 2>&1 || echo qemu-user
        command -v aarch64-linux-gnu-gcc >/dev/null 2>&1 || echo gcc-aarch64-linux-gnu libc6-dev-arm64-cross
        command -v arm-linux-gnueabihf-gcc >/dev/null 2>&1 || echo gcc-arm-linux-gnueabihf libc6-dev-armhf-cross
        command -v riscv64-linux-gnu-gcc >/dev/null 2>&1 || echo gcc-riscv64-linux-gnu libc6-dev-riscv64-cross
        command -v ssh >/dev/null 2>&1 || echo openssh-client
        command -v sshd >/dev/null 2>&1 || [ -x /usr/sbin/sshd ] || echo openssh-server
        ;;
    cache) command -v ccache >/dev/null 2>&1 || echo ccache ;;
    esac
}

# Not quiet: an emulator has many packages, and minutes without a word look like a standstill.
install() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1 || return 1
    echo "installing Debian packages: $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -q && apt-get install -y -q --no-install-recommends "$@"
}

case "${1:-}" in
venv | cross | cache) ;;
*)
    echo "usage: system.sh venv|cross|cache" >&2
    exit 2
    ;;
esac

packages=$(missing "$1" | tr '\n' ' ')
[ -n "$packages" ] || exit 0
# shellcheck disable=SC2086
if install $packages && [ -z "$(missing "$1")" ]; then
    exit 0
fi
echo "not installed: $packages" >&2
echo "On Debian: sudo apt-get install --no-install-recommends $packages" >&2
case "$1" in
venv) exit 1 ;;
cross) echo "Going on without: firmware is built with the compiler that pip installs (ziglang), and run where QEMU is." >&2 ;;
cache) echo "Going on without: the tests compile every kernel again and again, and take about twice as long." >&2 ;;
esac
