# SPDX-License-Identifier: MIT
# train-split.awk: shares records out, for scripts/train-data.
#
#   awk -f train-split.awk dev=FILE train=FILE keep='title=.2 common=.5' ...
#
# Each source keeps the share that `keep` gives (1 where it gives none), by a
# hash of the record's id.  Every fiftieth page, by a hash of its name, goes
# to dev with all of its records.  So the same input gives the same files,
# and a page is never on both sides.

function hash(s,    i, n, h) {
    h = 5381
    n = length(s)
    for (i = 1; i <= n; i++)
        h = (h * 33 + code[substr(s, i, 1)]) % 16777213
    # The last letters alone must not decide.
    return (h * 7919 + 12345) % 16777213
}

function field(name,    s, at) {
    at = index($0, "\"" name "\":\"")
    s = substr($0, at + length(name) + 4)
    return substr(s, 1, index(s, "\"") - 1)
}

BEGIN {
    for (i = 1; i < 256; i++)
        code[sprintf("%c", i)] = i
}

FNR == 1 && !ready {
    n = split(keep, f, " ")
    for (i = 1; i <= n; i++) {
        split(f[i], pair, "=")
        share[pair[1]] = pair[2]
    }
    ready = 1
}

{
    source = $0
    sub(/.*"source":"/, "", source)
    sub(/".*/, "", source)
    seen[source]++
    if (source in share && hash(field("id")) / 16777213 >= share[source])
        next
    if (hash(field("doc")) % 50 == 0) {
        print >dev
        in_dev[source]++
    } else {
        print >train
        in_train[source]++
    }
}

END {
    for (source in seen)
        printf "%s: %s: %d to train on, %d to test with\n", me, source,
            in_train[source], in_dev[source] >"/dev/stderr"
}
