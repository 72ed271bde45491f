# SPDX-License-Identifier: MIT
# stages.sh: every program of the pipeline, ready to be given bad input.
#   . "$top_srcdir/tests/stages.sh"
#   for stage in $stages; do
#       stage "$stage"             -> ${cmd[@]}, $good (a record it takes),
#       run "${cmd[@]}" <...          $field (a field it must find)
#   done
# Works in $T/w, which holds bi, cross, k.kb, k.blx and entities.jsonl.
# shellcheck shell=bash
have() { [ -x "$top_builddir/bin/blink-$1" ]; }

mkdir -p "$T/w"
cd "$T/w" || exit
cp -R "$fixtures/golden/m2-bi" bi
cp -R "$fixtures/golden/m2-cross" cross
cp "$fixtures/mini.jsonl" entities.jsonl
chmod -R u+w .
export BLINK_DATA=$T/w/nowhere
mention='{"id":"m1","context_left":"They flew to ","mention":"Paris","context_right":" in spring.","label_id":"2"}'
engine=(--engine reference)

stages=''
have tokenize && stages+=' tokenize entity'
if have kb; then
    blink-kb build -q -o k.kb entities.jsonl 2>"$T/setup" ||
        sed 's/^/# /' "$T/setup"
    have ner && stages+=' ner'
fi
have embed && stages+=' embed embed-entities'
if have kb && have embed && have index; then
    blink-kb cat -c k.kb | blink-embed -m bi --entities "${engine[@]}" |
        blink-index build -q -c k.kb -o k.blx 2>"$T/setup" ||
        sed 's/^/# /' "$T/setup"
    embedded=$(blink-embed -m bi "${engine[@]}" <<<"$mention")
    have retrieve && stages+=' retrieve'
fi
candidates="${mention%\}},\"candidates\":[{\"id\":\"2\",\"title\":\"Paris\",\"score\":9.5,\"bi_score\":9.5},{\"id\":\"3\",\"title\":\"Paris, Texas\",\"score\":7.25,\"bi_score\":7.25}]}"
have rerank && have kb && stages+=' rerank'
have coherence && have kb && stages+=' coherence'
have score && stages+=' score'

stage() {
    good=$mention
    field=mention
    case $1 in
    tokenize) cmd=(blink-tokenize --context -m bi) ;;
    entity)
        cmd=(blink-tokenize --entity -m bi)
        good='{"id":"2","title":"Paris","text":"The capital."}'
        field=text ;;
    ner)
        cmd=(blink-ner --dictionary k.kb)
        good='{"id":"d","text":"She left Paris."}'
        field=text ;;
    embed) cmd=(blink-embed -m bi "${engine[@]}") ;;
    embed-entities)
        cmd=(blink-embed --entities -m bi "${engine[@]}")
        good='{"id":"2","title":"Paris","text":"The capital."}'
        field=text ;;
    retrieve)
        cmd=(blink-retrieve -x k.blx -c k.kb -k 3)
        good=$embedded
        field=embedding ;;
    rerank)
        cmd=(blink-rerank -m cross -c k.kb "${engine[@]}")
        good=$candidates
        field=candidates ;;
    coherence)
        cmd=(blink-coherence -x k.blx -c k.kb)
        good=$candidates
        field=candidates ;;
    score)
        cmd=(blink-score)
        good=$candidates
        field=candidates ;;
    esac
    program=${cmd[0]}
}
