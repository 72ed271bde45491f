#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-view: the text as it was, nothing of a record as markup.
. "${top_srcdir:?}/tests/lib.sh"
cd "$T" || exit

# Names and texts of the documents, without tags and the numbers of mentions.
text() {
    sed -n '/<main>/,/<\/main>/p' "$1" | sed '/<details/,/<\/details>/d
        s/<sup>[^s]*<\/sup>//g; s/<[^>]*>//g; /^$/d
        s/&#60;/</g; s/&#62;/>/g; s/&#34;/"/g; s/&#39;/'\''/g; s/&#38;/\&/g'
}

cat >linked.jsonl <<'JSON'
{"doc":"d<1>","start":0,"end":5,"context_left":"","mention":"Marié","context_right":" left Paris & ","type":"PER","candidates":[{"id":"1","title":"Marie","score":0.9,"p":0.9},{"id":"2","title":"Mary","score":0.05,"p":0.05}],"entity":{"id":"1","title":"Marie","url":"https://x/?a=1&b=2","p":0.9},"nil_p":0.05}
{"doc":"d<1>","start":11,"end":16,"context_left":" left ","mention":"Paris","context_right":" & ","entity":null,"nil_p":0.7}
{"doc":"d<1>","start":11,"end":13,"context_left":" left ","mention":"Pa","context_right":"ris & ","entity":null,"nil_p":0.7}
{"doc":"d<1>","start":40,"end":44,"context_left":"went to ","mention":"Rome","context_right":".\n","entity":{"id":"3","title":"Rome"}}
{"doc":"e","start":4,"end":5,"context_left":"The ","mention":"U","context_right":"","entity":{"id":"4","title":"U","url":"javascript:alert(1)","p":1}}
JSON
run blink-view <linked.jsonl
is "$status:$(cat err)" '0:' 'a page is made'
is "$(text out)" 'd<1>
Marié left Paris &  [&#8230;] went to Rome.
e
The U' 'the text is put together from the contexts'
ok 'a link, with what is known of it' grep -qF '<a href="https://x/?a=1&#38;b=2" class="m per" style="--p:0.900" title="Marie 0.900' out
ok 'and the runners-up' grep -qF '&#10;or Mary 0.050">Mari' out
ok 'no entity' grep -qF '<span class="nil" title="no entity 0.700">Paris</span>' out
ok 'no address that is a script' grep -qF '<span class="m" style="--p:1.000" title="U 1.000">U</span>' out
is "$(grep -ci 'javascript:' out):$(grep -c '<script' out)" 0:1 'no script but one'
ok 'the page may fetch nothing' grep -qF "default-src 'none'" out
sed -n '/<script>/,/<\/script>/p' out | sed '1s/.*<script>//; $d' >script
is "$(sed -n "s/.*script-src 'sha256-\(.*\)'\">/\1/p" out)" \
    "$(openssl dgst -sha256 -binary script | base64)" \
    'and may run its own script only'

# ---- What stands around the texts ----
ok 'the summary' grep -qF \
    '<p>2 documents, 5 mentions: 3 linked to 3 entities, 2 to none.</p>' out
is "$(sed -n '/<summary>Entities/,/<\/table>/s/.*<td>\(.*\)<\/td><td>\(.*\)<\/td><td>\(.*\)<\/td>.*/\1 \2 \3/p' out)" \
    '1 <a href="https://x/?a=1&#38;b=2">Marie</a> Marié
1 Rome Rome
1 U U' 'the entities, and how they are written'
is "$(sed -n '/<summary>Not found/,/<\/table>/s/.*<td>\(.*\)<\/td><td>\(.*\)<\/td>.*/\1 \2/p' out)" \
    '1 Pa
1 Paris' 'what was not found'
is "$(grep -o '<li><a href="#d[0-9]">.*</a>' out)" '<li><a href="#d1">d&#60;1&#62;</a>
<li><a href="#d2">e</a>' 'the contents'
ok 'a number behind a mention leads to its row' grep -qF \
    'Marié</a><sup><a id="m1-1" href="#r1-1">1</a></sup>' out
ok 'a row says the same as the mouse' grep -qF '<tr id="r1-1"><td><a href="#m1-1">1</a></td><td>Marié</td><td><a href="https://x/?a=1&#38;b=2">Marie</a></td><td>0.900</td><td>Mary 0.050</td></tr>' out
ok 'a row of no entity' grep -qF '<td>Paris</td><td>none</td><td>0.700</td><td></td>' out
cat linked.jsonl linked.jsonl >twice.jsonl
run blink-view <twice.jsonl
is "$(text out | grep -c Rome)" 2 'a document that comes again is shown again'
jq -c '{context_left, mention, context_right, entity}' linked.jsonl |
    head -2 >bare.jsonl
