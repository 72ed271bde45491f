#!/bin/bash
# SPDX-License-Identifier: MIT
# Files of BLINK's kinds cut at 64 places, with their headers altered, or made
# to harm: status 3, one sentence, nothing run, nothing left.
. "$top_srcdir/tests/lib.sh"
cross=$fixtures/golden/m2-cross
cd "$T" || exit
cuts=64
[ -z "${sanitizers:-}${BLINK_VALGRIND:-}" ] || cuts=8
export HIT=$T/hit

mkdir bert
cp "$cross"/{config.json,vocab.txt} bert
chmod -R u+w bert
cp "$cross/model.safetensors" w.safetensors
for form in legacy zip; do
    perl "$top_srcdir/tests/torch-save.pl" w.safetensors w.$form $form
done
echo '{"max_seq_length":100,"lowercase":true}' >params.json
cp "$fixtures/golden/pipeline/entity.jsonl" .
blink-kb build -q -o k.kb entity.jsonl
# 200 vectors of 20 numbers, as torch.save and FAISS write a matrix.
perl - <<'X'
my $data = pack 'f<*', map { sin $_ } 1 .. 4000;
my $t = '{"v":{"dtype":"F32","shape":[200,20],"data_offsets":[0,16000]}}';
open my $f, '>:raw', 'v.safetensors' or die;
print $f pack('Q<', length $t), $t, $data;
open $f, '>:raw', 'v.faiss' or die;
print $f 'IxFI', pack('l<q<q<q<Cl<Q<', 20, 200, 1 << 20, 1 << 20, 1, 0,
    4000), $data;
X
perl "$top_srcdir/tests/torch-save.pl" v.safetensors v.t7 legacy

# try FILE: makes a folder, index or catalogue `made` of what is in x.
try() {
    case $1 in
        w.*) run timeout 20 blink-convert crossencoder x --bert bert -o made ;;
        config.json | vocab.txt)
            cp x bert/"$1"
            run timeout 20 blink-convert crossencoder w.safetensors \
                --bert bert -o made
            cp "$cross/$1" bert/"$1" ;;
        params.json) run timeout 20 blink-convert crossencoder w.safetensors \
            --bert bert --params x -o made ;;
        entity.jsonl) run timeout 20 blink-kb build -q -o made x ;;
        v.*) run timeout 20 blink-index import x -m "$fixtures/golden/m2-bi" \
            -c k.kb -o made ;;
    esac
}
# left: what should not be there after a failure.
left() { find . -maxdepth 1 \( -name made -o -name '.*.tmp*' -o -name hit \); }

# cut FILE SOURCE
cut_file() {
    local file=$1 source=$2 size i n bad=''
    cp "$source" x
    chmod u+w x
    case $file in *.safetensors) mv x x.safetensors; ln -s x.safetensors x ;;
    esac
    try "$file"
    [ "$status" = 0 ] || bad="whole: $(cat err)"
    rm -rf made x x.safetensors
    # The last byte of a text is a newline, which need not be there.
    size=$(stat -c %s "$source")
    for ((i = 0; i < cuts; i++)); do
        n=$(((size - 1) * i / cuts))
        head -c $n "$source" >x
        try "$file"
        # Lines that are whole make a catalogue of fewer entities.
        if [ "$file" = entity.jsonl ] && [ "$status" = 0 ] &&
            [ "$(tail -c 1 x)" = '' ]; then
            rm -f made
            continue
        fi
        [ "$status $(wc -l <err) $(left)" = '3 1 ' ] ||
            bad+=" $n ($status: $(head -c 150 err))"
        rm -rf made
    done
    is "$bad" '' "$file cut at $cuts places"
}
cut_file w.legacy w.legacy
cut_file w.zip w.zip
cut_file v.t7 v.t7
cut_file v.faiss v.faiss
cut_file config.json "$cross/config.json"
cut_file vocab.txt "$cross/vocab.txt"
cut_file params.json params.json
cut_file entity.jsonl entity.jsonl
# A file of safetensors is known by its name.
bad=''
size=$(stat -c %s w.safetensors)
for ((i = 0; i < cuts; i++)); do
    head -c $((size * i / cuts)) w.safetensors >x.safetensors
    run blink-convert crossencoder x.safetensors --bert bert -o made
    [ "$status $(wc -l <err) $(left)" = '3 1 ' ] || bad+=" $i"
done
is "$bad" '' "w.safetensors cut at $cuts places"
rm -f x.safetensors

# ---- Headers ----

