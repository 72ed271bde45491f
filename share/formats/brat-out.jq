# SPDX-License-Identifier: MIT
# A document with its links as brat's annotations (standoff); its text is the
# file beside them.
#   blink link --by-document notes.txt | jq -rf brat-out.jq >notes.ann
# An entity's id is its reference in the collection "blink".
.links
| to_entries[]
| (.key + 1) as $n
| .value
| "T\($n)\t\(.type // "MISC") \(.start) \(.end)\t\(.mention | gsub("[\n\t]"; " "))",
  (.entity // empty
   | "N\($n)\tReference T\($n) blink:\(.id | gsub("[ \t]"; "_"))\t\(.title)")
