#!/bin/bash
# SPDX-License-Identifier: MIT
# ELQ's model converted, its questions answered as the original answers them,
# and measured.
. "$top_srcdir/tests/lib.sh"
elq=$fixtures/golden/elq
cd "$T" || exit

convert() { blink-convert elq "$elq/elq_wiki_e1.safetensors" --params \
    "$elq/elq_e1_params.txt" --bert "$elq" "$@"; }
run convert -o elq
is "$status$(cat err)" 0 'the model is converted'
is "$(jq -c '[.role,.towers,.context_length,.entity_length,.mention_length,
    .mention_pooling]' elq/blink.json)" '["bi-encoder",2,32,128,11,null]' \
    'E3: a mention has a token more than max_mention_length'
blink-kb build -q -o elq.kb "$elq/entity.jsonl"
blink-kb cat -c ./elq.kb | blink-embed -m elq --entities |
    blink-index build -q -c ./elq.kb -o elq.blx
is "$(blink-kb get -c ./elq.kb 973 | jq -r .qid)" Q1007 \
    'kb_idx is the id of Wikidata'
# Without the warning of a text that was cut, which has its own test.
ask() {
    local rc=0
    blink-elq -m elq -x ./elq.blx -c ./elq.kb "$@" 2>said || rc=$?
    grep -v 'no other such text is told of$' said >&2
    return $rc
}

# ---- The original's answers ----

# same NAME FILE SCORE OPTION...: the records of FILE are what the run NAME of
# runs.jsonl found: entities, tokens, order, and SCORE to 1e-3.
same() {
    local name=$1 file=$2 score=$3
    shift 3
    run ask --specials --no-embedding "$@" <"$file"
    is "$status$(cat err)" 0 "$name: runs"
    jq -c --arg run "$name" 'select(.run == $run) | .id as $id |
        [.found, .scores] | transpose[] | [$id] + .[0] + [.[1]]' \
        "$elq/runs.jsonl" >want
    jq -c "[.doc, .entity.id] + .tokens + [$score]" out >got
    is "$(paste -d, got want | sed 's/.*/[&]/' | jq -c '[.[0][0:4] == .[1][0:4],
        ((.[0][4] - .[1][4]) | fabs < 1e-3)]' | sort -u)" '[true,true]' \
        "$name: $(wc -l <want) mentions as in the original"
}
few=(--max-mentions 10)
q=$elq/questions.jsonl l=$elq/labelled.jsonl
same default "$q" .joint_score "${few[@]}"
same high "$q" .joint_score "${few[@]}" --threshold -2
same many "$q" .joint_score -k 5 --threshold -6
same by-mention "$q" '.candidates[0].score' "${few[@]}" \
    --top-entity-by-mention --mention-threshold -2
same labelled "$l" .joint_score "${few[@]}" --gold-window --threshold -3
cp out labelled
same labelled16 "$l" .joint_score "${few[@]}" --gold-window --threshold -3 \
    --tokens 16
cp out labelled16
for engine in reference torch; do
    [ $engine = reference ] || [ -e "$top_builddir/common/libblink-torch.la" ] ||
        continue
    same default "$q" .joint_score "${few[@]}" --engine $engine
done
run ask --no-embedding "${few[@]}" --precision int8 <"$q"
is "$status$(cat err)" 0 'int8: runs'
jq -r '[.doc, .entity.id] | @csv' out | sort -u >int8
jq -r 'select(.run == "default") | .id as $id | .found[] | [$id, .[0]] | @csv' \
    "$elq/runs.jsonl" | sort -u >f32
ok "int8: $(comm -12 int8 f32 | wc -l) of $(wc -l <f32) entities as in f32" \
    [ "$(comm -12 int8 f32 | wc -l)" -gt $(($(wc -l <f32) * 3 / 4)) ]

# ---- Measured as the original measures ----

figures() { blink-eval --elq --gold "$l" -c ./elq.kb --json "$@" | jq -c \
    '[.texts,.gold,.found,.weak.right,.strong.right,.weak.f1,.strong.f1]'; }
