# SPDX-License-Identifier: MIT
# Linked mentions as KILT's predictions:
#   blink link --input mentions --json mentions.jsonl | jq -cf kilt-out.jq
# Without an entity there is no answer, which KILT counts as a wrong one.
{id, input: "\(.context_left)[START_ENT] \(.mention) [END_ENT]\(.context_right)",
 output: [.entity // empty
          | {answer: .title,
             provenance: [{wikipedia_id: .id, title: .title}]}]}