# alter FILE FROM TO: bytes of the header get another value, one by one.
# Whoever still reads the file must do so to its end; else as above.
alter() {
    local file=$1 from=$2 to=$3 i bad='' refused=0 step=1
    [ $((to - from)) -le $((2 * cuts)) ] || step=$(((to - from) / (2 * cuts)))
    for ((i = from; i < to; i += step)); do
        perl -e 'open my $f, "<:raw", $ARGV[0]; local $/; $_ = <$f>;
            substr($_, $ARGV[1], 1) ^= chr(0x81 | $ARGV[1] * 2 & 0x7e);
            print' "$file" $i >x
        try "$file"
        case $status in
            0) [ -e made ] || bad+=" $i (nothing made)" ;;
            3) refused=$((refused + 1))
                [ "$(wc -l <err) $(left)" = '1 ' ] ||
                    bad+=" $i ($(head -c 150 err))" ;;
            *) bad+=" $i ($status: $(head -c 150 err))" ;;
        esac
        rm -rf made
    done
    is "$bad" '' "$file: bytes $from to $to altered"
    ok "$file: most of them are refused" [ $((4 * refused * step)) -gt \
        $((to - from)) ]
}
alter w.legacy 0 32
alter w.legacy 280 700
size=$(stat -c %s w.zip)
alter w.zip 0 64
alter w.zip $((size - 22)) "$size"
alter w.zip $((size - 4000)) $((size - 22))
alter v.t7 0 32
# Two numbers of FAISS's header are never read by anyone.
alter v.faiss 0 16
alter v.faiss 32 45

# ---- Made to harm ----

# harm STDERR TEXT: x, as a checkpoint.
harm() {
    run timeout 20 blink-convert crossencoder x --bert bert -o made
    like "$status $(cat err)" "^3 blink-convert: 'x': $1\$" "$2"
    is "$(left)" '' "$2: nothing is run, nothing is left"
}
# shellcheck disable=SC2016,SC2059
printf '\200\2cposix\nsystem\nU\016touch "$HIT" ;\205R.' >x
harm "byte 2: opcode GLOBAL: 'posix.system' is not among .*" 'a call'
printf '\200\4\214\10builtins\214\4eval\223\214\1x\205R.' >x
harm "byte [0-9]+: opcode STACK_GLOBAL: 'builtins.eval' is not among .*" \
    'a call by the stack'
# What stands before the object in the older form: magic, version, machine.
head='\200\2\212\012\154\374\234\106\371\040\152\250\120\031.\200\2M\351\003.'
head+='\200\2}U\015little_endian\210s.'
# storage KEY TYPE COUNT
storage() {
    printf '%s' "(U\\007storagectorch\\n${2}Storage\\nU\\001${1}U\\003cpu$3tQ"
}
# shellcheck disable=SC2059
printf "$head\\200\\2$(storage 0 Float '\212\010\0\0\0\0\0\0\0\100')." >x
harm "byte [0-9]+: opcode BINPERSID: storage '0' of 4611686018427387904 elements, but the file has [0-9]+ bytes" \
    '2^62 elements'
# shellcheck disable=SC2059
printf "$head\\200\\2($(storage 0 Float 'K\001')$(storage 0 Half 'K\002')t." \
    >x
harm "byte [0-9]+: opcode BINPERSID: storage '0' is declared twice, as .*" \
    'one storage as two'
perl -e 'print "\200\2", "]" x 1000000, "."' >x
harm 'byte [0-9]+: opcode EMPTY_LIST: too many values on the stack' \
    'a million lists in each other'
perl -e 'print "\200\2", ")", "\205" x 1000000, "."' >x
harm 'byte [0-9]+: opcode TUPLE1: values are nested more than 64 deep' \
    'a million tuples in each other'
# A tensor that says to be all others: 41 names for one place are tied
# weights, a matrix out of one number is not.
perl -e 'open my $f, "<:raw", $ARGV[0]; local $/; $_ = <$f>;
    my $n = unpack "Q<", $_; my $h = substr $_, 8, $n; my %d;
    my $o = "\200\2ccollections\nOrderedDict\n)R(";
    my $int = sub { "J" . pack "V", $_[0] };
    while ($h =~ /"([^"]+)":\{"dtype":"F32","shape":\[([0-9,]*)\]/g) {
        my @d = split /,/, $2;
        $o .= "X" . pack("V", length $1) . $1
            . "ctorch._utils\n_rebuild_tensor_v2\n((U\7storagectorch\n"
            . "FloatStorage\nU\1" . "0U\3cpuK\1NtQK\0("
            . join("", map { $int->($_) } @d) . "t("
            . ("K\0" x @d) . "t\x89ccollections\nOrderedDict\n)RtR";
    }
    print "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.",
        "\x80\x02M\xe9\x03.\x80\x02}U\15little_endian\x88s.", $o, "u.",
        "\x80\x02]U\1" . "0a.", pack("Q<f<", 1, 0.5);' w.safetensors >x
harm 'tensors of [0-9]+ bytes lie in the same 4, more than 64 times over' \
    'a model out of one number'
finish
