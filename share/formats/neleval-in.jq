# SPDX-License-Identifier: MIT
# neleval's rows (TAC's) as labelled places, which blink-view --compare reads,
# and blink-eval --gold:
#   jq -cRf neleval-in.jq gold.tab
# Rows have no texts: the mention is empty.
select(length > 0 and (startswith("#") | not))
| split("\t")
| {id: "\(.[0]):\(.[1])", doc: .[0], start: (.[1] | tonumber),
   "end": ((.[2] | tonumber) + 1), mention: "",
   label_id: (if .[3] | startswith("NIL") then null else .[3] end)}
  + (if (.[5] // "") != "" then {type: .[5]} else {} end)
