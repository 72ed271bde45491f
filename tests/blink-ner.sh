#!/bin/bash
# SPDX-License-Identifier: MIT
# The finder of mentions: records, offsets, contexts, case rules, options.
. "$top_srcdir/tests/lib.sh"
cd "$T" || exit
blink-kb build -o k.kb "$fixtures/mini.jsonl"

# found TEXT [OPTION...]: the mentions of one document, joined by "|".
found() {
    local text=$1
    shift
    printf '%s' "$text" | blink-ner -d k.kb --whole "$@" |
        jq -rs 'map(.mention) | join("|")'
}
# finds TEXT MENTIONS
finds() { is "$(found "$1")" "$2" "in '$1': '$2'"; }

# ---- Records ----
run blink-ner -d k.kb <"$fixtures/mini.docs.jsonl"
is "$status$(cat err)" 0 'documents'
is "$(head -1 out)" '{"id":"d1:0","doc":"d1","start":0,"end":7,"context_left":"","mention":"England","context_right":" won the match in Paris. The French Republic sent a dog.","type":"ORG","ner_score":0.6}' \
    'a record'
is "$(jq -rs 'map(.id) | join(" ")' out)" \
    'd1:0 d1:1 d1:2 d2:0 d2:1 d3:0 d3:1 d3:2 d3:3 d3:4 d5:0 d5:1 d5:2 d5:3' \
    'mentions are numbered by document; an empty one has none'
# shellcheck disable=SC2016
is "$(jq -c --slurpfile d "$fixtures/mini.docs.jsonl" \
    '. as $m | $d[] | select(.id == $m.doc) | .text[$m.start:$m.end] == $m.mention' \
    out | sort | uniq -c | tr -s ' ')" ' 14 true' \
    'start and end are code points of the text'
# shellcheck disable=SC2016
is "$(jq -c --slurpfile d "$fixtures/mini.docs.jsonl" \
    '. as $m | $d[] | select(.id == $m.doc) | .text | contains($m.context_left + $m.mention + $m.context_right)' \
    out | sort -u)" 'true' 'contexts are cut from the text'
run blink-ner -d k.kb --copy lang --copy none \
    <<<'{"lang":[1.50,"x"],"id":7,"text":"In Paris."}'
is "$(cat out)" '{"id":"7:0","doc":"7","start":3,"end":8,"context_left":"In ","mention":"Paris","context_right":".","type":"LOC","ner_score":0.85,"lang":[1.50,"x"]}' \
    '--copy, as it is written'
run blink-ner -d k.kb --mark-ends \
    <<<$'{"lang":[1.50],"id":7,"text":"In Paris."}\n{"id":"8","text":""}'
is "$status:$(jq -c '[.id, .mention, .text, .error.code]' out)" \
    '0:["7:0","Paris",null,null]
[7,null,"In Paris.","end"]
["8",null,"","end"]' '--mark-ends: the document itself, behind its mentions'
for words in '--copy id' '--copy error' '--copy a --copy a' \
    '--mark-ends --text'; do
    # shellcheck disable=SC2086
    run blink-ner -d k.kb $words </dev/null
    is "$status" 2 "refused: $words"
done
run blink-ner -d k.kb --text <<<$'In Paris.\n\nNothing.\nIn London.'
is "$(jq -rs 'map(.id) | join(" ")' out)" '1:0 4:0' \
    '--text: ids are line numbers'
run blink-ner -d k.kb --text --type ORG <<<'The Beatles in London, WHO?'
is "$(jq -rs 'map(.mention) | join("|")' out)" 'The Beatles|WHO' '--type'
run blink-ner -d k.kb --text --min-score 0.9 \
    <<<'The Beatles in London, by the French Republic.'
is "$(jq -rs 'map(.mention) | join("|")' out)" 'The Beatles|French Republic' \
    '--min-score'

# ---- What is a name ----
finds 'Let us go; it will rain, said who.' ''
finds 'It may rain. Who said so? Will you?' ''
finds 'The US and the WHO agree.' 'US|WHO'
finds 'Give it to us, not to Us.' ''
finds 'a dog drank water by an apple' ''
finds 'Dog and Water.' ''
finds 'Phones by Apple are dear.' 'Apple'
finds 'An apple. Apple is a fruit, says the apple.' ''
finds 'He saw Apple Records there.' ''
finds 'England lost. Then England won.' 'England|England'
finds "England's weather" 'England'
finds 'in St. Louis.' 'St. Louis'
finds 'in St Louis.' 'St Louis'
finds 'in saint-etienne, in SAINT-ÉTIENNE, in Saint Etienne' \
    'SAINT-ÉTIENNE|Saint Etienne'
