/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "train/examples.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/sha256.h"
#include "eval/label.h"
#include "json/candidates.h"
#include "json/lines.h"
#include "json/record.h"
#include "json/writer.h"

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

static uint64_t hash_bytes(uint64_t hash, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        hash = (hash ^ (unsigned char)p[i]) * UINT64_C(0x100000001b3);
    return hash;
}

static uint64_t hash_of(const struct bl_entity_text *entity, int64_t row)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    if (row >= 0)
        return hash_bytes(hash, (const char *)&row, sizeof row);
    hash = hash_bytes(hash, entity->title.p, entity->title.n);
    return hash_bytes(hash_bytes(hash, "", 1), entity->text.p, entity->text.n);
}

static bool same(const struct bl_examples *examples, uint32_t i,
                 const struct bl_entity_text *entity, int64_t row)
{
    const struct bl_entity_text *known = &examples->entities[i];

    if (row >= 0 || examples->rows[i] >= 0)
        return row == examples->rows[i];
    return known->has_title == entity->has_title
        && bl_span_eq(known->title, entity->title)
        && bl_span_eq(known->text, entity->text);
}

/* The slot of this entity, or the free one where it would go. */
static size_t find_slot(const struct bl_examples *examples,
                        const struct bl_entity_text *entity, int64_t row)
{
    uint64_t hash = hash_of(entity, row);
    size_t i = (size_t)(hash ^ hash >> 32) & examples->mask;

    while (examples->slots[i]
           && !same(examples, examples->slots[i] - 1, entity, row))
        i = (i + 1) & examples->mask;
    return i;
}

static void grow_table(struct bl_examples *examples)
{
    size_t size = examples->mask ? 2 * (examples->mask + 1) : 1024;

    free(examples->slots);
    examples->slots = bl_xcalloc(size, sizeof *examples->slots);
    examples->mask = size - 1;
    for (uint32_t i = 0; i < examples->n_entities; i++)
        examples->slots[find_slot(examples, &examples->entities[i],
                                  examples->rows[i])] = i + 1;
}

/* At most `max` bytes of the start, whole characters. */
static struct bl_span head_of(struct bl_span text, size_t max)
{
    if (text.n <= max)
        return text;
    while (max && ((unsigned char)text.p[max] & 0xc0) == 0x80)
        max--;
    return (struct bl_span){ text.p, max };
}

static struct bl_span tail_of(struct bl_span text, size_t max)
{
    size_t from = text.n > max ? text.n - max : 0;

    while (from < text.n && ((unsigned char)text.p[from] & 0xc0) == 0x80)
        from++;
    return (struct bl_span){ text.p + from, text.n - from };
}

static struct bl_span keep(struct bl_examples *examples, struct bl_span text)
{
    return (struct bl_span){ bl_arena_strndup(&examples->memory,
                                              text.n ? text.p : "", text.n),
                             text.n };
}

/* The texts are cut before they are looked up, so that an entity is found
 * again by what was kept of it.  The table is at most half full. */
static uint32_t add_entity(struct bl_examples *examples,
                           struct bl_entity_text entity, int64_t row)
{
    size_t slot;

    entity.text = head_of(entity.text, MAX_SIDE);
    entity.title = head_of(entity.title, MAX_SIDE);
    if (2 * (examples->n_entities + 1) > examples->mask)
        grow_table(examples);
    slot = find_slot(examples, &entity, row);
    if (examples->slots[slot])
        return examples->slots[slot] - 1;
    if (examples->n_entities == examples->cap_entities) {
        examples->cap_entities = bl_grown(examples->cap_entities,
                                          examples->n_entities + 1);
        examples->entities = bl_xrealloc(examples->entities,
                                         examples->cap_entities,
                                         sizeof *examples->entities);
        examples->rows = bl_xrealloc(examples->rows, examples->cap_entities,
                                     sizeof *examples->rows);
    }
    entity.title = keep(examples, entity.title);
    entity.text = keep(examples, entity.text);
    examples->entities[examples->n_entities] = entity;
    examples->rows[examples->n_entities++] = row;
    examples->slots[slot] = (uint32_t)examples->n_entities;
    return (uint32_t)examples->n_entities - 1;
}

