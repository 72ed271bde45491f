# SPDX-License-Identifier: MIT
# Wikipedia summaries, {"TITLE": {"title","extract","description","topic"}},
# to catalogue records, one a line:
#
#   jq -c -f share/formats/wikipedia-summaries.jq summaries_en-us.json
#
# There are no page ids in such a file: the id is the title as it stands in
# the page's address.  Aliases that the text itself gives: an abbreviation in
# brackets behind the title, and a person's last name when no other title
# ends in it and it is no common word of these texts.

def slug: gsub(" "; "_");

# The characters that Wikipedia leaves as they are in an address.
def url:
    "https://en.wikipedia.org/wiki/" + (slug | @uri
        | gsub("%2C"; ",") | gsub("%3A"; ":") | gsub("%2F"; "/")
        | gsub("%28"; "(") | gsub("%29"; ")") | gsub("%27"; "'")
        | gsub("%21"; "!"));

# "Polish-French physicist (1867-1934)", "(born 1961)"
def is_person:
    .topic == "People" or
    ((.description // "") | test("\\((born|died) |[0-9][–-](c\\. )?[0-9]+.*\\)$"));

def last_name:
    if (.title | test("[(,0-9]| of | the | the$")) then null
    else (.title | split(" ") | if length > 1 then last else null end)
    end;

def is_name: (. // "") | test("^\\p{Lu}[\\p{L}'’-]{3,}$");

# "European Union (EU)" anywhere in the first lines; "United States (U.S.)"
# gives US too.  "Skepticism (US) or scepticism (UK)" is about spelling.
def abbreviations:
    .title as $title | (.extract // "")[0:300]
    | split($title + " (") | .[1:][]
    | capture("^(?<a>[A-Z][A-Z0-9.&-]{1,8})[,;)]").a
    | select(. != $title)
    | ., gsub("[.]"; "")
    | select((. != "US" and . != "UK") or ($title | startswith("United ")));

[.[]] as $all
| (reduce ($all[] | .extract // "" | split(" ")[]
           | select(test("^[a-z]{4,}$"))) as $w ({}; .[$w] = true)) as $common
| (reduce ($all[] | .title | split(" ") | last) as $w
       ({}; .[$w] = (.[$w] // 0) + 1)) as $endings
| $all[]
| last_name as $last
| { id: (.title | slug), title,
    text: (.extract // ""),
    url: (.title | url),
    aliases: ([abbreviations,
               (if is_person and ($last | is_name)
                    and $endings[$last] == 1
                    and ($common[$last | ascii_downcase] | not)
                then $last else empty end)] | unique) }
  + (if (.description // "") == "" then {} else { description } end)
  + (if .topic == null or .topic == "Uncategorized" then {}
     else { topic } end)
| if .aliases == [] then del(.aliases) else . end
