#!/bin/sh
# Fetches the distribution's ipmitool source package and unpacks it.
#   fetch-source.sh DIRECTORY
# Afterwards DIRECTORY/ipmitool-<version> is the unpacked source with the distribution's own patches applied and
# DIRECTORY/source-tree holds its path. Nothing of the system is touched: apt works on lists and caches inside
# DIRECTORY, made from the machine's own sources. What was fetched once is used again; without a network, put the
# three files of the source package (.dsc, .orig.tar, .debian.tar) into DIRECTORY, or name the folder that holds them
# in FWUPDATE_IPMITOOL_SOURCE.
set -eu

upstream_version=1.8.19

fail()
{
    echo "fetch-source.sh: $*" >&2
    exit 1
}

[ $# -eq 1 ] || fail "usage: fetch-source.sh DIRECTORY"
mkdir -p "$1"
directory=$(cd "$1" && pwd)

command -v dpkg-source >/dev/null || fail "dpkg-source is missing: apt-get install dpkg-dev"

# deb-src entries for this release out of the machine's own entries, in both of apt's formats.
write_sources()
{
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    [ -n "$codename" ] || fail "/etc/os-release names no release: this is not a Debian; see FWUPDATE_IPMITOOL_SOURCE"
    : >"$directory/apt/sources/distribution.sources"
    : >"$directory/apt/sources/distribution.list"
    for file in /etc/apt/sources.list.d/*.sources; do
        [ -f "$file" ] || continue
        awk -v codename="$codename" -v RS= -v ORS='\n\n' \
            '$0 ~ "Suites:[^\n]*" codename && /Components:[^\n]*main/ {
                 sub(/(^|\n)Types:[^\n]*/, "\nTypes: deb-src"); sub(/\nArchitectures:[^\n]*/, ""); print }' "$file" \
            >>"$directory/apt/sources/distribution.sources"
    done
    for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -f "$file" ] || continue
        sed -n -E "/^deb .*[ /]$codename([-/][a-z-]+)? .*main/ s/^deb /deb-src /p" "$file" \
            >>"$directory/apt/sources/distribution.list"
    done
    [ -s "$directory/apt/sources/distribution.sources" ] || [ -s "$directory/apt/sources/distribution.list" ] ||
        fail "the machine's apt sources have no entry for $codename main; see FWUPDATE_IPMITOOL_SOURCE"
}

private_apt()
{
    apt-get -qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts="$directory/apt/sources" \
        -o Dir::State::lists="$directory/apt/lists" -o Dir::Cache="$directory/apt/cache" \
        -o APT::Sandbox::User="$(id -un)" -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

download()
{
    command -v apt-get >/dev/null || fail "apt-get is missing; see FWUPDATE_IPMITOOL_SOURCE"
    mkdir -p "$directory/apt/sources" "$directory/apt/lists/partial" "$directory/apt/cache/archives/partial"
    write_sources
    private_apt update 2>"$directory/apt/error" || {
        cat "$directory/apt/error" >&2
        fail "the package lists could not be fetched: is this machine online? See FWUPDATE_IPMITOOL_SOURCE"
    }
    (cd "$directory" && private_apt source --download-only ipmitool) 2>"$directory/apt/error" || {
        cat "$directory/apt/error" >&2
        fail "the source package ipmitool could not be fetched. See FWUPDATE_IPMITOOL_SOURCE"
    }
    rm -rf "$directory/apt"
}

newest_dsc()
{
    for file in "$1"/ipmitool_"$upstream_version"-*.dsc; do
        [ -f "$file" ] && echo "$file"
    done | sort -V | tail -n 1
}

dsc=
if [ -n "${FWUPDATE_IPMITOOL_SOURCE:-}" ]; then
    dsc=$(newest_dsc "$FWUPDATE_IPMITOOL_SOURCE")
    [ -n "$dsc" ] || fail "no ipmitool_$upstream_version-*.dsc in $FWUPDATE_IPMITOOL_SOURCE"
fi
[ -n "$dsc" ] || dsc=$(newest_dsc "$directory")
if [ -z "$dsc" ]; then
    download
    dsc=$(newest_dsc "$directory")
    [ -n "$dsc" ] ||
        fail "the distribution has another version than $upstream_version: $(cd "$directory" && echo ipmitool_*.dsc)"
fi

version=$(basename "$dsc" .dsc | sed 's/^ipmitool_//')
tree=$directory/ipmitool-$version
if [ ! -f "$tree/debian/changelog" ]; then
    rm -rf "$tree"
    # The signature is the archive's business (apt has checked it); here the checksums inside the .dsc count.
    dpkg-source --no-check -x "$dsc" "$tree" >"$directory/unpack.log" 2>&1 || {
        cat "$directory/unpack.log" >&2
        fail "$dsc could not be unpacked"
    }
fi
echo "$tree" >"$directory/source-tree"
