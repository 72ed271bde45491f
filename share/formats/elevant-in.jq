# SPDX-License-Identifier: MIT
# ELEVANT's articles with their labels (also its simple JSONL) as labelled
# mentions:
#   jq -cf elevant-in.jq articles.jsonl | blink link --input mentions --json
# What lies outside of evaluation_span has no labels that could be counted, and
# pronouns and descriptions (coref) are no names: both are left out.  Of an
# entity without an id ("Unknown...", a quantity or a date) the label is null.
def mention($text; $start; $stop):
    {$start, "end": $stop, context_left: $text[0:$start],
     mention: $text[$start:$stop], context_right: $text[$stop:]};
. as $article
| (.evaluation_span // [0, (.text | length)]) as [$from, $to]
| [.labels[]?
   | select((.coref // false) | not)
   | {start: (.span[0] // .start_char), stop: (.span[1] // .end_char),
      id: (.entity_id // .entity_reference), name, type}
   | select(.start >= $from and .stop <= $to)]
| sort_by(.start)
| to_entries[]
| .value as $one
| {id: "\($article.id):\(.key)", doc: ($article.id | tostring)}
  + mention($article.text; $one.start; $one.stop)
  + {label_id: (if ($one.id // "" | tostring | test("^(|Unknown.*|NIL.*)$"))
                then null else $one.id end)}
  + (if $one.name then {"label": $one.name} else {} end)
