/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"

enum { MAX_FILE = 64 << 20 };

void bl_vocab_free(struct bl_vocab *v)
{
    bl_buf_free(&v->text);
    free(v->start);
    free(v->slots);
    free(v->lengths);
    free(v->path);
    *v = (struct bl_vocab){ 0 };
}

/* What no line may be. */
static int check_line(const struct bl_vocab *v, size_t number,
                      struct bl_span line, struct bl_err *err)
{
    size_t valid;

    if (number == 1 && line.n >= 3 && !memcmp(line.p, "\xEF\xBB\xBF", 3))
        return bl_fail(err, BL_DATA, "'%s': line 1: starts with a byte order "
                       "mark, expected plain UTF-8", v->path);
    if (line.n > BL_VOCAB_MAX_TOKEN)
        return bl_fail(err, BL_DATA, "'%s': line %zu: a token of %zu bytes, "
                       "the most is %d", v->path, number, line.n,
                       BL_VOCAB_MAX_TOKEN);
    if (line.n > 0 && line.p[line.n - 1] == '\r')
        return bl_fail(err, BL_DATA, "'%s': line %zu: ends in CR LF, expected "
                                     "only LF", v->path, number);
    if (memchr(line.p, '\0', line.n))
        return bl_fail(err, BL_DATA, "'%s': line %zu: contains a NUL byte",
                       v->path, number);
    valid = bl_utf8_valid(line.p, line.n);
    if (valid < line.n)
        return bl_fail(err, BL_DATA, "'%s': line %zu: invalid UTF-8 at byte "
                       "%zu of it", v->path, number, valid);
    return 0;
}

/* Finds and checks the lines. */
static int split(struct bl_vocab *v, struct bl_err *err)
{
    size_t cap = 1, at = 0;

    if (v->text.len && v->text.data[v->text.len - 1] != '\n')
        bl_buf_putc(&v->text, '\n');
    for (size_t i = 0; i < v->text.len; i++)
        cap += v->text.data[i] == '\n';
    v->start = bl_xmalloc(cap, sizeof *v->start);
    for (v->n = 0; at < v->text.len; v->n++) {
        const char *p = v->text.data + at;
        const char *nl = memchr(p, '\n', v->text.len - at);
        struct bl_span line = { p, (size_t)(nl - p) };

        if (check_line(v, v->n + 1, line, err) < 0)
            return -1;
        v->start[v->n] = (uint32_t)at;
        at += line.n + 1;
    }
    v->start[v->n] = (uint32_t)at;
    if (v->n == 0)
        return bl_fail(err, BL_DATA, "'%s': contains no tokens", v->path);
    return 0;
}

static int insert(struct bl_vocab *v, size_t id, struct bl_err *err)
{
    struct bl_span t = bl_vocab_token(v, id);
    unsigned tail = t.n > 2 && t.p[0] == '#' && t.p[1] == '#' ? 2 : 0;
    uint64_t hash = tail ? BL_VOCAB_TAIL : BL_VOCAB_HEAD;
    int32_t twin;
    size_t i;

    for (i = tail; i < t.n; i++) {
        if (i == tail + BL_VOCAB_SHORT)
            v->lengths[bl_vocab_group(hash)] |=
                bl_vocab_length_bit(t.n - tail);
        hash = bl_vocab_step(hash, t.p[i]);
    }
    twin = bl_vocab_find(v, hash, t.p + tail, t.n - tail, tail);
    if (twin >= 0)
        return bl_fail(err, BL_DATA, "'%s': line %zu: '%.*s' is on line %zu "
                       "already", v->path, id + 1, (int)t.n, t.p,
                       (size_t)twin + 1);
    i = (size_t)(hash ^ hash >> 29) & v->mask;
    while (v->slots[i])
        i = (i + 1) & v->mask;
    v->slots[i] = hash >> 32 << 32 | (uint64_t)(id + 1);
    if (t.n - tail > v->longest[tail > 0])
        v->longest[tail > 0] = t.n - tail;
    return 0;
}

static int build(struct bl_vocab *v, struct bl_err *err)
{
    size_t size = 64;

    while (size < v->n * 2)
        size *= 2;
    v->slots = BL_NEW_ARRAY(uint64_t, size);
    v->mask = size - 1;
    v->lengths = BL_NEW_ARRAY(uint32_t, BL_VOCAB_LENGTHS);
    for (size_t id = 0; id < v->n; id++)
        if (insert(v, id, err) < 0)
            return -1;
    return 0;
}

int bl_vocab_load(struct bl_vocab *v, const char *path, struct bl_err *err)
{
    *v = (struct bl_vocab){ .path = bl_xstrdup(path) };
    if (bl_file_read(path, MAX_FILE, &v->text, err) == 0
        && split(v, err) == 0 && build(v, err) == 0)
        return 0;
    bl_vocab_free(v);
    return -1;
}