is "$(figures --window 32 <labelled)" \
    '[40,54,113,18,9,0.215568862,0.107784431]' 'its weak and exact F1'
is "$(figures --window 16 <labelled16)" \
    '[40,47,111,15,9,0.189873418,0.113924051]' \
    'E1: without the labels beyond the window'
is "$(figures <labelled16 | jq -c '.[1:5]')" '[58,111,15,9]' \
    'E1: all labels count'
is "$(blink-eval --elq --gold "$l" -c ./elq.kb --window 32 <labelled)" \
    '40 texts, 54 mentions labelled, 113 found
matches  right  precision  recall      F1
weak        18     0.1593  0.3333  0.2156
strong       9     0.0796  0.1667  0.1078' 'as a table'
jq -c 'del(.tokens)' labelled >no-tokens
is "$(figures <no-tokens | jq -c '.[1:4]')" '[58,113,17]' \
    'without tokens the characters count'
jq -c '.entity = null' labelled >none
is "$(figures <none)" '[40,58,0,0,0,0,0]' 'no answers'
run blink-eval --elq --gold "$l" -c ./elq.kb < <(sed 's/"doc":"q0"/"doc":"z"/' \
    labelled)
is "$status$(head -1 err)" \
    "1blink-eval: stdin:1: field 'doc': no labelled text is 'z'" \
    'a document that nobody labelled'
run blink-eval --elq --gold "$l" -c ./elq.kb < <(cat labelled
    echo '{"id":"q1","label_id":[1],"error":{"by":"x","code":"y"}}')
is "$status$(cat err)" "1blink-eval: stdin:114: a record that failed before; what it should have found counts as missed" \
    'a text that failed'
# Two mentions of one entity side by side: the original's subsequence.
cat >gold <<'X'
{"id":1,"label_id":["a","b"],"mentions":[[0,4],[10,12]]}
{"id":2,"label_id":[],"mentions":[]}
X
cat >found <<'X'
{"doc":"1","start":0,"end":2,"entity":{"id":"a"}}
{"doc":"1","start":10,"end":12,"entity":{"id":"b"}}
{"doc":"1","start":20,"end":22,"entity":null}
{"doc":"2","start":0,"end":2,"candidates":[{"id":"a"}]}
X
is "$(blink-eval --elq --gold gold --json <found | jq -c \
    '[.gold,.found,.weak.right,.strong.right]')" '[2,3,2,1]' \
    'ids and characters of any linker'
for bad in '--elq' '--window 8' '--elq --gold gold --by x' \
    '--elq --gold gold --window 2'; do
    # shellcheck disable=SC2086
    run blink-eval $bad </dev/null
    is "$status" 2 "blink-eval $bad is refused"
done
for bad in '{"id":1,"label_id":["a"],"mentions":[]}' \
    '{"id":1,"label_id":["a"]}' '{"id":1,"label_id":"a","mentions":[]}' \
    '{"id":1,"label_id":["a"],"mentions":[[3,1]]}' \
    '{"id":1,"label_id":["a"],"mentions":[[1]]}' \
    '{"id":1,"label_id":[{}],"mentions":[[1,2]]}'; do
    echo "$bad" >bad
    run blink-eval --elq --gold bad </dev/null
    is "$status" 1 "labels that are none: $bad"
done

# ---- Records, and who takes them over ----

run ask "${few[@]}" <"$q"
is "$(jq -r '.mention | select(. == "")' out)" '' 'E1: mentions have a text'
jq -c --slurpfile q "$q" '. as $r | ($q[] | select("\(.id)" == $r.doc) | .text)
    [$r.start:$r.end] == $r.mention' out | sort -u >same
is "$(cat same)" true 'start and end are where the mention is'
is "$(jq -c 'select(.doc == "2") | [.id, .mention, .tokens]' out | head -2)" \
    '["2:0","oa known for",[7,10]]
["2:1","na",[5,6]]' 'pieces of a word with accents'
is "$(jq -c '[.candidates[].p] | add' out | paste -d- - \
    <(jq .ner_score out) | bc -l | awk '$1 > 1e-6 || $1 < -1e-6')" '' \
    'the candidates share the probability of the mention'
