/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/examples.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json/candidates.h"
#include "eval/label.h"
#include "json/lines.h"
#include "base/mem.h"
#include "json/record.h"
#include "json/writer.h"
#include "base/sha256.h"

enum {
    MAX_LINE = 64 << 20,
    MAX_SIDE = 4096             /* bytes of context or text that are kept:
                                 * far more than any window shows */
};

struct reader {
    struct bl_examples *x;
    const struct bl_examples_opts *opts;
    struct bl_record rec;
    struct bl_arena line;       /* of one record */
    struct bl_sha256 sum;
};

/* ---- Entities by number ---- */

static uint64_t hash_bytes(uint64_t h, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t hash_of(const struct bl_entity_text *e, int64_t row)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    if (row >= 0)
        return hash_bytes(h, (const char *)&row, sizeof row);
    h = hash_bytes(h, e->title.p, e->title.n);
    return hash_bytes(hash_bytes(h, "", 1), e->text.p, e->text.n);
}

static bool same(const struct bl_examples *x, uint32_t i,
                 const struct bl_entity_text *e, int64_t row)
{
    const struct bl_entity_text *f = &x->entities[i];

    if (row >= 0 || x->rows[i] >= 0)
        return row == x->rows[i];
    return f->has_title == e->has_title && bl_span_eq(f->title, e->title)
        && bl_span_eq(f->text, e->text);
}

/* The slot of this entity, or the free one where it would go. */
static size_t find_slot(const struct bl_examples *x,
                        const struct bl_entity_text *e, int64_t row)
{
    uint64_t h = hash_of(e, row);
    size_t i = (size_t)(h ^ h >> 32) & x->mask;

    while (x->slots[i] && !same(x, x->slots[i] - 1, e, row))
        i = (i + 1) & x->mask;
    return i;
}

static void grow_table(struct bl_examples *x)
{
    size_t size = x->mask ? 2 * (x->mask + 1) : 1024;

    free(x->slots);
    x->slots = bl_xcalloc(size, sizeof *x->slots);
    x->mask = size - 1;
    for (uint32_t i = 0; i < x->n_entities; i++)
        x->slots[find_slot(x, &x->entities[i], x->rows[i])] = i + 1;
}

/* At most `max` bytes of the start, whole characters. */
static struct bl_span head_of(struct bl_span s, size_t max)
{
    if (s.n <= max)
        return s;
    while (max && ((unsigned char)s.p[max] & 0xc0) == 0x80)
        max--;
    return (struct bl_span){ s.p, max };
}

static struct bl_span tail_of(struct bl_span s, size_t max)
{
    size_t from = s.n > max ? s.n - max : 0;

    while (from < s.n && ((unsigned char)s.p[from] & 0xc0) == 0x80)
        from++;
    return (struct bl_span){ s.p + from, s.n - from };
}

static struct bl_span keep(struct bl_examples *x, struct bl_span s)
{
    return (struct bl_span){ bl_arena_strndup(&x->memory, s.n ? s.p : "",
                                              s.n), s.n };
}

static uint32_t add_entity(struct bl_examples *x, struct bl_entity_text e,
                           int64_t row)
{
    size_t slot;

    e.text = head_of(e.text, MAX_SIDE);
    e.title = head_of(e.title, MAX_SIDE);
    if (2 * (x->n_entities + 1) > x->mask)
        grow_table(x);
    slot = find_slot(x, &e, row);
    if (x->slots[slot])
        return x->slots[slot] - 1;
    if (x->n_entities == x->cap_entities) {
        x->cap_entities = bl_grown(x->cap_entities, x->n_entities + 1);
        x->entities = bl_xrealloc(x->entities, x->cap_entities,
                                  sizeof *x->entities);
        x->rows = bl_xrealloc(x->rows, x->cap_entities, sizeof *x->rows);
    }
    e.title = keep(x, e.title);
    e.text = keep(x, e.text);
    x->entities[x->n_entities] = e;
    x->rows[x->n_entities++] = row;
    x->slots[slot] = (uint32_t)x->n_entities;
    return (uint32_t)x->n_entities - 1;
}

static uint32_t add_from_kb(struct bl_examples *x, const struct bl_entity *e)
{
    return add_entity(x, (struct bl_entity_text){ e->title, e->text,
                      e->title.p != NULL }, e->row);
}

int bl_examples_row(struct bl_examples *x, int64_t row, uint32_t *number,
                    struct bl_err *err)
{
    struct bl_arena a = BL_ARENA_INIT;
    struct bl_entity e;
    struct bl_entity_text none = { .has_title = false };
    int got;

    if (x->mask && x->slots[find_slot(x, &none, row)]) {
        *number = x->slots[find_slot(x, &none, row)] - 1;
        return 0;
    }
    got = bl_kb_get_row(x->kb, row, &a, &e, err);
    if (got == 1)
        *number = add_from_kb(x, &e);
    else if (!got)
        got = bl_fail(err, BL_DATA, "'%s': no row %lld",
                      bl_kb_path(x->kb), (long long)row);
    bl_arena_free(&a);
    return got < 0 ? -1 : 0;
}

