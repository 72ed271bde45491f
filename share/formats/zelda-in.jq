# SPDX-License-Identifier: MIT
# ZELDA's documents as labelled mentions:
#   jq -cf zelda-in.jq zelda.jsonl | blink link --input mentions --json
. as $doc
| range(.index | length) as $i
| .index[$i] as [$start, $stop]
| {id: "\($doc.id):\($i)", doc: ($doc.id | tostring), $start, "end": $stop,
   context_left: .text[0:$start], mention: .text[$start:$stop],
   context_right: .text[$stop:], label_id: (.wikipedia_ids[$i] | tostring),
   "label": .wikipedia_titles[$i]}
