# SPDX-License-Identifier: MIT
# short-text.awk: the beginning of an entity's text as people would write it
# in a list of their own: not "Alma Vane is a Dutch", but "Dutch judge and".

# The first words of a JSON string, as JSON; all from 100 on.
function first_words(json, most,    word, n, i, from, out) {
    if (most >= 100)
        return json
    n = split(substr(json, 2, length(json) - 2), word, " ")
    from = 1
    for (i = 2; i < n && i <= 12; i++)
        if (word[i] ~ /^(is|was|are|were)$/ && word[i + 1] ~ /^(an?|the)$/) {
            from = i + 2
            break
        }
    for (i = from; i <= n && i < from + most; i++)
        out = out (i > from ? " " : "") word[i]
    return "\"" out "\""
}
