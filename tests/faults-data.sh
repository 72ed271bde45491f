#!/bin/bash
# SPDX-License-Identifier: MIT
# Data files that are hostile, that change while they are read, that are no
# files, or for which there is no room.
. "$top_srcdir/tests/lib.sh"
only_plain
. "$top_srcdir/tests/stages.sh"
for name in kb ner embed index retrieve rerank score view; do
    have "$name" || skip_all "blink-$name is not built"
done
left() { find . -name '.*.tmp' -o -name '*.old'; }

# ---- Catalogues that lie, in every program that opens one ----
printf '%s\n' "$mention" >mention
printf '%s\n' "$embedded" >embedded
printf '%s\n' "$candidates" >candidates
echo '{"id":"d","text":"She left Paris."}' >text
cat >programs <<'P'
text ner --dictionary KB
embedded retrieve -x k.blx -c KB
candidates rerank -m cross -c KB --engine reference
text index build -c KB -o new.blx
text kb get -c KB 2
text kb cat -c KB
text kb info -c KB
text kb search -c KB Paris
text kb verify -c KB
text kb add -c KB new.jsonl
P
echo '{"id":"new","title":"New","text":"n"}' >new.jsonl

# refused FILE TEXT: every program ends with 3 and one line that names FILE, in
# 5 seconds and a gigabyte.
refused() {
    local input words before=$failed
    while read -r input words; do
        status=0
        (
            ulimit -v 1500000
            # shellcheck disable=SC2086
            exec timeout 5 blink-${words//KB/$1} <"$input" >out 2>err
        ) || status=$?
        if [ "$status" != 3 ] || [ -s out ] || [ "$(wc -l <err)" != 1 ] ||
            ! grep -qF "${1#./}" err; then
            fail "$2: blink-$words: $status: $(head -c 300 out err)"
        fi
    done <programs
    [ "$failed" = "$before" ] && pass "$2: refused by every program"
    is "$(left)$(ls new.blx 2>/dev/null)" '' "$2: nothing is left"
}
if python3 -c 'import sqlite3' 2>/dev/null; then
    endless='WITH RECURSIVE c(x) AS (SELECT 0 UNION ALL SELECT x + 1 FROM c)'
    while IFS='|' read -r what sql; do
        cp k.kb ./bad.kb
        if ! python3 -c 'import sqlite3, sys
db = sqlite3.connect("bad.kb")
db.executescript(sys.argv[1])
db.commit()' "${sql//ENDLESS/$endless}" 2>err; then
            fail "$what: $(tail -n 1 err)"
            continue
        fi
        refused ./bad.kb "$what"
    done <<'S'
endless names|ALTER TABLE alias RENAME TO old; CREATE VIEW alias AS ENDLESS SELECT 0 AS row, x AS n, 'paris' AS name, 1 AS kind, 1 AS count, 1 AS weight, 'Paris' AS surface FROM c
a bomb in a text|ALTER TABLE entity RENAME TO old; CREATE VIEW entity AS SELECT row, id, title, url, qid, type, hex(zeroblob(450000000)) AS text FROM old
a trigger|CREATE TRIGGER t AFTER INSERT ON entity BEGIN DELETE FROM meta; END
four billion entities|UPDATE entity SET row = 4294967280 WHERE row = (SELECT max(row) FROM entity); UPDATE meta SET value = '4294967281' WHERE key = 'count'
S
else
    skip 'hostile schemas' 'no python3 with sqlite3'
fi

# ---- Odd titles through the whole pipeline ----
odd=$'tab\there, "quotes", back\\slash, new\nline, \e[2J, <b>, ]]'
jq -nc --arg t "$odd" '{id:"2",title:$t,text:"x",aliases:["Paris"]},
    {id:"3",title:"Paris",text:"y"}' | blink-kb build -q -o odd.kb
blink-kb cat -c odd.kb | blink-embed -m bi --entities "${engine[@]}" |
    blink-index build -q -c odd.kb -o odd.blx
run blink-retrieve -x odd.blx -c odd.kb -k 100 --aliases <embedded
is "$status $(jq -r '.candidates | length' "$T/out")" '0 2' \
    'more candidates asked for than there are'
blink-rerank -m cross -c odd.kb "${engine[@]}" <"$T/out" | blink-score >linked
is "$(jq -rj '.candidates[] | select(.id == "2").title' linked)" "$odd" \
    'an odd title comes through'
jq -c '.entity = {id: "2", title: (.candidates[] | select(.id == "2").title),
    p: 0.5}' linked >chosen
