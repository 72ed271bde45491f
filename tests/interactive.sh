#!/bin/bash
# SPDX-License-Identifier: MIT
# blink -i as a person at a terminal meets it (tests/pty): prompt, colours,
# history, Ctrl-C and Ctrl-D; and the same through pipes.
. "${top_srcdir:?}/tests/lib.sh"
only_plain
for program in ner embed index retrieve score kb; do
    [ -x "$top_builddir/bin/blink-$program" ] ||
        skip_all "blink-$program is not built"
done
model=$fixtures/golden/m2-bi
cd "$T" || exit
export BLINK_DATA=$T/data BLINK_HISTORY=$T/history TERM=xterm
unset NO_COLOR
blink-kb build -q -o k.kb "$fixtures/mini.jsonl"
blink-kb cat -c k.kb | blink-embed -m "$model" --entities \
    --engine reference | blink-index build -q -c k.kb -o k.blx
talk=(blink -i --fast -c k.kb -m "$model" -x k.blx --dictionary --engine reference
    --calibration "$top_srcdir/share/calibration/minilm.json")

edits=''
grep -q '^#define HAVE_LIBEDIT 1' "$top_builddir/config.h" && edits=yes

# pty COMMAND... < steps: what was printed is in out, without CR.  Plain lines
# are read by the terminal, never key by key.
pty() {
    status=0
    if [ -n "$edits" ]; then cat; else sed '/^raw$/d'; fi >steps
    "$top_builddir/tests/pty" "$@" <steps >raw.out 2>err || status=$?
    tr -d '\r' <raw.out >out
    [ "$status" != 99 ] || sed 's/^/# /' err
}

# ---- Through pipes ----
printf 'England won in Paris.\n\nnothing of that kind\nPar\xffis or Paris' |
    "${talk[@]}" --nil 1 >out 2>err
is "$?:$(cat err)" '0:' 'pipes: ends well'
is "$(sed -n 1p out)" '[England] won in [Paris].' 'pipes: the sentence'
like "$(sed -n 3p out)" '^England -> [A-Z].*  0\.[0-9]{3}$' \
    'pipes: mention, title, probability'
like "$(cat out)" $'\n  https://en.wikipedia.org/wiki/' 'pipes: the address'
like "$(cat out)" $'\n  or: [A-Z].* 0\.[0-9]{3}, [A-Z].* 0\.[0-9]{3}' \
    'pipes: the runners-up'
like "$(cat out)" $'\n\(no mention of an entity found\)\n' 'pipes: no mention'
ok 'pipes: what is no UTF-8, and no newline at the end' \
    grep -qxF '[Par�is] or [Paris]' out
is "$(grep -c $'\033' out)" 0 'pipes: no colours'
is "$(awk '{ if (length($0) > 80 && !/https/) print }' out)" '' \
    'pipes: no line but addresses above 80 columns'
"${talk[@]}" --nil 0 <<<'Paris' >out
like "$(cat out)" $'^\[Paris\]\n\nParis -> \(nothing\)  [01]\.[0-9]{3}\n  or: ' \
    'pipes: no entity, with the probability of that'
"${talk[@]}" --color always <<<'Paris fell.' >out
is "$(sed -n 1p out)" $'\033[30;41mParis\033[0m fell.' '--color always'
printf '{"id":"1","title":"Rome","text":"%s","aliases":["Roma\\u001b[2J"]}\n' \
    'A city\u001b[31m of long words: aaaaaaaaaaaaaaa bbbbbbbbbbbbbbb ccccccccccccc ddddd eeeeeeeeeeeeeeeee' |
    blink-kb build -q -o r.kb -
blink-kb cat -c r.kb | blink-embed -m "$model" --entities |
    blink-index build -q -c r.kb -o r.blx
blink -i -c r.kb -m "$model" -x r.blx --dictionary --nil 1 \
    --calibration "$top_srcdir/share/calibration/minilm.json" <<<'Rome' >out
