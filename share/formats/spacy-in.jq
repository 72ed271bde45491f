# SPDX-License-Identifier: MIT
# spaCy's documents as JSON (Doc.to_json()) as mentions: the group of spans
# "blink" where there is one, else the entities; labelled where they have a
# kb_id, which to_json() leaves out of entities.
#   jq -cf spacy-in.jq docs.json | blink link --input mentions --json
. as $doc
| .spans.blink // .ents // []
| to_entries[]
| .key as $i
| .value
| {id: "\($doc.id // "doc"):\($i)", doc: ($doc.id // "doc" | tostring), start,
   "end": .end, context_left: $doc.text[0:.start],
   mention: $doc.text[.start:.end], context_right: $doc.text[.end:]}
  + (if (.label // "") != "" then {type: .label} else {} end)
  + (if (.kb_id // "") != "" then {label_id: .kb_id} else {} end)
