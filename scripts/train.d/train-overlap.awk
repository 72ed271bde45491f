# SPDX-License-Identifier: MIT
# train-overlap.awk: drops records whose text occurs in texts kept for tests.
#
#   awk -f train-overlap.awk kind=t TEXTS kind=r RECORDS
#
# TEXTS is plain text.  A record (JSON with context_left, mention,
# context_right and then label, in that order) is dropped when eight words in
# a row of it occur in TEXTS, whatever their case and punctuation.  Says how
# many were dropped on standard error, by source.

# Words alone: lower case, one blank between.
function plain(s) {
    gsub(/\\[nrt"\\]/, " ", s)
    s = tolower(s)
    gsub(/[^a-z0-9\200-\377]+/, " ", s)
    return s
}

# Splits s into word[1..n].
function split_words(s,    n) {
    n = split(plain(s), word, " ")
    return n
}

function run_at(i,    s, k) {
    s = word[i]
    for (k = 1; k < RUN; k++)
        s = s " " word[i + k]
    return s
}

BEGIN { RUN = 8 }

kind == "t" {
    n = split_words($0)
    for (i = 1; i + RUN - 1 <= n; i++)
        kept[run_at(i)] = 1
    next
}

{
    from = index($0, "\"context_left\":\"") + 16
    to = index($0, "\",\"label\":")
    if (from == 16 || !to) {
        printf "%s: %s:%d: a record without context_left or label\n", me,
            FILENAME, FNR >"/dev/stderr"
        bad = 1
        exit 1
    }
    text = substr($0, from, to - from)
    sub(/","mention":"/, "", text)
    sub(/","context_right":"/, "", text)
    source = $0
    sub(/.*"source":"/, "", source)
    sub(/".*/, "", source)
    all[source]++
    n = split_words(text)
    for (i = 1; i + RUN - 1 <= n; i++)
        if (run_at(i) in kept) {
            out[source]++
            next
        }
    print
}

END {
    if (bad)
        exit 1
    for (source in all)
        printf "%s: %s: %d of %d records dropped, their text is in a test\n",
            me, source, out[source], all[source] >"/dev/stderr"
}
