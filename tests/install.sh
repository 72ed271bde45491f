#!/bin/bash
# SPDX-License-Identifier: MIT
# `make install DESTDIR=...`: the programs run from there, find their module,
# and the library serves a stranger's program through pkg-config.
. "$top_srcdir/tests/lib.sh"
only_plain
root=$T/root
export -n MAKEFLAGS MFLAGS MAKELEVEL
run make -C "$top_builddir" install DESTDIR="$root"
is "$status" 0 'make install'
[ "$status" = 0 ] || tail -n 5 "$T/err" | sed 's/^/# /'
prefix=$(find "$root" -path '*/include/blink/blink.h')
prefix=${prefix%/include/blink/blink.h}
bin=$prefix/bin

for program in "$top_builddir"/bin/blink*; do
    if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
    name=${program##*/}
    run env -i "$bin/$name" --version
    like "$status$(cat "$T/out")" "^0$name [0-9]" "$name runs from there"
    ok "$name is a program, not a script of libtool's" \
        test "$(head -c 4 "$bin/$name" | tail -c 3)" = ELF
    [ -e "$top_srcdir/man/$name.1" ] || continue
    ok "its page is there" test -s "$prefix/share/man/man1/$name.1"
done

run env -i HOME="$T/home" "$bin/blink-kb" info
like "$status$(cat "$T/err")" "^3.*BLINK_DATA=$T/home/.local/share/blink \
scripts/quickstart makes the default one.$" \
    'without data they say how to get it where they look'

echo '{"id":"t:Canada","title":"Canada"}' >"$T/e.jsonl"
run env -i BLINK_DATA="$T/none" "$bin/blink-kb" build -o "$T/k.kb" \
    "$T/e.jsonl"
ok 'names that are counted come along, whatever the data folder is' \
    test -n "$("$bin/blink-kb" cat -c "$T/k.kb" | grep -o '"count":')"

lib=$(find "$prefix" -name pkgconfig -type d)
lib=${lib%/pkgconfig}
ok 'notes are there' test -s "$prefix/share/doc/blink/notes/search.md"
ok 'the shared library is there' test -e "$lib/libblink.so"
ok 'the static library is there' test -e "$lib/libblink.a"
like "$(nm -D --defined-only "$lib/libblink.so" | awk '{ print $3 }' |
        grep -v '^bl_')" '^$' 'it exports bl_ names only'
cat >"$T/client.c" <<'X'
#include <blink/blink.h>
#include <stdio.h>

int main(void)
{
    struct bl_err err;

    if (!bl_json_check("{\"a\":tru}", 9, &err))
        return 1;
    printf("%s: %s\n", bl_code_name(err.code), err.msg);
    return 0;
}
X
export PKG_CONFIG_PATH=$lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
if ! command -v pkg-config >/dev/null; then
    skip 'a client compiles' 'no pkg-config'
    finish
fi
want="bad-json: byte 5: expected a value, found 't'"
read -ra flags < <(pkg-config --cflags --libs blink)
run ${CC:-cc} -o "$T/client" "$T/client.c" "${flags[@]}"
is "$status$(cat "$T/err")" 0 'a client compiles'
run env LD_LIBRARY_PATH="$lib" "$T/client"
is "$(cat "$T/out")" "$want" 'and runs with the shared library'
cp "$T/client.c" "$T/client.cc"
if command -v c++ >/dev/null; then
    for header in "$prefix"/include/blink/*.h "$prefix"/include/blink/*/*.h; do
        name=${header#"$prefix/include/"}
        echo "#include <$name>" | cat - "$T/client.c" >"$T/one.cc"
        run c++ -Wall -Wextra -Werror -fsyntax-only "$T/one.cc" "${flags[@]}"
        is "$status$(cat "$T/err")" 0 "$name serves C++"
    done
    run c++ -Wall -Wextra -Werror -o "$T/client-c++" "$T/client.cc" \
        "${flags[@]}"
    is "$status$(cat "$T/err")" 0 'a client in C++ links'
    run env LD_LIBRARY_PATH="$lib" "$T/client-c++"
    is "$(cat "$T/out")" "$want" 'and runs'
else
    skip 'a client in C++ links' 'no C++ compiler'
fi
read -ra flags < <(PKG_CONFIG_SYSROOT_DIR='' pkg-config --libs --static blink)
run ${CC:-cc} -I"$prefix/include" -o "$T/static" "$T/client.c" \
    "${flags[@]/#-lblink/$lib/libblink.a}"
is "$status$(cat "$T/err")" 0 'a client links the static library'
run "$T/static"
is "$(cat "$T/out")" "$want" 'and runs with it'

# The example links a mention with the library as the programs do with pipes.
mini=$prefix/share/blink/models/mini
example=$(find "$prefix/share/doc" -path '*/examples/link.c')
read -ra flags < <(pkg-config --cflags --libs blink)
run ${CC:-cc} -Wall -Wextra -Werror -o "$T/link" "$example" "${flags[@]}"
is "$status$(cat "$T/err")" 0 'the example compiles'
if [ -s "$mini/bi/config.json" ]; then
    cd "$T" || exit
    mini() { env -i BLINK_DATA="$T/none" "$bin/$1" "${@:2}"; }
    mini blink-kb build -q -o m.kb "$fixtures/mini.jsonl"
    mini blink-kb cat -c ./m.kb | mini blink-embed -m "$mini" --entities |
        mini blink-index build -c ./m.kb -o m.blx
    link() {
        run env -i BLINK_DATA="$T/none" LD_LIBRARY_PATH="$lib" "$T/link" "$@"
    }
    for mention in 'paris' 'City of Light' 'UK' 'Nobody At All'; do
        jq -nc --arg m "$mention" '{context_left: "Here is ", mention: $m,
            context_right: ", at last."}' | mini blink-embed -m "$mini" |
            mini blink-retrieve -c ./m.kb -x ./m.blx | mini blink-score |
            jq -r '(.candidates[] | "\(.p)\t\(.id) \(.title)"),
                "\(.nil_p)\tnone"' |
            awk -F'\t' -v OFS=' ' 'NF > 1 { $1 = sprintf("%.4f", $1) } 1' \
            >"$T/want"
        link "$mini" ./m.kb ./m.blx 'Here is ' "$mention" ', at last.'
        # Records have six digits, so the fourth place may be rounded
        # otherwise: a ten thousandth more or less is the same.
        awk 'NR == FNR { p[NR] = $1; next }
            { off = $1 - p[FNR]; if (off^2 < .00015^2) $1 = p[FNR] } 1' \
            out want >near
        is "$status$(cat err)$(cat out)" "0$(cat near)" \
            "and finds what the programs find for '$mention'"
    done
    ok 'which is something' test "$(wc -l <want)" -ge 10
    link "$fixtures/golden/m2-bi" ./m.kb ./m.blx '' Paris ''
    like "$status$(cat err)" "^1link: './m.blx' was made by another model" \
        'and not with another model'
else
    skip 'the example links' 'no share/models/mini'
fi

if [ -e "$top_builddir/common/.libs/libblink-torch.so" ] &&
    [ -e "$bin/blink-embed" ]; then
    ok 'the torch module is there' test -e "$lib/blink/libblink-torch.so"
    run env -i "$bin/blink-embed" -v --engine torch \
        -m "$fixtures/golden/m2-bi" \
        <"$fixtures/golden/m2-vectors/records.jsonl"
    is "$status" 0 'and the installed programs find it'
fi
finish
