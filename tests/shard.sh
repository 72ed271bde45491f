#!/bin/bash
# SPDX-License-Identifier: MIT
# blink-shard: the output of a pipeline run on the parts of a file is that of
# one process, byte for byte, whatever was stopped in between.
. "${top_srcdir:?}/tests/lib.sh"
command -v jq >/dev/null || skip_all 'no jq'
command -v parallel >/dev/null || skip_all 'no parallel'
only_plain
PATH=$top_srcdir/scripts:$PATH
model=$fixtures/golden/m2-bi
export BLINK_DATA=$T/data
cd "$T" || exit
blink-kb build -q -o k.kb "$fixtures/mini.jsonl"
blink-kb cat -c k.kb | blink-embed -m "$model" --entities |
    blink-index build -q -c k.kb -o k.blx
stages="blink-embed -m $model | blink-retrieve -x k.blx -c k.kb -k 3"

# 300 mentions of 60 documents, a line that is no record, a blank one, one
# that fails, and a last line without its end.
for ((i = 0; i < 300; i++)); do
    printf '{"id":"%d","doc":"d%d","context_left":"They went to ","mention":"Paris %d","context_right":" again."}\n' \
        $i $((i / 5)) $i
done >all.jsonl
{
    sed -n 1,100p all.jsonl
    printf 'no record\n\n{"id":"x"}\n'
    sed -n 101,299p all.jsonl
    tail -n 1 all.jsonl | tr -d '\n'
} >in.jsonl
one() { bash -c "$stages" <in.jsonl 2>one.err >one.jsonl; }
one

shard() { run blink-shard -q -o out.jsonl "$@"; }
for way in '' '--block 1K' '--block 1K -j 1' '--block 10K -j 3 --documents'; do
    # shellcheck disable=SC2086
    shard $way --again in.jsonl -- "$stages"
    is "$status:$(sort err)" "1:$(sort one.err)" "messages are those of one: $way"
    ok "the bytes are those of one: $way" cmp -s one.jsonl out.jsonl
done
is "$(ls -d out.*)" "$(printf '%s\n' out.jsonl out.jsonl.manifest.json)" \
    'no parts are left'
is "$(jq -c '[.input.bytes, .output.lines, .output.status, .documents]' \
    out.jsonl.manifest.json)" "[$(wc -c <in.jsonl),302,1,true]" 'the manifest'
is "$(jq -r '.loaded[]' out.jsonl.manifest.json | cut -d' ' -f1 | paste -sd,)" \
    catalogue,index,model 'the manifest: what was opened'

# ---- Documents stay whole ----
cat >whole <<'X'
#!/bin/bash
# Fails when the lines of a document are not all there.
jq -r .doc | uniq -c | awk '$1 != 5 { exit 3 } { print }'
X
chmod +x whole
shard --again --block 900 --documents all.jsonl -- ./whole
is "$status:$(wc -l <out.jsonl)" 0:60 'documents are whole'
shard --again --block 900 all.jsonl -- ./whole
is "$status" 3 'and would not be without --documents'
shard --again --block 900 all.jsonl -- 'blink-coherence --names -Q'
is "$(jq -c .documents out.jsonl.manifest.json)" true \
    'documents are whole for blink-coherence'
shard --again all.jsonl -- 'cat | blink-cluster --across'
is "$status:$(cat err)" "2:blink-shard: blink-cluster --across reads all \
documents: run it on the joined output" 'blink-cluster --across'
rm -rf out.*

# ---- What is done is not done again ----
cat >slow <<'X'
#!/bin/bash
# As cat, slowly; notes that it ran.
cat >$$.tmp
[ ! -s $$.tmp ] || { echo run >>runs; sleep .3; }
cat $$.tmp; rm $$.tmp
[ ! -e broken ] || [ "$(cat runs 2>/dev/null | wc -l)" -lt 4 ] || exit 4
X
chmod +x slow
cp all.jsonl in.jsonl
parts() { blink-shard --dry-run --block 4K -o out.jsonl in.jsonl -- "$1" | sed -n '1s/ .*//p'; }
n=$(parts "$T/slow")
ok 'there are several parts' [ "$n" -gt 6 ]
touch broken
shard -j 1 --retries 1 --block 4K in.jsonl -- "cd $T; ./slow"
is "$status:$(wc -l <runs)" 4:4 'a pipeline fails: the run ends'
like "$(cat err)" "parts are not there, part 4 among them; '.*/joblog' says" \
    'and says which part'
