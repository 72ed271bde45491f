# SPDX-License-Identifier: MIT
# AIDA's CoNLL-YAGO (tab separated: token, B or I, mention, YAGO2, address, id,
# Freebase) as labelled mentions:
#   jq -ncRf aida-in.jq AIDA.tsv | blink link --input mentions --json
# Tokens are joined by blanks, sentences by line ends.  The label is the title
# in Wikipedia, as in its address; of --NME-- it is null.
def new($name): {name: $name, text: "", links: [], gap: ""};
def close: if .open then .links += [.open + {stop: (.text | length)}] else . end
    | .open = null;
def token($row):
    (if $row[1] == "I" then . else close end)
    | .text += .gap
    | .gap = " "
    | if $row[1] == "B" then .open = {start: (.text | length),
          id: (if $row[3] == "--NME--" then null
               elif ($row[4] // "") != "" then $row[4] | sub("^.*/wiki/"; "")
               else $row[3] end)}
      else . end
    | .text += $row[0];
def mentions:
    close | . as $doc | range(.links | length) as $i | .links[$i]
    | {id: "\($doc.name):\($i)", doc: $doc.name, start, "end": .stop,
       context_left: $doc.text[0:.start], mention: $doc.text[.start:.stop],
       context_right: $doc.text[.stop:], label_id: .id};
foreach ((inputs | rtrimstr("\r")), null) as $line ({doc: null};
    .out = null
    | if $line == null then .out = .doc
      elif $line | startswith("-DOCSTART-")
      then .out = .doc
          | .doc = new($line | sub("^-DOCSTART- *"; "") | ltrimstr("(") | rtrimstr(")"))
      elif .doc == null then .
      elif $line == "" then .doc |= (close | .gap = if .text == "" then "" else "\n" end)
      else .doc |= token($line | split("\t")) end;
    .out // empty | mentions)