/* 1 found, 0 the catalogue has no such entity, -1 failed. */
static int entity_by_id(struct reader *r, struct bl_span id,
                        uint32_t *number, struct bl_err *err)
{
    struct bl_entity e;
    int got = bl_kb_get(r->opts->kb, id, &r->line, &e, err);

    if (got == 1)
        *number = add_from_kb(r->x, &e);
    return got;
}

/* ---- The other entities of a record ---- */

static void add_other(struct reader *r, struct bl_example *e,
                      uint32_t number)
{
    struct bl_examples *x = r->x;

    if (number == e->gold) {
        if (e->gold_place < 0)
            e->gold_place = (int32_t)e->n;
        return;
    }
    if (e->n >= r->opts->max_others)
        return;
    for (uint32_t i = 0; i < e->n; i++)
        if (x->others[e->from + i] == number)
            return;
    BL_GROW(x->others, x->n_others + 1, x->cap_others);
    x->others[x->n_others++] = number;
    e->n++;
}

/* {"title":...,"text":...}: an entity that is given by its text. */
static int add_by_text(struct reader *r, struct bl_example *e,
                       struct bl_span object, struct bl_err *err)
{
    struct bl_entity_text t = { .has_title = false };
    struct bl_span v;
    int found = bl_json_get(object, "text", &v, err);

    if (found < 0 || (found && bl_json_string(v, &r->line, &t.text,
                                              err) < 0))
        return -1;
    if (!found)
        return bl_fail(err, BL_BAD_FIELD, "an entity without text; entities "
                       "given by their ids need a catalogue");
    found = bl_json_get(object, "title", &v, err);
    if (found > 0 && bl_json_type(v) != BL_JSON_NULL) {
        t.has_title = true;
        if (bl_json_string(v, &r->line, &t.title, err) < 0)
            return -1;
    }
    if (found >= 0)
        add_other(r, e, add_entity(r->x, t, -1));
    return found < 0 ? -1 : 0;
}

/* An id, as a string or number, that the catalogue may lack. */
static int add_by_id(struct reader *r, struct bl_example *e,
                     struct bl_span v, struct bl_err *err)
{
    struct bl_span id = v;
    uint32_t number;
    int got;

    if (bl_json_type(v) == BL_JSON_STRING
        && bl_json_string(v, &r->line, &id, err) < 0)
        return -1;
    got = entity_by_id(r, id, &number, err);
    if (got == 1)
        add_other(r, e, number);
    return got < 0 ? -1 : 0;
}

static int add_any(struct reader *r, struct bl_example *e, struct bl_span v,
                   struct bl_err *err)
{
    enum bl_json_type type = bl_json_type(v);
    struct bl_span id;
    int found;

    if (type == BL_JSON_OBJECT) {
        found = r->opts->kb ? bl_json_get(v, "id", &id, err) : 0;
        if (found < 0)
            return -1;
        return found ? add_by_id(r, e, id, err) : add_by_text(r, e, v, err);
    }
    if (type != BL_JSON_STRING && type != BL_JSON_NUMBER)
        return bl_fail(err, BL_BAD_FIELD, "expected ids or objects, found "
                       "%s", bl_json_type_name(type));
    if (!r->opts->kb)
        return bl_fail(err, BL_BAD_FIELD, "entities given by their ids need "
                       "a catalogue (-c)");
    return add_by_id(r, e, v, err);
}

static int add_list(struct reader *r, struct bl_example *e,
                    const char *field, struct bl_err *err)
{
    struct bl_span v, member;
    struct bl_json_iter it;
    int found = bl_record_get(&r->rec, field, &v, err);

    if (found <= 0 || bl_json_type(v) == BL_JSON_NULL)
        return found < 0 ? -1 : 0;
    if (bl_json_type(v) != BL_JSON_ARRAY)
        return bl_fail(err, BL_BAD_FIELD, "field '%s': expected array, "
                       "found %s", field,
                       bl_json_type_name(bl_json_type(v)));
    for (it = bl_json_iter(v); bl_json_next(&it, NULL, &member); )
        if (add_any(r, e, member, err) < 0)
            return bl_err_prefix(err, "field '%s'", field);
    return 0;
}

/* ---- One record ---- */

/* 1 found, 0 unlabelled or unknown (counted), -1 failed. */
static int read_gold(struct reader *r, struct bl_example *e,
                     struct bl_err *err)
{
    struct bl_entity_text t = { .has_title = false };
    enum bl_gold gold;
    struct bl_span id;
    int got;