static uint32_t add_from_kb(struct bl_examples *examples,
                            const struct bl_entity *entity)
{
    return add_entity(examples,
                      (struct bl_entity_text){ entity->title, entity->text,
                                               entity->title.p != NULL },
                      entity->row);
}

int bl_examples_row(struct bl_examples *examples, int64_t row,
                    uint32_t *number, struct bl_err *err)
{
    struct bl_arena arena = BL_ARENA_INIT;
    struct bl_entity entity;
    struct bl_entity_text none = { .has_title = false };
    int got;

    if (examples->mask && examples->slots[find_slot(examples, &none, row)]) {
        *number = examples->slots[find_slot(examples, &none, row)] - 1;
        return 0;
    }
    got = bl_kb_get_row(examples->kb, row, &arena, &entity, err);
    if (got == 1)
        *number = add_from_kb(examples, &entity);
    else if (!got)
        got = bl_fail(err, BL_DATA, "'%s': no row %lld",
                      bl_kb_path(examples->kb), (long long)row);
    bl_arena_free(&arena);
    return got < 0 ? -1 : 0;
}

/* 1 found, 0 the catalogue has no such entity, -1 failed. */
static int entity_by_id(struct reader *reader, struct bl_span id,
                        uint32_t *number, struct bl_err *err)
{
    struct bl_entity entity;
    int got = bl_kb_get(reader->opts->kb, id, &reader->line, &entity, err);

    if (got == 0 && bl_json_whole(id).n < id.n)     /* "4.0" is 4 */
        got = bl_kb_get(reader->opts->kb, bl_json_whole(id), &reader->line,
                        &entity, err);
    if (got == 1)
        *number = add_from_kb(reader->x, &entity);
    return got;
}

/* ---- The other entities of a record ---- */

static void add_other(struct reader *reader, struct bl_example *example,
                      uint32_t number)
{
    struct bl_examples *examples = reader->x;

    if (number == example->gold) {
        if (example->gold_place < 0)
            example->gold_place = (int32_t)example->n;
        return;
    }
    if (example->n >= reader->opts->max_others)
        return;
    for (uint32_t i = 0; i < example->n; i++)
        if (examples->others[example->from + i] == number)
            return;
    BL_GROW(examples->others, examples->n_others + 1, examples->cap_others);
    examples->others[examples->n_others++] = number;
    example->n++;
}

/* {"title":...,"text":...}: an entity that is given by its text. */
static int add_by_text(struct reader *reader, struct bl_example *example,
                       struct bl_span object, struct bl_err *err)
{
    struct bl_entity_text text = { .has_title = false };
    struct bl_span value;
    int found = bl_json_get(object, "text", &value, err);

    if (found < 0 || (found && bl_json_string(value, &reader->line, &text.text,
                                              err) < 0))
        return -1;
    if (!found)
        return bl_fail(err, BL_BAD_FIELD, "an entity without text; entities "
                       "given by their ids need a catalogue");
    found = bl_json_get(object, "title", &value, err);
    if (found > 0 && bl_json_type(value) != BL_JSON_NULL) {
        text.has_title = true;
        if (bl_json_string(value, &reader->line, &text.title, err) < 0)
            return -1;
    }
    if (found >= 0)
        add_other(reader, example, add_entity(reader->x, text, -1));
    return found < 0 ? -1 : 0;
}

/* An id, as a string or number, that the catalogue may lack. */
static int add_by_id(struct reader *reader, struct bl_example *example,
                     struct bl_span value, struct bl_err *err)
{
    struct bl_span id = value;
    uint32_t number;
    int got;