is "$(jq -c '[(.entity.p | log) - .joint_score | fabs < 1e-6] | unique' out |
    sort -u)" '[true]' 'the score is the logarithm of the first'"'s"
cp out mentions
run blink-score <mentions
is "$status$(cat err)$(jq -c 'has("nil_p")' out | sort -u)" 0true \
    'blink-score takes them'
ask "${few[@]}" <"$q" | blink-view >page.html 2>err
ok 'blink-view takes them' grep -q 'Prandcheilt Dispute' page.html
ask "${few[@]}" --floats json <"$q" |
    blink-retrieve -x ./elq.blx -c ./elq.kb --overwrite >again
is "$(jq -c '[.candidates[].id]' again)" \
    "$(ask "${few[@]}" <"$q" | jq -c '[.candidates[].id]')" \
    'the vectors find the same entities'
is "$(ask --text <<<'who founded roathstaesh, ltd. ?' | jq -r '.id + .mention' |
    head -1)" '1:0roathsta' 'plain text'
is "$(ask --preset graphquestions <"$q" | wc -l)" \
    "$(ask --threshold -0.9 <"$q" | wc -l)" 'a preset is a threshold'
is "$(ask --batch 1 --batch-tokens 1 <"$q" | jq -c '[.id,.tokens]' | md5sum)" \
    "$(ask <"$q" | jq -c '[.id,.tokens]' | md5sum)" 'batches change nothing'
is "$(ask --all "${few[@]}" <"$q" | jq -r .doc | sort | uniq -c |
    sort -rn | awk 'NR == 1 { print $1 }')" 10 'all that was looked up'
is "$(blink-kb cat -c ./elq.kb | blink-embed -m elq 2>&1 >/dev/null | tail -1)" \
    "blink-embed: 'elq' finds its mentions itself: blink-elq" \
    'blink-embed is not for its mentions'

# ---- Training ----

