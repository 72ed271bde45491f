/* SPDX-License-Identifier: MIT */
/* SHA-256: the examples of FIPS 180-4 through every way that this processor
 * has, and the same digest whatever the pieces. */
#include <stdlib.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "tap.h"

enum { MILLION = 1000000, SIZE = 5000 };

static void of(const char *text, size_t n, const char *want)
{
    unsigned char sum[BL_SHA256_SIZE];
    char hex[BL_SHA256_HEX];

    bl_sha256_of(text, n, sum);
    bl_sha256_hex(sum, sizeof sum, hex);
    is_str(hex, want, "digest");
}

static void examples(void)
{
    char *many = bl_xmalloc(MILLION, 1);

    memset(many, 'a', MILLION);
    of("", 0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852"
       "b855");
    of("abc", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f2"
       "0015ad");
    of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56,
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    of(many, MILLION, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d"
       "39ccc7112cd0");
    free(many);
}

static void ways(const unsigned char *p)
{
    uint32_t first[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, state[8];
    bl_sha256_blocks_fn *f;

    bl_sha256_blocks(0)(first, p, SIZE / 64);
    for (size_t i = 1; (f = bl_sha256_blocks(i)); i++) {
        for (uint32_t j = 0; j < 8; j++)
            state[j] = j + 1;
        f(state, p, SIZE / 64);
        ok(!memcmp(state, first, sizeof state), "way %zu agrees", i);
    }
}

static void pieces(const unsigned char *p)
{
    unsigned char want[BL_SHA256_SIZE], sum[BL_SHA256_SIZE];
    bool same = true;

    bl_sha256_of(p, SIZE, want);
    for (size_t step = 1; step < 200; step++) {
        struct bl_sha256 s;

        bl_sha256_init(&s);
        for (size_t at = 0; at < SIZE; at += step)
            bl_sha256_add(&s, p + at, BL_MIN(SIZE - at, step));
        bl_sha256_end(&s, sum);
        same &= !memcmp(sum, want, sizeof sum);
    }
    ok(same, "pieces of 1 to 199 bytes");
}

int main(void)
{
    unsigned char *p = bl_xmalloc(SIZE, 1);

    for (size_t i = 0; i < SIZE; i++)
        p[i] = (unsigned char)(i * i + 7 * i);
    examples();
    ways(p);
    pieces(p);
    free(p);
    return tap_done();
}
