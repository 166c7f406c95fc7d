#!/bin/sh
# Builds the package of ipmitool, unpacks it, and uses what is in it: the program, the manual page, the completion.
#   package_test.sh BUILD_DEB LIBRARY DIRECTORY
set -eu

build_deb=$1
library=$2
directory=$3
rm -rf "$directory/root"

fail()
{
    echo "package_test.sh: $*" >&2
    exit 1
}

rm -f "$directory"/*.deb
"$build_deb" "$directory" "$library"
set -- "$directory"/ipmitool_*+fwupdate1_*.deb
[ -f "$1" ] || fail "no package"
dpkg-deb -x "$1" "$directory/root"

packaged=$(dpkg-deb -f "$1" Version)
available=$(apt-cache policy ipmitool 2>/dev/null | sed -n 's/^  Candidate: //p')
[ -z "$available" ] || [ "$available" = "(none)" ] || dpkg --compare-versions "$packaged" gt "$available" ||
    fail "$packaged does not replace the distribution's $available"

# The program tells its help without a BMC, and every word of the help is in the manual page.
program=$directory/root/usr/bin/ipmitool
"$program" fwupdate help >"$directory/help.txt"
MANWIDTH=100 man --warnings=mac -l "$directory/root/usr/share/man/man1/ipmitool.1.gz" >"$directory/manual.txt" \
    2>"$directory/manual.err" || fail "the manual page can't be shown"
[ ! -s "$directory/manual.err" ] || fail "the manual page: $(cat "$directory/manual.err")"
sed -n '/^       fwupdate$/,/^       gendev$/p' "$directory/manual.txt" >"$directory/section.txt"
count=0
for word in $(sed -n 's/^  \([a-z0-9][a-z0-9-]*\) .*/\1/p' "$directory/help.txt"); do
    grep -q -e "$word" "$directory/section.txt" || fail "the manual page does not know '$word'"
    count=$((count + 1))
done
[ "$count" -ge 20 ] || fail "only $count words were found in the help"

# What needs no BMC doesn't wait for one, wherever ipmitool's own options stand.
ends_with()
{
    expected=$1
    shift
    code=0
    timeout 5 "$program" "$@" >"$directory/early.txt" 2>&1 || code=$?
    [ "$code" -eq "$expected" ] || fail "'$*' ended with $code, not $expected: $(cat "$directory/early.txt")"
}
ends_with 0 -c fwupdate help
ends_with 2 -I lanplus -H 192.0.2.1 -U a -P a fwupdate install
ends_with 3 fwupdate install /nonexistent -I lanplus -H 192.0.2.1 -U a -P a

# The completion.
complete()
{
    bash -c '. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ipmitool_fwupdate ipmitool; echo "${COMPREPLY[*]}"' \
        - "$directory/root/etc/bash_completion.d/ipmitool-fwupdate" "$@" 2>"$directory/completion.err"
}
[ "$(complete ipmitool fwupdate inst)" = install ] || fail "completion of a command: $(complete ipmitool fwupdate inst)"
[ "$(complete ipmitool fwupdate install image.bin defer)" = defer-reboot ] || fail "completion of a keyword"
[ "$(complete ipmitool fwupdate install image.bin signature "$directory/help.t")" = "$directory/help.txt" ] ||
    fail "completion of a signature's file: $(cat "$directory/completion.err")"

# The package's program and the one in the build tree are the same command.
"$program" fwupdate nonsense >"$directory/nonsense.txt" 2>&1 && fail "nonsense was taken"
echo "$1"