run blink-view <bare.jsonl
is "$(text out)" $'Document 1\nMarié left Paris & \nDocument 2\n left Paris & ' 'records without offsets stand for themselves'

evil='\"><img src=x onerror=alert(1)><script>&lt;\u0007'
jq -cn --arg e "$(printf '%b' "${evil//\\u0007/\\007}")" '{doc: $e, start: 3,
    end: 4, context_left: $e, mention: $e, context_right: $e, entity: {id: $e,
    title: $e, url: ("https://" + $e), p: 0.5},
    candidates: [{id: "z", title: $e, score: 1, p: 0.4}]}' >evil.jsonl
run blink-view --title '</title><script>' <evil.jsonl
is "$status:$(grep -oi '<script\|<img\|onerror="' out)" '0:<script' \
    'nothing in a record is markup'
if command -v python3 >/dev/null; then
    cat >parse.py <<'PYTHON'
import sys
from html.parser import HTMLParser
class P(HTMLParser):
    tags = set(); attributes = set()
    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes.update(a for a, _ in attributes)
p = P()
p.feed(sys.stdin.read())
print(*sorted(p.tags), *sorted(p.attributes))
PYTHON
    is "$(python3 parse.py <out)" "a body details div h1 h2 head header html \
input label main meta output p script section span style summary sup table td \
th title tr aria-label charset class content for hidden href http-equiv id \
lang max min name open role step style tabindex title type value" \
        'a parser finds our tags and attributes only'
else
    skip 'a parser finds our tags and attributes only' 'no python3'
fi
printf '%s\n' '{"mention":"a\u009bb\u007fc\u0085d\u001be","entity":null}' >control.jsonl
run blink-view <control.jsonl
ok 'control characters are blanks' grep -qF '>a b c d e<' out

run blink-view -o page.html <linked.jsonl
is "$status:$(cat out err)" '0:' '-o: exit status'
blink-view <linked.jsonl >out
ok '-o: the same page' cmp -s out page.html
run blink-view --pass -o other.html <linked.jsonl
ok '--pass: the records as they came' cmp -s out linked.jsonl
ok '--pass: the same page' cmp -s other.html page.html
printf 'x\n{"mention":1}\n' | blink-view --pass -o other.html >out 2>err
is "$?:$(jq -c .error.code out | tr '\n' ' ')" '1:"bad-json" "bad-field" ' \
    '--pass: records that fail go on, too'
run blink-view --pass <linked.jsonl
is "$status:$(cat out)" '2:' '--pass without a file'
blink-view --pass -o >(cat >piped.html) <linked.jsonl >out
wait $!
ok '-o: a pipe' cmp -s piped.html page.html
run blink-view -o no/page.html <linked.jsonl
is "$status" 4 '-o: no such folder'
printf 'x\n{"mention":1}\n%s\n' "$(tail -1 linked.jsonl)" >bad.jsonl
run blink-view <bad.jsonl
is "$status:$(text out | tail -1)" '1:The U' 'records that fail are left out'
is "$(cat err)" "blink-view: stdin:1: byte 0: expected a value, found 'x'
blink-view: stdin:2: field 'mention': expected string, found number" \
    'and said'
jq -c '.unsure = true' linked.jsonl | blink-view >out
ok 'what is unsure is shown as such' grep -qF \
    'class="m per unsure" style="--p:0.900" title="Marie (unsure) 0.900' out
is "$(grep -c 'class="nil unsure' out)" 0 'but "none" is not'
run blink-view </dev/null
is "$status:$(tail -2 out | tr '\n' ' ')" '0:</body> </html> ' 'an empty page'
ok 'an empty page: its summary' grep -qF '<p>0 documents, 0 mentions: 0 linked to 0 entities, 0 to none.</p>' out
blink-view <linked.jsonl >/dev/full 2>err
is "$?" 4 'the disk is full'

