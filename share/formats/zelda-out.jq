# SPDX-License-Identifier: MIT
# Documents with their links as ZELDA has them:
#   blink link --by-document --input documents docs.jsonl | jq -cf zelda-out.jq
[.links[] | select(.entity)] as $links
| {id, text, index: [$links[] | [.start, .end]],
   wikipedia_titles: [$links[].entity.title],
   wikipedia_ids: [$links[].entity.id]}
