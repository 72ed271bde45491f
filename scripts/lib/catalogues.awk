# SPDX-License-Identifier: MIT
# catalogues.awk: draws catalogues around mentions whose entity is known; see
# catalogues.sh.  Files are read in the order of their parts, "part=NAME FILE",
# columns between tabs, JSON in the form of one line:
#
#   pool      id, title, text, aliases
#   kin       id, another whose title shares a word
#   vectors   id, base64; "words" says of how many words of the texts
#   mentions  set, id, text, name, record, record under that name
#   plan      number, set, entities, words, names, share removed
#
# For each row of the plan it writes DIR/NUMBER.entities, .vectors and
# .mentions, and prints the number.  Ids are "NUMBER:ID", so that all of these
# catalogues can be put into one.

BEGIN { FS = "\t" }
part == "pool" {
    if (index($1, "\""))
        next
    pool[++n_pool] = $1
    title[$1] = $2
    text[$1] = $3
    aliases[$1] = $4
    next
}
part == "kin" { kin[$1] = kin[$1] " " $2; next }
part == "vectors" { vector[words, $1] = $2; next }
part == "mentions" {
    i = ++n_mentions[$1]
    gold[$1, i] = $2
    said[$1, i] = $3
    invented[$1, i] = $4
    record[$1, i] = $5
    renamed[$1, i] = $6
    next
}

# The same in every awk: the high bits of a generator of 32.
function random(below) {
    seed = (seed * 69069 + 1) % 4294967296
    return int(seed / 65536) % below
}

function first_words(json, most,    word, n, i, out) {
    if (most >= 100)
        return json
    n = split(substr(json, 2, length(json) - 2), word, " ")
    for (i = 1; i <= n && i <= most; i++)
        out = out (i > 1 ? " " : "") word[i]
    return "\"" out "\""
}

# The names of an entity, as JSON without brackets.
function names_of(id,    own) {
    own = substr(aliases[id], 2, length(aliases[id]) - 2)
    if (names == "none")
        return ""
    if (names == "own" || extra[id] == "")
        return names == "invented" ? "" : own
    return names == "invented" || own == "" ? extra[id] : own "," extra[id]
}

function put(id,    list) {
    list = names_of(id)
    printf "{\"id\":\"%s:%s\",\"title\":%s,\"text\":%s%s}\n", number, id,
        title[id], first_words(text[id], n_words),
        list == "" ? "" : ",\"aliases\":[" list "]" >(base ".entities")
    # No encoder of ours reads more than 20 words of a text.
    printf "{\"id\":\"%s:%s\",\"embedding\":{\"model\":\"%s\",\"dim\":%d,"\
        "\"f32\":\"%s\"}}\n", number, id, model, dim,
        vector[n_words > 20 ? 20 : n_words, id] >(base ".vectors")
    in_it[id]
    n_in++
}

function fits(id) { return !(id in asked) && !(id in in_it) }

function add_name(id, name) {
    if (index("," extra[id] ",", "," name ",") == 0)
        extra[id] = extra[id] (extra[id] == "" ? "" : ",") name
}

# Of how many entities mentions are taken: a few in a small catalogue, which
# is about other things too.
function how_many(n) {
    if (names == "shared")
        return n < 5 ? 1 : n < 20 ? 2 : n < 100 ? 6 : 12
    if (names == "invented")
        return n < 5 ? 3 : n < 20 ? 8 : 16
    return n < 5 ? 2 : n < 20 ? 6 : n < 100 ? 16 : most
}

# Mentions one after another from some place of the set, so that a catalogue
# is about what a text is about.  Of the entities that share an invented name
# there are four.
function ask(set, want,    at, k, i, id, same) {
    at = random(n_mentions[set])
    if (names == "invented")
        at -= at % 8
    for (k = 0; k < n_mentions[set] && n_asked < want; k++) {
        i = (at + k) % n_mentions[set] + 1
        id = gold[set, i]
        same = invented[set, i] " " int((at + k) / 8)
        if (!(id in title) || (names == "invented" && !(id in asked)
                && group[same] >= 4))
            continue
        if (!(id in asked)) {
            asked[id]
            entity[++n_asked] = id
            group[same]++
            if (int(n_asked * share + phase) > int((n_asked - 1) * share + phase))
                gone[id]
        }
        if (n_questions > 1.5 * want)
            continue
        question[++n_questions] = i
        if (names == "given" || names == "shared")
            add_name(id, said[set, i])
        if (names == "invented")
            add_name(id, invented[set, i])
    }
}

# Three others get the names of each entity that is asked for, two of which
# share a word of its title where there are such.
function share_names(    i, n, others, other, got, tries) {
    for (i = 1; i <= n_asked; i++) {
        n = split(kin[entity[i]], others, " ")
        got = 0
        for (tries = 1; got < 3 && tries < 60; tries++) {
            other = tries <= n && tries <= 2 ? others[tries]
                : pool[(random(32768) * 32768 + random(32768)) % n_pool + 1]
            if (!(other in title) || !fits(other) || other in extra)
                continue
            extra[other] = extra[entity[i]]
            got++
            if (n_in < size - n_asked)
                put(other)
        }
    }
}

# Every other catalogue is filled with kin first, up to 70 %.
function fill(    i, j, n, others, other, tries, upto) {
    upto = number % 2 ? n_in + int((size - n_in) * 0.7) : 0
    for (i = 1; i <= n_asked && n_in < upto; i++) {
        n = split(kin[entity[i]], others, " ")
        for (j = 1; j <= n && j <= 3 && n_in < upto; j++)
            if (others[j] in title && fits(others[j]))
                put(others[j])
    }
    for (tries = 0; n_in < size && tries < 30 * size; tries++) {
        other = pool[(random(32768) * 32768 + random(32768)) % n_pool + 1]
        if (fits(other))
            put(other)
    }
}

part == "plan" {
    number = $1
    size = $3
    n_words = $4
    names = $5
    share = $6
    base = dir "/" number
    seed = number * 7919 + 12345
    random(2)
    split("", asked); split("", entity); split("", gone); split("", group)
    split("", question); split("", extra); split("", in_it)
    n_asked = n_questions = n_in = 0
    phase = random(1000) / 1000
    ask($2, how_many(size))
    if (!n_asked)
        next
    for (i = 1; i <= n_asked; i++)
        if (!(entity[i] in gone))
            put(entity[i])
    if (names == "shared")
        share_names()
    fill()
    for (i = 1; i <= n_questions; i++) {
        j = question[i]
        id = gold[$2, j]
        printf "{\"drawn\":%d,\"label_id\":%s,%s\n", number,
            id in gone ? "null" : "\"" number ":" id "\"",
            substr(names == "invented" ? renamed[$2, j] : record[$2, j], 2) \
            >(base ".mentions")
    }
    close(base ".entities"); close(base ".vectors"); close(base ".mentions")
    print number
}
