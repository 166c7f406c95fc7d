#!/bin/sh
# Builds the distribution's ipmitool with the fwupdate command.
#   build-ipmitool.sh prepare SOURCE_DIRECTORY TREE          patched, configured source in TREE
#   build-ipmitool.sh make TREE PROGRAM LIBRARY [FLAG...]    compiles it, links LIBRARY, puts the program at PROGRAM
# SOURCE_DIRECTORY is what fetch-source.sh made; CC may name the compiler. What goes wrong is shown, what goes right
# is in TREE/../ipmitool-build.log.
set -eu

here=$(cd "$(dirname "$0")" && pwd)

fail()
{
    echo "build-ipmitool.sh: $*" >&2
    exit 1
}

# Runs a step; its output goes to the log and is shown only if it fails.
quietly()
{
    "$@" >>"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        fail "'$*' failed; the whole output: $log"
    }
}

require()
{
    for program in autoreconf automake libtoolize patch make; do
        command -v "$program" >/dev/null ||
            fail "$program is missing: apt-get install autoconf automake libtool patch make"
    done
}

prepare()
{
    source_tree=$(cat "$1/source-tree")
    tree=$2
    require
    rm -rf "$tree"
    mkdir -p "$(dirname "$tree")"
    cp -R "$source_tree" "$tree"
    tree=$(cd "$tree" && pwd)
    log=$(dirname "$tree")/ipmitool-build.log
    : >"$log"
    cp "$here"/shim/fwupdate_shim.c "$here"/shim/fwupdate_shim.h "$tree/src/"
    cd "$tree"
    while read -r name; do
        quietly patch --forward --batch -p1 -i "$here/debian/patches/$name"
    done <"$here/debian/patches/series"
    # ipmitool asks git for its version; here git would answer for this repository.
    export GIT_CEILING_DIRECTORIES="$(dirname "$tree")"
    quietly autoreconf --force --install
    # The registry of manufacturers, fatal when missing, is the one that the source package ships.
    quietly ./configure --prefix=/usr --mandir=/usr/share/man --enable-intf-dummy --enable-intf-usb \
        --disable-silent-rules IANADIR="$tree/debian" CFLAGS="-g -O2 -w"
}

build()
{
    tree=$(cd "$1" && pwd)
    program=$2
    library=$3
    shift 3
    log=$(dirname "$tree")/ipmitool-build.log
    for file in fwupdate_shim.c fwupdate_shim.h; do
        cmp -s "$here/shim/$file" "$tree/src/$file" || cp "$here/shim/$file" "$tree/src/"
    done
    rm -f "$tree/src/ipmitool" # make does not know the library
    quietly make -C "$tree/lib" -j2
    quietly make -C "$tree/src/plugins" -j2
    quietly make -C "$tree/src" -j2 ipmitool FWUPDATE_LIBS="$library $*"
    cp "$tree/src/ipmitool" "$program.new"
    mv "$program.new" "$program"
}

case "${1:-}" in
prepare) shift && prepare "$@" ;;
make) shift && build "$@" ;;
*) fail "usage: build-ipmitool.sh prepare SOURCE_DIRECTORY TREE | make TREE PROGRAM LIBRARY [FLAG...]" ;;
esac
