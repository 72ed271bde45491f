# SPDX-License-Identifier: MIT
# Entities of several sources to one list in which none is twice, as records
# for blink-kb build:
#
#   awk -f share/formats/merge-entities.awk -v ask=1 \
#       part=states STATES part= FILE...
#   awk -f share/formats/merge-entities.awk part=known KNOWN part=words WORDS \
#       part=states STATES part= FILE...
#
# FILE holds, first, lines for the records of wikipedia-summaries.jq
# ("wikipedia", title, topic, aliases with "|" between them, and the record
# without these), then the lines of wordnet.awk and of geonames.jq; all is
# UTF-8, and awk is to read bytes (LC_ALL=C).  The first form prints each name that may be
# a title.  KNOWN has a line for those of them that the English Wikipedia knows:
# name, tab, the title that it leads to.  It lacks many pages, so a name that is
# not there may be a title all the same.  WORDS are common nouns, as wordnet.awk
# prints them, STATES those of the United States.
#
# Two lines are of one entity when their names lead to one page.  The first
# line says what an entity is, others give it names.  A name of one word is
# kept where nothing else has it: persons go by surnames that are also towns,
# battles by the towns where they were.

BEGIN {
    FS = "\t"
    make_tables()
}

part == "known" {
    known[key($1)] = key($2)
    spelling[key($2)] = $2
    next
}
part == "words" { word[$1]; next }
part == "states" { state[++n_states] = $1; next }

$1 == "wikipedia" && ask { print $2; next }
$1 == "wikipedia" { add_summary(); next }
$1 == "wordnet" {
    read_wordnet()
    if (ask)
        for (i = 1; i <= n_titles; i++)
            print titles[i]
    else
        add_wordnet()
    next
}
$1 == "geonames" {
    read_city()
    if (ask)
        for (i = 1; i <= n_titles; i++)
            print titles[i]
    else
        add_city()
    next
}

END {
    if (ask)
        exit
    for (e = 1; e <= n_entities; e++)
        print_entity(e)
}

# ---- Spelling ----

function make_tables(    i, n, pairs, part) {
    n = split("a àáâãäåāăą|c çćĉċč|d ďđð|e èéêëēĕėęě|g ĝğġģ|h ĥħḩ|" \
              "i ìíîïĩīĭįı|j ĵ|k ķ|l ĺļľŀł|n ñńņňŉ|o òóôõöøōŏőơ|r ŕŗř|" \
              "s śŝşšș|t ţťŧț|u ùúûüũūŭůűųư|w ŵ|y ýÿŷ|z źżžẕ|ss ß|ae æ|" \
              "oe œ|th þ|' ’‘ʿʾ|A ÀÁÂÃÄÅĀĂĄ|C ÇĆĈĊČ|D ĎĐÐ|E ÈÉÊËĒĔĖĘĚ|" \
              "G ĜĞĠĢ|H ĤĦḨ|I ÌÍÎÏĨĪĬĮİ|J Ĵ|K Ķ|L ĹĻĽĿŁ|N ÑŃŅŇ|" \
              "O ÒÓÔÕÖØŌŎŐƠ|R ŔŖŘ|S ŚŜŞŠȘ|T ŢŤŦȚ|U ÙÚÛÜŨŪŬŮŰŲƯ|W Ŵ|Y ÝŸŶ|" \
              "Z ŹŻŽẔ|Ae Æ|Oe Œ|Th Þ", pairs, "|")
    for (i = 1; i <= n; i++) {
        split(pairs[i], part, " ")
        add_letters(part[1], part[2])
    }
    for (i = 1; i < 256; i++)
        ord[sprintf("%c", i)] = i
    n = split("of the and in on at de la von van der del di du al upon",
              part, " ")
    for (i = 1; i <= n; i++)
        small[part[i]]
}

# Two bytes begin with C2 to DF, three with E0 to EF.
function add_letters(plain, letters,    size) {
    while (letters != "") {
        size = letters ~ /^[\340-\357]/ ? 3 : 2
        plain_of[substr(letters, 1, size)] = plain
        letters = substr(letters, size + 1)
    }
}

# Without accents.
function folded(name,    out, size, c) {
    while (match(name, /[\302-\357]/)) {
        size = substr(name, RSTART, 1) ~ /[\340-\357]/ ? 3 : 2
        c = substr(name, RSTART, size)
        out = out substr(name, 1, RSTART - 1) \
            (c in plain_of ? plain_of[c] : c)
        name = substr(name, RSTART + size)
    }
    return out name
}