rm -f broken runs
shard -j 1 --block 4K in.jsonl -- "cd $T; ./slow"
is "$status:$(wc -l <runs)" "0:$((n - 3))" 'what is there is not run again'
ok 'and the bytes are those of one' cmp -s in.jsonl out.jsonl
rm -f runs
run blink-shard -j 1 --block 4K -o out.jsonl in.jsonl -- "cd $T; ./slow"
is "$status:$(cat err)" \
    "0:blink-shard: 'out.jsonl' is complete; --again makes it anew" \
    'a run that is over is not begun again'
ok 'nothing was run' [ ! -e runs ]

# Killed at any moment, and resumed.
for after in .2 .5 .9; do
    rm -f runs
    blink-shard -q --again -j 2 --block 4K -o out.jsonl in.jsonl -- \
        "cd $T; ./slow" 2>/dev/null &
    sleep $after
    kill -9 $! 2>/dev/null
    wait $! 2>/dev/null
    shard -j 2 --block 4K in.jsonl -- "cd $T; ./slow"
    is "$status" 0 "killed after $after s: the same command goes on"
    ok "killed after $after s: the bytes are those of one" \
        cmp -s in.jsonl out.jsonl
done

# ---- Another input, pipeline or catalogue is refused ----
begin() {
    touch broken
    rm -f runs
    shard --again -j 1 --retries 1 --block 4K in.jsonl -- "$1"
    rm -f broken
}
begin "cd $T; ./slow"
echo '{"id":"new"}' >>in.jsonl
shard --block 4K in.jsonl -- "cd $T; ./slow"
is "$status:$(cat err)" "3:blink-shard: '$T/out.jsonl.shards' was begun with another state of 'in.jsonl'; --again begins anew" \
    'another input'
cp all.jsonl in.jsonl
shard --block 4K in.jsonl -- "cd $T;  ./slow"
like "$status:$(cat err)" '^3:.*another state of the pipeline' \
    'another pipeline'
begin "cd $T; ./slow | blink-embed -m $model | blink-retrieve -x k.blx -c k.kb"
blink-kb cat -c k.kb | blink-embed -m "$model" --entities |
    blink-index build -q -c k.kb -o k.blx --dtype f16
shard --block 4K in.jsonl -- \
    "cd $T; ./slow | blink-embed -m $model | blink-retrieve -x k.blx -c k.kb"
like "$status:$(cat err)" \
    '^3:.*another state of a model, catalogue or index; --again' \
    'another index'
rm -rf out.*

# ---- Lines are counted ----
cat >loses <<'X'
#!/bin/bash
exec sed 2d
X
chmod +x loses
shard --block 4K --same-lines in.jsonl -- ./loses
like "$status:$(cat err)" "^4:blink-shard: 300 records went in and [0-9]+ lines came out" \
    '--same-lines: a lost line is an error'
rm -rf out.*
run blink-shard --block 4K -o out.jsonl in.jsonl -- ./loses
like "$status:$(cat err)" '^0:blink-shard: 300 records in, 2[0-9]+ lines out' \
    'else it is said'
# An early stage that dies is not hidden by what a later one says of records.
cat >dies <<'X'
#!/bin/bash
head -c 400
exit 4
X
chmod +x dies
rm -rf out.*
shard --retries 1 --block 4K in.jsonl -- "./dies | blink-embed -m $model"
is "$status" 4 'a stage that dies in the middle is noticed'
ok 'and there is no output' [ ! -e out.jsonl ]
rm -rf out.*

