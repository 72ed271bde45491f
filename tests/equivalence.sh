#!/bin/bash
# SPDX-License-Identifier: MIT
# Answers do not depend on how the work is cut up: batches, threads, order,
# pieces of input, engines.
. "$top_srcdir/tests/lib.sh"
. "$top_srcdir/tests/stages.sh"
[[ $stages == *retrieve* ]] || skip_all 'no pipeline'
torch=''
[ -e "$top_builddir/common/.libs/libblink-torch.so" ] &&
    [ -z "${BLINK_VALGRIND:-}${sanitizers:-}" ] && torch=yes

jq -c '{id, context_left: ("See " + .text[0:40]), mention: .title,
        context_right: .text[40:90]}' entities.jsonl >mentions.jsonl
n=$(wc -l <mentions.jsonl)

# close A B: the same text but for numbers, and those within 1e-4 of each
# other (relative above 1).
close() {
    paste -d '\n' "$1" "$2" | jq -nc '
        def near($a; $b):
            if ($a | type) == "number" and ($b | type) == "number"
            then (($a - $b) | fabs) <= 1e-4 * ([1, ($a | fabs)] | max)
            elif ($a | type) == "array" and ($b | type) == "array"
            then ($a | length) == ($b | length)
                and all(range($a | length); near($a[.]; $b[.]))
            elif ($a | type) == "object" and ($b | type) == "object"
            then ($a | keys) == ($b | keys)
                and all($a | keys[]; near($a[.]; $b[.]))
            else $a == $b end;
        [inputs] as $x | [range(0; $x | length; 2)
                           | near($x[.]; $x[. + 1])] | all' | grep -qx true
}

embed() { blink-embed -m bi --floats json "$@" <mentions.jsonl; }
embed "${engine[@]}" --batch 1 --threads 1 >one
is "$(jq -s length one)" "$n" 'every mention is embedded'
for how in '--batch 7' '--batch 64' '--threads 2' '--batch 64 --threads 4' \
    '--batch-tokens 64' '--batch 3 --batch-tokens 4096'; do
    # shellcheck disable=SC2086
    embed "${engine[@]}" $how >other
    ok "embed $how" close one other
done
tac mentions.jsonl | blink-embed -m bi --floats json "${engine[@]}" |
    tac >other
ok 'embed the other way round' close one other
{ head -n 5 mentions.jsonl | blink-embed -m bi --floats json "${engine[@]}"
  tail -n +6 mentions.jsonl | blink-embed -m bi --floats json "${engine[@]}"
} >other
ok 'embed in two runs' close one other
for how in '--batch 1 --threads 1' '--batch 64' '--threads 4'; do
    # shellcheck disable=SC2086
    embed --engine cpu $how >other
    ok "embed --engine cpu $how" close one other
done
if [ -n "$torch" ]; then
    for how in '--batch 1' '--batch 64' '--threads 2'; do
        # shellcheck disable=SC2086
        embed --engine torch $how >other
        ok "embed --engine torch $how" close one other
    done
else
    skip 'embed --engine torch' 'not built, or not watched'
fi

blink-embed -m bi "${engine[@]}" <mentions.jsonl >embedded
retrieve() { blink-retrieve -x k.blx -c k.kb -k 10 "$@" <embedded; }
retrieve --batch 1 >one
is "$(jq -s 'map(.candidates | length == 10) | all' one)" true \
    'ten candidates each'
for how in '--batch 7' '--batch 64'; do
    # shellcheck disable=SC2086
    retrieve $how >other
    is "$(jq -c '[.candidates[].id]' other)" "$(jq -c '[.candidates[].id]' one)" \
        "retrieve $how: the same ids in the same order"
    ok "retrieve $how: the same scores" close one other
done
blink-retrieve -x k.blx -c k.kb -k 1000 <embedded >other
is "$(jq '.candidates | length' other | sort -u)" "$(wc -l <entities.jsonl)" \
    'k above the number of entities gives them all'
is "$(jq -c '[.candidates[:10][].id]' other)" \
    "$(jq -c '[.candidates[].id]' one)" 'and begins as with k = 10'

if have rerank; then
    cp one candidates
    rerank() { blink-rerank -m cross -c k.kb "$@" <candidates; }
    rerank "${engine[@]}" --batch 1 --threads 1 >one
    for how in '--batch 7' '--batch 64 --threads 4' '--batch-tokens 200'; do
        # shellcheck disable=SC2086
        rerank "${engine[@]}" $how >other
        is "$(jq -c '[.candidates[].id]' other)" \
            "$(jq -c '[.candidates[].id]' one)" "rerank $how: the same order"
        ok "rerank $how: the same scores" close one other
    done
    if [ -n "$torch" ]; then
        rerank --engine torch >other
        ok 'rerank --engine torch: the same scores' close one other
    fi
fi
if have score; then
    blink-score --batch 1 <one >first
    blink-score --batch 64 <one >other
    ok 'score: batches' cmp -s first other
fi
if have ner; then
    jq -c '{id, text}' entities.jsonl >docs.jsonl
    blink-ner --dictionary k.kb --batch 1 <docs.jsonl >one
    blink-ner --dictionary k.kb --batch 64 <docs.jsonl >other
    ok 'ner: batches' cmp -s one other
fi
finish
