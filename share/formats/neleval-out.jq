# SPDX-License-Identifier: MIT
# Linked mentions as neleval's rows (TAC's): document, start, end (the last
# character, not the one behind it), entity or NIL, score, type.
#   blink link --json notes.txt | jq -rf neleval-out.jq >system.tab
# A name that no catalogue has is the cluster of its nil_id where it has one,
# else NIL and a number of its own.
[.doc, .start, .end - 1,
 (.entity.id // ("NIL" + ((.nil_id // .id) | tostring | gsub("[^A-Za-z0-9]"; "")))),
 (.entity.p // .nil_p // 1), (.type // "MISC")]
| @tsv
