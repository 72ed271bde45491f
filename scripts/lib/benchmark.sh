# SPDX-License-Identifier: MIT
# lib/benchmark.sh: the parts of scripts/benchmark beside the table of links:
# candidates by words, no entity, names in text, from text to links, right links
# of all names.
# Sourced after lib/setup.sh; reads $work, $eval, $sets and the models' names.
# shellcheck shell=bash disable=SC2154

# cell: a share as per cent with one digit, for jq.
jq_cell='def cell: if . == null then "-" else . * 1000 | round / 10 end;
    def span: if . == null then "-" else map(cell | tostring) | join("-")
        end;
    def ratio($a; $b): if $b == 0 then null else $a / $b end;
    def f1($hit; $said; $gold): ratio(2 * $hit; $said + $gold);'
# Of figures (slurped) those of the last run over the sets, names looked up.
jq_last='(if any(.run == "full") then "full" else "names" end) as $last
    | .[] | select(.aliases and ((.run // $last) == $last))'

# sample_mentions FILE: whole documents from all of it, with about $most
# mentions.
sample_mentions() {
    paste <(jq -r '.doc // .id' "$1") "$1" | awk -F '\t' -v most="$most" '
        { doc[NR] = $1; line[NR] = substr($0, length($1) + 2); n[$1]++ }
        END {
            share = most > 0 && most < NR ? most / NR : 1
            for (i = 1; i <= NR; i++) {
                if (!(doc[i] in keep)) {
                    want += n[doc[i]] * share
                    keep[doc[i]] = want - got >= n[doc[i]] / 2
                    if (keep[doc[i]])
                        got += n[doc[i]]
                }
                if (keep[doc[i]])
                    print line[i]
            }
        }'
}

# sample_docs SET: documents with about a quarter of that.
sample_docs() {
    awk -v most="$most" -v n="$(wc -l <"$eval/$1.mentions.jsonl")" '
        BEGIN { share = most > 0 && most / 4 < n ? most / 4 / n : 1 }
        int(NR * share) > int((NR - 1) * share)' "$eval/$1.docs.jsonl"
}

# ---- Words ----

# words_cells SET NAME OPTION...: recall of a list and first answers; its time,
# in milliseconds, goes into words_time[NAME].
words_cells() {
    local in=$work/$1.embedded.jsonl list=$work/$1.listed.$2.jsonl start
    start=$(date +%s%N)
    blink-retrieve -c "$work/k.kb" -k "$k" "${@:3}" <"$in" >"$list"
    words_time[$2]=$((${words_time[$2]:-0} + ($(date +%s%N) - start) / 1000000))
    printf ' %s | %s |' "$(measure <"$list" |
        jq -r --arg k "recall_at_$k" "$jq_cell"'
            [.recall_at_10, .[$k]] | map(cell | tostring) | join(" | ")')" \
        "$(score <"$list" | measure |
            jq -r "$jq_cell"'.unnormalized_accuracy | cell')"
}

words_table() {
    local set name n=0
    local -A words_time=()
    printf '\n%s\n\n' "Candidates by words: of the mention, and of its context \
(\`--lexical\`), and joined with the nearest and the names (\`--hybrid\`)."
    printf '| set |'
    for name in mention context hybrid; do
        printf ' %s @10 | @%s | first |' "$name" "$k"
    done
    printf '\n|---|%s\n' "$(printf -- '--:|%.0s' {1..9})"
    for set in "${sets[@]}"; do
        say "words of $set"
        printf '| %s |' "$set"
        words_cells "$set" mention --lexical --words mention
        words_cells "$set" context --lexical
        words_cells "$set" hybrid --hybrid -x "$work/k.blx"
        echo
        n=$((n + $(wc -l <"$work/$set.embedded.jsonl")))
    done
    # Times are no two times the same, and only a report has such.
    [ -n "$report" ] || return 0
    for name in mention context hybrid; do
        awk -v ms="${words_time[$name]}" -v n="$n" \
            'BEGIN { printf "%.1f ", n ? ms / n : 0 }'
    done | awk '{ printf "\nA mention took %s, %s and %s ms, start and " \
        "writing of lists included.\n", $1, $2, $3 }'
}

# ---- No entity ----

# without_golds SHARE < lists: as if that share of the set's entities were
# not in the catalogue.  Every n-th id in their order goes.
without_golds() {
    jq -c -n --argjson share "$1" '
        [inputs] as $all
        | ([$all[].label_id | select(.)] | map(tostring) | unique) as $ids
        | ([range(0; $ids | length)
            | select(((. + 1) * $share | floor) > (. * $share | floor))
            | {($ids[.]): true}] | add // {}) as $gone
        | $all[] | .candidates |= map(select($gone[.id | tostring] | not))
        | if .label_id and $gone[.label_id | tostring]
          then .label_id = null else . end'
}

# The decision itself: null where null is right.
nil_figures() {
    jq -c -n "$jq_cell"'
        reduce (inputs | [(.label_id == null), (.entity == null)]) as $r
            ({n: 0, gold: 0, said: 0, hit: 0};
             .n += 1 | .gold += ($r[0] | if . then 1 else 0 end)
             | .said += ($r[1] | if . then 1 else 0 end)
             | .hit += (if $r[0] and $r[1] then 1 else 0 end))
        | .precision = ratio(.hit; .said) | .recall = ratio(.hit; .gold)
        | .f1 = f1(.hit; .said; .gold)'
}

nil_table() {
    local set run=names
    [ -z "$cross" ] || run=full
    printf '\n%s\n\n' "With $(jq -n "$removed * 100") % of the answers removed\
 from the catalogue: is \"none\" found?"
    echo '| set | mentions | none | precision | recall | F1 | ECE |'
    echo '|---|--:|--:|--:|--:|--:|--:|'
    for set in "${sets[@]}"; do
        without_golds "$removed" <"$work/$set.listed.$run.jsonl" |
            score >"$work/$set.nil.jsonl"
        nil_figures <"$work/$set.nil.jsonl" | jq -c --arg set "$set" \
            --argjson ece "$(blink-eval --json <"$work/$set.nil.jsonl" |
                jq .ece)" '. + {$set, $ece}'
    done | jq -r -n "$jq_cell"'
        def row: "| \(.set) | \(.n) | \(.gold) | " + ([.precision, .recall,
            .f1, .ece] | map(cell | tostring) | join(" | ")) + " |";
        reduce inputs as $r ([]; . + [$r])
        | (.[] | row),
          if length < 2 then empty else
              {set: "mean", n: (map(.n) | add), gold: (map(.gold) | add)}
              + (["precision", "recall", "f1", "ece"] as $names
                 | [$names[] as $k | {($k): (map(.[$k] | select(. != null))
                     | if length > 0 then add / length else null end)}]
                 | add) | row end'
}

# ---- Small catalogues ----
# Catalogues of 10 to 3,000 entities, drawn around mentions of the sets; see
# catalogues.sh.

# sizes_plan EACH: about so many mentions for every cell, from sets in turn.
sizes_plan() {
    awk -v each="$1" -v all="${sets[*]}" '
        function some(size, names) {
            return size < 20 ? (names == "shared" ? 2 : 5) \
                : size < 100 ? (names == "shared" ? 5 : 8) : 8
        }
        BEGIN {
            OFS = "\t"
            n_sets = split(all, set, " ")
            split("10 30 300 3000", size, " ")
            split("0 5 20 100", words, " ")
            split("none own shared", names, " ")
            split("0 .3 .6", share, " ")
            for (i = 1; i <= 4; i++)
                for (j = 1; j <= 4; j++)
                    for (k = 1; k <= 3; k++)
                        for (l = 1; l <= 3; l++)
                            for (m = 0; m < each; m += some(size[i], names[k]))
                                print ++number, \
                                    set[number % n_sets + 1], size[i],
                                    words[j], names[k], share[l]
        }'
}

# sizes_answers RUN < lists: a line each: of which catalogue, run, gold,
# answer, how sure.
sizes_answers() {
    score | jq -c --arg run "$1" '[.drawn, $run, .label_id, .entity.id,
        (if .entity then .entity.p else .nil_p end)]'
}

# sizes_figures PLAN < answers: a line of JSON for each size, length of text
# and kind of names.
sizes_figures() {
    jq -c -n --rawfile plan "$1" "$jq_cell"'
        ($plan | split("\n") | map(split("\t") | select(length > 5)
            | {(.[0]): {size: (.[2] | tonumber), words: (.[3] | tonumber),
                        names: .[4], removed: (.[5] != "0")}})
            | add) as $cell
        | def part(f; g): ratio(map(select(f and g)) | length;
                                map(select(f)) | length);
        def right: .[2] == .[3];
        def has: .[2] != null;
        [inputs | . + [$cell[.[0] | tostring]]]
        | group_by([.[5].size, .[5].words, .[5].names])[]
        | (map(select(.[1] == "last")) | map(select(.[5].removed | not))) as $all
        | map(select(.[1] == "last" and .[5].removed)) as $some
        | (.[0][5] | del(.removed))
          + {n: (map(select(.[1] == "last")) | length),
             right: ($all | part(has; right)),
             none: ($all | part(has; .[3] == null)),
             fast: (map(select(.[1] == "fast" and (.[5].removed | not)))
                    | part(has; right)),
             right_removed: ($some | part(has; right)),
             f1: ($some | f1(map(select(.[2] == null and .[3] == null))
                         | length;
                     map(select(.[3] == null)) | length;
                     map(select(.[2] == null)) | length)),
             ece: (map(select(.[1] == "last")) | length as $n
                 | group_by(.[4] * 10 | floor)
                 | map((map(.[4]) | add) - (map(select(right)) | length)
                     | fabs) | add / $n)}'
}

sizes_table() {
    local set
    say 'small catalogues: mentions and texts'
    for set in "${sets[@]}"; do
        most=$((most > 0 && most < 240 ? most : 240)) \
            sample_mentions "$eval/$set.mentions.jsonl" |
            jq -c --arg set "$set" '.set = $set'
    done | drawn_prepare
    say 'small catalogues: lists'
    sizes_plan "$each" | drawn_lists 8 >"$work/sizes.lists.jsonl"
    sizes_answers fast <"$work/sizes.lists.jsonl" >"$work/sizes.answers"
    if [ -n "$cross" ]; then
        blink-rerank -m "$cross" -c "$drawn/all.kb" --cascade 0.01 \
            <"$work/sizes.lists.jsonl"
    else
        cat "$work/sizes.lists.jsonl"
    fi | sizes_answers last >>"$work/sizes.answers"
    sizes_figures "$drawn/plan" <"$work/sizes.answers" >"$work/sizes.jsonl"
    printf '\n%s\n\n' 'Small catalogues, drawn around mentions: is the right'\
' entity the answer, with all of them there and with a third to two thirds'\
' removed?'"${cross:+ Without the cross-encoder: all there.}"
    echo '| entities | words of a text | aliases | mentions | right | "none"' \
        '| without cross-encoder | some removed: right | F1 of none | ECE |'
    echo '|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|'
    jq -r -s "$jq_cell"'
        ["right", "none", "fast", "right_removed", "f1", "ece"] as $names
        | def row($first): "| \($first) | \(.n) | " + ([.[$names[]]]
            | map(cell | tostring) | join(" | ")) + " |";
        def mean: if length > 0 then add / length else null end;
        def worst($k): if $k == "none" or $k == "ece" then max else min end;
        (.[] | row("\(.size) | \(.words) | \(.names)")),
        ([$names[] as $k | {($k): (map(.[$k] | select(. != null)) | mean)}]
            + [{n: (map(.n) | add)}] | add | row("mean | | ")),
        ([$names[] as $k
            | {($k): (map(.[$k] | select(. != null)) | worst($k))}]
            + [{n: ""}] | add | row("worst | | "))' "$work/sizes.jsonl"
}

# ---- Names in text ----

# conll PREFIX < columns: PREFIX.docs, a document a sentence, and PREFIX.gold,
# one line for each name: doc, start, end, type.
conll() {
    jq -R -s -c '
        split("\n\n") | to_entries[] | select(.value | test("\\S"))
        | (.key | tostring) as $doc
        | [.value | split("\n")[] | select(length > 0) | split("\t")] as $t
        | {id: $doc, text: ($t | map(.[0]) | join(" ")), gold: (
            reduce $t[] as $w ({at: 0, all: [], open: null};
                ($w[1][0:1]) as $b | ($w[1][2:]) as $type
                | (.at + ($w[0] | length)) as $stop
                | if $b == "O" then .open = null
                  elif $b == "I" and .open == $type
                  then .all[-1][1] = $stop
                  else .all += [[.at, $stop, $type]] | .open = $type end
                | .at = $stop + 1)
            | .all)}' >"$1"
    jq -r '.id as $d | .gold[] | [$d] + . | @tsv' "$1" >"$1.gold"
    jq -c 'del(.gold)' "$1" >"$1.docs"
}

lower_docs() { jq -c '.text |= ascii_downcase'; }

# name_scores GOLD < mention records: type-blind F1, then typed.
name_scores() {
    jq -r '[.doc, .start, .end, .type // "MISC"] | @tsv' |
        awk -F '\t' '
            function f(hit) { return n + m ? 2 * hit / (n + m) : 0 }
            NR == FNR { gold[$1, $2, $3] = $4; n++; next }
            { m++
              if (($1, $2, $3) in gold) {
                  spans++
                  types += gold[$1, $2, $3] == $4
              } }
            END { printf "%.1f | %.1f\n", 100 * f(spans), 100 * f(types) }' \
            "$1" -
}

# ner_table DIR FILE...: each file as it is and in lower case.
ner_table() {
    local dir=$1 file name
    shift
    printf '\n%s\n\n' 'Names in text: F1 of exact spans, per cent.'
    echo '| set | sentences | type-blind | typed | type-blind, lower case |' \
        'typed, lower case |'
    echo '|---|--:|--:|--:|--:|--:|'
    for file; do
        name=${file%%:*}
        [ -r "$dir/$name.conll" ] || continue
        say "names of $file"
        # NAME:N is what stands behind the first N sentences.
        awk -v from="$(case $file in *:*) echo "${file#*:}" ;; *) echo 0
            esac)" 'BEGIN { RS = ""; ORS = "\n\n" } NR > from' \
            "$dir/$name.conll" | conll "$work/ner"
        printf '| %s | %s | %s | %s |\n' "$name" \
            "$(wc -l <"$work/ner.docs")" \
            "$(blink-ner "${ner[@]}" <"$work/ner.docs" |
                name_scores "$work/ner.gold")" \
            "$(lower_docs <"$work/ner.docs" | blink-ner "${ner[@]}" |
                name_scores "$work/ner.gold")"
    done
}

