#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-serve with real clients: what it answers, whom, how much at once, and
# what happens when a pipeline ends, a client is slow or leaves, or the server
# is to end.
. "${top_srcdir:?}/tests/lib.sh"
only_plain
for program in serve ner embed index retrieve rerank score kb view; do
    [ -x "$top_builddir/bin/blink-$program" ] ||
        skip_all "blink-$program is not built"
done
for tool in curl jq python3; do
    command -v $tool >/dev/null || skip_all "no $tool"
done
unset http_proxy HTTP_PROXY ALL_PROXY all_proxy
model=$fixtures/golden/m2-bi
cd "$T" || exit
export BLINK_DATA=$T/data
mkdir -p data/models
cp -R "$model" data/models/default
cp -R "$fixtures/golden/m2-cross" data/models/default-cross
blink-kb build -q -o k.kb "$fixtures/mini.jsonl"
blink-kb cat -c k.kb | blink-embed --entities | blink-index build -q -c k.kb -o k.blx
stages='blink-ner -d k.kb | blink-embed | blink-retrieve -x k.blx -c k.kb -k 5 --aliases | blink-score --nil 1'

# serve OPTION...: starts one; $url is where.
server=''
serve() {
    blink-serve --listen 127.0.0.1:0 "$@" 2>serve.err &
    server=$!
    for _ in $(seq 200); do
        url=$(sed -n 's/^blink-serve: listening at \(.*\)\/$/\1/p' serve.err)
        [ -z "$url" ] || return 0
        kill -0 $server 2>/dev/null || break
        sleep 0.05
    done
    fail "a server starts: $(cat serve.err)"
}
# stop: ends it; its status is $status.
stop() {
    kill "$server"
    status=0
    wait "$server" || status=$?
    server=''
}
trap '[ -z "$server" ] || kill "$server"; rm -rf "$T"' EXIT
# ask WANTED-STATUS TEXT CURL-ARGUMENT...: the body is in out.
ask() {
    local want=$1 text=$2
    shift 2
    is "$(curl -s -m 60 -o out -w '%{http_code}' "$@")" "$want" "$text"
}
json=(-H 'Content-Type: application/json')
lines=(-H 'Content-Type: application/x-ndjson')

serve -w 2 -- "$stages"

# ---- Texts ----
ask 200 'a text' -d 'England won in Paris.' "$url/link"
is "$(jq -c '[.id, (.links[] | [.start, .end, .mention, (.entity.p | type)])]' out)" \
    '["1",[0,7,"England","number"],[15,20,"Paris","number"]]' 'a text: its links'
blink text <<<'England won in Paris.' | bash -c "$stages" |
    blink documents --brief | jq -c .links >want
is "$(jq -c .links out)" "$(cat want)" 'a text: as the pipeline has them'
ask 200 'no name' -d 'nothing of that kind' "$url/link"
is "$(cat out)" '{"id":"1","links":[]}' 'no name: no links'
ask 200 'an empty text' -d '' "$url/link"
is "$(cat out)" '{"id":"1","links":[]}' 'an empty text: no links'
printf 'Par\xffis and \0 Paris' >bad
ask 200 'no UTF-8' --data-binary @bad "$url/link"
is "$(jq -c '[.links[].mention]' out)" '["Par�is","Paris"]' 'no UTF-8: the rest is read'
ask 200 'a form' -d 'text=England+won%21' "$url/link"
is "$(jq -c '[.links[].mention]' out)" '["England"]' 'a form: its text'

# ---- JSON ----
ask 200 'one document' "${json[@]}" -d $'{"id":7,\n "text":"In Paris.\\nParis",\n"x":1}' "$url/link"
is "$(jq -c '[.id, [.links[].start]]' out)" '[7,[3,10]]' 'one document: its id stays'
ask 200 'many' "${json[@]}" \
    -d '[{"id":"d","text":"Paris"},"England",{"text":"none"},{"id":"d","text":"France"}]' "$url/link"
