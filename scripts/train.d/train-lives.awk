# SPDX-License-Identifier: MIT
# train-lives.awk: invented lives of sportsmen as an encyclopedia writes
# them, labelled, for scripts/train-data.
#
#   awk -f train-lives.awk kind=d DEMONYMS kind=e ENTITIES
#
# DEMONYMS holds adjective and title of a country; ENTITIES id, title, league,
# text, with tabs between.  Prints LABELLED columns of train-mine.awk.  In
# these lives a place is a club where somebody played for it and a town where
# he was born, a nation is a people, and a trade means its sport.

kind == "d" {
    n_nations++
    adjective[n_nations] = $1
    country[n_nations] = $2
    next
}

function short_club(title,    s) {
    s = title
    sub(/^(A\.?F\.?C\.?|F\.?C\.?) /, "", s)
    sub(/ (A\.?F\.?C\.?|F\.?C\.?)$/, "", s)
    sub(/ (United|City|Town|Rovers|Athletic|Wanderers|Albion|County|North End|Argyle|Rangers|Orient)$/, "", s)
    return s
}

{
    id_of[$2] = $1
    if ($3 == "soccer" && short_club($2) ~ /^[A-Z][a-z]+( [A-Z][a-z]+)?$/)
        club[++clubs] = $2
    if ($2 ~ /^[A-Z][a-z]+ [A-Z][a-z]+$/ && $4 ~ /\(born |born [0-9]/) {
        split($2, f, " ")
        given[++people] = f[1]
        surname[people] = f[2]
    }
    if ($2 ~ /^[A-Z][a-z]+shire$/)
        county[++counties] = $2
}

# ---- A text of pieces, some of which are mentions ----

function say(text, title) {
    piece[++pieces] = text
    means[pieces] = title in id_of ? id_of[title] : ""
}

function flush(    i, k, left, right) {
    texts++
    for (i = 1; i <= pieces; i++) {
        if (means[i] == "")
            continue
        left = right = ""
        for (k = 1; k < i; k++)
            left = left piece[k]
        for (k = i + 1; k <= pieces; k++)
            right = right piece[k]
        printf "lives:%d:%d\tlives:%d\t%s\t%s\t%s\t%s\tlives\t1\n", texts, i,
            texts, left, piece[i], right, means[i]
    }
    pieces = 0
}

function any(n, step) { return (texts * step + step) % n + 1 }

function date(step,    months) {
    split("January February March April May June July August September October November December",
        months, " ")
    return any(28, step) " " months[any(12, step + 2)]
}

function name_him() {
    last = surname[any(people, 31)]
    say(given[any(people, 17)] " " last \
        (texts % 2 ? " (born " : " (" date(3) " 18" (70 + texts % 29) " – ") \
        date(5) " 19" (40 + texts % 50) ") " (texts % 2 ? "is " : "was "))
}

# "an English ", "a former Spanish "; half of them from the four nations that
# an encyclopedia calls by their people.
function name_nation(former,    home, k, a) {
    split("English Scottish Welsh Irish", home, " ")
    k = any(n_nations, 13)
    a = texts % 2 ? home[int(texts / 2) % 4 + 1] : adjective[k]
    say((former ? "a former " : a ~ /^[AEIOU]/ ? "an " : "a "))
    say(a, texts % 2 ? a " people" : country[k])
    say(" ")
}

function a_club(step,    c) {
    c = club[any(clubs, step)]
    say(short_club(c), c)
}

function footballer() {
    name_him()
    name_nation(texts % 3 == 0)
    say(texts % 4 < 2 ? "professional " : "")
    say("footballer", "Association football")
    say(" who played as a " (texts % 3 ? "midfielder" : "full-back") " for ")
    a_club(11)
    if (texts % 2)
        say(" in ", "")
    else
        say(" and ")
    if (texts % 2)
        say("the Football League", "English Football League")
    else
        a_club(19)
    say(". ")
}

function career() {
    say("Born in ")
    say(short_club(club[any(clubs, 23)]), short_club(club[any(clubs, 23)]))
    say(", " last " began his career with ")
    a_club(29)
    say(" and signed for ")
    a_club(37)
    say(" in 19" (30 + texts % 60) ". He made his debut against ")
    a_club(41)
    say(" in a " (1 + texts % 3) "–" texts % 2 " win on " date(9) \
        ", and later moved to ")
    a_club(43)
    say(".")
}

function cricketer() {
    name_him()
    name_nation(texts % 2)
    say("cricketer", texts % 3 ? "" : "Cricket")
    say(". " last " was a " (texts % 2 ? "right" : "left") "-handed ")
    say("batsman", "Batting (cricket)")
    say(" who bowled right-arm medium pace. He was born in ")
    say(short_club(club[any(clubs, 23)]), short_club(club[any(clubs, 23)]))
    say(", ")
    say(county[any(counties, 7)], county[any(counties, 7)])
    say(".")
}

END {
    if (!clubs || !people || !n_nations || !counties)
        exit 0
    while (texts < 700) {
        if (texts % 10 < 6) {
            footballer()
            career()
        } else {
            cricketer()
        }
        flush()
    }
}
