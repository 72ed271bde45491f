# SPDX-License-Identifier: MIT
# train-mine.awk: labelled mentions from plain pages, for scripts/train-data.
#
#   awk -f train-mine.awk kind=e ENTITIES kind=d DEMONYMS kind=x DROPPED \
#       kind=p PAGES
#
# or kind=l LABELLED in place of the pages.  All files have columns, a tab
# between, with jq's @tsv escapes (a newline is a backslash and an n):
#   ENTITIES  id, title, flags (P person, T team, S no entity), names...
#   DEMONYMS  adjective, title of the country
#   DROPPED   ids of pages that are not read
#   PAGES     id, title, text
#   LABELLED  id, doc, left, mention, right, entity's id, source, weight
# Prints records as JSON.  Nothing is random: of what occurs again and again
# the 1st, 2nd, 3rd, 5th, 8th ... are taken (Fibonacci), up to a cap, and at
# most one for each entity, page and source.

function lower_first(s) { return tolower(substr(s, 1, 1)) substr(s, 2) }

# ---- The catalogue ----

function share(list, name, id) {
    name = tolower(name)
    if (list == 1 && length(full[name]) < 400)
        full[name] = full[name] id " "
    else if (list == 2 && length(part[name]) < 4000)
        part[name] = part[name] id " "
}

# A name to be found in text.  What two entities have is nobody's, but a
# title wins over the alias of another.
function know(name, id, how,    f, n) {
    if (length(name) < 3 || (how != "title" && name in title_of))
        return
    if (name in meant && meant[name] != id && how != "title") {
        unclear[name] = 1
        return
    }
    meant[name] = id
    way[name] = how
    n = split(name, f, " ")
    if (n > longest[strip(f[1])])
        longest[strip(f[1])] = n
}