is "$(jq -c '[.[] | [.id, [.links[].mention]]]' out)" \
    '[["d",["Paris"]],["2",["England"]],["3",[]],["d",["France"]]]' \
    'many: each has its own, equal ids too'
ask 200 'an empty array' "${json[@]}" -d '[]' "$url/link"
is "$(cat out)" '[]' 'an empty array: an empty one'
wrong() {
    ask 400 "$1" "${json[@]}" -d "$2" "$url/link"
    like "$(jq -r .error.message out)" "$3" "$1: the message"
}
wrong 'no JSON' '{"text":' 'byte|JSON'
wrong 'a number' '7' 'object'
wrong 'no text' '{"id":"1"}' "field 'text': expected string, found nothing"
wrong 'a text that is none' '["Paris",{"text":[]}]' "document 2: field 'text'"
wrong 'an id that is none' '{"id":{},"text":"a"}' "field 'id'"
wrong 'a text of NUL' '"\u0000"' '0000'
wrong 'a record that failed' '{"text":"a","error":{"code":"end"}}' "field 'error'"
wrong 'half a pair' '{"text":"\ud800"}' 'is not a character'
ask 400 'a line that is none' "${lines[@]}" --data-binary $'{"text":"a"}\nb' "$url/link"
like "$(jq -r .error.message out)" '^line 2: ' 'a line that is none: which'

# ---- Lines ----
printf '{"id":"a","text":"Paris"}\n\n{"id":"b","text":"In France."}' >docs
ask 200 'lines' "${lines[@]}" --data-binary @docs "$url/link"
bash -c "$stages" <docs >want
ok 'lines: the bytes of the pipeline' cmp -s out want
ask 200 'lines for a text' -H 'Accept: application/x-ndjson' -d 'Paris' "$url/link"
is "$(jq -r .doc out)" 1 'lines for a text: a record'
for i in $(seq 500); do echo "{\"id\":\"$i\",\"text\":\"England and Paris in $i\"}"; done >docs
ask 200 'many lines' "${lines[@]}" --data-binary @docs "$url/link"
bash -c "$stages" <docs >want
ok 'many lines: the bytes of the pipeline' cmp -s out want

# ---- Vectors and ranks ----
ask 200 'vectors' "${json[@]}" -d '{"input":["Paris","France"]}' "$url/v1/embeddings"
blink-embed --floats json >want <<'X'
{"context_left":"","mention":"Paris","context_right":""}
{"context_left":"","mention":"France","context_right":""}
X
is "$(jq -c '[.data[] | [.index, .embedding]]' out)" \
    "$(jq -cs '[[0, .[0].embedding.values], [1, .[1].embedding.values]]' want)" \
    'vectors: those of blink-embed'
is "$(jq -r .model out)" "$(jq -rs '.[0].embedding.model' want)" 'vectors: the model'
ask 200 'vectors in base64' "${json[@]}" \
    -d '{"input":"Paris","encoding_format":"base64","input_type":"document"}' "$url/v1/embeddings"
is "$(jq -r '.data[0].embedding' out)" \
    "$(blink-embed --entities <<<'{"title":"","text":"Paris"}' | jq -r .embedding.f32)" \
    'vectors in base64: of an entity'
ask 400 'no input' "${json[@]}" -d '{}' "$url/v1/embeddings"
ask 400 'a number as input' "${json[@]}" -d '{"input":[1]}' "$url/v1/embeddings"
ask 200 'ranks' "${json[@]}" -d '{"query":"Paris","documents":["A town.",{"text":"A city of France."},"x"],"return_documents":true,"top_n":2}' \
    "$url/v1/rerank"
