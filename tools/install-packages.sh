#!/bin/sh
# Installs, through the distribution's package manager, what a step needs and the machine lacks.
#   install-packages.sh build        to build agent and client
#   install-packages.sh package      ... and to build the package of ipmitool
#   install-packages.sh demo         to build, and a firmware image to show
#   install-packages.sh check        everything, with the tools and clients of the tests
# Needs Debian 12 and a way to be root (being it, or sudo). Asks the package index only when something is missing.
set -eu

build_packages="g++ cmake ninja-build make pkg-config ca-certificates
    libboost1.81-dev libssl-dev zlib1g-dev nlohmann-json3-dev libspdlog-dev libfmt-dev libcli11-dev
    libusbgx-dev libconfig-dev libcurl4-openssl-dev libarchive-dev liblzma-dev libzstd-dev
    dpkg-dev patch autoconf automake libtool
    libreadline-dev libncurses-dev libfreeipmi-dev libsystemd-dev libsdbus-c++-dev"
package_packages="build-essential debhelper fakeroot"
demo_packages="ovmf openssl"
check_packages="clang clang-format clang-tidy libclang-rt-14-dev doctest-dev python3 spin gcc
    ipmitool freeipmi-tools openipmi python3-pyghmi python3-cryptography iproute2 curl xz-utils zstd
    man-db qemu-system-x86 busybox-static kmod binutils usbip mtools mtd-utils libfuse3-dev libwrap0 dnsmasq-base
    debootstrap e2fsprogs dbus-daemon systemd libglib2.0-bin python3-dbus python3-gi libubootenv-tool"

case "${1:-}" in
build) wanted="$build_packages" ;;
package) wanted="$build_packages $package_packages" ;;
demo) wanted="$build_packages $demo_packages" ;;
check) wanted="$build_packages $package_packages $demo_packages $check_packages" ;;
*)
    echo "usage: install-packages.sh build|package|demo|check" >&2
    exit 2
    ;;
esac

missing=""
for package in $wanted; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "install-packages.sh: run this as root, or install yourself:$missing" >&2
        exit 1
    }
    as_root=sudo
fi
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# shellcheck disable=SC2086 # lists of words on purpose
if $as_root apt-get update -q >"$log" 2>&1 &&
    $as_root apt-get install -q -y --no-install-recommends $missing >>"$log" 2>&1 </dev/null; then
    rm -f "$log"
else
    tail -n 30 "$log" >&2
    echo "install-packages.sh: apt-get could not install what is missing; the whole output: $log" >&2
    exit 1
fi
