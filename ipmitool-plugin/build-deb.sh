#!/bin/sh
# Builds the distribution's ipmitool package with the fwupdate command: the same source package, our patches, a version
# that sorts above the distribution's and below its next update.
#   build-deb.sh [BUILD_DIRECTORY [LIBRARY]]        default: build/deb in the repository
# The packages end up in BUILD_DIRECTORY. LIBRARY is libfwupdate_ipmitool.a where it is built already. Needs cmake, ninja, a C++ compiler and the build dependencies of ipmitool.
set -eu

room=$(cd "$(dirname "$0")" && pwd)
repository=$(dirname "$room")
suffix=+fwupdate1

fail()
{
    echo "build-deb.sh: $*" >&2
    exit 1
}

build=${1:-$repository/build/deb}
mkdir -p "$build"
build=$(cd "$build" && pwd)
log=$build/build-deb.log
: >"$log"

quietly()
{
    "$@" >>"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        fail "'$*' failed; the whole output: $log"
    }
}

for program in cmake ninja dpkg-buildpackage dpkg-checkbuilddeps; do
    command -v "$program" >/dev/null || fail "$program is missing: apt-get install cmake ninja-build dpkg-dev"
done

echo "Fetching the distribution's source of ipmitool"
"$room/fetch-source.sh" "$build/source"
source_tree=$(cat "$build/source/source-tree")
(cd "$source_tree" && dpkg-checkbuilddeps) || fail "build dependencies are missing: apt-get build-dep ipmitool"

library=${2:-$build/library/ipmitool-plugin/program/libfwupdate_ipmitool.a}
if [ $# -lt 2 ]; then
    echo "Building the fwupdate library"
    quietly cmake -S "$repository" -B "$build/library" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DFWUPDATE_TESTS=OFF
    quietly cmake --build "$build/library" --target fwupdate_ipmitool
fi
[ -f "$library" ] || fail "there is no $library"

echo "Building the package"
tree=$build/tree
rm -rf "$tree"
cp -R "$source_tree" "$tree"
cd "$tree"
while read -r name; do
    cp "$room/debian/patches/$name" debian/patches/
    echo "$name" >>debian/patches/series
    quietly patch --forward --batch -p1 -i "debian/patches/$name"
done <"$room/debian/patches/series"
cp "$room/shim/fwupdate_shim.c" "$room/shim/fwupdate_shim.h" src/
# Not as completions/ipmitool: that file belongs to the package bash-completion.
cp "$room/debian/ipmitool-fwupdate.bash-completion" debian/ipmitool-fwupdate
echo "debian/ipmitool-fwupdate etc/bash_completion.d/" >>debian/ipmitool.install

version=$(dpkg-parsechangelog -S Version)
distribution=$(dpkg-parsechangelog -S Distribution)
{
    echo "ipmitool ($version$suffix) $distribution; urgency=medium"
    echo
    echo "  * Add the fwupdate command: firmware updates over IPMI."
    echo "  * lanplus: make room for what encryption adds to a message."
    echo
    echo " -- ${DEBFULLNAME:-ipmi-fwupdate} <${DEBEMAIL:-ipmi-fwupdate@localhost}>  $(date -R)"
    echo
    cat debian/changelog
} >debian/changelog.new
mv debian/changelog.new debian/changelog

export FWUPDATE_LIBS="$library -lstdc++ -lssl -lcrypto -lz -lpthread"
export GIT_CEILING_DIRECTORIES="$build" # ipmitool's configure asks git for its version
quietly dpkg-buildpackage --build=binary --no-sign --jobs=2

cd "$build"
for file in ipmitool_*"$suffix"_*.deb; do
    [ -f "$file" ] || fail "no package came out; see $log"
    echo "$build/$file"
done
