# SPDX-License-Identifier: MIT
# spaCy's documents as JSON (Doc.to_json()) as mentions: labelled where an
# entity has a kb_id.
#   jq -cf spacy-in.jq docs.json | blink link --input mentions --json
. as $doc
| .ents // []
| to_entries[]
| .key as $i
| .value
| {id: "\($doc.id // "doc"):\($i)", doc: ($doc.id // "doc" | tostring), start,
   "end": .end, context_left: $doc.text[0:.start],
   mention: $doc.text[.start:.end], context_right: $doc.text[.end:]}
  + (if (.label // "") != "" then {type: .label} else {} end)
  + (if (.kb_id // "") != "" then {label_id: .kb_id} else {} end)
