# SPDX-License-Identifier: MIT
# lib/catalogues.sh: catalogues of a few things with short texts, drawn around
# mentions of the sets, and the lists of candidates in them.  Sourced after
# lib/setup.sh; reads $work (with k.kb in it), $top and $model.
#
# A mention's vector does not depend on the catalogue, and an entity's only on
# the words of its text, so each is embedded once, and catalogues are drawn by
# copying lines (catalogues.awk).
# shellcheck shell=bash disable=SC2154

drawn=$work/drawn

# Names that tell nothing about what is called so.
made_up='["Carver", "Northmark", "Oswin", "Beck", "Halloway", "Merrin",
    "the keep", "Sable Point", "Ashgrove", "Vann", "the old mill", "Lindale",
    "Thorne", "Quill", "Redmere", "the Works", "Pell", "Garrick", "Stanmore",
    "nightcap", "Blackwater", "Hollis", "Marchetti", "Drummond", "Elkin",
    "Farrow", "the Society", "the castle", "the abbey", "silverleaf"]'

# Of each gold a word of the title, the last that others have too, and three
# of these; and every n-th of all, so that there are some 3,500 others.
drawn_pool() {
    blink-kb cat -c "$work/k.kb" | jq -r '[.id, (.title | tojson),
            (.text // "" | tojson), (.aliases // [] | tojson)]
        | map(gsub("\t"; " ")) | join("\t")' | grep -v '^[^	]*"' \
        >"$drawn/entities"
    jq -r '.label_id' "$drawn/known" | sort -u >"$drawn/golds"
    awk -F '\t' -v dir="$drawn" '
        NR == FNR { gold[$1]; next }
        {
            all[++n_all] = $1
            name = substr($2, 2, length($2) - 2)
            sub(/ \(.*/, "", name)
            sub(/,.*/, "", name)
            title[$1] = name
            n = split(name, word, " ")
            for (i = 1; n > 1 && i <= n; i++)
                if (word[i] ~ /^[A-Z][a-z][a-z][a-z]+$/ \
                    && last[word[i]] != $1) {
                    last[word[i]] = $1
                    with[word[i], ++count[word[i]]] = $1
                }
        }
        END {
            for (k = 1; k <= n_all; k++) {
                if (!(all[k] in gold))
                    continue
                print all[k]
                n = split(title[all[k]], word, " ")
                while (n > 1 && (count[word[n]] < 3 || count[word[n]] > 400))
                    n--
                others = ""
                m = 0
                step = int(count[word[n]] / 4) + 1
                for (q = 1; n > 1 && q <= count[word[n]] && m < 3; q += step) {
                    other = with[word[n], q]
                    if (other == all[k])
                        continue
                    print other
                    others = others " " other
                    m++
                }
                print all[k] "\t" (m > 1 ? word[n] : "") "\t" \
                    substr(others, 2) >(dir "/kin")
            }
            for (k = 1; k <= n_all; k += int(n_all / 3500) + 1)
                print all[k]
        }' "$drawn/golds" "$drawn/entities" | sort -u >"$drawn/ids"
    awk -F '\t' 'NR == FNR { want[$1]; next } $1 in want' "$drawn/ids" \
        "$drawn/entities" >"$drawn/pool"
}

# Titles alone, five words of the text, and as many as encoders read.
drawn_vectors() {
    local words
    for words in 0 5 20; do
        say "embedding $(wc -l <"$drawn/pool") titles with $words words"
        awk -F '\t' -v most="$words" \
            "$(cat "$top/scripts/lib/short-text.awk")"'
            { printf "{\"id\":\"%s\",\"title\":%s,\"text\":%s}\n", $1, $2,
                  first_words($3, most) }' "$drawn/pool" |
            blink-embed -m "$model" --entities |
            jq -r '[.id, .embedding.f32] | @tsv' >"$drawn/vectors.$words"
    done
}

# drawn_prepare < mentions with `set`, of which those with an entity count.
drawn_prepare() {
    mkdir -p "$drawn"
    : >"$drawn/kin"
    jq -c 'select(.label_id) | .label_id |= tostring' >"$drawn/known"
    drawn_pool
    say "embedding $(wc -l <"$drawn/known") mentions"
    blink-embed -m "$model" <"$drawn/known" >"$drawn/embedded"
    jq -c -n --rawfile kin "$drawn/kin" '
        ($kin | split("\n") | map(split("\t") | select((.[1] // "") != "")
            | {(.[0]): .[1]}) | add // {}) as $word
        | inputs | .mention = ($word[.label_id] // .mention)' \
        "$drawn/known" | blink-embed -m "$model" >"$drawn/renamed"
    jq -c -n --argjson names "$made_up" '[inputs] | to_entries[]
        | .value + {mention: $names[.key % ($names | length)]}' \
        "$drawn/known" | blink-embed -m "$model" |
        paste "$drawn/embedded" "$drawn/renamed" - | jq -r -n '
            def record: del(.label_id) | tojson;
            [inputs] | [_nwise(3)][]
            | [.[0].set, .[0].label_id, (.[0].mention | tojson),
               (.[2].mention | tojson), (.[0] | record), (.[1] | record),
               (.[2] | record)] | join("\t")' >"$drawn/mentions"
    drawn_vectors
}

# drawn_lists MOST < plan: lists of ten and those named, in each catalogue
# drawn, of which $drawn/all.kb then holds the entities, for a cross-encoder.
# MOST entities are asked for in the larger ones.
drawn_lists() {
    local number one=$drawn/one
    rm -rf "$drawn/catalogues"
    mkdir "$drawn/catalogues"
    cat >"$drawn/plan"
    head -n 1 "$drawn/embedded" |
        jq -r '.embedding | [.model, .dim] | @tsv' >"$drawn/encoder"
    awk -v dir="$drawn/catalogues" -v most="$1" \
        -v model="$(cut -f 1 "$drawn/encoder")" \
        -v dim="$(cut -f 2 "$drawn/encoder")" \
        -f "$top/scripts/lib/short-text.awk" \
        -f "$top/scripts/lib/catalogues.awk" \
        part=pool "$drawn/pool" part=kin "$drawn/kin" \
        part=vectors words=0 "$drawn/vectors.0" words=5 "$drawn/vectors.5" \
        words=20 "$drawn/vectors.20" part=mentions "$drawn/mentions" \
        part=plan "$drawn/plan" | while read -r number; do
        blink-kb build -q -o "$one.kb" "$drawn/catalogues/$number.entities"
        blink-index build -q -c "$one.kb" -o "$one.blx" \
            <"$drawn/catalogues/$number.vectors"
        rm "$drawn/catalogues/$number.vectors"
        blink-retrieve -q -x "$one.blx" -c "$one.kb" -k 10 --aliases \
            <"$drawn/catalogues/$number.mentions"
    done
    find "$drawn/catalogues" -name '*.entities' -exec cat {} + |
        blink-kb build -q -o "$drawn/all.kb"
}