    if (bl_json_type(value) == BL_JSON_STRING
        && bl_json_string(value, &reader->line, &id, err) < 0)
        return -1;
    got = entity_by_id(reader, id, &number, err);
    if (got == 1)
        add_other(reader, example, number);
    return got < 0 ? -1 : 0;
}

static int add_any(struct reader *reader, struct bl_example *example,
                   struct bl_span value, struct bl_err *err)
{
    enum bl_json_type type = bl_json_type(value);
    struct bl_span id;
    int found;

    if (type == BL_JSON_OBJECT) {
        found = reader->opts->kb ? bl_json_get(value, "id", &id, err) : 0;
        if (found < 0)
            return -1;
        return found ? add_by_id(reader, example, id, err)
                     : add_by_text(reader, example, value, err);
    }
    if (type != BL_JSON_STRING && type != BL_JSON_NUMBER)
        return bl_fail(err, BL_BAD_FIELD, "expected ids or objects, found "
                       "%s", bl_json_type_name(type));
    if (!reader->opts->kb)
        return bl_fail(err, BL_BAD_FIELD, "entities given by their ids need "
                       "a catalogue (-c)");
    return add_by_id(reader, example, value, err);
}

static int add_list(struct reader *reader, struct bl_example *example,
                    const char *field, struct bl_err *err)
{
    struct bl_span value, member;
    struct bl_json_iter it;
    int found = bl_record_get(&reader->rec, field, &value, err);

    if (found <= 0 || bl_json_type(value) == BL_JSON_NULL)
        return found < 0 ? -1 : 0;
    if (bl_json_type(value) != BL_JSON_ARRAY)
        return bl_fail(err, BL_BAD_FIELD, "field '%s': expected array, "
                       "found %s", field,
                       bl_json_type_name(bl_json_type(value)));
    for (it = bl_json_iter(value); bl_json_next(&it, NULL, &member); )
        if (add_any(reader, example, member, err) < 0)
            return bl_err_prefix(err, "field '%s'", field);
    return 0;
}

/* ---- One record ---- */

/* 1 found, 0 unlabelled or unknown (counted), -1 failed. */
static int read_gold(struct reader *reader, struct bl_example *example,
                     struct bl_err *err)
{
    struct bl_entity_text text = { .has_title = false };
    enum bl_gold gold;
    struct bl_span id;
    int got;

    if (reader->opts->kb) {
        if (bl_label_read(&reader->rec, &reader->line, &gold, &id, err) < 0)
            return -1;
        if (gold != BL_GOLD_ENTITY) {
            reader->x->unlabelled++;
            return 0;
        }
        got = entity_by_id(reader, id, &example->gold, err);
        reader->x->unknown += !got;
        return got;
    }
    got = bl_record_string_opt(&reader->rec, "label", &reader->line,
                               &text.text, err);
    if (got <= 0) {
        reader->x->unlabelled += !got;
        return got;
    }
    got = bl_record_string_opt(&reader->rec, "label_title", &reader->line,
                               &text.title, err);
    if (got < 0)
        return -1;
    text.has_title = got > 0;
    example->gold = add_entity(reader->x, text, -1);
    return 1;
}

static int read_mention(struct reader *reader, struct bl_mention *mention,
                        struct bl_err *err)
{
    if (bl_record_string(&reader->rec, "context_left", &reader->line,
                         &mention->left, err) < 0
        || bl_record_string(&reader->rec, "mention", &reader->line,
                            &mention->text, err) < 0
        || bl_record_string(&reader->rec, "context_right", &reader->line,
                            &mention->right, err) < 0)
        return -1;
    mention->left = keep(reader->x, tail_of(mention->left, MAX_SIDE));
    mention->text = keep(reader->x, head_of(mention->text, MAX_SIDE));
    mention->right = keep(reader->x, head_of(mention->right, MAX_SIDE));
    return 0;
}

