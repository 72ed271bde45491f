/* SPDX-License-Identifier: MIT */
/*
 * sha256: FIPS 180-4 digests, for downloads, fingerprints and index sums.
 *
 *     struct bl_sha256 s;
 *     unsigned char sum[BL_SHA256_SIZE];
 *     bl_sha256_init(&s);
 *     bl_sha256_add(&s, p, n);           any number of times
 *     bl_sha256_end(&s, sum);
 *
 * The struct is plain memory: nothing to release, may be copied midway.
 */
#ifndef BL_SHA256_H
#define BL_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/decls.h"

BL_BEGIN_DECLS

enum { BL_SHA256_SIZE = 32, BL_SHA256_HEX = 65 };

struct bl_sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[64];
};

/* A digest in pieces: init, any number of adds, end (which writes it). */
void bl_sha256_init(struct bl_sha256 *state);
void bl_sha256_add(struct bl_sha256 *state, const void *bytes, size_t size);
void bl_sha256_end(struct bl_sha256 *state, unsigned char sum[BL_SHA256_SIZE]);

/* The digest of `size` bytes in one call. */
void bl_sha256_of(const void *data, size_t size,
                  unsigned char sum[BL_SHA256_SIZE]);

/* The digest of a header that holds it: `size` bytes, of which those from `at`
 * on, the digest's own, count as zero. */
void bl_sha256_header(const unsigned char *header, size_t size, size_t at,
                      unsigned char sum[BL_SHA256_SIZE]);

/* Way number i of hashing n blocks of 64 bytes that this processor has, the
 * best first; NULL at the end (tests). */
typedef void bl_sha256_blocks_fn(uint32_t state[8], const unsigned char *p,
                                 size_t n);
bl_sha256_blocks_fn *bl_sha256_blocks(size_t i);

/* `size` bytes as 2 * size lower-case hexadecimal digits and a NUL. */
void bl_sha256_hex(const unsigned char *sum, size_t size, char *out);

BL_END_DECLS

#endif
