#!/bin/bash
# SPDX-License-Identifier: MIT
# What bash, zsh and fish offer for the word at the cursor.
. "$top_srcdir/tests/lib.sh"
export BLINK_DATA=$T/data
mkdir -p "$T/data/catalogues" "$T/data/indexes" "$T/data/models/small" \
    "$T/data/calibration"
touch "$T/data/catalogues/plants.kb" "$T/data/catalogues/places.kb" \
    "$T/data/catalogues/a b.kb" "$T/data/indexes/plants.small.blx" \
    "$T/data/calibration/news.json"
cd "$T" || exit
touch 'a file.txt' ner.txt
bin=$(cd "$top_builddir/bin" && pwd)

# The words before the cursor and then what is offered, each with a blank.
cases=(
    'blink l' 'link list '
    'blink re' 'records retrieve rerank '
    'blink --int' '--interactive '
    'blink -i --sh' '--show '
    'blink table --d' '--documents '
    'blink link --input m' 'mentions '
    'blink link --kb pl' 'places plants '
    'blink link --kb=pl' '--kb=places --kb=plants '
    'blink link -fc pla' 'places plants '
    'blink link -m sm' 'small '
    'blink link -x p' 'plants.small '
    'blink link --calibration ne' 'news '
    'blink link --fast ne' 'ner.txt '
    'blink link --html ne' 'ner.txt '
    'blink link -- --f' ''
    'blink link -k 1' ''
    'blink doctor n' ''
    'blink help ke' ''
    'blink help k' 'kb '
    'blink kb inf' 'info '
    'blink kb info --kb plan' 'plants '
    'blink kb build -o pl' ''
    'blink-kb ve' 'verify '
    'blink-kb verify -c plan' 'plants '
    'blink-retrieve --no-n' '--no-names '
    'blink-embed --engine re' 'reference '
)

# offered_by SHELL PROGRAM WORD...: the offers, sorted.
offered_by() {
    local shell=$1 program=$2
    shift
    case $shell in
    bash) bash -c "$(printf 'PATH=%q:$PATH\n' "$bin")"'
        eval "$('"$program"' --completion)"
        # Bash takes "--kb=pl" for three words.
        for word; do
            case $word in
            --*=*) COMP_WORDS+=("${word%%=*}" = "${word#*=}") ;;
            *) COMP_WORDS+=("$word") ;;
            esac
        done
        before=
        case $word in --*=*) before=${word%%=*}= ;; esac
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _'"${program//-/_}"'
        for word in "${COMPREPLY[@]}"; do echo "$before$word"; done' \
        bash "$@" ;;
    zsh) PATH=$bin:$PATH zsh -f -c '
        compdef() { }
        compset() { }
        _describe() { print -l -- ${(@)${(P)2}%%:*} }
        _files() {
            local files=(${words[CURRENT]}*(N))
            if (( $#files )); then print -l -- $files; fi
        }
        source <('"$program"' --completion zsh)
        words=("$@")
        CURRENT=$#
        _'"${program//-/_}" zsh "$@" ;;
    fish) PATH=$bin:$PATH HOME=$T fish --no-config -c '
        '"$program"' --completion fish | source
        complete -C "$argv"' -- "$@" | cut -f1 ;;
    esac | sort | tr '\n' ' '
}

for shell in bash zsh fish; do
    if ! command -v "$shell" >/dev/null; then
        skip "$shell" "there is no $shell"
        continue
    fi
    for ((i = 0; i < ${#cases[@]}; i += 2)); do
        read -ra words <<<"${cases[i]}"
        is "$(offered_by "$shell" "${words[@]}" 2>&1)" \
            "$(tr ' ' '\n' <<<"${cases[i + 1]% }" | sort | tr '\n' ' ' |
                sed 's/^ $//')" "$shell: ${cases[i]}"
    done
done

# Names and explanations come from the tables of options.
like "$(blink --complete link --fa)" $'^--fast\t[a-z]' 'an explanation'
is "$(blink --complete link --kb 'a')" ':files' \
    'a name that would need quotes is not offered'
is "$(blink --complete link -c '' | tr '\n' ' ')" 'places plants ' \
    'all names, and no files to hide them'
for shell in bash zsh fish; do
    command -v "$shell" >/dev/null || continue
    blink --completion "$shell" >script
    ok "$shell reads its script" "$shell" -n script
    is "$(blink-kb info --completion="$shell")" "$(blink-kb --completion "$shell")" \
        "$shell: a command gives the script of its program"
done
run blink --completion csh
is "$status:$(head -1 err)" "2:blink: option '--completion': expected one of \
bash|zsh|fish, found 'csh'" 'another shell'
finish
