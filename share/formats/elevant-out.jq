# SPDX-License-Identifier: MIT
# Documents with their links in ELEVANT's simple JSONL of predictions:
#   blink link --by-document --input documents docs.jsonl | jq -cf elevant-out.jq
# An entity is referred to by its Wikidata item where it has one, else by its
# address, else by its title.
{id, text, predictions: [
    .links[]
    | select(.entity)
    | {entity_reference: (.entity | .qid // .url // .title),
       start_char: .start, end_char: .end}]}
