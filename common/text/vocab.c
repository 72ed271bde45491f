/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { MAX_FILE = 64 << 20 };

void bl_vocab_free(struct bl_vocab *vocab)
{
    bl_buf_free(&vocab->text);
    free(vocab->start);
    free(vocab->slots);
    free(vocab->lengths);
    free(vocab->path);
    *vocab = (struct bl_vocab){ 0 };
}

/* Refuses lines that are not the tokens that their author meant: a byte order
 * mark or a carriage return would become a part of the token. */
static int check_line(const struct bl_vocab *vocab, size_t number,
                      struct bl_span line, struct bl_err *err)
{
    size_t valid;

    if (number == 1 && line.n >= 3 && !memcmp(line.p, "\xEF\xBB\xBF", 3))
        return bl_fail(err, BL_DATA, "'%s': line 1: starts with a byte order "
                       "mark, expected plain UTF-8", vocab->path);
    if (line.n > BL_VOCAB_MAX_TOKEN)
        return bl_fail(err, BL_DATA, "'%s': line %zu: a token of %zu bytes, "
                       "the most is %d", vocab->path, number, line.n,
                       BL_VOCAB_MAX_TOKEN);
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        return bl_fail(err, BL_DATA, "'%s': line %zu: ends in CR LF, expected "
                                     "only LF", vocab->path, number);
    if (memchr(line.p, '\0', line.n))
        return bl_fail(err, BL_DATA, "'%s': line %zu: contains a NUL byte",
                       vocab->path, number);
    valid = bl_utf8_valid(line.p, line.n);
    if (valid < line.n)
        return bl_fail(err, BL_DATA, "'%s': line %zu: invalid UTF-8 at byte "
                       "%zu of it", vocab->path, number, valid);
    return 0;
}

/* Finds and checks the lines. */
static int split(struct bl_vocab *vocab, struct bl_err *err)
{
    size_t cap = 1, at = 0;

    if (vocab->text.len && vocab->text.data[vocab->text.len - 1] != '\n')
        bl_buf_putc(&vocab->text, '\n');
    for (size_t i = 0; i < vocab->text.len; i++)
        cap += vocab->text.data[i] == '\n';
    vocab->start = bl_xmalloc(cap, sizeof *vocab->start);
    for (vocab->n = 0; at < vocab->text.len; vocab->n++) {
        const char *from = vocab->text.data + at;
        const char *nl = memchr(from, '\n', vocab->text.len - at);
        struct bl_span line = { from, (size_t)(nl - from) };

        if (check_line(vocab, vocab->n + 1, line, err) < 0)
            return -1;
        vocab->start[vocab->n] = (uint32_t)at;
        at += line.n + 1;
    }
    vocab->start[vocab->n] = (uint32_t)at;
    if (vocab->n == 0)
        return bl_fail(err, BL_DATA, "'%s': contains no tokens", vocab->path);
    return 0;
}

/* The key of "##ing" is "ing" among the tails, that of "##" alone is itself.
 * On the way the hash of the first three bytes is at hand, and a longer key
 * leaves its length there for longest_piece().  A slot holds the upper half of
 * the hash, so that bytes are compared only when they are all but certain to
 * be equal. */
static int insert(struct bl_vocab *vocab, size_t id, struct bl_err *err)
{
    struct bl_span token = bl_vocab_token(vocab, id);
    bool is_tail = token.n > 2 && token.p[0] == '#' && token.p[1] == '#';
    unsigned tail = is_tail ? 2 : 0;
    uint64_t hash = tail ? BL_VOCAB_TAIL : BL_VOCAB_HEAD;
    int32_t twin;
    size_t i;

    for (i = tail; i < token.n; i++) {
        if (i == tail + BL_VOCAB_SHORT)
            vocab->lengths[bl_vocab_group(hash)] |=
                bl_vocab_length_bit(token.n - tail);
        hash = bl_vocab_step(hash, token.p[i]);
    }
    twin = bl_vocab_find(vocab, hash, token.p + tail, token.n - tail, tail);
    if (twin >= 0)
        return bl_fail(err, BL_DATA, "'%s': line %zu: '%.*s' is on line %zu "
                       "already", vocab->path, id + 1, (int)token.n, token.p,
                       (size_t)twin + 1);
    i = (size_t)(hash ^ hash >> 29) & vocab->mask;
    while (vocab->slots[i])
        i = (i + 1) & vocab->mask;
    vocab->slots[i] = hash >> 32 << 32 | (uint64_t)(id + 1);
    if (token.n - tail > vocab->longest[tail > 0])
        vocab->longest[tail > 0] = token.n - tail;
    return 0;
}

/* The table is at most half full, so a search soon meets a free slot. */
static int build(struct bl_vocab *vocab, struct bl_err *err)
{
    size_t size = 64;

    while (size < vocab->n * 2)
        size *= 2;
    vocab->slots = BL_NEW_ARRAY(uint64_t, size);
    vocab->mask = size - 1;
    vocab->lengths = BL_NEW_ARRAY(uint32_t, BL_VOCAB_LENGTHS);
    for (size_t id = 0; id < vocab->n; id++)
        if (insert(vocab, id, err) < 0)
            return -1;
    return 0;
}

int bl_vocab_load(struct bl_vocab *vocab, const char *path, struct bl_err *err)
{
    *vocab = (struct bl_vocab){ .path = bl_xstrdup(path) };
    if (bl_file_read(path, MAX_FILE, &vocab->text, err) == 0
        && split(vocab, err) == 0 && build(vocab, err) == 0)
        return 0;
    bl_vocab_free(vocab);
    return -1;
}