blink-rerank --texts >want <<'X'
{"context_left":"","mention":"Paris","context_right":"","candidates":[{"id":"0","title":"","text":"A town."},{"id":"1","title":"","text":"A city of France."},{"id":"2","title":"","text":"x"}]}
X
is "$(jq -c '[.results[].index | tostring]' out)" \
    "$(jq -c '[.candidates[:2][].id]' want)" 'ranks: the order of blink-rerank'
is "$(jq -c '[.results[] | .document.text | type]' out)" '["string","string"]' \
    'ranks: the texts, when asked for'
ask 200 'ranks of TEI' "${json[@]}" -d '{"query":"Paris","texts":["a","b"]}' "$url/v1/rerank"
is "$(jq -c '[.[] | keys]' out)" '[["index","score"],["index","score"]]' 'ranks of TEI: their shape'
ask 400 'no query' "${json[@]}" -d '{"documents":["a"]}' "$url/v1/rerank"
ask 200 'nothing to rank' "${json[@]}" -d '{"query":"a","documents":[]}' "$url/v1/rerank"

# ---- The page ----
ask 200 'the page' "$url/"
ok 'the page: a form' grep -q '<textarea id="text" name="text"' out
ask 200 'the page of a text' --data-urlencode 'text=England & </textarea><script>' "$url/"
ok 'the page of a text: its links' grep -q 'class="m[^"]*" .*>England</' out
ok 'the page of a text: all of it' grep -qF ' &#38; &#60;/textarea&#62;&#60;script&#62;</p>' out
is "$(grep -c '<script' out)" 1 'the page of a text: nothing of it is a script'
is "$(curl -s -o /dev/null -w '%{content_type}' "$url/")" 'text/html; charset=utf-8' \
    'the page: its type'

# ---- Other requests ----
ask 404 'no such page' "$url/nope"
ask 405 'no such method' -X DELETE "$url/link"
ask 200 'HEAD' -I "$url/health"
ask 200 'health' "$url/health"
is "$(jq -c '[.status, .workers]' out)" '["ok",2]' 'health: what it says'
ask 200 'metrics' "$url/metrics"
ok 'metrics: requests' grep -q '^blink_requests_total{path="/link",code="2xx"} [1-9]' out
is "$(grep -cvE '^(# (HELP|TYPE) [a-z_]+ .*|[a-z_]+(\{[^}]*\})? [0-9.e+]+)$' out)" 0 \
    'metrics: every line is one of Prometheus'
ask 403 'a name that leads here' -H 'Host: evil.example' "$url/link" -d a
ask 200 'localhost' -H 'Host: localhost:1' "$url/health"

ask 403 'no name' -H 'Host:' "$url/link" -d a
ask 415 'another encoding' -H 'Content-Type: text/plain; charset=iso-8859-1' -d a "$url/link"
ask 415 'compressed' -H 'Content-Encoding: gzip' -d a "$url/link"
ask 200 'UTF-8 by name' -H 'Content-Type: text/plain; charset="UTF-8"' -d Paris "$url/link"
ask 200 'a byte order mark' "${json[@]}" -d $'\xef\xbb\xbf["Paris"]' "$url/link"
ask 405 'GET of a page to post to' "$url/link"
is "$(jq -r .error.message out):$(curl -s -D - -o /dev/null "$url/link" | tr -d '\r' | sed -n 's/^Allow: //p')" \
    'expected POST:POST' 'GET of a page to post to: what it says'
ask 400 'two lengths' -H 'Transfer-Encoding: chunked' -H 'Content-Length: 1' -d a "$url/link"

# ---- Many at once, each with its own answer ----
cat >crowd.py <<'X'
import json, sys, threading, urllib.request
url, n, each = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
bad = []
def client(k):
    for i in range(each):
        nonce = f"n{k}-{i}"
        body = json.dumps({"id": nonce, "text": f"Paris {nonce} England" * (1 + i % 3)})
        r = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
        try:
            a = json.load(urllib.request.urlopen(r, timeout=60))
            if a["id"] != nonce or len(a["links"]) < 2: bad.append((nonce, a))
        except urllib.error.HTTPError as e:
            bad.append((nonce, e.code))
