# SPDX-License-Identifier: MIT
# Documents with their links as AIDA's CoNLL-YAGO:
#   blink link --by-document --input documents docs.jsonl | jq -rf aida-out.jq
# Tokens end at blanks, at signs and at the borders of mentions; a line end in
# the text ends a sentence.
def tokens($text; $from; $to):
    $text[$from:$to]
    | [match("\n|[\\p{L}\\p{N}]+(?:['\u2019-][\\p{L}\\p{N}]+)*|[^\\s]"; "g").string];
. as $doc
| reduce (.links | sort_by(.start))[] as $link ({at: 0, rows: []};
    if $link.start < .at then .       # inside the one before
    else .rows += [tokens($doc.text; .at; $link.start)[] | [.]]
        | .rows += [tokens($doc.text; $link.start; $link.end)
            | to_entries[] | [.value, (if .key == 0 then "B" else "I" end),
                $link.mention,
                ($link.entity | if . then .title | gsub(" "; "_") else "--NME--" end)]
                + ($link.entity | if . then [.url // ""] else [] end)]
        | .at = $link.end
    end)
| .rows += [tokens($doc.text; .at; ($doc.text | length))[] | [.]]
| "-DOCSTART- (\($doc.id))",
  (.rows[] | if .[0] == "\n" then "" else join("\t") end),
  ""