is "$(grep -c $'\033' out)" 0 'nothing steers the terminal'
printf '{"id":"%s","title":"Symphony No. %s in every key, with its nickname"}\n' \
    1 1 2 2 3 3 4 4 | blink-kb build -q -o s.kb -
blink-kb cat -c s.kb | blink-embed -m "$model" --entities |
    blink-index build -q -c s.kb -o s.blx
blink -i -c s.kb -m "$model" -x s.blx --dictionary --nil 1 \
    --calibration "$top_srcdir/share/calibration/minilm.json" \
    <<<'Symphony No. 3 in every key, with its nickname' >others
like "$(grep '^  or: ' others)" '^  or: Symphony No\. [1-4] in every key, with its nickname 0\.[0-9]{3}$' \
    'runners-up that do not fit the line are left out whole'
like "$(cat out)" $'\n  A city \[31m of long.*ccccc…' \
    'the text is cut between words'

# ---- At a terminal ----
pty "${talk[@]}" --nil 1 <<'TALK'
wait >\x20
send England won.\n
wait or:
wait >\x20
send Paris \xc3\xa9t\xc3\xa9\n
wait or:
wait >\x20
raw
send \x04
TALK
is "$status" 0 'terminal: Ctrl-D ends with status 0'
is "$(head -1 out)" 'a sentence and Enter; help explains, Ctrl-D ends' \
    'terminal: the hint'
like "$(cat out)" $'\n\033\[30;41mEngland\033\[0m won\.\n\n\033\[30;41mEngland\033\[0m -> ' \
    'terminal: mentions in colour'
like "$(cat out)" $'\033\[0m été\n' 'terminal: UTF-8 as it was typed'
is "$(sed 's/\x1b\[[0-9;]*m//g' out | awk '/^  [^h]/ && length($0) > 60')" '' \
    'terminal: lines fit 60 columns'

NO_COLOR=1 pty "${talk[@]}" <<'TALK'
wait >\x20
send Paris\n
wait [Paris]
wait >\x20
raw
send \x04
TALK
is "$status" 0 'terminal: NO_COLOR'
pty "${talk[@]}" --color never <<'TALK'
wait >\x20
send Paris\n
wait [Paris]
wait >\x20
raw
send \x04
TALK
is "$status" 0 'terminal: --color never'

# ---- Plain lines, which any build has ----
rm -f history
TERM=dumb pty "${talk[@]}" <<'TALK'
wait >\x20
send never sent\x03
wait ^C
wait >\x20
send Paris\n
wait [Paris]
wait >\x20
send \x04
TALK
is "$status:$(grep -c 'Paris\] *$' out)" '0:1' \
    'plain lines: Ctrl-C drops the line, Ctrl-D ends'

# ---- help and quit ----
TERM=dumb pty "${talk[@]}" <<'TALK'
wait >\x20
send help\n
wait quit, :quit
wait >\x20
send :help\n
wait quit, :quit
wait >\x20
send quit \n
TALK
is "$status:$(grep -c 'no mention' out)" 0:0 'help is answered, and quit ends'
printf 'help\n:q\nParis\n' | "${talk[@]}" >out
is "$?:$(grep -c 'quit, :quit' out):$(grep -c Paris out)" 0:1:0 \
    'pipes: help and quit'
printf 'help\nquit\nParis\n' | "${talk[@]}" --json >out
is "$(jq -r .mention out)" Paris '--json: every line is a text'

# ---- Ctrl-C while the answer is made ----
mkdir bin
cp -L "$top_builddir/bin/blink" bin/
for program in embed retrieve rerank score; do
    ln -s "$top_builddir/bin/blink-$program" bin/
done
cat >bin/blink-ner <<X
#!/bin/bash
while IFS= read -r line; do
    case \$line in *Slow*) echo asked >&2; sleep 3 ;; esac
    printf '%s\n' "\$line"