# Without libtorch it is refused as blink-train.sh sees.
if [ -e "$top_builddir/common/libblink-train.la" ] && [ -z "${sanitizers:-}" ] &&
    [ -z "${BLINK_VALGRIND:-}" ]; then
    train=(blink-train elq -b elq -c ./elq.kb -q --threads 2)
    first() { jq -s '[.[] | select(.loss)][0].loss' "$1.log.jsonl"; }
    head -6 "$l" >six.jsonl
    run "${train[@]}" -t six.jsonl -o once --recipe blink --order given \
        --batch 6 --steps 1 --dropout 0
    is "$status$(cat err)" 0 'trains'
    is "$(jq -n "$(first once) - $(jq .loss "$elq/loss.json") | fabs < 1e-4")" \
        true 'begins with the loss of the original'
    run "${train[@]}" -t "$l" -d "$l" -o more --rate 1e-3 --epochs 30 \
        --batch 8 --dropout 0
    is "$status$(cat err)" 0 'trains on texts of any length'
    is "$(jq -s '(map(select(.loss)) | .[-1].loss < .[0].loss / 2)
        and (map(select(.f1)) | .[-1].f1 > 0.4)' more.log.jsonl)" true \
        'and has learnt'
    is "$(jq -c 'del(.training)' more/blink.json)" \
        "$(jq -c 'del(.training)' elq/blink.json)" 'the model is one of its kind'
    blink-kb cat -c ./elq.kb | blink-embed -m more --entities |
        blink-index build -q -c ./elq.kb -o more.blx
    blink-elq -m more -x ./more.blx -c ./elq.kb --gold-window <"$l" >answers
    blink-eval --elq --gold "$l" -c ./elq.kb --json <answers >figures
    is "$(jq '.strong.f1 > 0.3' figures)" true 'and answers better'
    # Characters in place of tokens, ids in place of numbers.
    jq -c --slurpfile e "$elq/entity.jsonl" 'del(.tokenized_text_ids,
        .tokenized_mention_idxs) | .label_id |= map($e[.].idx |
        sub(".*curid="; ""))' "$l" >chars.jsonl
    run "${train[@]}" -t chars.jsonl -o chars --rate 1e-3 --epochs 2 --batch 8
    is "$status$(cat err)" 0 'trains on characters and ids'
    run "${train[@]}" -t "$l" -o hard --rate 1e-3 --epochs 4 --batch 8 \
        --vectors ./elq.blx --negatives 10 --order given
    is "$status$(cat err)" 0 'trains with hard negatives'
    is "$(jq -s 'map(select(.loss)) | .[-1].loss < .[0].loss / 2' \
        hard.log.jsonl)" true 'and has learnt with them'
    run blink-elq -m hard -x ./elq.blx -c ./elq.kb -q <"$q"
    is "$status" 3 'its index must say that it is for the new model'
    # E9: the heads stay as they are in the original's recipe, and only there.
    tensor() { perl -MJSON::PP -0777 -ne 'my $n = unpack("Q<", $_);
        my $t = decode_json(substr($_, 8, $n))->{$ENV{name}}{data_offsets};
        print unpack("H*", substr($_, 8 + $n + $t->[0], $t->[1] - $t->[0]))' \
        "$1/model.safetensors"; }
    export name=classification_heads.mention_scores.bound_classifier.weight
    run "${train[@]}" -t "$l" -o blink --recipe blink --rate 1e-3 --batch 8
    ok 'E9: the heads are as they were' [ "$(tensor blink)" = "$(tensor elq)" ]
    ok 'E9: or trained' [ "$(tensor more)" != "$(tensor elq)" ]
    run "${train[@]}" -t "$l" -o frozen --freeze mentions --rate 1e-3 --batch 8
    ok 'or frozen when asked' [ "$(tensor frozen)" = "$(tensor elq)" ]
    run blink-train elq -b "$fixtures/golden/m2-bi" -c ./elq.kb -t "$l" -o no
    is "$status$(cat err)" "3blink-train: '$fixtures/golden/m2-bi': entities have vectors of 20 numbers, but states, which the vectors of mentions are made of, 64" \
        'a base whose vectors are of another size'
    run blink-train bi -b elq -c ./elq.kb -t "$fixtures/mini.jsonl" -o no
    is "$status" 3 'blink-train bi does not take it'
    while IFS=$'\t' read -r edit message; do
        jq -c "$edit" "$l" | head -2 >bad.jsonl
        run "${train[@]}" -t bad.jsonl -o no
        is "$status$(cat err)" "3blink-train: bad.jsonl:1: $message" \
            "training data: $edit"
    done <<'X'
del(.label_id)	field 'label_id': expected array, found nothing
.mentions = []	field 'mentions' has 0 mentions, field 'label_id' 1
.tokenized_text_ids[0] = 99999	field 'tokenized_text_ids': expected numbers below 1346
.tokenized_mention_idxs = [[0,99]]	field 'tokenized_mention_idxs': pair 0 ends behind the 10 tokens
.mentions = [[500,501]] | del(.tokenized_mention_idxs)	field 'mentions': pair 0 is of no part of the text
X
    run "${train[@]}" -t "$l" -o no --negatives 3
    is "$status$(head -1 err)" '2blink-train: --negatives needs --vectors' \
        'hard negatives need vectors'
    blink-kb cat -c ./elq.kb | blink-embed -m "$fixtures/golden/m2-bi" \
        --entities | blink-index build -q -c ./elq.kb -o other.blx
    run "${train[@]}" -t "$l" -o no --vectors ./other.blx
    is "$status$(cat err)" '3blink-train: the vectors have 20 numbers, the model makes 48' \
        'vectors of another size'
fi

# ---- Long texts ----

long=$(jq -rs '[.[].text] | join(" ")' "$q")
jq -nc --arg text "$long" '{id: "x", text: $text}' >long.jsonl
run blink-elq -m elq -x ./elq.blx -c ./elq.kb <long.jsonl
is "$status$(cat err)" "0blink-elq: line 1: of the text only the first 90 bytes are read (--tokens, --windows); no other such text is told of" \
    'E5: a long text is read from its start'
run ask --windows <long.jsonl
is "$status" 0 'E5: or whole'
ok 'and then far more is found' [ "$(wc -l <out)" -gt 60 ]
jq -c --slurpfile q long.jsonl '. as $r | $q[0].text[$r.start:$r.end] == $r.mention' \
    out | sort -u >same
is "$(cat same)" true 'with the places in the whole text'
is "$(jq -sc 'sort_by(.tokens[0]) | [.[].tokens] | [.[:-1], .[1:]] | transpose |
    all(.[0][1] <= .[1][0])' out)" true 'none overlaps'
run ask --tokens 200 <long.jsonl
is "$status$(cat err)" \
    "2blink-elq: 200 tokens, but 'elq' has 128 positions" \
    'more tokens than positions'

# ---- Odd texts ----

run ask < <(printf '%s\n' '{"id":1,"text":""}' '{"id":2,"text":"   "}' \
    '{"id":3,"text":"a[PAD]b roathsta"}' '{"id":4}' '{"id":5,"text":7}' \
    '{"id":6,"text":"a\ud800b"}')
is "$status" 1 'odd texts: some fail'
is "$(jq -r 'select(.error) | "\(.id) \(.error.code)"' out)" \
    '4 bad-field
5 bad-field
6 bad-string' 'odd texts: which ones'
is "$(jq -c 'select(.doc == "1" or .doc == "2")' out)" '' \
    'an empty text has no mentions'
is "$(jq -c 'select(.doc == "3") | .tokens' out | head -1)" '[-1,7]' \
    'E6: a typed [PAD] is passed over'
run ask <<<'who founded it?'
is "$status$(tail -1 err)" \
    '1blink-elq: no line is a question in JSON: --text takes plain text' \
    'plain text without --text'
run ask --specials <<<'{"id":1,"text":""}'
is "$(jq -c '[.start,.end,.mention]' out | sort -u)" '[0,0,""]' \
    'E1: but for those of [CLS] and [SEP]'
printf '{"id":1,"text":"\377"}\n' | ask >out 2>err
is "$(jq -r .error.code out)" bad-utf8 'invalid UTF-8'
run ask --threshold 0 <"$q"
is "$status$(wc -l <out)" 00 'no span above the threshold'
ok 'all of them below it' [ "$(ask --threshold -inf <"$q" | wc -l)" -gt 100 ]
{ printf '{"id":1,"text":"'; head -c 10000000 /dev/zero | tr '\0' x; echo '"}'
} | ask >out 2>err
is "$?" 0 'a word of 10 MB'
{ printf '{"id":1,"text":"'; yes 'who founded it ' | head -c 10000000 |
    tr -d '\n'; echo '"}'; } | ask >out 2>err
is "$?" 0 '10 MB of words'
run ask --gold-window < <(jq -c '.tokenized_text_ids[0] = 5' "$l" | head -1)
is "$(jq -r .error.message out)" \
    "field 'tokenized_text_ids': id 0 is not that of the text in this model's vocabulary" \
    'ids of another vocabulary'
for edit in '.tokenized_mention_idxs = [[2,1]]' \
    '.tokenized_mention_idxs = [[2,500]]' '.tokenized_mention_idxs = [[2]]' \
    '.tokenized_mention_idxs = [2]' '.tokenized_text_ids += [1]' \
    'del(.tokenized_text_ids)' '.tokenized_mention_idxs = 3'; do
    run ask --gold-window < <(jq -c "$edit" "$l" | head -1)
    is "$(jq -r .error.code out)" bad-field "labels that are none: $edit"
done

# ---- Wrong models, indexes, options ----

cp -R "$fixtures/golden/m2-bi" bi
chmod -R u+w bi
run blink-elq -m bi -x ./elq.blx -c ./elq.kb <"$q"
is "$status$(cat err)" "3blink-elq: 'bi' has no heads that find mentions: blink-convert elq makes such a model of ELQ's, and blink-ner finds mentions for others" \
    'a model that finds no mentions'
blink-kb build -q -o k.kb "$fixtures/mini.jsonl"
blink-kb cat -c ./k.kb | blink-embed -m bi --entities |
    blink-index build -q -c ./k.kb -o k.blx
run blink-elq -m elq -x ./k.blx -c ./k.kb <"$q"
is "$status" 3 'an index of another model'
like "$(cat err)" "'./k.blx' has vectors of 20 numbers by model [0-9a-f]*, but 'elq' is [0-9a-f]* and makes 48" \
    'says whose it is'
while IFS=$'\t' read -r options message; do
    # shellcheck disable=SC2086
    run ask $options <"$q"
    is "$status$(head -1 err)" "2blink-elq: $message" "$options"
done <<'X'
--threshold x	option '--threshold': expected a number or -inf, found 'x'
--threshold -1 --preset wiki	options '--threshold' and '--preset' exclude each other
--mention-threshold -1	option '--mention-threshold' goes with '--top-entity-by-mention'
--gold-window --windows	option '--gold-window' is for labelled records, and without '--windows'
--tokens 3	option '--tokens': expected 0 or at least 4
X
run blink-elq -x ./elq.blx -c ./elq.kb <"$q"
is "$status$(head -1 err)" "2blink-elq: option '--model' is required" \
    'no model'

# ---- Conversion: what is not ELQ's ----

refuse() {
    local want=$1 text=$2
    shift 2
    run blink-convert "$@" -o no
    is "$status$(cat err)" "3blink-convert: $want" "$text"
    ok "$text: nothing is left" test ! -e no
}
refuse "'$elq/elq_wiki_e1.safetensors': it looks like ELQ's, with heads that find mentions (blink-convert elq)" \
    "ELQ's for BLINK's" biencoder "$elq/elq_wiki_e1.safetensors" --bert "$elq"
refuse "'bi/model.safetensors': tensor 'classification_heads.mention_scores.bound_classifier.weight' is missing; it looks like BLINK's bi-encoder" \
    "E7: BLINK's for ELQ's" elq bi/model.safetensors --bert bi
with() {
    sed "s/'mention_aggregation_type': 'all_avg'/$1/" \
        "$elq/elq_e1_params.txt" >params.txt
    refuse "'params.txt': $2" "E7: $1" elq "$elq/elq_wiki_e1.safetensors" \
        --bert "$elq" --params params.txt
}
with "'mention_aggregation_type': 'all_mlp'" \
    "mention_aggregation_type: 'all_mlp' is not known (expected 'all_avg')"
with "'mention_aggregation_type': None" 'mention_aggregation_type is missing'
with "'mention_aggregation_type': 'fl_linear'" \
    "mention_aggregation_type is 'fl_linear', but '$elq/elq_wiki_e1.safetensors' has no tensor 'classification_heads.get_context_embeds.mention_agg_linear.weight'"
sed "s/'debug'/\"it's True\": 'a\\\\'b', 'debug'/; s/'all_avg'/'fl_avg'/; s/length': 10/length': 4/" \
    "$elq/elq_e1_params.txt" >params.txt
run blink-convert elq "$elq/elq_wiki_e1.safetensors" --bert "$elq" \
    --params params.txt -o ends
is "$status$(cat err)$(jq -c '[.mention_length,.mention_pooling]' \
    ends/blink.json)" '0[5,"ends"]' 'E8: parameters with apostrophes'
blink-kb cat -c ./elq.kb | blink-embed -m ends --entities |
    blink-index build -q -c ./elq.kb -o ends.blx
run blink-elq -m ends -x ./ends.blx -c ./elq.kb -q --all <"$q"
is "$(jq '.tokens[1] - .tokens[0]' out | sort -nu | tail -1)" 5 \
    'E3: mentions of five tokens'
run blink-convert quantize elq -o elq8
run blink-elq -m elq8 -x ./elq.blx -c ./elq.kb <"$q"
is "$status" 3 'the model in 8 bits is another one'

if [ -z "$golden" ]; then
    skip 'the whole of the golden data' 'no golden data'
    finish
fi

# ---- The original's own files ----

for file in elq_wiki_e1.bin elq_wiki_e1.zip.bin; do
    run blink-convert elq "$golden/elq/$file" \
        --params "$golden/elq/elq_e1_params.txt" -o "from-$file"
    is "$status$(cat err)" 0 "$file"
done
ok 'both forms are one model' cmp from-elq_wiki_e1{,.zip}.bin/model.safetensors
mv from-elq_wiki_e1.bin whole
run blink-index import "$golden/elq/all_entities_e1.t7" -m whole -c ./elq.kb \
    -o whole.blx
is "$status$(cat err)" 0 'all_entities_e1.t7'
# original FILE SCORE OPTION...: a whole file of its answers.
jq -c .id < <(blink-kb cat -c ./elq.kb) | jq -sc . >ids.json
original() {
    local file=$1 from=$2 score=$3
    shift 3
    run blink-elq -m whole -c ./elq.kb -q --specials --no-embedding \
        "${few[@]}" "$@" <"$golden/elq/$from"
    jq -c --slurpfile ids ids.json '"\(.id)" as $id |
        [.pred_triples, .scores] | transpose[] | [$id, $ids[0][.[0][0] |
        tonumber]] + .[0][1:] + [.[1]]' "$golden/elq/$file" >want
    jq -c "[.doc, .entity.id] + .tokens + [$score]" out >got
    grep -v 'no other such text' err >said
    is "$status$(cat said)$(paste -d, got want | sed 's/.*/[&]/' | jq -c \
        '[.[0][0:4] == .[1][0:4], ((.[0][4] - .[1][4]) | fabs < 1e-3)]' |
        sort -u)" '0[true,true]' "$file"
}
exact=(-x ./whole.blx)
original pred_none_joint_-4.5.jsonl questions.jsonl .joint_score "${exact[@]}"
original pred_none_joint_-2.0.jsonl questions.jsonl .joint_score \
    "${exact[@]}" --threshold -2
