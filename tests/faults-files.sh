#!/bin/bash
# SPDX-License-Identifier: MIT
# Models, catalogues and indexes that are missing, cut, or damaged: status 3
# and one sentence with the path before standard input is read; never a
# crash, never a wrong answer from a file that is cut.
. "$top_srcdir/tests/lib.sh"
. "$top_srcdir/tests/stages.sh"
[ -n "$stages" ] || skip_all 'no programs'
many=64
few=8
[ -z "${sanitizers:-}${BLINK_VALGRIND:-}" ] || many=$few
cuts=$many

# refused TEXT PATH: ${cmd[@]} ends with 3, one line that names PATH, and has
# left its input alone.
refused() {
    { status=0; "${cmd[@]}" >out 2>err || status=$?; cat >rest; } <in
    if [ "$status" = 3 ] && [ ! -s out ] && cmp -s in rest &&
        [ "$(wc -l <err)" = 1 ] && grep -qF -e "$2" err &&
        grep -q "^$program: " err; then
        return 0
    fi
    fail "$1: ${cmd[*]}"
    printf '# status %s, stdout: %s\n# stderr: %s\n' "$status" \
        "$(head -c 200 out)" "$(head -c 400 err)"
    return 1
}

# survives TEXT: ends by itself, and not with a usage message.
survives() {
    run timeout 20 "${cmd[@]}" <in
    case $status in
    0 | 1 | 3 | 4) ;;
    *)  fail "$1: ${cmd[*]}: status $status"
        head -n 5 "$T/err" | sed 's/^/# /' ;;
    esac
}

# damage FILE: FILE is missing, a folder, empty, short, cut, changed.
damage() {
    local file=$1 size step i before=$failed
    size=$(stat -c %s "$file")
    cp "$file" saved
    chmod u+w saved
    rm -f "$file"
    refused "$file is missing" "${file##*/}"
    mkdir "$file"
    refused "$file is a folder" "$file"
    rmdir "$file"
    : >"$file"
    refused "$file is empty" "$file"
    printf '7 bytes' >"$file"
    refused "$file has 7 bytes" "$file"
    if [ "$(id -u)" != 0 ]; then
        cp saved "$file"
        chmod 0 "$file"
        refused "$file is unreadable" "$file"
        chmod 644 "$file"
    fi
    if [ "${2:-}" = cut ]; then
        step=$(((size + cuts - 1) / cuts))
        for ((i = step / 2; i < size; i += step)); do
            head -c "$i" saved >"$file"
            refused "$file is cut after $i of $size bytes" "$file" || break
        done
        { cat saved; printf 'more'; } >"$file"
        [ "${3:-}" = tail ] || refused "$file goes on" "$file"
    fi
    for ((i = 1; i <= cuts / 2; i++)); do
        cp saved "$file"
        printf '%b' "\\x$(printf %02x $((i * 37 % 256)))" |
            dd of="$file" bs=1 conv=notrunc status=none \
                seek=$(((i * 2654435761 + i) % size))
        survives "$file with a byte changed ($i)"
    done
    cp saved "$file"
    [ "$failed" = "$before" ] && pass "$file damaged: ${cmd[*]}"
}

printf '%s\n' "$mention" >in
chmod -R u+w .
if have tokenize; then
    cmd=(blink-tokenize --context -m ./bi) program=blink-tokenize
    damage ./bi/vocab.txt
fi
if have embed; then
    cmd=(blink-embed -m ./bi "${engine[@]}") program=blink-embed
    damage ./bi/vocab.txt
    damage ./bi/config.json
    damage ./bi/model.safetensors cut
    cmd=(blink-embed -m ./nowhere "${engine[@]}")
    refused 'no model' ./nowhere && pass 'no model'
    cmd=(blink-embed -m nowhere "${engine[@]}")
    refused 'no model of that name' "'nowhere'" && pass 'no model of a name'
    cmd=(blink-embed -m ./in "${engine[@]}")
    refused 'a file for a model' ./in && pass 'a file for a model'
    # A model, but of another kind.
    cmd=(blink-embed -m ./cross "${engine[@]}")
    refused 'a cross-encoder' ./cross && pass 'a cross-encoder to embed with'
fi
if have kb; then
    for words in 'get -c ./k.kb 2' 'verify -c ./k.kb' 'cat -c ./k.kb' \
        'info -c ./k.kb' 'search -c ./k.kb Paris'; do
        # shellcheck disable=SC2206
        cmd=(blink-kb $words) program=blink-kb
        case $words in cat*) cuts=$many ;; *) cuts=$few ;; esac
        damage ./k.kb cut tail
    done
fi
if have ner && have kb; then
    echo '{"id":"d","text":"Paris"}' >in
    cmd=(blink-ner --dictionary ./k.kb) program=blink-ner
    damage ./k.kb
fi
if [[ $stages == *retrieve* ]]; then
    printf '%s\n' "$embedded" >in
    for words in 'index info' 'index verify' 'index cat -c ./k.kb' \
        'retrieve -c ./k.kb'; do
        # shellcheck disable=SC2206
        cmd=(blink-$words -x ./k.blx)
        program=${cmd[0]}
        case $words in retrieve*) cuts=$many ;; *) cuts=$few ;; esac
        damage ./k.blx cut
    done
    cmd=(blink-retrieve -x ./k.blx -c ./k.kb) program=blink-retrieve
    damage ./k.kb
    # An index with a changed byte that opens is caught by verify.
    caught=0
    size=$(stat -c %s k.blx)
    cp k.blx saved
    for ((i = 1; i <= 32; i++)); do
        cp saved k.blx
        at=$((i * 2654435761 % size))
        byte=$(od -An -tu1 -j "$at" -N 1 k.blx)
        printf '%b' "\\x$(printf %02x $((byte ^ 1)))" |
            dd of=k.blx bs=1 conv=notrunc status=none seek="$at"
        blink-index verify -x k.blx >"$T/out" 2>&1 || caught=$((caught + 1))
    done
    cp saved k.blx
    is "$caught" 32 'verify finds any changed bit of an index'
    # Pairs that do not belong together.
    head -n 5 entities.jsonl | blink-kb build -q -o five.kb
    cmd=(blink-retrieve -x ./k.blx -c ./five.kb)
    refused 'another catalogue' ./k.blx && pass 'another catalogue'
fi
finish