finds 'the Mercury of the Romans' 'Mercury'
finds 'the United States, the UNITED STATES, the united states' \
    'United States|UNITED STATES'
finds 'We left Paris. Texas was hot.' 'Paris'
finds 'We left Paris, Texas behind.' 'Paris, Texas'
finds 'He wrote C++ at AT&T.' 'C++|AT&T'
finds 'an iPhone' 'iPhone'
finds '東京と東' '東京'
finds "met Zoe O'Neill-Angstrom and Zoë O’Neill‐Ångström" \
    "Zoe O'Neill-Angstrom|Zoë O’Neill‐Ångström"
finds 'The England national football team won.' \
    'England national football team'
finds 'A Heart attack. A heart attack.' ''
finds $'REPORT FROM PARIS AND LONDON\nAll is well.' 'PARIS|LONDON'
finds $'north of Saint\nLouis of France' 'France'
finds 'Paris - Texas' 'Paris'

# ---- Lines ----
finds $'We left Saint\nLouis' ''
wrapped=$'It was said in those years, by whoever knew, that Saint
Louis in France had never left the south, where it is warm
and where all others went to live with him.'
finds "$wrapped" $'Saint\nLouis|France'
finds "${wrapped/$'\n'/$'\n \n'}" 'France'
finds "${wrapped/$'\n'/$'\n* '}" 'France'
finds "${wrapped/It was said in/In}" 'France'
tagger=$top_srcdir/share/models/mini
if [ -e "$tagger/ner/config.json" ]; then
    # tagged TEXT: the names, by the tagger that comes with blink.
    tagged() {
        printf '%s' "$1" | blink-ner -m "$tagger" --whole |
            jq -rs 'map(.mention) | join("|")'
    }
    is "$(tagged $'Unrest in Ferguson\nFBI opens inquiry')" 'Ferguson|FBI' \
        'a tagger: two titles'
    prose=$'It was said in those years, by whoever knew, that Marie
Curie was in Paris for the winter, where it is warm and where
all others went to live with her.'
    is "$(tagged "$prose")" $'Marie\nCurie|Paris' 'a tagger: wrapped prose'
    is "$(tagged "${prose/$'\n'/$'\n\n'}")" 'Marie|Curie|Paris' \
        'a tagger: an empty line'
else
    skip 'a tagger' 'no models'
fi
# Initials of a title are in the catalogue, but no name of it.
echo '{"id":"x","title":"International Court of Justice"}' |
    blink-kb build -o initials.kb -
for text in 'The iCJ met.' 'The ICJ met.' 'the icj met.'; do
    run blink-ner -d initials.kb --whole --common <<<"$text"
    is "$status:$(cat out err)" 0: "no mention in '$text'"
done
is "$(found 'the united states, a dog and paris' --common)" \
    'united states|dog|paris' '--common'

# ---- Marks, symbols, columns ----
finds 'In Paris😀 and ✈️London; Paris→London, ★Paris★, Paris™, Paris¹, €Paris' \
    'Paris|London|Paris|London|Paris|Paris|Paris|Paris'
finds $'# Paris\n\n## London ##\n- [x] **Paris**\n> _London_' \
    'Paris|London|Paris|London'
finds $'[Paris](http://x/London) [[London]] `Paris` | London | Paris |' \
    'Paris|London|London|Paris'
finds $'See en.wiki.org/wiki/Paris, https://x.org/London and Paris' 'Paris'
finds $'Ann.London@paris.org wrote:\n```\nParis = 1\n```\nLondon' 'London'
finds 'I like #Paris, thank @London; a@london.org' 'Paris|London'
finds '<b>Paris</b> is<br>London' 'Paris|London'
finds 'by AT&amp;T in Saint-&Eacute;tienne&nbsp;now' \
    'AT&amp;T|Saint-&Eacute;tienne'
finds $'in Eng-\nland' $'Eng-\nland'
for end in '\f' '\v' '\x1c' '\x1f' '\xc2\x85' '\xe2\x80\xa8' '\xe2\x80\xa9'; do
    finds "$(printf 'in Saint%bLouis, Paris%bLondon' "$end" "$end")" \
        'Paris|London'
