#!/bin/sh
# Runs every fuzzer for some seconds on its committed corpus; what it finds stays in BUILD_DIRECTORY/found.
#   fuzz.sh BUILD_DIRECTORY SECONDS
set -eu
cd "$(dirname "$0")/.."
build=$1
seconds=$2
mkdir -p "$build/found"
for fuzzer in "$build"/tests/fuzz/fuzz_*; do
    [ -f "$fuzzer" ] && [ -x "$fuzzer" ] || continue
    name=$(basename "$fuzzer")
    corpus=$build/corpus/$name
    mkdir -p "$corpus"
    log=$build/found/$name.log
    if "$fuzzer" "$corpus" "tests/fuzz/corpus/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 \
        -artifact_prefix="$build/found/$name-" >"$log" 2>&1; then
        echo "$name: $(sed -n 's/^\(Done [0-9]* runs.*\)/\1/p' "$log")"
    else
        tail -n 40 "$log" >&2
        echo "fuzz: $name found something: $build/found" >&2
        exit 1
    fi
done