done | "$top_builddir/bin/blink-ner" "\$@"
X
chmod +x bin/blink-ner
TERM=dumb pty bin/blink -i "${talk[@]:2}" <<'TALK'
wait >\x20
send Slow Paris\n
wait asked
send \x03
wait >\x20
send England\n
wait [England]
wait >\x20
send \x04
TALK
is "$status" 0 'Ctrl-C gives an answer up, and the next is the next one'
is "$(grep -c '\[Paris\]' out)" 0 'it is not shown later'
TERM=dumb pty bin/blink -i "${talk[@]:2}" <<'TALK'
wait >\x20
send Slow Paris\n
wait asked
send \x03
wait >\x20
send \x04
TALK
is "$status:$(grep -c '\[Paris\]' out)" '0:0' 'nor when that was the last'

# ---- The table on 60 columns ----
cat >linked.jsonl <<'JSON'
{"mention":"Curie","entity":{"id":"1","title":"Marie Curie","url":"https://x/Marie_Curie","p":0.9876}}
{"mention":"東京","entity":{"title":"A title of many words, much too long for sixty columns","p":0.5}}
JSON
head -n 1 linked.jsonl >short.jsonl
pty sh -c 'blink table <linked.jsonl; blink table <short.jsonl' </dev/null
is "$(cat out)" 'MENTION           LINKED TO               P      ID
Curie             Marie Curie             0.988  1
東京              A title of many words…  0.500
MENTION           LINKED TO               P      ID
Curie             Marie Curie             0.988  1' \
    'table: no addresses, and texts cut, where they do not fit'

# ---- History ----
if [ -z "$edits" ]; then
    skip 'history and line editing' 'built without libedit'
    finish
fi
is "$(cat history 2>&1)" "cat: history: No such file or directory" \
    'plain lines leave no history'
pty "${talk[@]}" <<'TALK'
wait >\x20
raw
send Pariss\x7f\x01To \n
wait Paris
wait or:
wait >\x20
raw
send never sent\x03
wait ^C
wait >\x20
raw
send \x1b[A\n
wait or:
wait >\x20
raw
send \x04
TALK
is "$status" 0 'editing: keys work, Ctrl-C drops the line'
like "$(cat out)" $'\nTo (.\[[0-9;]*m)?Paris' 'editing: the edited line'
is "$(cat history)" 'To Paris
To Paris' 'history: is kept in the file that BLINK_HISTORY names'
is "$(stat -c %a history)" 600 'history: for its owner alone'
pty "${talk[@]}" <<'TALK'
wait >\x20
raw
send \x1b[A\n
wait or:
wait >\x20
raw
send \x04
TALK
is "$status" 0 'history: of the last session'
{ printf 'not \0 text\n'; seq 2005; } >history
chmod 600 history
pty "${talk[@]}" <<'TALK'
wait >\x20
raw
send \x04
TALK
is "$(head -1 history):$(wc -l <history)" 1006:1000 \
    'history: a long one is cut to the last thousand'
is "$(stat -c %a history)" 600 'history: and stays its owner'"'"'s alone'
rm history
cat >rome <<'TALK'
wait >\x20
raw
send Rome\n
wait >\x20
raw
send \x04
TALK
for kind in fifo folder device; do
    case $kind in
    fifo) mkfifo history ;;
    folder) mkdir history ;;
    device) ln -s /dev/tty history ;;
    esac
    pty "${talk[@]}" <rome
    is "$status" 0 "history: a $kind is not waited for"
    rm -r history
done
unset BLINK_HISTORY
HOME=$T/home XDG_STATE_HOME='' pty "${talk[@]}" <rome
is "$(cat home/.local/state/blink/history)" Rome 'history: in the home folder'
BLINK_HISTORY='' HOME=$T/home pty "${talk[@]}" <<'TALK'
wait >\x20
raw
send England\n
wait >\x20
raw
send \x04
TALK
is "$(cat home/.local/state/blink/history)" Rome \
    'history: none with an empty BLINK_HISTORY'
finish
