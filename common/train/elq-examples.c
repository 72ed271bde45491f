/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/elq-examples.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "base/utf8.h"
#include "json/lines.h"
#include "ner/elq-labels.h"
#include "text/input.h"

enum { MAX_LINE = 16 << 20 };

struct reader {
    struct bl_elq_examples *x;
    const struct bl_model *model;
    struct bl_kb *kb;
    struct bl_record record;
    struct bl_arena arena;      /* of one line */
    struct bl_sha256 sum;
};

/* The text's tokens without [CLS] and [SEP]; pieces only where they were cut
 * here. */
struct tokens {
    int32_t *ids;
    struct bl_piece *pieces;
    size_t n;
};

/* ---- Tokens ---- */

static int read_ids(struct reader *reader, struct bl_span list,
                    struct tokens *out, struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(list);
    int64_t last = (int64_t)reader->model->shape.vocab - 1, id;
    struct bl_span value;

    out->ids = bl_arena_alloc(&reader->arena, list.n, sizeof *out->ids);
    for (; bl_json_next(&it, NULL, &value); out->n++) {
        if (bl_json_integer(value, 0, last, &id, NULL) < 0)
            return bl_fail(err, BL_BAD_FIELD, "field 'tokenized_text_ids': "
                           "expected numbers below %lld",
                           (long long)last + 1);
        out->ids[out->n] = (int32_t)id;
    }
    return 0;
}

static void cut_text(struct reader *reader, struct bl_span text,
                     struct tokens *out)
{
    const struct bl_model *model = reader->model;

    out->ids = bl_arena_alloc(&reader->arena, text.n, sizeof *out->ids);
    out->pieces = bl_arena_alloc(&reader->arena, text.n, sizeof *out->pieces);
    out->n = bl_wordpiece_places(model->words, text, model->input->literal,
                                 out->ids, out->pieces, text.n, NULL);
}

/* The tokens that a run of characters touches; false when there are none. */
static bool cover(const struct tokens *tokens, struct bl_span text,
                  struct bl_bounds chars, struct bl_bounds *out)
{
    size_t start = bl_utf8_offset(text.p, text.n, chars.from);
    size_t end = bl_utf8_offset(text.p, text.n, chars.to);

    *out = (struct bl_bounds){ 0, tokens->n };
    if (start == SIZE_MAX || end == SIZE_MAX)
        return false;
    while (out->from < tokens->n && tokens->pieces[out->from].end <= start)
        out->from++;
    while (out->to > out->from && tokens->pieces[out->to - 1].start >= end)
        out->to--;
    return out->from < out->to;
}

/* Places in tokens, whichever the line has. */
static int place_labels(struct reader *reader, struct tokens *tokens,
                        struct bl_elq_labels *labels, struct bl_err *err)
{
    struct bl_span list, text;
    int given = bl_record_get(&reader->record, "tokenized_text_ids", &list,
                              err);

    if (given < 0)
        return -1;
    if (given && labels->has_tokens)
        return bl_record_array(&reader->record, "tokenized_text_ids", &list,
                               err) < 0 ? -1
            : read_ids(reader, list, tokens, err);
    if (bl_record_string(&reader->record, "text", &reader->arena, &text,
                         err) < 0)
        return -1;
    cut_text(reader, text, tokens);
    for (size_t i = 0; i < labels->n && labels->has_chars; i++)
        if (!cover(tokens, text, labels->v[i].chars, &labels->v[i].tokens))
            return bl_fail(err, BL_BAD_FIELD, "field 'mentions': pair %zu "
                           "is of no part of the text", i);
    return 0;
}

static int check_places(const struct bl_elq_labels *labels, size_t n,
                        struct bl_err *err)
{
    for (size_t i = 0; i < labels->n; i++)
        if (labels->v[i].tokens.to > n)
            return bl_fail(err, BL_BAD_FIELD, "field "
                           "'tokenized_mention_idxs': pair %zu ends behind "
                           "the %zu tokens", i, n);
    return 0;
}

/* ---- One example ---- */

static void put_id(struct bl_elq_examples *x, int32_t id)
{
    BL_GROW(x->ids, x->n_ids + 1, x->cap_ids);
    x->ids[x->n_ids++] = id;
}

static int by_place(const void *a, const void *b)
{
    const struct bl_elq_label *one = a, *other = b;
    const struct bl_bounds *x = &one->tokens, *y = &other->tokens;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->to > y->to) - (x->to < y->to);
}

/* The window, and the mentions that it keeps, which are the first.  One that
 * ends behind it, because it began before the last, loses its end. */
static void put_mentions(struct reader *reader,
                         const struct bl_elq_labels *labels,
                         const struct bl_bounds *bounds,
                         const struct bl_elq_window *window,
                         struct bl_elq_example *example)
{
    struct bl_elq_examples *x = reader->x;

    example->from = x->n_mentions;
    for (size_t i = 0; i < window->n_mentions; i++) {
        size_t last = BL_MIN(bounds[i].to, window->to) - 1;

        if (labels->v[i].row < 0) {
            x->unknown++;
            continue;
        }
        BL_GROW(x->mentions, x->n_mentions + 1, x->cap_mentions);
        x->mentions[x->n_mentions++] = (struct bl_elq_mention){
            (uint32_t)(bounds[i].from - window->from + 1),
            (uint32_t)(last - window->from + 1), labels->v[i].row
        };
    }
    example->n_mentions = x->n_mentions - example->from;
}

