#!/bin/bash
# SPDX-License-Identifier: MIT
# Runs the examples of every man page: "$ COMMAND" lines of literal displays,
# in order, in a folder that holds what examples may name:
#
#     entities.jsonl  docs.jsonl  text.txt  mentions.jsonl  linked.jsonl
#     bi/  cross/  vocab.txt                two tiny models, BERT's words
#     k.kb  k.blx                           catalogue and index of entities
#     formats/                              share/formats
#     elq/  elq.blx                         a tiny model of ELQ, its index
#
# and with BLINK_DATA holding the same as the default ones.  The lines that
# follow a command are its output; "..." stands for anything.  A command
# without any must only work.
. "$top_srcdir/tests/lib.sh"
have() { [ -x "$top_builddir/bin/blink-$1" ]; }

# examples PAGE: one block a command: "$ COMMAND", output lines, and a line
# of a single \001.
examples() {
    awk '
        function flush() { if (command != "") printf "%s\001\n", block
                           command = block = "" }
        /^\.Bd .*-literal/ { on = 1; next }
        /^\.Ed/ { flush(); on = 0; next }
        !on { next }
        {
            gsub(/\\&/, ""); gsub(/\\-/, "-"); gsub(/\\\(aq/, "\047")
            gsub(/\\\(dq/, "\""); gsub(/\\e/, "\\")
        }
        /^\$ / && !more { flush(); command = $0; block = $0 "\n"
                          more = /\\$/; next }
        command != "" { block = block $0 "\n"; if (more) more = /\\$/ }' "$1"
}

set_up() {
    mkdir -p "$T/ready/data"/{models,catalogues,indexes}
    cd "$T/ready" || exit
    cp "$fixtures/mini.jsonl" entities.jsonl
    cp "$fixtures/mini.docs.jsonl" docs.jsonl
    echo 'England won the match in Paris.' >text.txt
    cp "$fixtures/golden/tok/vocab.txt" .
    cp -R "$top_srcdir/share/formats" formats
    cp -R "$fixtures/golden/m2-bi" bi
    cp -R "$fixtures/golden/m2-cross" cross
    chmod -R u+w .
    cp -R bi data/models/default
    cat >mentions.jsonl <<'X'
{"id":"1","context_left":"They flew to ","mention":"Paris","context_right":" in spring.","label_id":"2"}
{"id":"2","context_left":"The team of ","mention":"France","context_right":" won.","label_id":"1"}
X
    cat >linked.jsonl <<'X'
{"id":"1","doc":"a","mention":"Paris","label_id":"2","candidates":[{"id":"2","title":"Paris","score":9.5},{"id":"3","title":"Paris, Texas","score":7.25}],"entity":{"id":"2","title":"Paris","url":"https://en.wikipedia.org/wiki/Paris","p":0.9}}
{"id":"2","doc":"a","mention":"France","label_id":"1","candidates":[{"id":"1","title":"France","score":8.5}],"entity":{"id":"1","title":"France","url":"https://en.wikipedia.org/wiki/France","p":0.8}}
X
    if have kb; then
        blink-kb build -q -o k.kb entities.jsonl
        cp k.kb data/catalogues/default.kb
    fi
    if have kb && have embed && have index; then
        blink-kb cat -c k.kb | blink-embed -m bi --entities |
            blink-index build -q -c k.kb -o k.blx
        cp k.blx data/indexes/default.blx
        blink-convert elq "$fixtures/golden/elq/elq_wiki_e1.safetensors" \
            --bert "$fixtures/golden/elq" -o elq
        blink-kb cat -c k.kb | blink-embed -m elq --entities |
            blink-index build -q -c k.kb -o elq.blx
    fi
}

# A shell of its own would not know its job any more, nor anybody end it.
run_here() {
    status=0
    eval "$1" >"$T/out" 2>"$T/err" || status=$?
}

end_jobs() {
    local jobs
    jobs=$(jobs -p)
    # shellcheck disable=SC2086 # a list
    [ -z "$jobs" ] || kill $jobs 2>/dev/null
    wait
}

check_example() {
    local block=$1 command='' output='' more=1 line
    while IFS= read -r line; do
        if [ -n "$more" ]; then
            command+="$line"$'\n'
            [[ $line == *\\ ]] || more=''
        else
            output+="$line"$'\n'
        fi
    done <<<"${block%$'\n'}"
    local title=${command%$'\n'}
    title="$name: ${title//$'\n'/ }"
    case $command in
        # What goes on beside the next examples, and must not outlive them.
        *\&$'\n' | '$ kill %'*) run_here "${command#\$ }" ;;
        *) run timeout 60 bash -c "set -o pipefail; ${command#\$ }" ;;
    esac
    if [ "$status" -gt 1 ]; then
        fail "$title"
        sed 's/^/# /' "$T/err"
    elif [ -z "$output" ] || same "$(cat "$T/out")" "${output%$'\n'}"; then
        pass "$title"
    else
        is "$(cat "$T/out")" "${output%$'\n'}" "$title"
    fi
}

PATH=$top_srcdir/scripts:$PATH
(set_up) >"$T/setup" 2>&1
for page in "$top_srcdir"/man/*.[1-8]; do
    name=${page##*/}
    program=$top_builddir/bin/${name%.*}
    script=$top_srcdir/scripts/${name%.*}
    if [ "${name##*.}" = 1 ] && [ ! -x "$program" ] && [ ! -x "$script" ]; then
        continue
    fi
    # What is installed beside the programs.
    if [ ! -x "$program" ] && ! command -v parallel >/dev/null; then
        continue
    fi
    rm -rf "$T/run"
    cp -R "$T/ready" "$T/run"
    cd "$T/run" || exit
    export BLINK_DATA=$T/run/data
    while IFS= read -r -d $'\001' block; do
        check_example "${block#$'\n'}"
    done < <(examples "$page")
    end_jobs
done
[ "$tests" -gt 0 ] || skip_all 'no programs'
sed 's/^/# /' "$T/setup"
finish