# ---- From text to links ----

# linked MODEL...: from end.docs to figures, the mentions found as is said.
linked() {
    blink-ner "$@" <"$work/end.docs" | blink-embed -m "$model" |
        nearest "$([ -n "$cross" ] && echo "$rerank" || echo "$k")" --aliases |
        rerank | score | blink-eval --json --gold "$work/end.gold"
}

end_table() {
    local set other=null
    printf '\n%s\n\n' 'From text to links: mentions are found too, and must have'\
' the borders of the gold ones.'"${tagger:+ In the last column they are found \
by names of the catalogue (\`blink-ner -d\`).}"
    echo "| set | documents | precision | recall | F1 |${tagger:+ F1 by names\
 |}"
    echo "|---|--:|--:|--:|--:|${tagger:+--:|}"
    for set in "${sets[@]}"; do
        [ -r "$eval/$set.docs.jsonl" ] || continue
        say "$set from text to links"
        sample_docs "$set" | sed "${limit:-\$}q" | jq -c '{id, text}' \
            >"$work/end.docs"
        [ -s "$work/end.docs" ] || continue
        jq -c -n --slurpfile docs "$work/end.docs" '
            ($docs | map({(.id): true}) | add) as $in
            | inputs | select($in[.doc])' "$eval/$set.mentions.jsonl" \
            >"$work/end.gold"
        [ -z "$tagger" ] || other=$(linked -d "$work/k.kb" |
            jq .in_kb_micro_f1)
        linked "${ner[@]}" |
            jq -r --arg set "$set" --arg n "$(wc -l <"$work/end.docs")" \
                --argjson other "$other" --arg tagger "$tagger" "$jq_cell"'
                "| \($set) | \($n) | " + ([.in_kb_micro_precision,
                .in_kb_micro_recall, .in_kb_micro_f1]
                | map(cell | tostring) | join(" | ")) + " |"
                + if $tagger == "" then "" else " \($other | cell) |" end'
    done
}

