# SPDX-License-Identifier: MIT
# Documents with their links as spaCy's JSON (Doc.from_json() reads it):
#   blink link --by-document --input documents docs.jsonl | jq -cf spacy-out.jq
{id, text, ents: [.links[]
    | {start, "end": .end, "label": (.type // "MISC"),
       kb_id: (.entity.id // "")}]}