# Names that differ in nothing else are the same.
function key(name) {
    gsub(/[ -]/, "_", name)
    name = folded(name)
    gsub(/[.']/, "", name)
    return tolower(name)
}

function capital(name) {
    return toupper(substr(name, 1, 1)) substr(name, 2)
}

# KNOWN may have titles in lower case: "battle of the nile".
function capitals(title,    words, n, i, out) {
    if (title ~ /[A-Z]/)
        return title
    n = split(title, words, " ")
    for (i = 1; i <= n; i++)
        out = out (i > 1 ? " " : "") \
            (i > 1 && words[i] in small ? words[i] : capital(words[i])) \
            (i < n && words[i] ~ /^[a-hj-uw-z]$/ ? "." : "")
    return out
}

function bare(title) {
    sub(/ \(.*/, "", title)
    return title
}

function last_word(name) {
    return name ~ / / ? substr(name, match(name, /[^ ]*$/)) : ""
}

function json(text) {
    gsub(/\\/, "\\\\", text)
    gsub(/"/, "\\\"", text)
    return "\"" text "\""
}

# The characters that Wikipedia leaves as they are in an address.
function url(title,    out, i, c) {
    gsub(/ /, "_", title)
    for (i = 1; i <= length(title); i++) {
        c = substr(title, i, 1)
        out = out (c ~ /[A-Za-z0-9_.~,:\/()'!-]/ ? c : \
            sprintf("%%%02X", ord[c]))
    }
    return "https://en.wikipedia.org/wiki/" out
}

# ---- Entities ----

# add_entity PAGE TITLE: is of that page from now on.
function add_entity(page, title, person) {
    e = ++n_entities
    of[page] = e
    title_of[e] = title
    has(e, key(title))
    has(e, key(bare(title)))
    taken[key(title)]
    taken[key(bare(title))]
    if (person)
        has_surname(e, title)
    return e
}

# How many entities have a name, of which the last is kept to count each once.
function has(e, k) {
    if (holder[k] != e) {
        holders[k]++
        holder[k] = e
    }
}

function has_surname(e, name,    k) {
    k = key(last_word(name))
    if (k != "" && bearer[k] != e) {
        bearers[k]++
        bearer[k] = e
    }
}

function add_name(e, name,    k) {
    k = key(name)
    if (k == key(title_of[e]) || (e, k) in named)
        return
    named[e, k]
    names_of[e] = names_of[e] "\t" name
    has(e, k)
}

function page_of(name,    k) {
    k = key(name)
    return k in own ? k : k in known ? own_page(known[k]) : ""
}

function own_page(page) { return page in renamed ? renamed[page] : page }

# Pages of the summaries go by the titles there.
function add_summary(    k, e, n, i, names) {
    k = key($2)
    own[k]
    e = add_entity(k, $2, $3 == "People")
    record[e] = text_of[e] = $5
    n = split($4, names, "|")
    for (i = 1; i <= n; i++) {
        has(e, key(names[i]))
        named[e, key(names[i])]
        aliases[e] = aliases[e] (i > 1 ? "," : "") json(names[i])
    }
    if (k in known && !(known[k] in own))
        renamed[known[k]] = k
}

# What a page is called, as one of the names is spelled.
function title_for(page,    i) {
    for (i = 1; i <= n_titles; i++)
        if (key(titles[i]) == page)
            return titles[i]
    return capitals(spelling[page])
}

function add_new(page, person, text,    e) {
    e = add_entity(page, title_for(page), person)
    text_of[e] = text
    return e
}

function candidate(title) { titles[++n_titles] = title }

# ---- WordNet: "wordnet", kind, text, and each name with its sense ----

function read_wordnet(    i) {
    n_titles = n_towns = n_long = 0
    if ($2 == "place" &&
        $3 ~ /(^|[^a-z])(city|town|capital|suburb|village|resort|port)[^a-z]/)
        add_towns($4, $3)
    for (i = 4; i <= NF; i += 2)
        if (is_long($i)) {
            candidate(capital($i))
            n_long++
        }
    if (!n_long)
        add_longer($2, $4, $3)
    n_longer = n_titles - n_towns - n_long
    if (is_state())
        candidate(state_title())
    for (i = 4; i <= NF; i += 2)
        if ($i !~ / /)
            candidate(capital($i))
}

# Names of several words, but no descriptions: "capital of Kansas".
function is_long(name) {
    return name ~ / / && name !~ / capital$/ && \
        (name ~ /^[A-Z0-9]/ || $2 == "event")
}

# A town of the United States is called after its state too.
function add_towns(name, text,    i, at, best, others, phrase) {
    others = text
    gsub(/Gulf of Mexico|New Mexico/, "", others)
    if (others ~ /Canada|Mexico/)
        return
    do {
        best = 0
        for (i = 1; i <= n_states; i++) {
            at = index(text, state[i])
            if (at && (!best || at < index(text, state[best])))
                best = i
        }
        if (best) {
            phrase = state[best]
            candidate(name ", " \
                (phrase == "District of Columbia" ? "D.C." : phrase))
            n_towns++
            at = index(text, state[best]) + length(state[best])
            text = substr(text, at)
        }
    } while (best)
}

# Titles of which a name of one word is only a part.
function add_longer(kind, name, text,    phrase) {
    if (kind == "event") {
        candidate("Battle of " name)
        candidate("Siege of " name)
    } else if (text ~ /^\([A-Za-z ]*mythology\)/)
        candidate(name " (mythology)")
    else if (kind == "place")
        while ((phrase = next_phrase(text)) != "") {
            text = substr(text, RSTART + RLENGTH)
            candidate(name ", " phrase)
            candidate(name " (" tolower(phrase) ")")
        }
}

# Capitalised words: "Berkshire", "New South Wales".
function next_phrase(text,    phrase) {
    if (!match(text, /[A-Z][A-Za-z'-]+( (of )?[A-Z][A-Za-z'-]+)*/))
        return ""
    return substr(text, RSTART, RLENGTH)
}

function add_wordnet(    page, e, i) {
    # The colonies that are states now have records of their own.
    page = $3 ~ /colonies that formed/ ? "" : wordnet_page()
    if (page == "")
        return
    e = page in of ? of[page] : add_new(page, $2 == "person", $3)
    for (i = 4; i <= NF; i += 2)
        if ($i ~ /^[A-Z]/ && $i !~ /[0-9]| capital$/ && length($i) > 2)
            add_name(e, $i)
    is_person[e] = $2 == "person"
}

function wordnet_page(    page, i) {
    page = page_of($4)
    if (is_state())
        return key(state_title())
    if (summary_of_long() != "")
        return summary_of_long()
    # The first name of a place is the usual one, others may be by-names.
    if (!n_towns && n_long && $2 == "place" && $5 == 1 && page == key($4) &&
        !has_kind($4))
        return page
    if (n_towns && !(page in own && speaks_of(of[page], titles[1]))) {
        page = first_known(1, n_towns)
        return page != "" ? page : key(titles[1])
    }
    page = summary_page()
    if (page != "")
        return page
    if (n_long)
        return long_page()
    page = first_known(n_towns + 1, n_towns + n_longer)
    return page == "" && $5 == 1 ? page_of($4) : page
}

# "Iowa, Hawkeye State"
function is_state(    i) {
    for (i = 6; i <= NF && $2 == "place"; i += 2)
        if ($i ~ / State$/ && $3 ~ /(^|[^a-z])state[^a-z]/)
            return 1
    return 0
}

# Three share their name with others.
function state_title() {
    return $4 == "Georgia" ? "Georgia (U.S. state)" : \
        $4 ~ /^(New York|Washington)$/ ? $4 " (state)" : $4
}

# "Potomac, Potomac River" and "Adams, Mount Adams" go by the longer name.
function has_kind(name,    i) {
    for (i = 6; i <= NF; i += 2)
        if ($i == name " River" || $i == name " Mountains" ||
            $i == "Lake " name || $i == "Mount " name)
            return page_of($i) != ""
    return 0
}

# The summary of one of the names.  A word that usually means something else
# does where the texts agree.
function summary_page(    i, page) {
    for (i = 4; i <= NF; i += 2) {
        page = page_of($i)
        if ($i !~ / / && page in own && ($(i + 1) == 1 || agrees(of[page])))
            return page
    }
    return ""
}

function summary_of_long(    i) {
    for (i = 4; i <= NF; i += 2)
        if (is_long($i) && page_of($i) in own)
            return page_of($i)
    return ""
}

# Both speak of the same year or, of places, the same other place.
function agrees(e,    text, phrase) {
    text = $3
    if ($2 == "person")
        return match(text, /[0-9][0-9][0-9][0-9]/) &&
            index(text_of[e], substr(text, RSTART, 4))
    # The first capital is that of the sentence.
    text = substr(text, 2)
    while ($2 == "place" && (phrase = next_phrase(text)) != "") {
        text = substr(text, RSTART + RLENGTH)
        if (index(text_of[e], phrase))
            return 1
    }
    return 0
}

function first_known(from, to,    i) {
    for (i = from; i <= to; i++)
        if (page_of(titles[i]) != "")
            return page_of(titles[i])
    return ""
}

# Where most names of several words lead, or the first where none does.
function long_page(    i, page, votes, best) {
    for (i = n_towns + 1; i <= n_towns + n_long; i++) {
        page = page_of(titles[i])
        if (page != "")
            votes[page]++
    }
    for (i = n_towns + 1; i <= n_towns + n_long; i++) {
        page = page_of(titles[i])
        if (page != "" && (best == "" || votes[page] > votes[best]))
            best = page
    }
    return best != "" ? best : key(titles[n_towns + 1])
}

# Whether an entity's text has what stands behind the comma of a title.
function speaks_of(e, title) {
    return index(text_of[e], substr(title, index(title, ", ") + 2)) > 0
}

# ---- GeoNames: "geonames", name, "us" or "", "rival" or "", population,
# text, and the longer titles, the last of which say where it is ----

function read_city(    i) {
    n_titles = 0
    # Wikipedia writes Arabic and Indian names without these.
    if ($0 ~ /ā|ī|ū|ḩ|ʿ|‘|’/)
        $0 = folded($0)
    for (i = 8; i <= NF; i++)
        candidate($i)
    candidate($2)
}

function add_city(    page, e) {
    # "University, Florida"
    if (key($2) in word && $5 < 50000)
        return
    page = city_page(key($2))
    if (page == "")
        return
    e = page in of ? of[page] : add_city_entity(page)
    if (!(e in size_of))
        size_of[e] = $5
    if (key($2) != key(title_of[e]) && !(e in city_name))
        city_name[e] = $2
}

# Cities are not counted as holders of names, so that those of one name do
# not take it from each other.
function add_city_entity(page,    i, title) {
    title = title_for(page)
    of[page] = ++n_entities
    title_of[n_entities] = title
    text_of[n_entities] = $6
    return n_entities
}

function city_page(k,    alone, long, i) {
    alone = page_of($2)
    if (alone == "")
        alone = k
    if ($4 == "" && alone in of)
        for (i = $7; i > 0; i--)
            if (speaks_of(of[alone], $(NF - i + 1)))
                return alone
    long = first_known(1, n_titles - 1)
    if ($3 == "us")
        return long
    if ($4 == "" && !(k in word) && !(k in taken) && !(k in bearers) &&
        (k in known || $5 >= 250000))
        return k
    return long != "" || $5 < 250000 ? long : key(titles[n_titles - 1])
}

# ---- The result ----

function print_entity(e,    all, n, i, list, head) {
    n = split(names_of[e], all, "\t")
    list = aliases[e]
    for (i = 2; i <= n; i++)
        if (keeps_name(e, all[i])) {
            list = list (list == "" ? "" : ",") json(all[i])
            if (all[i] == city_name[e])
                delete city_name[e]
        }
    if (city_name[e] != "" && keeps_city_name(e, key(city_name[e])))
        list = list (list == "" ? "" : ",") json(city_name[e])
    head = e in record ? record[e] : \
        sprintf("{\"id\":%s,\"title\":%s,\"text\":%s,\"url\":%s}",
            json(id_of(title_of[e])), json(title_of[e]), json(text_of[e]),
            json(url(title_of[e])))
    if (list != "")
        head = substr(head, 1, length(head) - 1) ",\"aliases\":[" list "]}"
    print head
}

function id_of(title) {
    gsub(/ /, "_", title)
    return title
}

function keeps_name(e, name,    k) {
    k = key(name)
    return name ~ / / || holders[k] == 1 && !(k in word) &&
        bearers[k] <= is_person[e]
}

# A large city may share its name, though not with the title of a summary; a
# small one only with cities.
function keeps_city_name(e, k) {
    return size_of[e] >= 100000 && !(k in own) ||
        holders[k] == 0 && !(k in word) && !(k in bearers)
}
