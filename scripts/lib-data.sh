# SPDX-License-Identifier: MIT
# lib-data.sh: the default model, catalogue and index in the data folder,
# each made once.  Sourced after lib-setup.sh; needs the programs built.
#
# What was made from what is written beside the result (.NAME.made): a second
# run sees that it is still true and goes on.  Files are written under
# another name and renamed, so that a run that was interrupted leaves a whole
# file or none.
# shellcheck shell=bash disable=SC2154

kb=$data/catalogues/vital.kb
blx=$data/indexes/vital.minilm.blx

# run_fetch SCRIPT ARGUMENT...: with its own words and progress on a terminal.
run_fetch() {
    local status=0 text=$1
    shift
    if [ -n "$tty" ]; then
        "$@" </dev/null || status=$?
    else
        step "$text" "$@" || status=$?
    fi
    return "$status"
}

# is_made FILE: it is there, and made of what is here now ($2 says of what).
is_made() {
    local note
    note=$(dirname "$1")/.$(basename "$1").made
    [ -s "$1" ] && [ -f "$note" ] && [ "$2" = "$(cat "$note")" ]
}

made() {
    printf '%s\n' "$2" >"$(dirname "$1")/.$(basename "$1").made"
}

model_state() {
    (cd "$data/models/minilm" &&
        sha256sum blink.json config.json vocab.txt 1_Pooling/config.json &&
        stat -c '%s %n' model.safetensors) | sha256sum | cut -c1-16
}

catalogue_state() {
    cat "$data/sources/summaries_en-us.json" \
        "$top/share/formats/wikipedia-summaries.jq" | sha256sum | cut -c1-16
}

index_state() {
    echo "model $(model_state) catalogue $(sha256sum <"$kb" | cut -c1-16)"
}

make_catalogue() {
    jq -c -f "$top/share/formats/wikipedia-summaries.jq" \
        "$data/sources/summaries_en-us.json" >"$data/sources/vital.jsonl" &&
        blink-kb build -o "$kb" \
            --attribution 'Text from English Wikipedia, CC BY-SA 4.0' \
            "$data/sources/vital.jsonl" &&
        rm -f "$data/sources/vital.jsonl"
}

make_index() {
    local progress=()
    [ -z "$tty" ] || progress=(--progress)
    blink-kb cat -c "$kb" |
        blink-embed -m "$data/models/minilm" --entities "${progress[@]}" |
        blink-index build -c "$kb" -o "$blx"
}

# link_default FILE NAME: the name that is used when no option is given; one
# that a person pointed elsewhere stays.
link_default() {
    if [ -L "$2" ] && [ -e "$2" ]; then return 0; fi
    ln -sfn "$(basename "$1")" "$2"
}

# prepare_data FROM_MODEL FROM_CATALOGUE: 0, or the status of what failed.
prepare_data() {
    local from_model=() from_catalogue=() state
    [ -z "$1" ] || from_model=(--from "$1")
    [ -z "$2" ] || from_catalogue=(--from "$2")
    mkdir -p "$data/catalogues" "$data/indexes" || return 4
    if ! "$top/scripts/fetch-model" --have; then
        run_fetch 'fetching the encoder (83 MB)' \
            "$top/scripts/fetch-model" "${from_model[@]}" || return
    fi
    if ! "$top/scripts/fetch-catalogue" --have; then
        run_fetch 'fetching the catalogue (5 MB)' \
            "$top/scripts/fetch-catalogue" "${from_catalogue[@]}" || return
    fi
    state=$(catalogue_state)
    if ! is_made "$kb" "$state"; then
        step 'building the catalogue' make_catalogue || return
        made "$kb" "$state"
    fi
    state=$(index_state)
    if ! is_made "$blx" "$state"; then
        loud_step 'embedding 10,033 entities (about a minute)' make_index ||
            return
        made "$blx" "$state"
    fi
    link_default "$data/models/minilm" "$data/models/default"
    link_default "$kb" "$data/catalogues/default.kb"
    link_default "$blx" "$data/indexes/default.blx" || return
    end_turn
}

# As step, but on a terminal the programs draw their own progress.
loud_step() {
    local text=$1 status=0
    if [ -z "$tty" ]; then
        step "$@"
        return
    fi
    shift
    say "$text"
    "$@" </dev/null || status=$?
    [ "$status" -eq 0 ] || say "$text: failed with status $status"
    return "$status"
}
