# SPDX-License-Identifier: MIT
# catalogues.awk: draws catalogues around mentions whose entity is known; see
# catalogues.sh.  Files are read in the order of their parts, "part=NAME FILE",
# columns between tabs, JSON in the form of one line:
#
#   pool      id, title, text, aliases
#   kin       id, a word of its title or "", others with that word
#   vectors   id, base64; "words" says of how many words of the texts
#   mentions  set, id, text, a name made up, record, record with the word for
#             the mention, record with that name for it
#   plan      number, set, entities, words, names, share removed
#
# "names" says what the aliases are: "none"; the catalogue's "own"; "given",
# also the text of the mention; "shared", that of four entities; "word", a word
# of the titles of up to four, which the text has for the mention; "made", a
# name made up, of one entity alone, which the text has for it.
#
# For each row of the plan it writes DIR/NUMBER.entities, .vectors and
# .mentions, and prints the number.  Ids are "NUMBER:ID", so that all of these
# catalogues can be put into one.

BEGIN { FS = "\t" }
part == "pool" {
    pool[++n_pool] = $1
    title[$1] = $2
    text[$1] = $3
    aliases[$1] = $4
    next
}
part == "kin" { word_of[$1] = $2; kin[$1] = $3; next }
part == "vectors" { vector[words, $1] = $2; next }
part == "mentions" {
    i = ++n_mentions[$1]
    gold[$1, i] = $2
    said[$1, i] = $3
    made[$1, i] = $4
    record[$1, i] = $5
    renamed[$1, i] = $6
    remade[$1, i] = $7
    next
}

# The same in every awk: the high bits of a generator of 32.
function random(below) {
    seed = (seed * 69069 + 1) % 4294967296
    return int(seed / 65536) % below
}

function any_entity() {
    return pool[(random(32768) * 32768 + random(32768)) % n_pool + 1]
}

# The names of an entity, as JSON without brackets.
function names_of(id,    own) {
    own = substr(aliases[id], 2, length(aliases[id]) - 2)
    if (names == "none")
        return ""
    if (names == "own" || extra[id] == "")
        return own
    return own == "" ? extra[id] : own "," extra[id]
}

function put(id,    list) {
    list = names_of(id)
    printf "{\"id\":\"%s:%s\",\"title\":%s,\"text\":%s%s}\n", number, id,
        title[id], first_words(text[id], n_words),
        (list == "" ? "" : ",\"aliases\":[" list "]") >(base ".entities")
    # No encoder of ours reads more than 20 words of a text.
    printf "{\"id\":\"%s:%s\",\"embedding\":{\"model\":\"%s\",\"dim\":%d,"\
        "\"f32\":\"%s\"}}\n", number, id, model, dim,
        vector[(n_words > 20 ? 20 : n_words), id] >(base ".vectors")
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
    if (names == "shared" || names == "word")
        return n < 5 ? 1 : n < 20 ? 2 : n < 100 ? 5 : (most < 8 ? most : 8)
    return n < 5 ? 2 : n < 20 ? 5 : (n < 100 && most > 8) ? 8 : most
}

# Mentions one after another from some place of the set, so that a catalogue
# is about what a text is about.
function ask(set, want,    at, k, i, id) {
    at = random(n_mentions[set])
    for (k = 0; k < n_mentions[set] && n_asked < want; k++) {
        i = (at + k) % n_mentions[set] + 1
        id = gold[set, i]
        if (!(id in title) || (names == "word" && word_of[id] == ""))
            continue
        if (!(id in asked)) {
            asked[id]
            entity[++n_asked] = id
            if (int(n_asked * share + phase) > \
                int((n_asked - 1) * share + phase))
                gone[id]
        }
        question[++n_questions] = i
        if (names == "given" || names == "shared")
            add_name(id, said[set, i])
        if (names == "word")
            add_name(id, "\"" word_of[id] "\"")
        if (names == "made")
            add_name(id, made[set, i])
    }
}

# Three others get the names of each entity that is asked for: those with the
# same word in the title first.
function share_names(    i, n, others, other, got, tries) {
    for (i = 1; i <= n_asked; i++) {
        n = split(kin[entity[i]], others, " ")
        got = 0
        for (tries = 1; got < 3 && tries < 60; tries++) {
            if (names == "word" && tries > n)
                break
            other = tries <= n && (tries <= 2 || names == "word") \
                ? others[tries] : any_entity()
            if (!(other in title) || !fits(other) || other in extra \
                || n_in >= size)
                continue
            extra[other] = extra[entity[i]]
            got++
            put(other)
        }
    }
}

# Every other catalogue is filled with kin first, up to 70 %.
function fill(    i, j, n, others, other, tries, upto) {
    upto = number % 2 ? n_in + int((size - n_in) * 0.7) : 0
    for (i = 1; i <= n_asked && n_in < upto; i++) {
        n = split(kin[entity[i]], others, " ")
        for (j = 1; j <= n && n_in < upto; j++)
            if (others[j] in title && fits(others[j]))
                put(others[j])
    }
    for (tries = 0; n_in < size && tries < 30 * size; tries++) {
        other = any_entity()
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
    split("", asked)
    split("", entity)
    split("", gone)
    split("", question)
    split("", extra)
    split("", in_it)
    n_asked = n_questions = n_in = 0
    phase = random(1000) / 1000
    ask($2, how_many(size))
    if (!n_asked)
        next
    for (i = 1; i <= n_asked; i++)
        if (!(entity[i] in gone))
            put(entity[i])
    if (names == "shared" || names == "word")
        share_names()
    fill()
    for (i = 1; i <= n_questions; i++) {
        j = question[i]
        id = gold[$2, j]
        printf "{\"drawn\":%d,\"label_id\":%s,%s\n", number,
            (id in gone ? "null" : "\"" number ":" id "\""),
            substr((names == "word" ? renamed[$2, j] : names == "made" \
                ? remade[$2, j] : record[$2, j]), 2) >(base ".mentions")
    }
    close(base ".entities")
    close(base ".vectors")
    close(base ".mentions")
    print number
}
