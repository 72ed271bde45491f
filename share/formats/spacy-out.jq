# SPDX-License-Identifier: MIT
# Documents with their links as spaCy's JSON, which Doc.from_json() reads:
#   blink link --by-document --input documents docs.jsonl | jq -cf spacy-out.jq
# spaCy keeps the id of an entity (kb_id) in groups of spans alone: that is
# doc.spans["blink"].  Tokens end at blanks, at signs and at the borders of
# mentions; a blank behind a token belongs to it, other white space is a token.
def tokens($text; $from; $to):
    (if $from > 0 and $text[$from:$from + 1] == " " then $from + 1
     else $from end) as $from
    | if $from >= $to then empty else $text[$from:$to] end
    | match("([\\p{L}\\p{N}]+(?:['\u2019-][\\p{L}\\p{N}]+)*|[^\\s]) ?|(\\s+)"; "g")
    | .captures[] | select(.string != null)
    | {start: ($from + .offset), "end": ($from + .offset + .length)};
.id as $id
| .text as $text
| [.links[] | {start, "end": .end, "label": (.type // "MISC"),
               kb_id: (.entity.id // "")}]
| sort_by(.start) as $spans
| reduce $spans[] as $span ({at: 0, ents: [], tokens: []};
    if $span.start < .at then .       # inside the one before
    else .ents += [$span | del(.kb_id)]
        | .tokens += [tokens($text; .at; $span.start),
                      tokens($text; $span.start; $span.end)]
        | .at = $span.end
    end)
| .tokens += [tokens($text; .at; ($text | length))]
| {id: $id, text: $text, ents, spans: {blink: $spans},
   tokens: [.tokens | to_entries[] | {id: .key} + .value]}
