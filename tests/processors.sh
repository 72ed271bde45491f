#!/bin/bash
# SPDX-License-Identifier: MIT
# Processors that this machine is not, emulated by qemu: x86-64 without AVX-512
# and without AVX, 64-bit ARM with the kernels for NEON; and what configure
# says where the order of bytes is another.
. "$top_srcdir/tests/lib.sh"
only_plain
common=$(cd "$top_srcdir/common" && pwd)
unit=$(cd "$top_builddir/tests/unit" && pwd)
bin=$(cd "$top_builddir/bin" && pwd)
config=$(cd "$top_builddir" && pwd)
tests_of=$(cd "$top_srcdir/tests/unit" && pwd)
source=$(cd "$top_srcdir" && pwd)
models=$(cd "$top_srcdir/share/models" && pwd)
unset OPENBLAS_CORETYPE     # that of the machine itself
cd "$T" || exit

# all_ok COMMAND...: a test program in which no point fails.
all_ok() {
    run "$@"
    [ "$status" -eq 0 ] && grep -q '^ok' out && ! grep -q '^not ok' out
}

# ---- x86-64 ----
printf '{"context_left":"In ","mention":"%s","context_right":" it rained."}\n' \
    Paris Oslo 'Rio de Janeiro' >in

# vectors COMMAND...: those of the mentions, a number a line; what it says in
# err.
vectors() {
    "$@" -v -m "$models/mini/bi" --floats json <in 2>err |
        jq -r '.embedding.values[]'
}

# x86 CPU KERNEL: the tests and the programs on that processor.
x86() {
    for test in int8 topk f32; do
        ok "$1: test-$test" all_ok qemu-x86_64 -cpu "$1" "$unit/test-$test"
    done
    vectors qemu-x86_64 -cpu "$1" "$bin/blink-embed" >emulated
    like "$(cat err)" "int8 \\($2" "$1: its kernel is that of $2"
    is "$(paste emulated native | awk '{ d = $1 - $2; bad += d * d > 1e-6 }
        END { print NR, bad + 0 }')" '1152 0' "$1: the same vectors"
}
if [ "$(uname -m)" = x86_64 ] && command -v qemu-x86_64 >/dev/null; then
    vectors "$bin/blink-embed" >native
    x86 Nehalem 'plain C'
    x86 Haswell AVX2
else
    skip 'x86-64' 'no qemu-x86_64 here (Debian: qemu-user)'
fi

# ---- ARM ----
arm() {
    aarch64-linux-gnu-gcc -O2 -std=gnu11 -pthread -DHAVE_CONFIG_H \
        -DBL_PKGDATADIR='""' \
        -DBL_PKGLIBDIR='""' -I"$config" -I"$common" -I"$tests_of" "$@"
}
# What these tests use needs no other library, so what the rest of common/
# lacks may stay unresolved.
arm_test() {
    arm -w "$tests_of/test-$1.c" arm.a -static -lm -o "test-$1" \
        -Wl,--unresolved-symbols=ignore-all && all_ok qemu-aarch64 "test-$1"
}
if command -v aarch64-linux-gnu-gcc >/dev/null &&
    command -v qemu-aarch64 >/dev/null; then
    mkdir arm
    warnings=$(for c in "$common"/*/*.c; do
        o=${c##*/}
        arm -Wall -Wextra -Wconversion -c "$c" -o "arm/${o%.c}.o"
    done 2>&1)
    is "$warnings" '' 'ARM: all of common/ compiles without a warning'
    ar rcs arm.a arm/*.o
    for test in int8 topk f32 vector; do
        ok "ARM: test-$test" arm_test "$test"
    done
    if [ -n "${BLINK_LONG:-}" ]; then
        ok 'ARM: test-stack' arm_test stack
    else
        skip 'ARM: test-stack' 'takes minutes (scripts/check --long)'
    fi
    ok 'ARM: the kernels for NEON are among them' \
        grep -q '^ok .* neon: ' <(qemu-aarch64 test-int8)
else
    skip 'ARM' 'no gcc-aarch64-linux-gnu and qemu-user here'
fi

# ---- The other order of bytes ----
mkdir -p other/common/base
cp -r "$source/configure" "$source/build-aux" other
cp "$common/base/err.h" other/common/base
run env -C other ac_cv_c_bigendian=yes ./configure
like "$(cat err)" 'error: .*big-endian' 'configure refuses a big-endian machine'
finish