static int read_record(struct reader *reader, struct bl_span line,
                       size_t number, struct bl_err *err)
{
    struct bl_examples *examples = reader->x;
    struct bl_example example = { .from = (uint32_t)examples->n_others,
                                  .gold_place = -1 };
    int got;

    if (bl_record_parse(&reader->rec, line, number, err) < 0)
        return -1;
    got = read_gold(reader, &example, err);
    if (got <= 0)
        return got;
    if (read_mention(reader, &example.mention, err) < 0
        || add_list(reader, &example, "negatives", err) < 0
        || add_list(reader, &example, "candidates", err) < 0)
        return -1;
    BL_GROW(examples->v, examples->n + 1, examples->cap);
    examples->v[examples->n++] = example;
    return 0;
}

/* A faulty record ends the reading: without it, the training would be on less
 * than the file holds, and nobody would notice. */
static int read_lines(struct reader *reader, struct bl_lines *lines,
                      const char *path, struct bl_err *err)
{
    enum bl_line_status status;
    struct bl_span line;

    while ((status = bl_lines_next(lines, &line, err)) == BL_LINE_OK) {
        bl_sha256_add(&reader->sum, line.p, line.n);
        bl_sha256_add(&reader->sum, "\n", 1);
        if (bl_span_blank(line))
            continue;
        bl_arena_reset(&reader->line);
        if (read_record(reader, line, bl_lines_number(lines), err) < 0) {
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

/* Records that are left out are no error as long as one is kept; the caller
 * tells how many there were. */
struct bl_examples *bl_examples_read(const char *path,
                                     const struct bl_examples_opts *opts,
                                     struct bl_err *err)
{
    struct reader reader = { .x = BL_NEW(struct bl_examples), .opts = opts };
    unsigned char digest[BL_SHA256_SIZE];
    struct bl_err own;
    struct bl_lines *lines;
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    err = err ? err : &own;
    reader.x->kb = opts->kb;
    if (fd < 0) {
        bl_fail_file(err, "cannot open '%s'", path);
        bl_examples_free(reader.x);
        return NULL;
    }
    bl_sha256_init(&reader.sum);
    lines = bl_lines_new(fd, path, MAX_LINE);
    rc = read_lines(&reader, lines, path, err);
    bl_lines_free(lines);
    close(fd);
    bl_sha256_end(&reader.sum, digest);
    bl_sha256_hex(digest, 8, reader.x->digest);
    bl_record_free(&reader.rec);
    bl_arena_free(&reader.line);
    if (rc == 0 && !reader.x->n)
        rc = bl_fail(err, BL_DATA, "'%s': no record with a known label "
                     "(%zu unlabelled, %zu of entities that the catalogue "
                     "lacks)", path, reader.x->unlabelled, reader.x->unknown);
    if (rc == 0)
        return reader.x;
    bl_examples_free(reader.x);
    return NULL;
}

void bl_examples_free(struct bl_examples *examples)
{
    if (!examples)
        return;
    bl_arena_free(&examples->memory);
    free(examples->v);
    free(examples->entities);
    free(examples->rows);
    free(examples->others);
    free(examples->slots);
    free(examples);
}

void bl_example_put(struct bl_buf *out, const struct bl_examples *examples,
                    size_t i)
{
    const struct bl_example *example = &examples->v[i];
    const struct bl_entity_text *gold = &examples->entities[example->gold];
    struct bl_writer w = bl_writer(out, BL_WRITE_COMPACT);

    bl_write_object(&w, NULL);
    bl_write_span(&w, "context_left", example->mention.left);
    bl_write_span(&w, "mention", example->mention.text);
    bl_write_span(&w, "context_right", example->mention.right);
    if (gold->has_title)
        bl_write_span(&w, "label_title", gold->title);
    bl_write_span(&w, "label", gold->text);
    bl_write_end(&w);
    bl_write_line(&w);
}
