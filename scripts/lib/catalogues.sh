# SPDX-License-Identifier: MIT
# lib/catalogues.sh: catalogues of a few things with short texts, drawn around
# mentions of the sets, and the lists of candidates in them.  Sourced after
# lib/setup.sh; reads $work (with k.kb in it), $top and $model.
#
# A mention's vector does not depend on the catalogue, and an entity's only on
# the words of its text, so each is embedded once and catalogues are drawn by
# copying lines (catalogues.awk).
# shellcheck shell=bash disable=SC2154

drawn=$work/drawn

# One name for eight mentions in a row, of which four entities are taken.
invented='["Carver","Northmark","Oswin","Beck","Halloway","Merrin","Tarrant",
    "Sable Point","Ashgrove","Vann","Corwin","Lindale","Thorne","Quill",
    "Redmere","Ostrava Works","Pell","Garrick","Stanmore","Ives","Blackwater",
    "Hollis","Marchetti","Drummond","Elkin","Farrow","the Society",
    "the castle","the abbey","Kessler"]'

# Entities with a title that shares a word with a gold's, rarest words first,
# and every n-th of all, so that there are some 3,500 of these.
drawn_pool() {
    blink-kb cat -c "$work/k.kb" | jq -r '[.id, (.title | tojson),
            (.text // "" | tojson), (.aliases // [] | tojson)]
        | map(gsub("\t"; " ")) | join("\t")' >"$drawn/entities"
    cut -f 2 "$drawn/mentions" | sort -u >"$drawn/golds"
    awk -F '\t' -v dir="$drawn" '
        NR == FNR { gold[$1]; next }
        {
            all[++n_all] = $1
            words = tolower($2)
            gsub(/[^a-z0-9]+/, " ", words)
            title[$1] = words
            n = split(words, word, " ")
            for (i = 1; i <= n; i++)
                if (length(word[i]) > 2 && last[word[i]] != $1 && word[i] !~ \
                    /^(the|and|list|for|united|new|north|south|east|west)$/) {
                    last[word[i]] = $1
                    with[word[i], ++count[word[i]]] = $1
                }
        }
        END {
            for (k = 1; k <= n_all; k++) {
                id = all[k]
                if (!(id in gold))
                    continue
                print id
                n = split(title[id], word, " ")
                for (i = 1; i < n; i++)
                    for (j = i + 1; j <= n; j++)
                        if (count[word[j]] + 0 < count[word[i]] + 0) {
                            w = word[i]; word[i] = word[j]; word[j] = w
                        }
                m = 0
                for (i = 1; i <= n; i++) {
                    step = int(count[word[i]] / 6) + 1
                    for (q = 1; q <= count[word[i]] && m < 6; q += step) {
                        other = with[word[i], q]
                        if (other == id)
                            continue
                        print id "\t" other >(dir "/kin")
                        print other
                        m++
                    }
                }
            }
            for (k = 1; k <= n_all; k += int(n_all / 3500) + 1)
                print all[k]
        }' "$drawn/golds" "$drawn/entities" | sort -u >"$drawn/ids"
    awk -F '\t' 'NR == FNR { want[$1]; next }
        $1 in want && $1 !~ /"/' "$drawn/ids" "$drawn/entities" >"$drawn/pool"
}

# Titles alone, five words of the text, and as many as encoders read.
drawn_vectors() {
    local words
    for words in 0 5 20; do
        say "embedding $(wc -l <"$drawn/pool") entities with $words words"
        awk -F '\t' -v most="$words" '{
                n = split(substr($3, 2, length($3) - 2), word, " ")
                text = ""
                for (i = 1; i <= n && i <= most; i++)
                    text = text (i > 1 ? " " : "") word[i]
                printf "{\"id\":\"%s\",\"title\":%s,\"text\":\"%s\"}\n", $1,
                    $2, text
            }' "$drawn/pool" | blink-embed -m "$model" --entities |
            jq -r '[.id, .embedding.f32] | @tsv' >"$drawn/vectors.$words"
    done
}

# drawn_prepare < mentions with `set`, of which those with an entity count.
drawn_prepare() {
    mkdir -p "$drawn"
    : >"$drawn/kin"
    jq -c 'select(.label_id)' >"$drawn/known"
    blink-embed -m "$model" <"$drawn/known" >"$drawn/embedded"
    jq -c -n --argjson names "$invented" '[inputs] | to_entries[]
        | .value + {mention: $names[(.key / 8 | floor) % ($names | length)]}' \
        "$drawn/known" | blink-embed -m "$model" >"$drawn/renamed"
    paste "$drawn/embedded" "$drawn/renamed" | jq -r -n '
        def record: del(.label_id) | tojson;
        [inputs] | [_nwise(2)][]
        | [.[0].set, (.[0].label_id | tostring), (.[0].mention | tojson),
           (.[1].mention | tojson), (.[0] | record), (.[1] | record)]
        | join("\t")' >"$drawn/mentions"
    drawn_pool
    drawn_vectors
}

# drawn_lists MOST < plan: lists of ten and those named, in each catalogue
# drawn; DIR/all.kb holds the entities of all, for the cross-encoder.  MOST
# entities are asked for in the larger ones.
drawn_lists() {
    local number k=$drawn/one
    rm -rf "$drawn/drawn"
    mkdir "$drawn/drawn"
    cat >"$drawn/plan"
    jq -r '.embedding | [.model, .dim] | @tsv' "$drawn/embedded" |
        sed 1q >"$drawn/encoder"
    awk -v dir="$drawn/drawn" -v most="$1" \
        -v model="$(cut -f 1 "$drawn/encoder")" \
        -v dim="$(cut -f 2 "$drawn/encoder")" \
        -f "$top/scripts/lib/catalogues.awk" \
        part=pool "$drawn/pool" part=kin "$drawn/kin" \
        part=vectors words=0 "$drawn/vectors.0" words=5 "$drawn/vectors.5" \
        words=20 "$drawn/vectors.20" part=mentions "$drawn/mentions" \
        part=plan "$drawn/plan" | while read -r number; do
        blink-kb build -q -o "$k.kb" "$drawn/drawn/$number.entities"
        blink-index build -q -c "$k.kb" -o "$k.blx" \
            <"$drawn/drawn/$number.vectors"
        rm "$drawn/drawn/$number.vectors"
        blink-retrieve -q -x "$k.blx" -c "$k.kb" -k 10 --aliases \
            <"$drawn/drawn/$number.mentions"
    done
    find "$drawn/drawn" -name '*.entities' -exec cat {} + |
        blink-kb build -q -o "$drawn/all.kb"
}