done
finds $'x\tSaint\tLouis\tParis' 'Paris'
finds 'x   Saint   Louis   Paris' 'Paris'
cat >letters.jsonl <<'X'
{"id":"1","title":"Łódź","text":"A city.","aliases":["Litzmannstadt"]}
{"id":"2","title":"Hans Christian Ørsted","text":"A physicist."}
{"id":"3","title":"Gross Gerau","text":"A town.","aliases":["Strasse der Einheit"]}
X
blink-kb build -q -o letters.kb letters.jsonl
text='In Lodz, in Łódź, Hans Christian Orsted, Groß Gerau, Straße der Einheit'
is "$(blink-ner -d letters.kb --text <<<"$text" | jq -r .mention | paste -sd'|')" \
    'Lodz|Łódź|Hans Christian Orsted|Groß Gerau|Straße der Einheit' \
    'letters that have no accent to take off'
is "$(for q in Lodz orsted 'Groß Gerau' Straße nothing; do
        blink-kb search -k 1 -c letters.kb "$q" | jq -r .id
    done | paste -sd' ')" '1 2 3 3' 'and in searches'

# ---- Names of a catalogue made by hand ----
cat >own.jsonl <<'X'
{"id":"1","title":"Urtica dioica","text":"A plant.","aliases":["nettle",{"name":"weed","count":3}]}
{"id":"2","title":"Society of Natural Friends","text":"A club."}
{"id":"3","title":"Friends","text":"A club.","aliases":["the Society"]}
{"id":"4","title":"Marsh Abbey","text":"Walls.","aliases":["the abbey"]}
X
blink-kb build -q -o own.kb own.jsonl
text='Nettle and nettle, no weed, at the abbey. The Society of Natural Friends
met the Society.'
is "$(blink-ner -d own.kb --whole <<<"$text" | jq -r .mention | paste -sd'|')" \
    'Nettle|nettle|the abbey|Society of Natural Friends|the Society' \
    'lower case that it writes itself; a longer name goes first'
if [ -e "$tagger/ner/config.json" ]; then
    text='The Society of Natural Friends met Angela Merkel in Geneva by a nettle.'
    is "$(blink-ner -m "$tagger" -d own.kb --text <<<"$text" |
        jq -r .mention | paste -sd'|')" \
        'Society of Natural Friends|Angela Merkel|Geneva|nettle' \
        'a tagger and a dictionary together'
    text='The WHO sits in Geneva, where The Beatles met the Apple Computer.'
    is "$(blink-ner -m "$tagger" -d k.kb --text <<<"$text" |
        jq -r .mention | paste -sd'|')" \
        'WHO|Geneva|The Beatles|Apple Computer' 'a name without its article'
    is "$(tagged 'OTLEY - Leeds City Council met Viktor Orban of Hungary.')" \
        'OTLEY|Leeds City Council|Viktor Orban|Hungary' 'a tagger: a dash'
    is "$(tagged 'Then Charles X. Now: Henry V. By J. R. R. Tolkien of St. Louis')" \
        'Charles X|Henry V|J. R. R. Tolkien|St. Louis' 'a tagger: full stops'
    is "$(tagged $'# Vienna\n\nI like 😀Lisbon™ and #Oslo.\n\nMadrid\tWarsaw\fParis')" \
        'Vienna|Lisbon|Oslo|Madrid|Warsaw|Paris' 'a tagger: marks'
fi

# ---- Contexts ----
text='One two three. Four five six. In Paris it rains. Seven eight nine. Ten.'
run blink-ner -d k.kb --text --context 20 <<<"$text"
is "$(jq -c '[.context_left, .context_right]' out)" \
    '["Four five six. In "," it rains."]' 'whole sentences, as far as they fit'
run blink-ner -d k.kb --text --context 6 <<<"$text"
is "$(jq -c '[.context_left, .context_right]' out)" '["In "," it"]' \
    'whole words otherwise'
run blink-ner -d k.kb --text --context 0 <<<"$text"
is "$(jq -c '[.context_left, .context_right]' out)" '["",""]' 'or nothing'
run blink-ner -d k.kb --text --context 4 <<<'ééé ééé Paris ééé ééé'
is "$(jq -c '[.context_left, .context_right]' out)" '["ééé "," ééé"]' \
    'characters are counted, not bytes'

