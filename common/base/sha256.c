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

static inline uint32_t rotate(uint32_t word, unsigned bits)
{
    return word >> bits | word << (32 - bits);
}

static inline uint32_t big_endian(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16
        | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* FIPS 180-4, 6.2.2, step 1: the message schedule W. */
static void extend(const unsigned char *block, uint32_t words[64])
{
    for (size_t i = 0; i < 16; i++)
        words[i] = big_endian(block + 4 * i);
    for (size_t i = 16; i < 64; i++) {
        uint32_t early = words[i - 15], late = words[i - 2];
        uint32_t s0 = rotate(early, 7) ^ rotate(early, 18) ^ early >> 3;
        uint32_t s1 = rotate(late, 17) ^ rotate(late, 19) ^ late >> 10;

        words[i] = words[i - 16] + s0 + words[i - 7] + s1;
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

/* FIPS 180-4, 6.2.2, steps 2 to 4.  The eight variables move on by one place
 * each round, so that after eight calls every one has its own name again. */
static void plain_block(uint32_t state[8], const unsigned char *block)
{
    uint32_t words[64], a = state[0], b = state[1], c = state[2], d = state[3],
             e = state[4], f = state[5], g = state[6], h = state[7];

    extend(block, words);
    for (size_t i = 0; i < 64; i++)
        words[i] += round_words[i];
    for (size_t i = 0; i < 64; i += 8) {
        plain_round(a, b, c, &d, e, f, g, &h, words[i]);
        plain_round(h, a, b, &c, d, e, f, &g, words[i + 1]);
        plain_round(g, h, a, &b, c, d, e, &f, words[i + 2]);
        plain_round(f, g, h, &a, b, c, d, &e, words[i + 3]);
        plain_round(e, f, g, &h, a, b, c, &d, words[i + 4]);
        plain_round(d, e, f, &g, h, a, b, &c, words[i + 5]);
        plain_round(c, d, e, &f, g, h, a, &b, words[i + 6]);
        plain_round(b, c, d, &e, f, g, h, &a, words[i + 7]);
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

static void plain_blocks(uint32_t state[8], const unsigned char *blocks,
                         size_t count)
{
    for (; count > 0; count--, blocks += 64)
        plain_block(state, blocks);
}

/* ---- The instructions that x86 has for it ---- */

#if defined(__x86_64__)

#define SHA_TARGET __attribute__((target("sha,sse4.1,ssse3")))

/* Each instruction makes two rounds of the halves "abef" and "cdgh"; the
 * words come four at a time, the next four made of the last sixteen. */
SHA_TARGET static void fast_block(__m128i *abef, __m128i *cdgh,
                                  const unsigned char *block)
{
    const __m128i order = _mm_set_epi64x(0x0c0d0e0f08090a0b,
                                         0x0405060700010203);
    __m128i words[4], rounds_abef = *abef, rounds_cdgh = *cdgh, round;

    for (size_t i = 0; i < 16; i++) {
        __m128i *now = &words[i % 4];

        if (i < 4) {
            *now = _mm_loadu_si128((const void *)(block + 16 * i));
            *now = _mm_shuffle_epi8(*now, order);
        } else {
            const __m128i *last = &words[(i + 3) % 4];

            *now = _mm_sha256msg1_epu32(*now, words[(i + 1) % 4]);
            *now = _mm_add_epi32(*now, _mm_alignr_epi8(*last,
                                                       words[(i + 2) % 4], 4));
            *now = _mm_sha256msg2_epu32(*now, *last);
        }
        round = _mm_loadu_si128((const void *)(round_words + 4 * i));
        round = _mm_add_epi32(round, *now);
        rounds_cdgh = _mm_sha256rnds2_epu32(rounds_cdgh, rounds_abef, round);
        rounds_abef = _mm_sha256rnds2_epu32(rounds_abef, rounds_cdgh,
                                            _mm_shuffle_epi32(round, 0x0e));
    }
    *abef = _mm_add_epi32(*abef, rounds_abef);
    *cdgh = _mm_add_epi32(*cdgh, rounds_cdgh);
}

SHA_TARGET static void fast_blocks(uint32_t state[8],
                                   const unsigned char *blocks, size_t count)
{
    __m128i abcd = _mm_loadu_si128((const void *)state);
    __m128i efgh = _mm_loadu_si128((const void *)(state + 4));
    __m128i badc = _mm_shuffle_epi32(abcd, 0xb1);
    __m128i hgfe = _mm_shuffle_epi32(efgh, 0x1b);
    __m128i abef = _mm_alignr_epi8(badc, hgfe, 8);
    __m128i cdgh = _mm_blend_epi16(hgfe, badc, 0xf0);

    for (; count > 0; count--, blocks += 64)
        fast_block(&abef, &cdgh, blocks);
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
    bl_sha256_blocks_fn *found = best;

    if (!found)
        best = found = bl_sha256_blocks(0);
    return found;
}

/* ---- Any number of bytes ---- */

void bl_sha256_init(struct bl_sha256 *state)
{
    static const uint32_t start[8] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
        0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19
    };

    memcpy(state->state, start, sizeof start);
    state->bytes = 0;
}

/* Whole blocks are hashed where they lie; only what is left of one is copied
 * and waits for the next call. */
void bl_sha256_add(struct bl_sha256 *state, const void *data, size_t size)
{
    bl_sha256_blocks_fn *blocks = best_blocks();
    size_t used = state->bytes % sizeof state->block, take;
    const unsigned char *bytes = data;

    state->bytes += size;
    if (used) {
        take = BL_MIN(sizeof state->block - used, size);
        memcpy(state->block + used, bytes, take);
        if (used + take == sizeof state->block)
            blocks(state->state, state->block, 1);
        bytes += take;
        size -= take;
    }
    if (size >= sizeof state->block)
        blocks(state->state, bytes, size / sizeof state->block);
    if (size % sizeof state->block)
        memcpy(state->block, bytes + size - size % sizeof state->block,
               size % sizeof state->block);
}

void bl_sha256_end(struct bl_sha256 *state, unsigned char sum[BL_SHA256_SIZE])
{
    static const unsigned char padding[64] = { 0x80 };
    uint64_t bits = state->bytes * 8;
    size_t used = state->bytes % sizeof state->block;
    unsigned char length[8];

    bl_sha256_add(state, padding, used < 56 ? 56 - used : 120 - used);
    for (unsigned i = 0; i < 8; i++)
        length[i] = (unsigned char)(bits >> (56 - 8 * i));
    bl_sha256_add(state, length, sizeof length);
    for (unsigned i = 0; i < BL_SHA256_SIZE; i++)
        sum[i] = (unsigned char)(state->state[i / 4] >> (24 - 8 * (i % 4)));
}

void bl_sha256_of(const void *data, size_t size,
                  unsigned char sum[BL_SHA256_SIZE])
{
    struct bl_sha256 state;

    bl_sha256_init(&state);
    bl_sha256_add(&state, data, size);
    bl_sha256_end(&state, sum);
}

void bl_sha256_header(const unsigned char *header, size_t size, size_t at,
                      unsigned char sum[BL_SHA256_SIZE])
{
    static const unsigned char zero[BL_SHA256_SIZE];
    struct bl_sha256 state;

    bl_sha256_init(&state);
    bl_sha256_add(&state, header, at);
    bl_sha256_add(&state, zero, sizeof zero);
    bl_sha256_add(&state, header + at + sizeof zero,
                  size - at - sizeof zero);
    bl_sha256_end(&state, sum);
}

void bl_sha256_hex(const unsigned char *sum, size_t size, char *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < size; i++) {
        out[2 * i] = digits[sum[i] >> 4];
        out[2 * i + 1] = digits[sum[i] & 15];
    }
    out[2 * size] = '\0';
}