# Of others than blink 1 means that they gave up.
cat >gives_up <<'X'
#!/bin/bash
while IFS= read -r line; do
    [[ $line != *'Paris 77"'* ]] || exit 1
    printf '%s\n' "$line"
done
X
chmod +x gives_up
shard --retries 1 --block 4K in.jsonl -- "./gives_up | blink-embed -m $model"
like "$status:$(cat err)" '^4:.*a stage that is no program of blink ended with status 1' \
    'status 1 of another program is a failure'
ok 'and there is no output' [ ! -e out.jsonl ]
rm -rf out.*

# ---- Folders of others, and others at work ----
mkdir precious
echo keep >precious/thesis.txt
ln -s precious out.jsonl.shards
shard in.jsonl -- cat
is "$status:$(cat err)" "3:blink-shard: 'out.jsonl.shards' is a link, not a folder of parts; move it away" \
    'a link in place of the folder'
rm out.jsonl.shards
mv precious out.jsonl.shards
for again in '' --again; do
    # shellcheck disable=SC2086
    shard $again in.jsonl -- cat
    is "$status:$(cat err)" "3:blink-shard: 'out.jsonl.shards' is no folder of parts: it has 'thesis.txt'; move it away" \
        "a folder with something else: $again"
done
is "$(cat out.jsonl.shards/thesis.txt)" keep 'and it is left alone'
rm -rf out.*
rm -f runs
blink-shard -q -j 1 --block 4K -o out.jsonl in.jsonl -- "cd $T; ./slow" &
sleep .7
shard -j 1 --block 4K in.jsonl -- "cd $T; ./slow"
first=$status
wait $!
is "$?:$first:$(tail -n 1 err)" "0:0:blink-shard: 'out.jsonl' is complete; --again makes it anew" \
    'two at once: the second waits and finds it made'
ok 'two at once: the bytes' cmp -s in.jsonl out.jsonl
rm -f runs
blink-shard -q --again -j 1 --block 4K -o out.jsonl in.jsonl -- \
    "cd $T; ./slow" &
sleep .7
shard --again -j 1 --block 4K in.jsonl -- "cd $T; ./slow"
first=$status
wait $!
is "$?:$first:$(wc -l <runs)" "0:0:$((2 * n))" '--again waits, too'
is "$(ls -d out.*)" "$(printf '%s\n' out.jsonl out.jsonl.manifest.json)" \
    'and nothing is left'
sed -i 's/Paris/paris/' out.jsonl
rm -f runs
shard -j 1 --block 4K in.jsonl -- "cd $T; ./slow"
is "$status:$(wc -l <runs)" "0:$n" 'an output that was changed is made anew'

# An input that changes while it is read.
blink-shard -q --again -j 1 --block 4K -o out2.jsonl in.jsonl -- \
    "cd $T; ./slow" 2>changed.err &
sleep .9
sed 's/spring/autumn/' all.jsonl >new.jsonl
cat new.jsonl >in.jsonl
wait $!
is "$?:$(cat changed.err)" "3:blink-shard: 'in.jsonl' changed while it was read: the parts are of no use; run this again with --again" \
    'an input that changes is noticed'
ok 'and nothing is written' [ ! -e out2.jsonl ]
rm -rf out2.*
cp all.jsonl in.jsonl

# Long lines take no longer for being of documents.
for ((i = 0; i < 40; i++)); do
    printf '{"doc":"%d","text":"%0100000d"}\n' $((i / 2)) 0
done >long.jsonl
run timeout 20 blink-shard -q --documents --block 1M -o long.out long.jsonl \
    -- cat
is "$status" 0 'long lines, with --documents'
ok 'long lines: the bytes' cmp -s long.jsonl long.out

# ---- Wrong input ----
wrong() {
    local want=$1 text=$2
    shift 2
    run blink-shard "$@"
    like "$status:$(cat err)" "^$want" "$text"
}
jq -s . all.jsonl >array.json
gzip -k all.jsonl
mkfifo pipe
wrong "3:.*array.json': it begins with '\['" 'an array' \
    -o o array.json -- cat
