#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-view: the text as it was, nothing of a record as markup.
. "${top_srcdir:?}/tests/lib.sh"
cd "$T" || exit

# The text between <p> and </p>, without tags.
text() {
    sed -n '/<body>/,/<\/body>/p' "$1" | sed 's/<[^>]*>//g; /^$/d
        s/&#60;/</g; s/&#62;/>/g; s/&#34;/"/g; s/&#39;/'\''/g; s/&#38;/\&/g'
}

cat >linked.jsonl <<'JSON'
{"doc":"d<1>","start":0,"end":5,"context_left":"","mention":"Marié","context_right":" left Paris & ","candidates":[{"id":"1","title":"Marie","score":0.9,"p":0.9},{"id":"2","title":"Mary","score":0.05,"p":0.05}],"entity":{"id":"1","title":"Marie","url":"https://x/?a=1&b=2","p":0.9},"nil_p":0.05}
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
ok 'a link, with what is known of it' grep -qF '<a href="https://x/?a=1&#38;b=2" class="m" style="--p:0.900" title="Marie 0.900' out
ok 'and the runners-up' grep -qF '&#10;or Mary 0.050">Mari' out
ok 'no entity' grep -qF '<span class="nil" title="no entity">Paris</span>' out
ok 'no address that is a script' grep -qF '<span class="m" style="--p:1.000" title="U 1.000">U</span>' out
is "$(grep -ci '<script\|javascript:' out)" 0 'no script'
ok 'the page may fetch nothing' grep -qF "default-src 'none'" out
cat linked.jsonl linked.jsonl >twice.jsonl
run blink-view <twice.jsonl
is "$(grep -c 'Rome' out)" 2 'a document that comes again is shown again'
jq -c '{context_left, mention, context_right, entity}' linked.jsonl |
    head -2 >bare.jsonl
run blink-view <bare.jsonl
is "$(text out)" $'Marié left Paris & \n left Paris & ' 'records without offsets stand for themselves'

evil='\"><img src=x onerror=alert(1)><script>&lt;\u0007'
jq -cn --arg e "$(printf '%b' "${evil//\\u0007/\\007}")" '{doc: $e, start: 3,
    end: 4, context_left: $e, mention: $e, context_right: $e, entity: {id: $e,
    title: $e, url: ("https://" + $e), p: 0.5},
    candidates: [{id: "z", title: $e, score: 1, p: 0.4}]}' >evil.jsonl
run blink-view --title '</title><script>' <evil.jsonl
is "$status:$(grep -oi '<script\|<img\|onerror="' out)" '0:' \
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
    is "$(python3 parse.py <out)" "a body h2 head html meta p style title \
charset class content href http-equiv name style title" \
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
    'class="m unsure" style="--p:0.900" title="Marie (unsure) 0.900' out
is "$(grep -c 'class="nil unsure' out)" 0 'but "none" is not'
run blink-view </dev/null
is "$status:$(tail -2 out | tr '\n' ' ')" '0:</body> </html> ' 'an empty page'
blink-view <linked.jsonl >/dev/full 2>err
is "$?" 4 'the disk is full'

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