# ---- Bad input ----
run blink-ner -d k.kb <<'X'
{"id":"a","text":"In Paris."}
nonsense
{"id":"b"}
{"id":"c","text":null}
{"text":"In Paris."}
{"id":"d","text":"In \u0000"}
{"id":"e","text":"x","text":"y"}
{"id":"f","text":"In London.","error":{"code":"x"}}
{"id":"g","text":"In London."}
X
is "$status" 1 'bad documents give 1'
is "$(jq -rs 'map(if .error then .error.code else .mention end) | join(" ")' out)" \
    'Paris bad-json no-stage bad-field bad-field bad-string duplicate-key x London' \
    'each in its place'
is "$(sed -n 2p err)" "blink-ner: stdin:3: field 'text': expected string, found nothing: \
blink text makes documents of plain text" 'and named'
printf 'In Paris \xff.\nIn London.\nIn\0 Paris\n' >bad.txt
run blink-ner -d k.kb --text <bad.txt
is "$status$(jq -rs 'map(.error.code // .mention) | join(" ")' out)" \
    '1bad-utf8 London bad-string' 'plain text that is none'
run blink-ner -d k.kb --whole <bad.txt
is "$status$(cat out err)" '1blink-ner: stdin: byte 9: invalid UTF-8' \
    'a whole text that is none'
run blink-ner -d k.kb --whole --max-line 256 < <(head -c 300 /dev/zero)
is "$status$(cat out err)" \
    '1blink-ner: stdin: longer than 256 bytes (--max-line)' 'a text too long'
run blink-ner -d missing.kb </dev/null
is "$status" 3 'a missing catalogue'
run blink-ner -m k.kb </dev/null
is "$status$(cat err)" \
    "3blink-ner: 'k.kb' is a file, expected a model's folder (blink-convert makes one from other weights)" \
    'a model that is a file'
run blink-ner -m . </dev/null
is "$status$(cat err)" \
    "3blink-ner: './config.json': there is no such file, expected the model's configuration" \
    'a model that is no model'
mkdir -p data/models/default
run env BLINK_DATA="$T/data" blink-ner </dev/null
is "$status" 3 'no default catalogue, and no tagger'
mkdir -p data/catalogues
cp k.kb data/catalogues/default.kb
run env BLINK_DATA="$T/data" blink-ner --text <<<'In Paris.'
is "$(jq -r .mention out)" Paris 'the default catalogue'
blink-kb build -o empty.kb /dev/null
run blink-ner -d empty.kb --text <<<'In Paris.'
is "$status$(cat out err)" 0 'an empty catalogue finds nothing'

# ---- Equal results, bounded work ----
for i in $(seq 50); do
    jq -c ".id += \"-$i\"" "$fixtures/mini.docs.jsonl"
done >many.jsonl
blink-ner -d k.kb <many.jsonl >a.out
blink-ner -d k.kb --batch 1 <many.jsonl >b.out
ok 'the size of batches does not matter' cmp -s a.out b.out
# One document of 3 MB, of words that begin names, is one pass.
yes "Paris, England national football Heart St. United Zoë" |
    head -c 3000000 >long.txt
run timeout 60 blink-ner -d k.kb --whole --context 0 <long.txt
is "$status" 0 'a long document'
is "$(wc -l <out)" "$(grep -Eo 'Paris|England' long.txt | wc -l)" 'is found whole'
head -c 1000000 /dev/zero | tr '\0' '(' >deep.txt
run timeout 20 blink-ner -d k.kb --whole <deep.txt
is "$status$(cat out)" 0 'a million brackets'
yes '# = [a](' | head -c 1000000 | tr -d '\n' >deep.txt
run timeout 20 blink-ner -d k.kb --whole <deep.txt
is "$status$(cat out)" 0 'a million marks'

# ---- Plain text by mistake ----
printf 'Paris is big.\nLondon too.\n' >plain.txt
run blink-ner -d k.kb <plain.txt
is "$status$(tail -n 1 err)" "1blink-ner: no line is a document in JSON: \
--text takes plain text, a document a line, --whole all of it as one" \
    'plain text: what to do is said once'
printf '%s\n' 'Paris' '{"id":"1","text":"Paris"}' >mixed
run blink-ner -d k.kb <mixed
is "$(grep -c 'no line is' err)" 0 'but not when a line is a document'
finish