original pred_none_joint_-inf.jsonl questions.jsonl .joint_score \
    "${exact[@]}" --threshold -inf
original pred_none_50_mentions.jsonl questions.jsonl .joint_score \
    "${exact[@]}" --threshold -6 -k 5 --max-mentions 50
original pred_none_top_entity_by_mention.jsonl questions.jsonl \
    '.candidates[0].score' "${exact[@]}" --top-entity-by-mention \
    --mention-threshold -2
for t in -4.5 -3.0; do
    original pred_labelled_$t.jsonl questions_labelled.jsonl .joint_score \
        "${exact[@]}" --gold-window --threshold $t
done
original pred_labelled_ctx16.jsonl questions_labelled.jsonl .joint_score \
    "${exact[@]}" --gold-window --threshold -3 --tokens 16
if [ -e "$top_builddir/common/libblink-faiss.la" ]; then
    for t in flat hnsw ivfflat; do
        original pred_${t}_joint_-4.5.jsonl questions.jsonl .joint_score \
            -x "$golden/elq/faiss_${t}_index.pkl"
    done
fi
# Of the first questions: every run that is looked up, with its vector.
run blink-elq -m whole -c ./elq.kb -q "${exact[@]}" "${few[@]}" --all \
    --specials --floats json < <(head -5 "$golden/elq/questions.jsonl")
jq -sc 'group_by(.doc) | map(sort_by(.tokens) | map([.tokens, .ner_score,
    .embedding.values]))' out >got
jq -c '[.mention_bounds_inclusive, .mention_masks, .mention_logits,
    .mention_reps] | transpose | map(transpose | map(select(.[1] == 1) |
    [[.[0][0] - 1, .[0][1]], 1 / (1 + (-.[2] | exp)), .[3]]))' \
    "$golden/elq/encode_context_first5.json" >want
is "$(jq -nc --slurpfile a got --slurpfile b want \
    '[$a[0], $b[0]] | map(flatten) | transpose |
    [length > 2000, all((.[0] - .[1]) | fabs < 1e-4)]')" '[true,true]' \
    'bounds, probabilities and vectors of encode_context'
finish