is "$(blink table <chosen | wc -l)" 2 'and takes one line of a table'
is "$(blink-view <chosen | grep -c -e '<b>' -e $'\e')" 0 \
    'and no tag or escape of a page'
is "$(blink-kb get -c odd.kb 2 | jq -rj .title)" "$odd" 'nor is it lost'
blink-kb build -q -o none.kb /dev/null
run blink-ner --dictionary none.kb <text
is "$status$(cat "$T/out" "$T/err")" 0 'no entities: no mentions'

# ---- Files that are cut, replaced or removed while they are read ----
# reading ACTION FILE INPUT COMMAND...: the command has answered one record
# when ACTION befalls FILE.  Sets status, first and second.
reading() {
    local action=$1 file=$2 input=$3 pid
    shift 3
    rm -f ask reply
    mkfifo ask reply
    timeout 60 "$@" <ask >reply 2>err &
    pid=$!
    exec 5>ask 6<reply
    cat "$input" >&5
    first=''
    read -r -t 20 first <&6
    case $action in
    cut) truncate -s 4096 "$file" ;;
    replaced)
        head -c 100 "$file" >"$file.new"
        mv "$file.new" "$file" ;;
    removed) rm "$file" ;;
    esac
    cat "$input" >&5 2>/dev/null
    exec 5>&-
    second=''
    read -r -t 20 second <&6
    exec 6<&-
    status=0
    wait "$pid" || status=$?
}
# A catalogue and an index that do not fit a page or two.
awk 'BEGIN { for (i = 0; i < 2000; i++) printf "{\"id\":\"p%d\",\"title\":\"Paris\",\"text\":\"%0500d\"}\n", i, i }' |
    blink-kb build -q -o big.kb
blink-kb cat -c big.kb | blink-embed -m bi --entities "${engine[@]}" |
    blink-index build -q -c big.kb -o big.blx