wrong "3:.*all.jsonl.gz': it is compressed" 'a compressed file' \
    -o o all.jsonl.gz -- cat
wrong "3:blink-shard: 'none.jsonl': No such file" 'no file' \
    -o o none.jsonl -- cat
wrong "2:.*'/dev/null': .*must be a regular file" 'no regular file' \
    -o o /dev/null -- cat
wrong "2:blink-shard: './in.jsonl': it is the input" 'over its input' \
    -o ./in.jsonl in.jsonl -- cat
mkdir folder
wrong "4:blink-shard: 'folder': it is a folder" 'over a folder' \
    -o folder in.jsonl -- cat
wrong '4:.*the pipeline ends with status 9 when it reads nothing' \
    'a pipeline that ends at once' -o o in.jsonl -- 'exit 9'
wrong '0:blink-shard: 300 records in, 300 lines out' '-j2 and -oFILE' \
    -j2 -oshort.jsonl in.jsonl -- cat
wrong '2:blink-shard: no pipeline' 'no pipeline' -o o in.jsonl
wrong '2:blink-shard: no -o' 'no output' in.jsonl -- cat
wrong "2:blink-shard: --block '1X': expected a size" 'a wrong size' \
    --block 1X -o o in.jsonl -- cat
wrong '2:.*blink-retrieve.*ends with status 2|2:.*' 'a wrong option of a stage' \
    -o o in.jsonl -- 'blink-embed --frobnicate'
wrong "4:.*cannot (make|write)" 'no folder for the output' \
    -o none/o in.jsonl -- cat
is "$(ls -d o o.* 2>/dev/null)" '' 'nothing is left of any of these'
: >empty.jsonl
wrong '0:blink-shard: 0 records in, 0 lines out, 0 parts' 'an empty input' \
    -o e.jsonl empty.jsonl -- "$stages"
ok 'an empty input gives an empty output' [ -f e.jsonl ]

# Paths that the shell and parallel would take apart.
mkdir "a b'c {} \$d"
cp all.jsonl "a b'c {} \$d/in {1}.jsonl"
run blink-shard -q --block 4K -o "a b'c {} \$d/out;.jsonl" \
    "a b'c {} \$d/in {1}.jsonl" -- "jq -c '. + {a: {}}'"
is "$status:$(cat err)" 0: 'odd names, and braces in the pipeline'
ok 'odd names: the bytes' cmp -s <(jq -c '. + {a: {}}' all.jsonl) \
    "a b'c {} \$d/out;.jsonl"

# ---- The environment that it is built on ----
: >list
BLINK_LOADED=$T/list blink-embed -m "$model" </dev/null
is "$(cut -f1,4 list)" "model"$'\t'"$model" 'BLINK_LOADED: a line for the model'
run env BLINK_LOADED=none blink-embed -m "$model" </dev/null
is "$status:$(cat err)" "4:blink-embed: cannot write 'none', which BLINK_LOADED names: No such file or directory" \
    'BLINK_LOADED: a file that is not there'
run env BLINK_FIRST_LINE=7 blink-embed -m "$model" <<<'[1'
like "$(cat err)" 'stdin:7: ' 'BLINK_FIRST_LINE'
run env BLINK_FIRST_LINE=0 blink-embed -m "$model" <<<'[1'
is "$status:$(cat err)" "2:blink-embed: BLINK_FIRST_LINE='0': expected a whole number from 1" \
    'BLINK_FIRST_LINE that is none'

# ---- The page ----
run blink-shard --help
is "$(grep -oE '^  +(-., )?--[a-z-]+' out | grep -oE -- '--[a-z-]+' | sort)" \
    "$(grep -oE '^\.It .*Fl -[a-z-]+' "$top_srcdir/man/blink-shard.1" |
        grep -oE -- ' -[a-z-]+$| -[a-z-]+ ' | tr -d ' ' | sed 's/^/-/' |
        sed '/^--help$/d; /^--version$/d' | sort)" \
    'the page has the options of --help'
finish
