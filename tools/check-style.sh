#!/bin/sh
# The rules of the house that a machine can see: formatting, dependencies one way, no left-over marks.
set -eu
cd "$(dirname "$0")/.."
sources=$(find common protocol-spec transports bmc-agent ipmitool-plugin tools tests -name '*.cpp' -o -name '*.hpp' -o -name '*.c' -o -name '*.h')
# shellcheck disable=SC2086
clang-format --dry-run -Werror $sources

fail()
{
    echo "check-style: $*" >&2
    exit 1
}

# $1: a room; $2: an extended regular expression of rooms it must not include.
forbid()
{
    if grep -rnE "#include \"($2)/" "$1" --include='*.hpp' --include='*.cpp'; then
        fail "$1 must not depend on $2"
    fi
}
forbid common 'protocol-spec|transports|bmc-agent|ipmitool-plugin|tools|tests'
forbid protocol-spec 'transports|bmc-agent|ipmitool-plugin|tools|tests'
forbid transports 'bmc-agent|ipmitool-plugin|tools|tests'
forbid bmc-agent 'ipmitool-plugin|tools|tests'
forbid ipmitool-plugin 'bmc-agent|tools|tests'
forbid tools 'protocol-spec|transports|bmc-agent|ipmitool-plugin|tests'
forbid common/package 'common/(ipmi|rmcpplus)'
forbid transports/stream 'transports/(usb-mass-storage|network)'
forbid transports/usb-mass-storage 'transports/(stream|network)'
forbid transports/network 'transports/(stream|usb-mass-storage)'

# shellcheck disable=SC2086
if grep -nE '\b(TODO|FIXME|XXX|HACK)\b' $sources; then
    fail "finish what is begun before it lands"
fi
echo "style: ok"
