/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/sha256.h"

#include <stdbool.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "base/mem.h"

/* Fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_words[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2
};

/* ---- Plain C ---- */

static inline uint32_t rotate(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static inline uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16
        | (uint32_t)p[2] << 8 | p[3];
}

static void extend(const unsigned char *block, uint32_t w[64])
{
    for (size_t i = 0; i < 16; i++)
        w[i] = big_endian(block + 4 * i);
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        uint32_t s0 = rotate(a, 7) ^ rotate(a, 18) ^ a >> 3;
        uint32_t s1 = rotate(b, 17) ^ rotate(b, 19) ^ b >> 10;

        w[i] = w[i - 16] + s0 + w[i - 7] + s1;
    }
}

/* One round: the new a goes where h was, the new e where d was, so that
 * eight rounds with the names moved on by one need no copies. */
static inline void plain_round(uint32_t a, uint32_t b, uint32_t c,
                               uint32_t *d, uint32_t e, uint32_t f,
                               uint32_t g, uint32_t *h, uint32_t word)
{
    uint32_t s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    uint32_t t1 = *h + s1 + ((e & f) ^ (~e & g)) + word;
    uint32_t s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);

    *d += t1;
    *h = t1 + s0 + ((a & b) ^ (a & c) ^ (b & c));
}

static void plain_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t w[64], a = state[0], b = state[1], c = state[2], d = state[3],
             e = state[4], f = state[5], g = state[6], h = state[7];

    extend(block, w);
    for (size_t i = 0; i < 64; i++)
        w[i] += round_words[i];
    for (size_t i = 0; i < 64; i += 8) {
        plain_round(a, b, c, &d, e, f, g, &h, w[i]);
        plain_round(h, a, b, &c, d, e, f, &g, w[i + 1]);
        plain_round(g, h, a, &b, c, d, e, &f, w[i + 2]);
        plain_round(f, g, h, &a, b, c, d, &e, w[i + 3]);
        plain_round(e, f, g, &h, a, b, c, &d, w[i + 4]);
        plain_round(d, e, f, &g, h, a, b, &c, w[i + 5]);
        plain_round(c, d, e, &f, g, h, a, &b, w[i + 6]);
        plain_round(b, c, d, &e, f, g, h, &a, w[i + 7]);
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
}

static void plain_blocks(uint32_t state[8], const unsigned char *p, size_t n)
{
    for (; n > 0; n--, p += 64)
        plain_block(state, p);
}

/* ---- The instructions that x86 has for it ---- */

#if defined(__x86_64__)

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

/* Each instruction makes two rounds of the halves "abef" and "cdgh"; the
 * words come four at a time, the next four made of the last sixteen. */
SHA_TARGET static void fast_block(__m128i *abef, __m128i *cdgh,
                                  const unsigned char *p)
{
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b,
                                         0x0405060700010203);
    __m128i w[4], x = *abef, y = *cdgh, k;

    for (size_t i = 0; i < 16; i++) {
        __m128i *now = &w[i % 4];

        if (i < 4) {
            *now = _mm_loadu_si128((const void *)(p + 16 * i));
            *now = _mm_shuffle_epi8(*now, order);
        } else {
            const __m128i *last = &w[(i + 3) % 4];

            *now = _mm_sha256msg1_epu32(*now, w[(i + 1) % 4]);
            *now = _mm_add_epi32(*now, _mm_alignr_epi8(*last,
                                                       w[(i + 2) % 4], 4));
            *now = _mm_sha256msg2_epu32(*now, *last);
        }
        k = _mm_loadu_si128((const void *)(round_words + 4 * i));
        k = _mm_add_epi32(k, *now);
        y = _mm_sha256rnds2_epu32(y, x, k);
        x = _mm_sha256rnds2_epu32(x, y, _mm_shuffle_epi32(k, 0x0e));
    }
    *abef = _mm_add_epi32(*abef, x);
    *cdgh = _mm_add_epi32(*cdgh, y);
}

SHA_TARGET static void fast_blocks(uint32_t state[8], const unsigned char *p,
                                   size_t n)
{
    __m128i abcd = _mm_loadu_si128((const void *)state);
    __m128i efgh = _mm_loadu_si128((const void *)(state + 4));
    __m128i badc = _mm_shuffle_epi32(abcd, 0xb1);
    __m128i hgfe = _mm_shuffle_epi32(efgh, 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);

    for (; n > 0; n--, p += 64)
        fast_block(&abef, &cdgh, p);
    abef = _mm_shuffle_epi32(abef, 0x1b);
    cdgh = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((void *)state, _mm_blend_epi16(abef, cdgh, 0xf0));
    _mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(cdgh, abef, 8));
}

static bool has_sha(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_SSE4_1
        && c & bit_SSSE3 && __get_cpuid_count(7, 0, &a, &b, &c, &d)
        && b & bit_SHA;
}
#endif

bl_sha256_blocks_fn *bl_sha256_blocks(size_t i)
{
#if defined(__x86_64__)
    if (has_sha() && i-- == 0)
        return fast_blocks;
#endif
    return i == 0 ? plain_blocks : NULL;
}

/* Asking the processor takes longer than a block. */
static bl_sha256_blocks_fn *best_blocks(void)
{
    static _Atomic(bl_sha256_blocks_fn *) best;
    bl_sha256_blocks_fn *f = best;

    if (!f)
        best = f = bl_sha256_blocks(0);
    return f;
}

/* ---- Any number of bytes ---- */

void bl_sha256_init(struct bl_sha256 *s)
{
    static const uint32_t start[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
    };

    memcpy(s->state, start, sizeof start);
    s->bytes = 0;
}

void bl_sha256_add(struct bl_sha256 *s, const void *data, size_t n)
{
    bl_sha256_blocks_fn *blocks = best_blocks();
    size_t used = s->bytes % sizeof s->block, take;
    const unsigned char *p = data;

    s->bytes += n;
    if (used) {
        take = BL_MIN(sizeof s->block - used, n);
        memcpy(s->block + used, p, take);
        if (used + take == sizeof s->block)
            blocks(s->state, s->block, 1);
        p += take;
        n -= take;
    }
    if (n >= sizeof s->block)
        blocks(s->state, p, n / sizeof s->block);
    if (n % sizeof s->block)
        memcpy(s->block, p + n - n % sizeof s->block, n % sizeof s->block);
}

void bl_sha256_end(struct bl_sha256 *s, unsigned char sum[BL_SHA256_SIZE])
{
    static const unsigned char padding[64] = { 0x80 };
    uint64_t bits = s->bytes * 8;
    size_t used = s->bytes % sizeof s->block;
    unsigned char length[8];

    bl_sha256_add(s, padding, used < 56 ? 56 - used : 120 - used);
    for (unsigned i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    bl_sha256_add(s, length, sizeof length);
    for (unsigned i = 0; i < BL_SHA256_SIZE; i++)
        sum[i] = (unsigned char)(s->state[i / 4] >> (24 - 8 * (i % 4)));
}

void bl_sha256_of(const void *p, size_t n, unsigned char sum[BL_SHA256_SIZE])
{
    struct bl_sha256 s;

    bl_sha256_init(&s);
    bl_sha256_add(&s, p, n);
    bl_sha256_end(&s, sum);
}

void bl_sha256_hex(const unsigned char *sum, size_t n, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < n; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * n] = '\0';
}
