# SPDX-License-Identifier: MIT
# lib/part.sh: what the parts of scripts/check --long (check.d/) share.
#
#   . "$(dirname "$0")/../lib/part.sh"
#   part '                             --minutes and --again, and rows of its
#       --only  NAME  only[]           own as in lib/opts.sh
#   ' "$@"
#   cannot "no clang here"             where that is so
#   for name in ...; do
#       is_known "$name" "$sum" && continue
#       in_time || break
#       ...
#       note "$name" "$sum" INPUTS FINDINGS
#   done
#   end_part LEFT                      how many have not had their turn
#
# A part runs in the build folder, $build, and keeps what it must remember in
# $state below it.  A round is what is done or not: a test, a fuzz target.
# The one that a part did without a finding is not done again while its sum
# is the same.  An input is what a round is made of: a test point, a file.
# shellcheck shell=bash disable=SC2034

. "${BASH_SOURCE[0]%/*}/opts.sh"
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
minutes=${CHECK_MINUTES:-60} again='' rounds=0 inputs=0 findings=0 left=0 arguments=()

part() {
    options "
        --minutes  N  minutes
        --again    -  again
        $1
    " "${@:2}"
    [[ $minutes =~ ^[1-9][0-9]{0,5}$ ]] ||
        die 2 "--minutes '$minutes': expected a whole number from 1"
    build=$PWD
    state=$build/check-long/$me
    [ -e config.status ] || die 3 "'$build' is no build folder: there is no" \
        "config.status in it"
    [ -z "$again" ] || rm -f "$state"/*.round
    mkdir -p "$state" || die 4 "cannot make '$state'"
}

# cannot REASON...: the part cannot run here, which is no finding.
cannot() {
    say "$*"
    exit 77
}

seconds_left() { echo $((minutes * 60 - SECONDS)); }

# in_time [SECONDS]: what takes so long can still be begun.
in_time() { [ "$(seconds_left)" -ge "${1:-60}" ]; }

# sum_of PATH...: changes with the content of files and folders.
sum_of() {
    find "$@" -type f -exec sha256sum {} + | sort | sha256sum | cut -c 1-16
}

# The tests of the build folder, and what all of them depend on.
all_tests() { make -s list-tests | tr ' ' '\n'; }
code_sum() {
    shopt -s globstar
    sum_of "$top/configure.ac" "$top"/tests/{lib.sh,stages.sh} \
        "$top"/{bin,common,tests}/**/*.[ch] "$top"/common/**/*.cc
}

# round_file NAME: names may have slashes.
round_file() { printf '%s/%s.round\n' "$state" "${1//\//+}"; }

# count_round INPUTS FINDINGS
count_round() {
    rounds=$((rounds + 1))
    inputs=$((inputs + $1))
    findings=$((findings + $2))
}

# is_known NAME SUM: it was done with this sum; it is counted.
is_known() {
    local sum done_inputs
    read -r sum done_inputs 2>/dev/null <"$(round_file "$1")" || return 1
    [ "$sum" = "$2" ] || return 1
    count_round "$done_inputs" 0
}

# note NAME SUM INPUTS FINDINGS: it is done.
note() {
    count_round "$3" "$4"
    if [ "$4" -eq 0 ]; then
        echo "$2 $3" >"$(round_file "$1")"
    else
        rm -f "$(round_file "$1")"
    fi
}

# run_test FOLDER TEST [ARGUMENT...]: with make, in a build folder whose tests
# are compiled; 1 when time ended it.  Sets $points and $failed, how many
# points the test has and how many of them failed, and $log.  $target is what
# is made in place of check-TESTS.
run_test() {
    local status=0
    log=$1/${2%.sh}.log
    rm -f "$log" "${log%.log}.trs"
    timeout -k 10 "$(seconds_left)" make -C "$1" --no-print-directory \
        "${target:-check-TESTS}" TESTS="$2" "${@:3}" >"$state/make.log" 2>&1 \
        </dev/null || status=$?
    [ "$status" -lt 124 ] || return 1
    points=$(grep -acE '^(not )?ok ' "$log" 2>/dev/null) || points=0
    failed=$(grep -acE '^not ok ' "$log" 2>/dev/null) || failed=0
    # A crash, or a test that could not be run.
    if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || { [ "$points" -eq 0 ] &&
        ! grep -aqE '^1\.\.0' "$log" 2>/dev/null; }; }; then
        failed=1
    fi
    [ "$failed" -eq 0 ] || say_failed
}

# say_failed: which points, or the end of what was said.
say_failed() {
    grep -aE '^not ok ' "$log" 2>/dev/null || tail -n 5 "$state/make.log"
} >&2

# quiet_make ARGUMENT...: what must not fail; a build that is out of time goes
# on in the next run.
quiet_make() {
    local status=0
    timeout -k 10 "$(seconds_left)" make -j"$(nproc)" --no-print-directory \
        "$@" >"$state/make.log" 2>&1 </dev/null || status=$?
    [ "$status" -ne 0 ] || return 0
    [ "$status" -lt 124 ] || end_part 1
    tail -n 5 "$state/make.log" >&2
    die 4 "make failed: all of it is in '$state/make.log'"
}

# run_tests FOLDER PREFIX TEST...: those that are not known, with $arguments
# for run_test, while there is time; sets $left.  A process that writes a
# report into $reports is a finding as well.
run_tests() {
    local folder=$1 prefix=$2 code test sum
    shift 2
    code=$(code_sum)
    reports=$state/reports
    mkdir -p "$reports"
    for test; do
        sum=$code$([[ $test != *.sh ]] || sum_of "$top/$test")
        is_known "$prefix$test" "$sum" && continue
        if ! in_time 60; then
            left=$((left + 1))
            continue
        fi
        rm -f "$reports"/*
        if ! run_test "$folder" "$test" "${arguments[@]}"; then
            left=$((left + 1))
            continue
        fi
        # Memory that is refused is no fault of ours.
        find "$reports" -type f \
            -exec sed -i '/Sanitizer failed to allocate/d' {} +
        find "$reports" -type f -size 0 -delete
        keep_reports "$prefix$test"
        say "$prefix$test: $points points, $failed findings"
        note "$prefix$test" "$sum" "$points" "$failed"
    done
}

# keep_reports NAME: beside the log of the test, where they are shown.
keep_reports() {
    local report kept=$state/findings/${1//\//+}
    rm -rf "$kept"
    [ "$failed" -gt 0 ] || [ -n "$(ls "$reports")" ] || return 0
    mkdir -p "$kept"
    cp "$log" "$kept" || true
    for report in "$reports"/*; do
        [ -e "$report" ] || continue
        mv "$report" "$kept"
        failed=$((failed + 1))
    done
    say "$1: see '$kept'"
}

end_part() {
    left=${1:-0}
    [ "$left" -eq 0 ] ||
        say "out of time with $left left: the next run goes on with them"
    echo "$me: $rounds rounds, $inputs inputs, $findings findings"
    [ "$findings" -eq 0 ] || exit 1
    exit 0
}