/* Labels are sorted here with their places, because bl_elq_window() sorts the
 * places alone, and keeps the first of them. */
static void put_example(struct reader *reader, const struct tokens *tokens,
                        struct bl_elq_labels *labels)
{
    const struct bl_specials *sp = bl_wordpiece_specials(
        reader->model->words);
    struct bl_elq_examples *x = reader->x;
    struct bl_bounds *bounds = bl_arena_alloc(&reader->arena, labels->n,
                                              sizeof *bounds);
    struct bl_elq_example example = { .at = x->n_ids,
                                      .line = reader->record.number };
    struct bl_elq_window window;

    if (labels->n)
        qsort(labels->v, labels->n, sizeof *labels->v, by_place);
    for (size_t i = 0; i < labels->n; i++)
        bounds[i] = labels->v[i].tokens;
    bl_elq_window(bounds, labels->n, tokens->n,
                  reader->model->input->context_length - 2, &window);
    put_mentions(reader, labels, bounds, &window, &example);
    if (!example.n_mentions) {
        x->unlabelled++;
        return;
    }
    put_id(x, sp->cls);
    for (size_t i = window.from; i < window.to; i++)
        put_id(x, tokens->ids[i]);
    put_id(x, sp->sep);
    example.n = x->n_ids - example.at;
    BL_GROW(x->v, x->n + 1, x->cap);
    x->v[x->n++] = example;
}

static int read_line(struct reader *reader, struct bl_span line,
                     size_t number, struct bl_err *err)
{
    struct bl_elq_labels labels;
    struct tokens tokens = { .n = 0 };

    bl_arena_reset(&reader->arena);
    bl_sha256_add(&reader->sum, line.p, line.n);
    bl_sha256_add(&reader->sum, "\n", 1);
    if (bl_record_parse(&reader->record, line, number, err) < 0
        || bl_elq_labels_read(&reader->record, reader->kb, &reader->arena,
                              &labels, err) < 0
        || place_labels(reader, &tokens, &labels, err) < 0
        || check_places(&labels, tokens.n, err) < 0)
        return -1;
    put_example(reader, &tokens, &labels);
    return 0;
}

/* ---- The file ---- */

/* Training stops at the first line that is none, since what it leaves out
 * would show only in the figures. */
static int read_lines(struct reader *reader, struct bl_lines *lines,
                      const char *path, struct bl_err *err)
{
    enum bl_line_status got;
    struct bl_span line;

    while ((got = bl_lines_next(lines, &line, err)) == BL_LINE_OK) {
        size_t number = bl_lines_number(lines);

        if (bl_span_blank(line))
            continue;
        if (read_line(reader, line, number, err) < 0) {
            if (err->code < BL_USAGE)
                err->code = BL_DATA;
            return bl_err_prefix(err, "%s:%zu", path, number);
        }
    }
    if (got == BL_LINE_TOO_LONG)
        return bl_fail(err, BL_DATA, "%s:%zu: line longer than %d bytes",
                       path, bl_lines_number(lines), MAX_LINE);
    return got == BL_LINE_END ? 0 : -1;
}

static int read_file(struct reader *reader, int fd, const char *path,
                     struct bl_err *err)
{
    struct bl_lines *lines = bl_lines_new(fd, path, MAX_LINE);
    unsigned char digest[BL_SHA256_SIZE];
    int rc;

    bl_sha256_init(&reader->sum);
    rc = read_lines(reader, lines, path, err);
    bl_lines_free(lines);
    bl_sha256_end(&reader->sum, digest);
    bl_sha256_hex(digest, 8, reader->x->digest);
    bl_record_free(&reader->record);
    bl_arena_free(&reader->arena);
    if (rc == 0 && !reader->x->n)
        rc = bl_fail(err, BL_DATA, "'%s': no text with a known label (%zu "
                     "unlabelled, %zu mentions of entities that the "
                     "catalogue lacks)", path, reader->x->unlabelled,
                     reader->x->unknown);
    return rc;
}

struct bl_elq_examples *bl_elq_examples_read(const char *path,
                                             const struct bl_model *model,
                                             struct bl_kb *kb,
                                             struct bl_err *err)
{
    struct reader reader = { .x = BL_NEW(struct bl_elq_examples),
                             .model = model, .kb = kb };
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;
    struct bl_err own;

    err = err ? err : &own;
    if (fd < 0) {
        bl_fail_file(err, "cannot open '%s'", path);
        bl_elq_examples_free(reader.x);
        return NULL;
    }
    rc = read_file(&reader, fd, path, err);
    close(fd);
    if (rc == 0)
        return reader.x;
    bl_elq_examples_free(reader.x);
    return NULL;
}

void bl_elq_examples_free(struct bl_elq_examples *examples)
{
    if (!examples)
        return;
    free(examples->v);
    free(examples->ids);
    free(examples->mentions);
    free(examples);
}
