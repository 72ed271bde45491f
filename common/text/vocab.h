/* SPDX-License-Identifier: MIT */
/*
 * vocab: the tokens of a vocab.txt and a way to find them by their bytes,
 * for wordpiece.c alone.
 *
 * Heads ("play") and tails ("##ing", kept as "ing") are two sets of keys in
 * one hash table.  The hash grows byte by byte, so that one walk over a word
 * yields the hashes of all its prefixes.
 */
#ifndef BL_VOCAB_H
#define BL_VOCAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum { BL_VOCAB_MAX_TOKEN = 1000, BL_VOCAB_SHORT = 3,
       BL_VOCAB_LENGTHS = 1 << 14 };

struct bl_vocab {
    struct bl_buf text;         /* the file */
    uint32_t *start;            /* [n + 1] where each line starts in it */
    size_t n;
    uint64_t *slots;            /* hash's upper half << 32 | id + 1 */
    size_t mask;
    size_t longest[2];          /* bytes of the longest head and tail */
    uint32_t *lengths;          /* [BL_VOCAB_LENGTHS]: by the hash of their
                                 * first three bytes, which lengths the
                                 * longer keys have */
    char *path;
};

#define BL_VOCAB_HEAD UINT64_C(0xcbf29ce484222325)
#define BL_VOCAB_TAIL UINT64_C(0x9ae16a3b2f90404f)

/* The hash of a key with one more byte: FNV-1a. */
static inline uint64_t bl_vocab_step(uint64_t hash, char byte)
{
    return (hash ^ (unsigned char)byte) * UINT64_C(0x100000001b3);
}

/* Where lengths speaks of the keys that begin with the three bytes of this
 * hash. */
static inline size_t bl_vocab_group(uint64_t hash)
{
    return (size_t)(hash ^ hash >> 29) % BL_VOCAB_LENGTHS;
}

/* The bit of lengths for a key of len > 3 bytes; the last bit means all that
 * is longer. */
static inline uint32_t bl_vocab_length_bit(size_t len)
{
    return UINT32_C(1) << (len < 35 ? len - 4 : 31);
}

/* 0, or -1 with BL_DATA and *vocab released. */
int bl_vocab_load(struct bl_vocab *vocab, const char *path,
                  struct bl_err *err);
void bl_vocab_free(struct bl_vocab *vocab);

/* The token's text as the file has it. */
static inline struct bl_span bl_vocab_token(const struct bl_vocab *vocab,
                                            size_t id)
{
    return (struct bl_span){ vocab->text.data + vocab->start[id],
                             vocab->start[id + 1] - vocab->start[id] - 1 };
}

/* The id of the head (tail: 0) or tail (2, the length of "##") with these
 * bytes, whose hash was made from BL_VOCAB_HEAD or _TAIL; -1: none. */
static inline int32_t bl_vocab_find(const struct bl_vocab *vocab,
                                    uint64_t hash, const char *bytes,
                                    size_t len, unsigned tail)
{
    size_t i = (size_t)(hash ^ hash >> 29) & vocab->mask;
    uint64_t slot;

    while ((slot = vocab->slots[i]) != 0) {
        if (slot >> 32 == hash >> 32) {
            size_t id = (uint32_t)slot - 1;
            struct bl_span token = bl_vocab_token(vocab, id);

            if (token.n == len + tail
                && (token.n > 2 && token.p[0] == '#' && token.p[1] == '#')
                    == (tail > 0)
                && !__builtin_memcmp(token.p + tail, bytes, len))
                return (int32_t)id;
        }
        i = (i + 1) & vocab->mask;
    }
    return -1;
}

#endif
