#!/bin/bash
# SPDX-License-Identifier: MIT
# scripts/check --long in a tree of its own, whose parts do nothing: which
# parts run, what they add to the count, and how a part goes on.
. "${top_srcdir:?}/tests/lib.sh"
export BLINK_DATA=$T/data
mkdir -p "$T/tree/scripts/check.d" "$BLINK_DATA"
cp -r "$top_srcdir"/scripts/{lib,check} "$T/tree/scripts"
chmod -R u+w "$T/tree"
cd "$T/tree" || exit

# Nothing to install, to build or to fetch.
cat >>scripts/lib/setup.sh <<'X'
set_up() { say "packages and build"; }
install_packages() { say "packages: ${1:+more}"; }
X
cat >scripts/lib/data.sh <<'X'
prepare_data() { :; }
from_folder() { :; }
X
touch config.status
cat >Makefile <<'X'
check:
	@echo '# TOTAL: 5'; echo '# PASS:  4'; echo '# SKIP:  1'
check-TESTS:
	@echo "$(TESTS)" >>ran; sleep $(SLEEP); \
	cp points $(TESTS:.sh=.log); exit $(STATUS)
SLEEP = 0
STATUS = 0
X

# a_part NAME: a script of what stands on stdin.
a_part() {
    {
        printf '%s\n' '#!/bin/bash' '# SPDX-License-Identifier: MIT' \
            "# $1: a part." 'set -euo pipefail' \
            '. "$(dirname "$0")/../lib/part.sh"' "part '' \"\$@\""
        cat
    } >"scripts/check.d/$1"
    chmod +x "scripts/check.d/$1"
}
a_part good <<'X'
note one sum 20 0
note two/three sum 5 0
end_part
X
a_part bad <<'X'
note one sum 20 3
note two sum 20 0
end_part
X
a_part elsewhere <<<'cannot "no such tool here"'
a_part broken <<<'exit 9'
echo 'no part' >scripts/check.d/README

long() { run scripts/check --long "$@"; }

# ---- Which parts ----
long nothing
is "$status:$(cat "$T/out" "$T/err")" \
    "2:check: no part 'nothing': expected one of bad broken elsewhere good" \
    'an unknown part ends it, with the list'
long good nothing
is "$status:$(wc -l <"$T/out")" 2:0 'also after one that there is'
long README
is "$status" 2 'what is no program is no part'
long --minutes 0 good
is "$status:$(cat "$T/err")" \
    "2:check: --minutes '0': expected a whole number from 1" '--minutes 0'

long good
is "$status:$(cat "$T/out")" '0:good: 2 rounds, 25 inputs, 0 findings
2 passed, 0 failed' 'a part by itself, whose rounds are counted'
like "$(cat "$T/err")" 'packages: more.*good, at most 60 minutes' \
    'with the packages for what takes long'
a_part clock <<<'echo "$minutes minutes"; end_part 0'
long --minutes 7 clock
like "$(cat "$T/out")" '7 minutes' '--minutes is for the parts'
rm scripts/check.d/clock
long elsewhere
is "$status:$(cat "$T/out")" '0:0 passed, 0 failed, 1 skipped' \
    'one that cannot run is skipped'
like "$(cat "$T/err")" \
    'elsewhere: no such tool here.check: elsewhere: skipped' 'and says why'
long bad
is "$status:$(tail -n 1 "$T/out")" '1:0 passed, 3 failed' \
    'findings count as failures'
long broken
is "$status:$(cat "$T/out")" '1:0 passed, 1 failed' 'one that stops fails'
like "$(cat "$T/err")" 'broken: ended with status 9 before its count' \
    'and that is said'
long
is "$status:$(tail -n 1 "$T/out")" '1:6 passed, 4 failed, 2 skipped' \
    'without names: the tests and all parts'
run scripts/check
is "$status:$(tail -n 1 "$T/out")" '0:4 passed, 0 failed, 1 skipped' \
    'without --long: the tests'
like "$(cat "$T/err")" 'not run without --long:.*bad.*elsewhere.*good' \
    'and it says what is not run'

# ---- How a part goes on ----
a_part tests <<'X'
left=0
for test in a.sh b.sh c.sh; do
    sum=$(sum_of "$test")
    is_known "$test" "$sum" && continue
    if in_time 1 && run_test . "$test" SLEEP="$(cat pause)"; then
        note "$test" "$sum" "$points" "$failed"
    else
        left=$((left + 1))
    fi
done
end_part "$left"
X
# tests ARGUMENT...: sets $result: its status, which tests it ran, and what it
# printed.
tests() {
    : >ran
    run scripts/check.d/tests "$@"
    result=$status:$(tr '\n' ' ' <ran):$(cat "$T/out")
}
touch a.sh b.sh c.sh
printf 'ok 1\nok 2\n' >points
echo 0 >pause
tests
is "$result" '0:a.sh b.sh c.sh :tests: 3 rounds, 6 inputs, 0 findings' \
    'a part runs its tests'
tests
is "$result" '0::tests: 3 rounds, 6 inputs, 0 findings' \
    'what is unchanged is counted and not run again'
echo changed >b.sh
tests
is "$result" '0:b.sh :tests: 3 rounds, 6 inputs, 0 findings' \
    'what is changed is'
tests --again
is "$result" '0:a.sh b.sh c.sh :tests: 3 rounds, 6 inputs, 0 findings' \
    '--again runs all'
printf 'ok 1\nnot ok 2 - the point\n' >points
echo changed >c.sh
tests
is "$result" '1:c.sh :tests: 3 rounds, 6 inputs, 1 findings' 'a finding'
is "$(cat "$T/err")" 'not ok 2 - the point' 'is shown'
tests
is "$result" '1:c.sh :tests: 3 rounds, 6 inputs, 1 findings' \
    'and its test is run each time'
rm points
tests --again
is "$result" '1:a.sh b.sh c.sh :tests: 3 rounds, 0 inputs, 3 findings' \
    'a test without an answer is one'
printf 'ok 1\n' >points
echo 4 >pause
sed 's/^part .*/&; SECONDS=58/' scripts/check.d/tests >scripts/check.d/late
chmod +x scripts/check.d/late
: >ran
run scripts/check.d/late --minutes 1
is "$status:$(tr '\n' ' ' <ran):$(cat "$T/out")" \
    '0:a.sh :late: 0 rounds, 0 inputs, 0 findings' \
    'a part ends in time, also what is at work then'
like "$(cat "$T/err")" 'out of time with 3 left: the next run goes on' \
    'and says what is left'
run scripts/check.d/late --minutes x
is "$status" 2 'its --minutes'
cd "$T" || exit
run tree/scripts/check.d/good
like "$status:$(cat "$T/err")" "3:good: '.*' is no build folder" \
    'a part outside a build folder'
finish
