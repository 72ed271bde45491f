# SPDX-License-Identifier: MIT
# KILT's entity linking as labelled mentions; the mention stands between
# [START_ENT] and [END_ENT]:
#   jq -cf kilt-in.jq kilt.jsonl | blink link --input mentions --json
. as $item
| .input
| capture("^(?<left>.*)\\[START_ENT\\] ?(?<mention>.*?) ?\\[END_ENT\\](?<right>.*)$"; "m")
| {id: ($item.id | tostring), context_left: .left, mention,
   context_right: .right}
  + ([$item.output[]? | select(.answer)][0]
     | if . then {label_id: .answer, "label": .answer} else {} end)
