#!/bin/sh
# Checks protocol-spec/model/fwupdate.pml with spin: every property holds in the whole state space, and every mutant of
# the model breaks a property. Usage: check.sh [MODEL]. Exit code 77: spin is not installed (a skip for ctest).
set -u

model=${1:-$(dirname "$0")/../../../protocol-spec/model/fwupdate.pml}
model=$(realpath "$model") || exit 1
command -v spin >/dev/null || { echo "SKIPPED: spin is not installed (apt-get install spin)"; exit 77; }

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

memory=2000   # MB for one search
depth=1000000 # steps; a search that needs more fails
limit=120     # seconds for one search

# build SWITCHES COMPILER-FLAGS: the verifier ./pan
build() {
    rm -f pan ./*.trail
    # shellcheck disable=SC2086 # the switches are words
    spin $1 -a "$model" >spin.log 2>&1 && cc -w -DNFAIR=3 -DMEMLIM=$memory $2 -o pan pan.c >cc.log 2>&1 && return
    cat spin.log cc.log 2>/dev/null
    echo "FAILED: $name: the verifier does not build"
    failures=$((failures + 1))
    return 1
}

# search CLAIM: runs ./pan for a claim, or for assertions and invalid end states (CLAIM safety); output in pan.log
search() {
    if [ "$1" = safety ]; then
        timeout $limit ./pan -m$depth >pan.log 2>&1
    else
        timeout $limit ./pan -a -f -m$depth -N "$1" >pan.log 2>&1
    fi
}

# Unoptimized: the compiler would take longer than all the searches.
flags_for() {
    if [ "$1" = safety ]; then echo '-O0 -DSAFETY -DNOCLAIM'; else echo '-O0'; fi
}

numbers() {
    sed -n -e 's/^State-vector .* depth reached \([0-9]*\), .*/depth \1/p' -e 's/^ *\([0-9.e+]*\) states, stored.*/states \1/p' \
        -e 's/^pan: elapsed time \([0-9.]*\) .*/\1 s/p' pan.log | tr '\n' ' '
}

# holds NAME SWITCHES CLAIM...: every claim holds, and the search was complete
holds() {
    name=$1
    switches=$2
    shift 2
    built=none
    for claim in "$@"; do
        kind=$(flags_for "$claim")
        if [ "$kind" != "$built" ]; then
            build "$switches" "$kind" || return
            built=$kind
        fi
        search "$claim"
        status=$?
        if [ $status -ne 0 ] || ! grep -q 'errors: 0$' pan.log ||
            grep -Eq 'max search depth too small|Search not completed|out of memory|memory limit' pan.log; then
            grep -v unreached pan.log | head -n 20
            echo "FAILED: $name: $claim (status $status)"
            failures=$((failures + 1))
        else
            printf 'holds   %-34s %-38s %s\n' "$name" "$claim" "$(numbers)"
        fi
    done
}

# breaks MUTANT SWITCHES CLAIM PATTERN: spin reports an error, and this one
breaks() {
    name=$1
    build "-DMUTANT_$1 $2" "$(flags_for "$3")" || return
    search "$3"
    if grep -q 'errors: 1$' pan.log && grep -Eq "$4" pan.log; then
        printf 'breaks  %-34s %-38s %s\n' "$1" "$(grep -Eo "$4" pan.log | head -n 1)" "$(numbers)"
    else
        grep -v unreached pan.log | head -n 20
        echo "FAILED: mutant $1 breaks nothing: the model cannot see it"
        failures=$((failures + 1))
    fi
}

never='never_programmed_without_verified never_ready_without_programmed'
base='-DPROFILE=BASE -DBLOCKS=3'
extended='-DPROFILE=EXTENDED -DBLOCKS=2 -DNO_OTHER'

# shellcheck disable=SC2086 # claims are words
{
    holds 'base profile' "$base" safety
    holds 'base profile, one block' '-DPROFILE=BASE -DBLOCKS=1' $never
    holds 'base profile, nothing reduced' "$base -DNO_OTHER -DWHOLE -DFAULTS=1" safety
    holds 'extended profile' "$extended" safety
    holds 'extended profile, one block' '-DPROFILE=EXTENDED -DBLOCKS=1 -DNO_OTHER' $never
    holds 'extended profile, two administrators' '-DPROFILE=EXTENDED -DBLOCKS=1 -DFAULTS=1' safety
    holds 'base profile, lease' '-DPROFILE=BASE -DBLOCKS=1 -DLEASE_CLOCK -DFAULTS=0' lease_ends
    holds 'extended profile, lease' '-DPROFILE=EXTENDED -DBLOCKS=1 -DNO_OTHER -DLEASE_CLOCK -DFAULTS=1' lease_ends
    holds 'base profile, progress' "$base -DNO_OTHER -DPATIENT -DFAULTS=2" finishes
    holds 'extended profile, progress' "$extended -DPATIENT -DFAULTS=2" finishes
}

whole="$base -DNO_OTHER -DWHOLE -DFAULTS=1"
lease='-DPROFILE=BASE -DBLOCKS=1 -DLEASE_CLOCK -DFAULTS=0'
breaks SKIP_VERIFY "$base" never_programmed_without_verified 'assertion violated .*|acceptance cycle'
breaks READY_EARLY "$base" never_ready_without_programmed 'assertion violated .*|acceptance cycle'
breaks NO_DUPLICATE_CACHE "$whole" safety 'assertion violated .*argument==length.*'
breaks LATE_REQUEST "$whole" safety 'assertion violated .*argument==length.*'
breaks CACHE_TOO_LONG "$whole" safety 'assertion violated .*length.*'
breaks STALE_RESPONSE "$whole" safety 'assertion violated .*length.*'
breaks ADOPT_ALIVE "$whole" safety 'assertion violated .*argument==length.*'
breaks WRITE_AFTER_SEAL "$base" safety 'assertion violated .*'
breaks EXIT_IN_PROGRAM "$base" safety 'assertion violated .*writing.*'
breaks CHALLENGE_REUSE "$base" safety 'assertion violated .*spent.*'
breaks MAP_BEFORE_DATA "$extended" safety 'assertion violated .*torn.*'
breaks NO_LEASE "$lease" lease_ends 'acceptance cycle'
breaks RENEW_BY_OTHERS "$lease" lease_ends 'acceptance cycle'
breaks NO_RETRY "$base -DNO_OTHER -DPATIENT -DFAULTS=0" finishes 'acceptance cycle'

[ $failures -eq 0 ] || { echo "$failures failed"; exit 1; }
echo 'The model holds, and every mutant breaks it.'