    if (r->opts->kb) {
        if (bl_label_read(&r->rec, &r->line, &gold, &id, err) < 0)
            return -1;
        if (gold != BL_GOLD_ENTITY) {
            r->x->unlabelled++;
            return 0;
        }
        got = entity_by_id(r, id, &e->gold, err);
        r->x->unknown += !got;
        return got;
    }
    got = bl_record_string_opt(&r->rec, "label", &r->line, &t.text, err);
    if (got <= 0) {
        r->x->unlabelled += !got;
        return got;
    }
    got = bl_record_string_opt(&r->rec, "label_title", &r->line, &t.title,
                               err);
    if (got < 0)
        return -1;
    t.has_title = got > 0;
    e->gold = add_entity(r->x, t, -1);
    return 1;
}

static int read_mention(struct reader *r, struct bl_mention *m,
                        struct bl_err *err)
{
    if (bl_record_string(&r->rec, "context_left", &r->line, &m->left,
                         err) < 0
        || bl_record_string(&r->rec, "mention", &r->line, &m->text,
                            err) < 0
        || bl_record_string(&r->rec, "context_right", &r->line, &m->right,
                            err) < 0)
        return -1;
    m->left = keep(r->x, tail_of(m->left, MAX_SIDE));
    m->text = keep(r->x, head_of(m->text, MAX_SIDE));
    m->right = keep(r->x, head_of(m->right, MAX_SIDE));
    return 0;
}

static int read_record(struct reader *r, struct bl_span line, size_t number,
                       struct bl_err *err)
{
    struct bl_examples *x = r->x;
    struct bl_example e = { .from = (uint32_t)x->n_others,
                            .gold_place = -1 };
    int got;

    if (bl_record_parse(&r->rec, line, number, err) < 0)
        return -1;
    got = read_gold(r, &e, err);
    if (got <= 0)
        return got;
    if (read_mention(r, &e.mention, err) < 0
        || add_list(r, &e, "negatives", err) < 0
        || add_list(r, &e, "candidates", err) < 0)
        return -1;
    BL_GROW(x->v, x->n + 1, x->cap);
    x->v[x->n++] = e;
    return 0;
}

static int read_lines(struct reader *r, struct bl_lines *lines,
                      const char *path, struct bl_err *err)
{
    enum bl_line_status status;
    struct bl_span line;

    while ((status = bl_lines_next(lines, &line, err)) == BL_LINE_OK) {
        bl_sha256_add(&r->sum, line.p, line.n);
        bl_sha256_add(&r->sum, "\n", 1);
        if (bl_span_blank(line))
            continue;
        bl_arena_reset(&r->line);
        if (read_record(r, line, bl_lines_number(lines), err) < 0) {
            err->code = err->code < BL_USAGE ? BL_DATA : err->code;
            return bl_err_prefix(err, "'%s':%zu", path,
                                 bl_lines_number(lines));
        }
    }
    if (status == BL_LINE_TOO_LONG)
        return bl_fail(err, BL_DATA, "'%s':%zu: longer than %d bytes", path,
                       bl_lines_number(lines), MAX_LINE);
    return status == BL_LINE_END ? 0 : -1;
}

struct bl_examples *bl_examples_read(const char *path,
                                     const struct bl_examples_opts *opts,
                                     struct bl_err *err)
{
    struct reader r = { .x = BL_NEW(struct bl_examples), .opts = opts };
    unsigned char digest[BL_SHA256_SIZE];
    struct bl_err own;
    struct bl_lines *lines;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    err = err ? err : &own;
    r.x->kb = opts->kb;
    if (fd < 0) {
        bl_fail_errno(err, BL_DATA, "cannot open '%s'", path);
        bl_examples_free(r.x);
        return NULL;
    }
    bl_sha256_init(&r.sum);
    lines = bl_lines_new(fd, path, MAX_LINE);
    rc = read_lines(&r, lines, path, err);
    bl_lines_free(lines);
    close(fd);
    bl_sha256_end(&r.sum, digest);
    bl_sha256_hex(digest, 8, r.x->digest);
    bl_record_free(&r.rec);
    bl_arena_free(&r.line);
    if (!rc && !r.x->n)
        rc = bl_fail(err, BL_DATA, "'%s': no record with a known label "
                     "(%zu unlabelled, %zu of entities that the catalogue "
                     "lacks)", path, r.x->unlabelled, r.x->unknown);
    if (!rc)
        return r.x;
    bl_examples_free(r.x);
    return NULL;
}

void bl_examples_free(struct bl_examples *x)
{
    if (!x)
        return;
    bl_arena_free(&x->memory);
    free(x->v);
    free(x->entities);
    free(x->rows);
    free(x->others);
    free(x->slots);
    free(x);
}

void bl_example_put(struct bl_buf *out, const struct bl_examples *x,
                    size_t i)
{
    const struct bl_example *e = &x->v[i];
    const struct bl_entity_text *gold = &x->entities[e->gold];
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_object(&w, NULL);
    bl_write_span(&w, "context_left", e->mention.left);
    bl_write_span(&w, "mention", e->mention.text);
    bl_write_span(&w, "context_right", e->mention.right);
    if (gold->has_title)
        bl_write_span(&w, "label_title", gold->title);
    bl_write_span(&w, "label", gold->text);
    bl_write_end(&w);
    bl_write_line(&w);
}
