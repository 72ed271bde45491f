# SPDX-License-Identifier: MIT
# Labelled or linked mentions as BLINK's own JSONL (train.jsonl, test.jsonl,
# data_to_link); BLINK's files are read as they are.
#   jq -cf blink-out.jq linked.jsonl
# BLINK's label is the entity's text, which records do not have, its label_id a
# number, the entity's row; ids that are no numbers stay text.
{id, context_left: (.context_left | ascii_downcase),
 mention: (.mention | ascii_downcase),
 context_right: (.context_right | ascii_downcase)}
+ (if has("label_id") or .entity
   then {label_id: ((.label_id // .entity.id) as $id
                    | try ($id | tonumber) catch $id),
         label_title: (.["label"] // .entity.title)}
   else {} end)
