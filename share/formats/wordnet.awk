# SPDX-License-Identifier: MIT
# Named things of WordNet (persons, places, works, battles) to lines that
# share/formats/merge-entities.awk reads:
#
#   awk -f share/formats/wordnet.awk index.noun data.noun
#
# "wordnet", kind ("person", "place", "event" or another), definition, and for
# each name the name and its sense, with tabs between them.
#
# A line of data.noun is a set of words of one meaning; those with a pointer
# "@i" are instances.  index.noun lists the meanings of each word, the usual
# one first: SENSE is the place there, 1 for "Paris" in France, more for the
# son of Priam.  With -v words=1 it prints instead the words that usually mean
# no named thing ("bath").  wndb(5WN) has the format.

BEGIN {
    kind["14"] = "group"; kind["15"] = "place"; kind["17"] = "place"
    kind["18"] = "person"; kind["04"] = kind["11"] = "event"
    kind["10"] = "work"
}

# The first file: word, part of speech, number of meanings and of pointers,
# the pointers, two numbers, the meanings.
FILENAME != ARGV[2] {
    if ($0 !~ /^ /) {
        first = 4 + $4 + 3
        usual[$1] = $first
        for (i = first; i <= NF; i++)
            sense[$1, $i] = i - first + 1
    }
    next
}

/^ / { next }
{
    bar = index($0, " | ")
    pointers = substr($0, 1, bar)
}
words {
    if (pointers !~ / @i /)
        plain[$1]
    next
}
pointers ~ / @i / {
    # An example in quotes follows the definition; race science is left out.
    text = substr($0, bar + 3)
    sub(/; ".*/, "", text)
    sub(/ +$/, "", text)
    if (text ~ /[Nn]egro|[Cc]aucasian/)
        next
    split("", seen)
    names = ""
    n = 0
    for (i = 5; n < hex($4); i += 2) {
        n++
        word = $i
        sub(/\([a-z]*\)$/, "", word)
        low = tolower(word)
        rank = sense[low, $1] ? sense[low, $1] : 9
        gsub(/_/, " ", word)
        if (word in seen)
            continue
        seen[word]
        names = names "\t" word "\t" rank
    }
    print "wordnet\t" ($2 in kind ? kind[$2] : "thing") "\t" \
        toupper(substr(text, 1, 1)) substr(text, 2) "." names
}

END {
    for (word in usual)
        if (words && usual[word] in plain)
            print word
}

function hex(digits,    at, value) {
    for (at = 1; at <= length(digits); at++)
        value = value * 16 + index("0123456789abcdef",
            tolower(substr(digits, at, 1))) - 1
    return value
}
