# SPDX-License-Identifier: MIT
# brat's annotations (standoff) of one text as labelled mentions:
#   jq -nrcRf brat-in.jq --rawfile text notes.txt --arg doc notes notes.ann
# A mention in several pieces runs from the first to the last.
[inputs | select(test("^[TN][0-9]+\t")) | split("\t")]
| (map(select(.[0] | startswith("N")))
   | map(.[1] | capture("^\\S+ (?<of>T[0-9]+) [^:]+:(?<id>.*)$"))
   | map({key: .of, value: .id}) | from_entries) as $ids
| map(select(.[0] | startswith("T")))
| to_entries[]
| .key as $i
| .value
| . as $row
| (.[1] | split(" ")) as $place
| ($place[1] | tonumber) as $start
| ($place[-1] | tonumber) as $stop
| {id: "\($doc):\($i)", $doc, $start, "end": $stop,
   context_left: $text[0:$start], mention: $text[$start:$stop],
   context_right: $text[$stop:], type: $place[0], label_id: $ids[$row[0]]}