mkdir safe
cp -R big.kb big.blx bi cross safe
while read -r input file words; do
    for action in cut replaced removed; do
        rm -rf bi cross
        cp -R safe/* .
        trap '' PIPE
        # shellcheck disable=SC2086
        reading $action "$file" "$input" blink-$words
        trap - PIPE
        case $action:$status in
        cut:4)
            is "$(grep -c "cannot read '[^']*$file': the file became" err)" 1 \
                "cut: blink-$words names $file" ;;
        *:0)    # all that it needs of the file is in memory, or is the old one
            is "$second" "$first" "$action $file: blink-$words: the same" ;;
        *) fail "$action $file: blink-$words: $status: $(head -c 300 err)" ;;
        esac
    done
done <<'P'
embedded big.blx retrieve -x big.blx -c big.kb -k 3
embedded big.kb retrieve -x big.blx -c big.kb -k 3
candidates big.kb rerank -m cross -c big.kb --engine reference -Q
candidates cross/model.safetensors rerank -m cross -c k.kb --engine reference
mention bi/model.safetensors embed -m bi --engine reference
mention bi/model.safetensors embed -m bi --engine cpu
P
rm -rf bi cross
cp -R safe/* .

# ---- Readers while a catalogue and its index are made anew ----
tac entities.jsonl >other.jsonl
cp entities.jsonl source
renew() {
    blink-kb build -q -o live.kb "$1" &&
        blink-kb cat -c live.kb |
        blink-embed -m bi --entities "${engine[@]}" |
            blink-index build -q -c live.kb -o live.blx
}
answer() { blink-retrieve -x live.blx -c live.kb -k 3 <embedded; }
renew other.jsonl && answer >answer.other
renew entities.jsonl && answer >answer.source
ok 'two catalogues of other rows' cmp -s \
    <(jq -c '[.candidates[].id]' answer.other) \
    <(jq -c '[.candidates[].id]' answer.source)
reader() {
    local i
    for ((i = 0; ; i++)); do
        [ ! -e enough ] || break
        status=0
        answer >"read.$1" 2>"said.$1" || status=$?
        case $status in
        0)  cmp -s "read.$1" answer.other || cmp -s "read.$1" answer.source ||
                { echo "an answer of neither" && cat "read.$1"; } ;;
        3)  # the index of the one, the catalogue of the other
            grep -q "made for catalogue" "said.$1" || cat "said.$1" ;;
        *)  echo "status $status: $(cat "said.$1")" ;;
        esac
    done >"wrong.$1"
    echo "$i" >"times.$1"
}
# One that began before goes on with what it opened.
mkfifo slow
blink-retrieve -x live.blx -c live.kb -k 3 <slow >slow.out &
long=$!
exec 5>slow
cat embedded >&5
for ((n = 1; n <= 8; n++)); do reader "$n" & readers[n]=$!; done
for ((n = 0; n < 6; n++)); do
    renew other.jsonl
    renew entities.jsonl
done
touch enough
wait "${readers[@]}"
cat embedded >&5
exec 5>&-
wait "$long"
is "$?$(cmp <(cat answer.source answer.source) slow.out 2>&1)" 0 \
    'a reader finishes with the files that it opened'
is "$(cat wrong.*)" '' '8 readers see one pair of files or the other'
ok 'and each of them read some' test "$(sort -n times.* | head -n 1)" -gt 0
run blink-index verify -x live.blx
is "$status$(left)" 0 'the last ones are whole'

# ---- Many at once ----
is "$(PARALLEL_JOBSLOT=3 blink-embed -v -m bi --engine cpu <mention 2>&1 \
    >/dev/null | grep -c ', 1 thread$')" 1 'one thread in a job of parallel'
for ((n = 1; n <= 16; n++)); do
    PARALLEL_JOBSLOT=$n blink-embed -m bi --engine cpu <mention >many.$n &
done
wait
is "$(cat many.* | sort -u | wc -l) $(cat many.* | wc -l)" '1 16' \
    '16 workers, one answer'

# ---- What is no file, where a data file is expected ----
mkfifo fifo
mkdir folder
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("socket")' \
    2>/dev/null
for odd in fifo folder /dev/zero /dev/full /dev/tty socket; do
    [ -e "$odd" ] || continue
    case $odd in /*) path=$odd ;; *) path=./$odd ;; esac
    before=$failed
    while read -r words; do
        # shellcheck disable=SC2086
        run timeout 10 blink-${words//ODD/$path} <embedded
        case $status in
        3 | 4) [ "$(wc -l <"$T/err")" = 1 ] ||
            fail "$path: blink-$words: $(head -c 300 "$T/err")" ;;
        *) fail "$path: blink-$words: $status $(head -c 300 "$T/err")" ;;
        esac
    done <<'P'
kb info -c ODD
kb add -c ODD new.jsonl
ner --dictionary ODD
ner -m ODD
embed -m ODD
retrieve -x ODD
retrieve -x big.blx -c ODD
rerank -m ODD -c k.kb
rerank -m cross -c ODD
score --calibration ODD
index info -x ODD
index import -c k.kb -o new.blx ODD
tokenize --context -m ODD
convert biencoder ODD -o made
convert quantize ODD -o made
P
    [ "$failed" = "$before" ] && pass "$path is refused at once"
done

# ---- Too little memory ----
# From what does not hold the program to what is enough for all.
for name in eval view rerank add dump; do
    case $name in
    eval) cmd=(blink-eval) && cp chosen in ;;
    view) cmd=(blink-view -o page.html) && cp chosen in ;;
    rerank)
        cmd=(blink-rerank -m cross -c k.kb "${engine[@]}")
        cp candidates in ;;
    add) cmd=(blink-kb add -q -c ./less.kb) && cp new.jsonl in ;;
    dump)
        cmd=(blink-kb build -q --threads 1 -o less.kb --wikipedia -)
        cp "$fixtures/wiki/dump.xml" in ;;
    esac
    before=$failed
    seen=''
    for ((kib = 2000; kib < 4000000; kib += kib / 8)); do
        cp k.kb less.kb
        status=0
        (
            ulimit -v "$kib" 2>/dev/null
            exec "${cmd[@]}" <in >out 2>err
        ) || status=$?
        case $status in
        0 | 1) ;;
        4)  [ -s err ] || fail "$name in $kib KiB: no message" ;;
        127) continue ;;        # no room for its libraries
        139) [ -s err ] || [ -z "$seen" ] ||
            fail "$name in $kib KiB: died of SIGSEGV" ;;
        *) fail "$name in $kib KiB: $status: $(head -c 300 err)" ;;
        esac
        [ "$status" = 139 ] || seen=yes
        [ "$status" = 0 ] || [ "$name" != add ] ||
            cmp -s k.kb less.kb || fail "add in $kib KiB: the file changed"
    done
    is "$status" 0 "$name: with enough memory"
    [ "$failed" = "$before" ] && pass "$name: with less"
    is "$(left)" '' "$name: nothing is left"
done

# ---- A disk that is full ----
# full COMMAND...: with a target d/x in a file system of 64 KiB.
full() {
    status=0
    # shellcheck disable=SC2016
    unshare -m sh -c 'mount -t tmpfs -o size=64k none d && shift &&
        head -c 61440 /dev/zero >d/other
        status=0
        "$@" || status=$?
        find d -mindepth 1 ! -name other >left
        exit $status' - - "$@" >out 2>err <in || status=$?
}
mkdir d
if unshare -m mount -t tmpfs none d 2>/dev/null; then
    blink-kb cat -c k.kb | blink-embed -m bi --entities "${engine[@]}" >in
    cat >commands <<'P'
kb build -q -o d/x entities.jsonl
index build -q -c k.kb -o d/x
convert biencoder bi/model.safetensors --bert bi -o d/x
P
    while read -r words; do
        # shellcheck disable=SC2086
        full blink-$words
        is "$status $(cat left)" '4 ' "a full disk: blink-$words"
        like "$(cat err)" "^blink-[a-z]+: .*'?(d/x|[^ ]*/d/x)[^ ]*'?: .*(No space left|full)[^.]*$" \
            "blink-$words: says so, of its file"
    done <commands
    # A page that is longer than the disk.
    for ((n = 0; n < 4000; n++)); do cat chosen; done >in
    full blink-view -o d/x
    is "$status $(cat left)" '4 ' 'a full disk: blink-view'
else
    skip 'a disk that is full' 'no mount namespaces here'
fi

# ---- Pointers of Git LFS in the place of large files ----
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 1340616616\n' \
    0 >pointer
cp pointer pointer.kb
cp pointer pointer.blx
cp pointer pointer.bin
cp pointer pointer.safetensors
cp -R bi pointer-model
chmod -R u+w pointer-model
cp pointer pointer-model/model.safetensors
# lfs FILE COMMAND...
lfs() {
    local file=$1
    shift
    run "$@" </dev/null
    is "$status" 3 "a pointer of Git LFS: $1: status 3"
    like "$(cat "$T/err")" "^$1: .*'[^ ]*$file' is a Git LFS pointer, not the file: 'git lfs pull' fetches it$" \
        "a pointer of Git LFS: $1: says so"
}
lfs pointer.kb blink-kb info -c ./pointer.kb
lfs pointer.kb blink-kb build -o x.kb ./pointer.kb
lfs pointer.blx blink-index info -x ./pointer.blx
lfs pointer.bin blink-convert biencoder pointer.bin --bert bi -o x
lfs pointer.safetensors blink-convert biencoder pointer.safetensors \
    --bert bi -o x
lfs model.safetensors blink-embed -m ./pointer-model
finish