# ---- Right links of all names, with the default catalogue ----
# What somebody meets who links a text of the world at once: how many of its
# names get their link, whether or not the catalogue has the page.  Only names
# count, mentions with a capital; sets that also annotate common nouns do not.
# Titles are compared after redirects, where the names of the English
# Wikipedia are there.

# right_gold < documents: a line for each name that has a page.
right_gold() {
    jq -c '.id as $doc | .mentions[]
        | select(.title and (.nil | not) and (.mention | test("\\p{Lu}")))
        | {doc: $doc, start, "end": .end,
            titles: [.title, .gold_title | select(.)]}'
}

# right_pages < titles: {TITLE: the page that it leads to} of those known.
right_pages() {
    if [ -s "$names" ]; then
        sort -u | xargs -r -d '\n' blink-kb get -c "$names" -- 2>/dev/null ||
            :
    else
        cat >/dev/null
    fi | jq -c -s 'map({(.name): .title}) | add // {}'
}

# right_figures GOLD PAGES < answers
right_figures() {
    jq -c -n --slurpfile gold "$1" --slurpfile pages "$2" "$jq_cell"'
        def page: $pages[0][.] // . | ascii_downcase
            | gsub("[^\\p{L}\\p{N}]+"; " ");
        ($gold | map({("\(.doc) \(.start) \(.end)"): [.titles[] | page]})
            | add // {}) as $at
        | reduce (inputs | select(.entity)) as $r
            ({n: ($at | length), said: 0, hit: 0};
             $at["\($r.doc) \($r.start) \($r.end)"] as $titles
             | if $titles then
                   ($r.entity.title | page) as $page
                   | .said += 1
                   | .hit += ([$titles[] | select(. == $page)]
                              | if length > 0 then 1 else 0 end)
               else . end)
        | .recall = ratio(.hit; .n) | .precision = ratio(.hit; .said)'
}

right_table() {
    local set names=$data/names/enwiki.names
    printf '\n%s\n\n' 'Right links of all names in plain text that have a page'\
' of Wikipedia, by blink link with the default catalogue.'
    echo '| set | names | linked | right links of all | right of those linked |'
    echo '|---|--:|--:|--:|--:|'
    for set in "${sets[@]}"; do
        case $set in conel22 | spotlight) continue ;; esac
        [ -r "$eval/$set.docs.jsonl" ] || continue
        say "names of $set"
        sample_docs "$set" | sed "${limit:-\$}q" >"$work/right.docs"
        right_gold <"$work/right.docs" >"$work/right.gold"
        jq -c '{id, text}' "$work/right.docs" |
            blink link --input documents --json >"$work/right.answers"
        { jq -r '.titles[]' "$work/right.gold" &&
            jq -r '.entity.title // empty' "$work/right.answers"; } |
            right_pages >"$work/right.pages"
        right_figures "$work/right.gold" "$work/right.pages" \
            <"$work/right.answers" | jq -c --arg set "$set" '. + {$set}'
    done | tee "$work/right.jsonl" | jq -r -n "$jq_cell"'
        def row: "| \(.set) | \(.n) | \(.said) | \(.recall | cell) |" +
            " \(.precision | cell) |";
        reduce inputs as $r ([]; . + [$r])
        | (.[] | row),
          if length < 2 then empty else
              {set: "mean", n: (map(.n) | add), said: (map(.said) | add),
               recall: ((map(.recall // 0) | add) / length),
               precision: ((map(.precision // 0) | add) / length)} | row end'
}
