# SPDX-License-Identifier: MIT
# train-ner-news.awk: invented lines as news agencies write them, in CoNLL
# columns, for scripts/train-data.
#
#   awk -F '\t' -f train-ner-news.awk kind=l LINES kind=d DEMONYMS
#       kind=n NEWS kind=e ENTITIES
#
# LINES is share/train/ner-news.tsv, which tells its own form; DEMONYMS and
# NEWS are demonyms.tsv and news.tsv beside it; ENTITIES holds kind (person,
# city, company or a league), title, with tabs between.  Which name fills a
# slot is a fixed function of a counter.

BEGIN {
    split("January February March April May June July August September" \
        " October November December", w, " ")
    for (i in w) add("month", w[i])
    split("Monday Tuesday Wednesday Thursday Friday Saturday Sunday", w, " ")
    for (i in w) add("day", w[i])
    split("Soccer;Tennis;Golf;Cricket;Rugby union;Cycling;Ice hockey;" \
        "Baseball;Basketball;Athletics;Boxing;Motor racing", w, ";")
    for (i in w) add("sport", w[i])
    split("president;prime minister;foreign minister;interior minister;" \
        "ambassador;opposition leader;finance minister", w, ";")
    for (i in w) add("office", w[i])
    split("first division;second division;premier league;third division",
        w, ";")
    for (i in w) add("league", w[i])
    split("open title;grand prix;marathon;championship;indoor tournament",
        w, ";")
    for (i in w) add("title", w[i])
    split("trade;border;fishing;water", w, ";")
    for (i in w) add("trade", w[i])
    split("Two;Three;Four;Seven;Dozens of", w, ";")
    for (i in w) add("number", w[i])
    split("World Cup;European Cup;Davis Cup;U.S. Open;Olympic Games;" \
        "Super Bowl;Tour de France;Asian Cup;Cup Winners ' Cup;" \
        "World Grand Prix;Ryder Cup;Wimbledon;French Open", w, ";")
    for (i in w) add("event", w[i])
    split("Financial Times;Daily Telegraph;Le Monde;Washington Post;" \
        "Die Welt;The Hindu;El Pais;Al-Ahram;Gulf News;Daily Mail;" \
        "Asahi Shimbun;La Stampa", w, ";")
    for (i in w) add("paper", w[i])
}

function add(slot, name) { names[slot, ++n_names[slot]] = name }

# Park and Miller's generator: the same numbers everywhere.
function random(n) {
    if (!seed)
        seed = 20011
    seed = seed * 16807 % 2147483647
    return seed % n
}

/^#/ { next }
kind == "l" { times[++n_lines] = $1; line[n_lines] = $2; next }
kind == "n" && $1 == "agency" { add("agency", $2) }
kind == "n" && $1 == "state" { add("state", $2) }
kind == "d" {
    if (!($2 in seen_country))
        add("country", $2)
    seen_country[$2]
    add($1 ~ /s$/ && $1 !~ /ss$/ ? "dems" : "dem", $1)
}
kind == "n" || kind == "d" { next }

function last_word(s) { sub(/.* /, "", s); return s }
function first_word(s) { sub(/ .*/, "", s); return s }

kind == "e" && $1 == "person" {
    add("person", $2)
    add("surname", last_word($2))
    add("first", first_word($2))
    add("initial", substr($2, 1, 1) ". " last_word($2))
    next
}
kind == "e" && ($1 == "city" || $1 == "company") { add($1, $2); next }
kind == "e" {
    add("clubname", $2)
    club = $2
    sub(/^(A\.?)?F\.?C\.? /, "", club)
    sub(/ (A\.?)?F\.?C\.?$/, "", club)
    if ($1 != "soccer" && !sub(/ (Red|White|Blue|Maple|Trail) [^ ]*$/, "",
        club))
        sub(/ [^ ]*$/, "", club)
    add("club", club)
}

function one_of(slot) { return names[slot, random(n_names[slot]) + 1] }

# The columns of one word.
function put(word, tag) { print word "\t" tag }

function fill(slot, type, upper,    name, w, n, i, caps) {
    caps = slot == "CITY" || slot == "CLUB"
    name = caps ? tolower(slot) : slot
    if (name == "person" && random(2))
        name = one_of("first") " " one_of("surname")
    else
        name = one_of(name)
    if (upper || caps)
        name = toupper(name)
    n = split(name, w, " ")
    for (i = 1; i <= n; i++)
        put(w[i], type == "" ? "O" : (i == 1 ? "B-" : "I-") type)
}

# A word with its {#a-b} made numbers.
function numbers(word,    r) {
    while (match(word, /\{#[0-9]+-[0-9]+\}/)) {
        split(substr(word, RSTART + 2, RLENGTH - 3), r, "-")
        word = substr(word, 1, RSTART - 1) r[1] + random(r[2] - r[1] + 1) \
            substr(word, RSTART + RLENGTH)
    }
    return word
}

function one(text,    upper, w, n, i, s, slot) {
    upper = sub(/^UPPER /, "", text)
    n = split(text, w, " ")
    for (i = 1; i <= n; i++) {
        if (w[i] !~ /^\{[A-Za-z]/) {
            put(upper ? toupper(w[i]) : numbers(w[i]), "O")
            continue
        }
        match(w[i], /\}.*/)
        s = substr(w[i], RSTART + 1)
        w[i] = substr(w[i], 2, RSTART - 2)
        split(w[i] ":", slot, ":")
        fill(slot[1], slot[2], upper)
        if (s != "")
            put(s, "O")
    }
    print ""
}

END {
    if (!n_names["person"] || !n_names["club"] || !n_names["company"])
        exit 0
    for (i = 1; i <= n_lines; i++)
        for (k = 0; k < times[i]; k++) {
            n = split(line[i], form, "|") > 1 ? form[2] : 1
            print "-DOCSTART-\tO\n"
            while (n-- > 0)
                one(form[1])
        }
}
