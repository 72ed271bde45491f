# SPDX-License-Identifier: MIT
# train-ner.awk: sentences in CoNLL columns, chosen, for scripts/train-data.
#
#   awk -f train-ner.awk train=FILE dev=FILE kind=t TESTS... [kind=c TEXT]
#       kind=d DEMONYMS... kind=s name=NAME part=PART alone=N style=N
#       mixed=N SENTENCES...
#
# TESTS are CoNLL columns of test sets: a sentence is dropped that is one of
# theirs or shares eight words in a row with one.  After kind=c with a plain
# text, part=text takes only sentences most of whose five-word runs occur in
# it (which documents of a mixed file may be used); part=all takes all.
# Every twentieth sentence goes to dev.  A file ends with a blank line.
#
# DEMONYMS (demonyms.tsv, peoples.tsv) are names of kind MISC, as in news: some
# sets leave them out, and there a word alone that is O or anything else becomes
# MISC.
# alone=N begins a document (-DOCSTART-) with every Nth sentence, as tweets
# stand alone; "-DOCSTART-" in the input begins one too.  style=N is written
# there: N > 0 for sets whose rules are not those that names are wanted by
# (blink-train(1)); with mixed=K every Kth of their documents has none.  Every
# fifteenth sentence comes again in capitals, as a headline.

function plain(s) {
    s = tolower(s)
    gsub(/[^a-z0-9\200-\377]+/, " ", s)
    return s
}

# Runs of n words of s, a blank between; run[1..the answer].
function runs_of(s, n,    f, m, i, k, r) {
    m = split(plain(s), f, " ")
    for (i = 1; i + n - 1 <= m; i++) {
        r = f[i]
        for (k = 1; k < n; k++)
            r = r " " f[i + k]
        run[i] = r
    }
    return m < n ? 0 : m - n + 1
}

function is_test(    i, n) {
    if (words in test_sentence)
        return 1
    n = runs_of(words, 8)
    for (i = 1; i <= n; i++)
        if (run[i] in test_run)
            return 1
    return 0
}

function is_clean(    i, n, hits) {
    n = runs_of(words, 5)
    for (i = 1; i <= n; i++)
        hits += run[i] in clean
    return n > 0 && hits >= 0.6 * n
}

function sentence(    i, n, file) {
    if (kind == "t") {
        test_sentence[words] = 1
        n = runs_of(words, 8)
        for (i = 1; i <= n; i++)
            test_run[run[i]] = 1
        return
    }
    all[name]++
    if (part == "text" && !is_clean()) {
        unclean[name]++
        return
    }
    if (is_test()) {
        dropped[name]++
        return
    }
    file = ++taken[name] % 20 == 0 ? dev : train
    if (begins || taken[name] % alone == 0)
        print document(file) >file
    begins = 0
    print columns >file
    if (file == train && taken[name] % 15 == 0)
        print document(file) "\n" capitals(columns) >file
}

# The line that begins one, and an empty one.
function document(file,    own) {
    own = style > 0 && (mixed == 0 || ++documents[file, name] % mixed)
    return "-DOCSTART-" (own ? "\tstyle=" style : "") "\tO\n"
}

function capitals(s,    f, n, i, out) {
    n = split(s, f, /[\t\n]/)
    for (i = 1; i < n; i += 2)
        out = out toupper(f[i]) "\t" f[i + 1] "\n"
    return out
}

# A name of one word ends where the next word is not inside it.
function end_name() {
    if (last in demonym && last_tag !~ /^I/)
        last_tag = "B-MISC"
    if (last != "")
        columns = columns last "\t" last_tag "\n"
    last = ""
}

function flush_sentence() {
    end_name()
    if (words != "")
        sentence()
    words = columns = ""
}

kind == "c" {
    n = runs_of($0, 5)
    for (i = 1; i <= n; i++)
        clean[run[i]] = 1
    next
}

kind == "d" {
    split($0, columns_of, "\t")
    if (columns_of[1] !~ /[ #]/)
        demonym[columns_of[1]]
    next
}

NF == 0 { flush_sentence(); next }

$1 == "-DOCSTART-" { begins = 1; next }

{
    words = words (words == "" ? "" : " ") $1
    if ($NF ~ /^I/ && last != "") {
        columns = columns last "\t" last_tag "\n"
        last = ""
    } else {
        end_name()
    }
    last = $1
    last_tag = $NF
}

END {
    for (name in all)
        printf "%s: %s: %d of %d sentences taken, %d are in a test, %d may" \
            " not be used\n", me, name, taken[name], all[name],
            dropped[name], unclean[name] >"/dev/stderr"
}