threads = [threading.Thread(target=client, args=(k,)) for k in range(n)]
for t in threads: t.start()
for t in threads: t.join()
print(len(bad), bad[:1] if bad else "")
X
is "$(python3 crowd.py "$url/link" 12 20)" '0 ' 'a crowd: every answer is its own'

# ---- A pipeline that ends ----
pgrep -P "$server" >groups
kill -9 "-$(head -n 1 groups)"
kill -9 "-$(tail -n 1 groups)"
ask 200 'after idle pipelines were killed' -d 'Paris' "$url/link"
like "$(cat serve.err)" 'the pipeline of /link is started anew' 'killed: said'
stop
is "$status" 0 'SIGTERM: ends well'

# Stages of our own show what a pipeline may do wrong.
serve -w 1 -- 'while read -r line; do case $line in *die*) exit 7;; *hang*) sleep 60;; *) printf "%s\n" "$line";; esac; done'
ask 502 'a pipeline that ends' -d 'die' "$url/link"
like "$(cat serve.err)" 'the pipeline of /link ended with status 7; it is started anew' \
    'a pipeline that ends: with its status'
ask 200 'and the next request' -d 'live' "$url/link"
stop
serve -w 1 --timeout 2 --queue 1 -- 'while read -r line; do case $line in *hang*) exec sleep 6$PPID;; esac; printf "%s\n" "$line"; done'
curl -s -o hang.out -w '%{http_code}' -d hang "$url/link" >hang.code &
first=$!
sleep 0.5
curl -s -o wait.out -w '%{http_code}' -d wait "$url/link" >wait.code &
second=$!
sleep 0.5
is "$(curl -s -D headers -o out -w '%{http_code}' -d full "$url/link")" 503 'a full queue'
like "$(tr -d '\r' <headers)" $'\nRetry-After: 1' 'a full queue: when to try again'
wait "$first" "$second"
is "$(cat hang.code)" 504 'a pipeline that hangs'
ask 200 'and the next request' -d 'live' "$url/link"
is "$(pgrep -fc "^sleep 6$server" || true)" 0 'a pipeline that hangs: nothing of it is left'
stop
is "$status" 0 'SIGTERM after all of that'
serve -w 1 -- 'while read -r line; do case $line in *odd*) echo odd;; *) printf "%s\n" "$line";; esac; done'
ask 502 'a pipeline that writes what is no record' -d odd "$url/link"
ask 502 'the same for lines' -H 'Accept: application/X-NDJSON' -d odd "$url/link"
ask 200 'and the next request' -d even "$url/link"
stop
blink-serve --unix never.sock -- 'cat >never' 2>serve.err &
server=$!
for _ in $(seq 100); do [ -s never ] && break; sleep 0.05; done
SECONDS=0
stop
ok 'SIGTERM ends a start' [ "$status:$((SECONDS < 20))" = 143:1 ]
# Lines that come one by one, one second apart, and a failure behind the first.
serve -w 1 -- 'while read -r line; do case $line in *late*) sleep 1;; *die*) exit 1;; esac; printf "%s\n" "$line"; done'
printf '{"id":"1","text":"a"}\n{"id":"2","text":"late"}\n' |
    curl -sN "${lines[@]}" --data-binary @- "$url/link" |
    while read -r line; do echo "$SECONDS $line"; done >timed
is "$(wc -l <timed)" 2 'lines as they come: both'
ok 'lines as they come: the first before the second' \
    [ "$(sed -n '1s/ .*//p' timed)" -lt "$(sed -n '2s/ .*//p' timed)" ]
printf '{"id":"1","text":"a"}\n{"id":"2","text":"die"}\n' |
    curl -s "${lines[@]}" --data-binary @- "$url/link" >out