# ---- Whole documents ----
cat >docs.jsonl <<'X'
{"id":"e","text":"The U is at the end, <b>."}
{"id":"d<1>","text":"Marié left Paris & then, later, went to Rome.\nThe end."}
X
run blink-view --documents docs.jsonl <linked.jsonl
is "$(text out)" $'d<1>\nMarié left Paris & then, later, went to Rome.\nThe end.\ne\nThe U is at the end, <b>.' \
    'whole texts: --documents'
{
    echo '{"id":"none","text":"Nobody here.","error":{"code":"end"}}'
    head -n 4 linked.jsonl
    jq -c 'select(.id != "e") + {error: {code: "end"}}' docs.jsonl
    tail -n 1 linked.jsonl
    jq -c 'select(.id == "e") + {error: {code: "end"}}' docs.jsonl
} >marked.jsonl
blink-view <marked.jsonl >page.html
is "$(text page.html)" $'none\nNobody here.\n'"$(text out)" 'whole texts: by marks'
is "$(grep -c 'gap"' page.html)" 0 'whole texts: no gap'
run blink-view --pass -o page.html <marked.jsonl
ok '--pass: marks go on' cmp -s out marked.jsonl
run blink-view --documents nowhere <linked.jsonl
is "$status" 3 '--documents: no such file'
printf '{"id":"e","text":"a"}\n{"id":[]}\n' >bad.docs
run blink-view --documents bad.docs <linked.jsonl
is "$status:$(cat out)" '3:' '--documents: a bad record'
like "$(cat err)" "^blink-view: 'bad.docs':2: field 'id'" '--documents: which'
printf '{"id":"e","text":"Th"}\n' >short.docs
run blink-view --documents short.docs <linked.jsonl
is "$status:$(text out)" $'0:d<1>\nMarié left Paris &  [&#8230;] went to Rome.\ne\nThe U' \
    '--documents: of a text that is another the contexts are shown'

# ---- Two runs, or a run and labels ----
jq -c 'if .mention == "Rome" then .entity = {id: "9", title: "Rome, Georgia"} else . end |
    if .mention == "Marié" then .start = 1 else . end' linked.jsonl >second.jsonl
run blink-view --compare second.jsonl <linked.jsonl
is "$(grep -o '<td>\(right\|wrong\|extra\|missed\|not compared\)[^<]*' out | tr '\n' ' ')" \
    '<td>extra <td>missed: Marie <td>right <td>right <td>wrong: Rome, Georgia <td>right ' \
    'a second run'
ok 'a second run: the sum' grep -qF 'Compared: 3 right, 1 wrong, 1 extra, 1 missed.' out
jq -c '{doc, start, "end": .end, mention, label_id: .entity.id, "label": .entity.title}' \
    linked.jsonl >gold.jsonl
run blink-view --compare gold.jsonl <linked.jsonl
ok 'labels: the sum' grep -qF 'Compared: 5 right, 0 wrong, 0 extra, 0 missed.' out
jq -c 'select(.doc == "e")' linked.jsonl | blink-view --compare gold.jsonl >out
ok 'labels: of the documents there are' grep -qF 'Compared: 1 right, 0 wrong, 0 extra, 0 missed.' out
echo '{"mention":"a","start":0,"end":1}' >bad.gold
run blink-view --compare bad.gold <linked.jsonl
is "$status:$(cat err)" "3:blink-view: 'bad.gold':1: expected 'entity' or 'label_id'" \
    '--compare: what is no answer'

# ---- For a terminal ----
run blink-view --format ansi <linked.jsonl
is "$(cat out)" 'd<1>
[Marié](1) left [Paris](2) &  […] went to [Rome](4).

   1  Marié -> Marie  0.900  or Mary 0.050
   2  Paris -> none  0.700
   3  Pa -> none  0.700
   4  Rome -> Rome

e
The [U](1)
   1  U -> U  1.000' 'a terminal'
run blink-view --format ansi --color always <linked.jsonl
like "$(cat out)" $'\e\\[1;4mMarié\e\\[0m\\(1\\)' 'a terminal: in colour'
NO_COLOR=1 blink-view --format ansi <linked.jsonl >plain
is "$(grep -c $'\e' plain)" 0 'a terminal: no colour into a file'
jq -cn '{doc: "a\u001b[2J", mention: "b\u009b", context_left: "\u0007", context_right: "\u001b]0;x", entity: {id: "1", title: "\u001b[31m", p: 1}}' |
    blink-view --format ansi >out
is "$(grep -cP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]' out)" 0 \
    'a terminal: no control character of a record'
{ head -n 4 linked.jsonl; sleep 1; tail -n 1 linked.jsonl; } |
    blink-view --format ansi | head -n 1 >out
is "$(cat out)" 'd<1>' 'a terminal: what is known is shown'

# ---- --errors stop ----
# Whether the lines behind the bad one have been read does not matter.
sed '2i x' linked.jsonl >bad.jsonl
run blink-view --errors stop <bad.jsonl
cp out page.html
is "$status" 1 '--errors stop: exit status'
head -n 1 linked.jsonl | blink-view >out
ok '--errors stop: what is before the bad line' cmp -s out page.html
{
    head -n 1 linked.jsonl
    sleep 0.3
    sed 1d bad.jsonl
} | blink-view --errors stop >out 2>err
ok '--errors stop: the same when input is slow' cmp -s out page.html
{ head -n 1 linked.jsonl; echo '{"mention":1}'; cat linked.jsonl; } |
    blink-view --errors stop >out 2>err
ok '--errors stop: the same for a field' cmp -s out page.html
finish
