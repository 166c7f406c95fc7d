#!/bin/sh
# clang-tidy over every source of the product (not the tests), two at a time.
#   lint.sh BUILD_DIRECTORY
set -eu
cd "$(dirname "$0")/.."
build=$1
find common transports bmc-agent ipmitool-plugin tools -name '*.cpp' -print0 |
    xargs -0 -P 2 -n 2 clang-tidy -p "$build" --quiet --warnings-as-errors='*'