is "$(tail -n 1 out | jq -r .error.code)" 502 'a failure behind the first line is the last'

# ---- Clients ----
# One that leaves, one that says half, one that says nothing, and then one more.
python3 - "$url" <<'X'
import socket, sys, urllib.parse
at = urllib.parse.urlparse(sys.argv[1])
def client(text):
    s = socket.create_connection((at.hostname, at.port))
    s.sendall(text)
    return s
client(b"POST /link HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nlate").close()
half = client(b"POST /link HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\nhalf")
none = client(b"")
odd = client(b"\x00\xff\r\n\r\n")
left = client(b"POST /link HTTP/1.1\r\nHost: localhost\r\nAccept: application/jsonl\r\nContent-Length: 4\r\n\r\nlate")
left.close()
again = client(b"POST /link HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\na")
print(again.makefile("rb").readline().split()[1].decode())
X
ask 200 'after odd clients' -d 'a' "$url/link"
ask 413 'too large' --data-binary @<(head -c 1100000 /dev/zero | tr '\0' a) "$url/link"
ask 413 'too large, of no length' -H 'Transfer-Encoding: chunked' \
    --data-binary @<(head -c 1100000 /dev/zero | tr '\0' a) "$url/link"
ask 200 'large enough' --data-binary @<(head -c 1000000 /dev/zero | tr '\0' a) "$url/link"
# What is asked when the end comes is still answered.
curl -s -d late "$url/link" >late.out &
late=$!
sleep 0.3
stop
wait "$late"
is "$(cat late.out)" '{"id":"1","links":[]}' 'SIGTERM: a request is answered first'
is "$status" 0 'SIGTERM: ends well after it'

# ---- Who may ask ----
echo 'secret-token' >token
serve --token-file token -- cat
ask 401 'no token' -d a "$url/link"
ask 401 'another token' -H 'Authorization: Bearer secret-tokem' -d a "$url/link"
ask 401 'a part of it' -H 'Authorization: Bearer secret' -d a "$url/link"
ask 200 'the token' -H 'Authorization: Bearer secret-token' -d a "$url/link"
ask 200 'as a password' -u any:secret-token -d a "$url/link"
ask 401 'another password' -u any:secret -d a "$url/link"
ask 200 'health needs none' "$url/health"
stop
run blink-serve --unix s.sock --token-file nofile -- cat
is "$status" 3 'a token file that is not there'
echo short >token
run blink-serve --unix s.sock --token-file token -- cat
is "$status" 3 'a token that is too short'
run blink-serve --listen 0.0.0.0:0 -- cat
is "$status:$(grep -c 'needs --token-file' err)" 2:1 'all the world needs a token'
run blink-serve --listen nonsense:x -- cat
is "$status" 2 'an address that is none'
run blink-serve --unix s.sock -- 'exit 3'
is "$status:$(cat err)" '3:blink-serve: the pipeline of /link ended with status 3 before it was asked anything' \
    'a pipeline that does not run'
run blink-serve --unix s.sock --kb nowhere
is "$status" 3 'a catalogue that is not there'

# ---- A socket in the file system ----
blink-serve --unix s.sock -- cat 2>serve.err &
server=$!
for _ in $(seq 100); do grep -q listening serve.err && break; sleep 0.05; done
ask 200 'a socket' --unix-socket s.sock -d a http://any/link
is "$(stat -c %a s.sock)" 700 'a socket: for this user alone'
run blink-serve --unix s.sock -- cat
is "$status" 4 'a socket that is in use'
kill -9 $server
wait $server 2>/dev/null
rm serve.err
blink-serve --unix s.sock -- cat 2>serve.err &
server=$!
for _ in $(seq 100); do grep -q listening serve.err && break; sleep 0.05; done
ask 200 'a socket that was left' --unix-socket s.sock -d a http://any/link
stop
ok 'a socket: gone at the end' test ! -e s.sock
finish