function strip(s) {
    sub(/^["'(\[]+/, "", s)
    sub(/[]["'.,;:!?)]+$/, "", s)
    sub(/'s$/, "", s)
    return s
}

function bare(title) {
    sub(/ \([^()]*\)$/, "", title)
    return title
}

function before_comma(title) {
    sub(/,.*/, "", title)
    return title
}

function last_word(s) {
    sub(/.* /, "", s)
    return s
}

function but_last(s) {
    if (!sub(/ [^ ]*$/, "", s))
        return ""
    return s
}

function national(title, id,    c) {
    c = title
    if (sub(/ (men's )?national (football|soccer) team$/, "", c))
        team["football", c] = id
    else if (sub(/ (national )?cricket team$/, "", c))
        team["cricket", c] = id
    else if (sub(/ national rugby union team$/, "", c))
        team["rugby", c] = id
}

kind == "e" {
    id = $1
    name_of[id] = $2
    flags[id] = $3
    b = bare($2)
    c = before_comma(b)
    share(1, $2, id)
    if (b != $2)
        share(1, b, id)
    if (c != b)
        share(1, c, id)
    share(2, last_word(c), id)
    share(2, but_last(c), id)
    for (i = 4; i <= NF; i++) {
        share(1, $i, id)
        alias[++aliases] = $i
        alias_of[aliases] = id
    }
    if ($3 !~ /S/) {
        title_of[$2] = id
        national($2, id)
    }
    next
}

# The names that may be found are known once all titles are.
function learn(    t, i, l) {
    for (t in title_of)
        know(t, title_of[t], "title")
    for (i = 1; i <= aliases; i++)
        if (flags[alias_of[i]] !~ /S/)
            know(alias[i], alias_of[i], "alias")
    # "Nerve agent" stands as "nerve agent" in the text; so does "Dog".
    for (t in title_of) {
        l = lower_first(t)
        if (l != t && substr(l, 2) == tolower(substr(l, 2)) &&
            length(l) > 3 && !(l in title_of))
            know(l, title_of[t], "common")
    }
    for (t in unclear)
        delete meant[t]
    learnt = 1
}

kind == "d" {
    if ($2 in title_of)
        country[$1] = $2
    next
}

kind == "x" { dropped[$1] = 1; next }

# ---- One mention ----

# Prefix and end of what the words i..j hold beside the name.
function around(name, i, j,    s, k) {
    s = w[i]
    for (k = i + 1; k <= j; k++)
        s = s " " w[k]
    k = index(s, name)
    before = substr(s, 1, k - 1)
    after = substr(s, k + length(name))
}

function words(from, to,    s, k) {
    for (k = from; k <= to; k++)
        s = s w[k] " "
    gsub(/ ?\\n ?/, "\\n", s)
    return s
}

function quoted(s) {
    gsub(/"/, "\\\"", s)
    return "\"" s "\""
}

function negatives(name, gold,    v, n, i, k, out, step) {
    k = 0
    n = split(full[tolower(name)], v, " ")
    for (i = 1; i <= n && k < 8; i++)
        if (v[i] != gold && !((SUBSEP v[i] SUBSEP) in used)) {
            used[SUBSEP v[i] SUBSEP] = 1
            out = out (k++ ? "," : "") quoted(v[i])
        }
    n = split(part[tolower(name)], v, " ")
    step = n > 8 ? int(n / 8) : 1
    for (i = 1 + (n > 8 ? serial % step : 0); i <= n && k < 8; i += step)
        if (v[i] != gold && !((SUBSEP v[i] SUBSEP) in used)) {
            used[SUBSEP v[i] SUBSEP] = 1
            out = out (k++ ? "," : "") quoted(v[i])
        }
    for (i in used)
        delete used[i]
    return out
}

# Is this one to be taken?  Of a source that is rare all are, up to the cap.
function take(gold, source, cap, rare,    key) {
    key = source SUBSEP gold
    if (last_page[key] == page && source != "own")
        return 0
    last_page[key] = page
    if (taken[key] >= cap || (++seen[key] < wanted[key] && !rare))
        return 0
    # 1 2 3 5 8 13 ...
    if (!wanted[key]) { wanted[key] = 2; older[key] = 1 }
    else {
        wanted[key] += older[key]
        older[key] = wanted[key] - older[key]
    }
    taken[key]++
    return 1
}

function print_record(id, doc, left, name, right, gold, source, weight) {
    print "{\"id\":" quoted(id) ",\"doc\":" quoted(doc) \
        ",\"context_left\":" quoted(left) ",\"mention\":" quoted(name) \
        ",\"context_right\":" quoted(right) \
        ",\"label\":" quoted(name_of[gold]) ",\"label_id\":" quoted(gold) \
        ",\"source\":\"" source "\",\"weight\":" weight \
        ",\"negatives\":[" negatives(name, gold) "]}"
}

# name is what the text says, shown what the record will say.
function emit(i, j, name, shown, gold, source, weight,    left, right) {
    around(name, i, j)
    serial++
    made[source]++
    left = words(i > 60 ? i - 60 : 1, i - 1) before
    right = after " " words(j + 1, j + 60 > n_words ? n_words : j + 60)
    sub(/ +$/, "", right)
    print_record("wiki:" page ":" serial, "wiki:" page, left, shown, right,
        gold, source, weight)
}

# ---- What a name may be short for ----

function acronym(title,    f, n, i, s) {
    n = split(title, f, " ")
    for (i = 1; i <= n; i++) {
        if (f[i] ~ /^[A-Z]/)
            s = s substr(f[i], 1, 1)
        else if (f[i] !~ /^(of|the|for|and|de|du|des)$/)
            return ""
    }
    return length(s) >= 3 ? s : ""
}

# How else the page could have said this title; "" where no way is known.
function short_form(title, id,    s) {
    s = bare(title)
    if (s ~ /,/)
        return before_comma(s)
    if (s !~ / /)
        return ""
    if (flags[id] ~ /P/)
        return s ~ / (of|the|[IVX]+|Jr\.?|Sr\.?|[a-z].*)( |$)/ ? "" \
            : last_word(s)
    if (flags[id] ~ /T/ && last_word(s) ~ /^[A-Z]/)
        return serial % 2 ? but_last(s) : last_word(s)
    if (s ~ /^(United States|Space Shuttle|Republic of|Kingdom of) /) {
        sub(/^(United States|Space Shuttle|Republic of|Kingdom of) /, "", s)
        return s
    }
    if (s ~ /[a-z] (University|Airlines|Airways|Airport|River|Corporation|Company|Inc\.|Records|Party|Sea|Ocean|Islands|System|Organization|Festival|Championship|County|Motors|Pictures|Entertainment)$/ \
        && serial % 2)
        return but_last(s)
    return acronym(s)
}

# Short forms that stand for one entity on this page.
function on_page(name, id) {
    if (name == "" || length(name) < 3 || name !~ /^[A-Z]/ ||
        name in country)
        return
    if (name in stands && stands[name] != id)
        stands[name] = ""
    else
        stands[name] = id
    if (!(strip(name) in longest))
        longest[strip(name)] = 1
}

function met(title, id,    b, c) {
    if (id in met_here)
        return
    met_here[id] = 1
    if (flags[id] ~ /P/ && title ~ / / && title !~ / (of|the) /)
        on_page(last_word(bare(title)), id)
    if (flags[id] ~ /T/) {
        c = but_last(bare(title))
        # Two teams of one city on a page: nobody can tell.
        if (c in title_of && c in city)
            city[c] = ""
        else if (c in title_of)
            city[c] = id
        else
            on_page(last_word(bare(title)), id)
    }
}

function capital(i) { return i >= 1 && i <= n_words && w[i] ~ /^[A-Z]/ }

# Neither neighbour belongs to the name; the first word of a sentence may
# have a capital of its own.
function alone(i, j) {
    if (w[j] == strip(w[j]) && capital(j + 1))
        return 0
    return !(capital(i - 1) && w[i - 1] == strip(w[i - 1]))
}

# Within "Ann Lee (born 1 May 1970) is an English ...", at most a line long:
# the first sentence of a life.
function is_life(i,    k) {
    if (i > 30 || flags[page] !~ /P/)
        return 0
    for (k = i - 1; k >= i - 5 && k > 1; k--)
        if (w[k] ~ /^(was|is)$/ && w[k + 1] ~ /^(a|an|the)$/)
            return 1
    return 0
}

function nationality(i, name,    next_word, t) {
    t = country[name]
    next_word = strip(w[i + 1])
    if (w[i] == "(" name ":")
        return title_of[name " language"]
    if (w[i] != name)
        return ""
    # Of these four nations Wikipedia names the people, of others the state.
    if (name ~ /^(English|Scottish|Welsh|Irish)$/ && is_life(i))
        return title_of[name " people"]
    if (next_word ~ /^(language|word|spelling|translation|dialect|verb|noun|grammar|pronunciation|alphabet)s?$/)
        return title_of[name " language"]
    if (w[i - 1] == "the" && next_word ~ /^(were|are|had|have|did|who|themselves)$/)
        return title_of[name " people"]
    if (next_word ~ /^(government|president|army|navy|forces|troops|minister|ministers|officials|police|politician|actor|actress|singer|writer|footballer|player|team|coach|company|city|cities|border|economy|market|parliament|ambassador|embassy|military|soldiers|authorities|television|newspaper|director|state|composer|painter|philosopher|mathematician|physicist|company|film|side|striker|champion|cricketer|driver|cyclist|prime|foreign|national|royal|central|capital|province|town|village|coast|king|queen|emperor|general|diplomat|businessman)s?$/)
        return title_of[t]
    return ""
}

# The team that "Detroit" or "England" is here, if the words say so: "beat
# Detroit", "Detroit won", and "to Detroit" if somebody was traded.
function plays(i, j, name,    before_it, after_it, t) {
    if (sport && (sport, name) in team)
        t = team[sport, name]
    else if (name in city)
        t = city[name]
    if (t == "" || !alone(i, j))
        return ""
    before_it = w[i - 1]
    after_it = w[j] == name ? strip(w[j + 1]) : ""
    if (before_it ~ /^(beat|beating|against|over|defeated|defeating|for|with|joined|by|versus|v|vs\.?|face|faced|represent|represented|captained|captain|manager|coach|coached|manage|managed)$/)
        return t
    if (before_it == "to" &&
        w[i - 2] ~ /^(traded|lost|sold|loss|losing|defeat|game|games|series|returned|moved|back)$/)
        return t
    if (after_it ~ /^(won|beat|lost|defeated|scored|drew|were|had|traded|acquired|released|signed|finished|qualified|reached|swept|led|took|went|manager|coach|captain|striker|goalkeeper|pitcher|outfielder)$/)
        return t
    return ""
}

function found(i, j, name, id, how,    t, s) {
    if ((t = plays(i, j, name)) != "") {
        if (take(t, "team", 40, 1))
            emit(i, j, name, name, t, "team", 1)
        return
    }
    if (how == "title" || how == "alias")
        met(name_of[id], id)
    if (how == "common") {
        if (take(id, "common", 3))
            emit(i, j, name, name, id, "common", 0.5)
        return
    }
    # Longer than what we know: "Paris" in "Paris Agreement".  A capital at
    # the start of a sentence says nothing; numbers are seldom names.
    if (!alone(i, j) || name ~ /^[0-9]+$/ ||
        (i == j && (i == 1 || w[i - 1] ~ /([.!?:]["')]?|\\n)$/)))
        return
    if (how == "title" && take(id, "swap", 5)) {
        s = short_form(name, id)
        if (s != "" && length(s) > 1) {
            emit(i, j, name, s, id, "swap", 0.7)
            return
        }
    }
    if (take(id, how, how == "alias" ? 6 : 4))
        emit(i, j, name, name, id, how, how == "alias" ? 1 : 0.5)
}

# The longest name that begins at word i; returns its last word's place.
function at(i,    first, most, acc, best, best_j, j, name, t) {
    first = strip(w[i])
    most = longest[first]
    if (first in country && (t = nationality(i, first)) != "") {
        if (take(t SUBSEP first, "nation", 80, 1))
            emit(i, i, first, first, t, "nation", 1)
        return i
    }
    if (first == "footballer" && is_life(i) && sport == "football") {
        if (take(title_of["Association football"], "trade", 150, 1))
            emit(i, i, first, first, title_of["Association football"],
                "trade", 1)
        return i
    }
    if (!most)
        return i
    acc = w[i]
    sub(/^["'(\[]+/, "", acc)
    for (j = i; j < i + most && j <= n_words && w[j] != "\\n"; j++) {
        if (j > i)
            acc = acc " " w[j]
        name = strip(acc)
        if (name in meant || name in stands) {
            best = name
            best_j = j
        }
    }
    if (best == "")
        return i
    if (best in stands) {
        # Two on this page have it: nobody's.
        if (stands[best] == "" || !alone(i, best_j))
            return best_j
        t = stands[best] == page ? "own" : "short"
        if (take(stands[best], t, t == "own" ? 5 : 12, t == "short"))
            emit(i, best_j, best, best, stands[best], t, 1)
    } else {
        found(i, best_j, best, meant[best], way[best])
    }
    return best_j
}

kind == "l" {
    if ($6 in name_of) {
        serial++
        made[$7]++
        print_record($1, $2, $3, $4, $5, $6, $7, $8)
    }
    next
}

function begin_page(    s, b) {
    for (s in stands) delete stands[s]
    for (s in city) delete city[s]
    for (s in met_here) delete met_here[s]
    s = substr($3, 1, 600)
    sport = ""
    if (s ~ /[Cc]ricket/) sport = "cricket"
    else if (s ~ /[Rr]ugby union/) sport = "rugby"
    else if (s ~ /(association football|footballer|FIFA)/) sport = "football"
    b = bare($2)
    if (page in name_of && flags[page] !~ /S/) {
        if (b != $2)
            on_page(b, page)
        if (b ~ /,/)
            on_page(before_comma(b), page)
        met($2, page)
    }
}

kind == "p" {
    if (!learnt)
        learn()
    pages++
    if (pages % 1000 == 0)
        printf "\r%s: %d pages, %d mentions", me, pages, serial \
            >"/dev/stderr"
    page = $1
    if (page in dropped) {
        n_dropped++
        next
    }
    begin_page()
    gsub(/\\n/, " \\n ", $3)
    n_words = split($3, w, " ")
    for (k = 1; k <= n_words; k++)
        k = at(k)
}

END {
    printf "\r%s: %d pages (%d left out), %d mentions:", me, pages,
        n_dropped, serial >"/dev/stderr"
    for (s in made)
        printf " %s %d", s, made[s] >"/dev/stderr"
    printf "\n" >"/dev/stderr"
}
