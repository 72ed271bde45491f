/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "convert/zeshel.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/newdir.h"
#include "base/utf8.h"
#include "json/record.h"
#include "json/writer.h"
#include "text/unicode.h"

enum { SIDE = 128 };            /* words kept before and behind a mention */

#define SUFFIX ".json"

/* A page of a world: its id, and where its line is. */
struct page {
    struct bl_span id, line;
    size_t row;
};

struct world {
    char *name;
    struct bl_map map;
    struct page *pages;         /* [n] by id */
    size_t n, cap;
    struct bl_arena ids;
};

struct zeshel {
    const struct bl_zeshel *z;
    struct world *worlds;
    size_t n_worlds;
    char **splits;              /* names without .json */
    size_t n_splits;
    char *files[BL_NEWDIR_MAX]; /* of the new folder: splits, then worlds */
    struct bl_record rec, page; /* the line at hand, and the one it names */
    struct bl_arena arena;      /* of the line at hand */
    struct bl_buf lower, out;
    struct bl_writer json;      /* one line of `out` */
};

/* ---- Folders ---- */

static int by_string(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the *.json in input/sub, sorted, without the suffix. */
static int list(const struct zeshel *zeshel, const char *sub, char ***out,
                size_t *n, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", zeshel->z->input, sub);
    DIR *folder = opendir(path);
    struct dirent *entry;
    int rc = 0;

    while (folder && (errno = 0, *n < BL_NEWDIR_MAX)
           && (entry = readdir(folder))) {
        size_t len = strlen(entry->d_name);

        if (entry->d_name[0] == '.' || len <= strlen(SUFFIX)
            || strcmp(entry->d_name + len - strlen(SUFFIX), SUFFIX))
            continue;
        *out = bl_xrealloc(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = bl_xasprintf("%.*s", (int)(len - strlen(SUFFIX)),
                                      entry->d_name);
    }
    if (!folder)
        rc = bl_fail_file(err, "cannot open the folder '%s'", path);
    else if (errno)
        rc = bl_fail_file(err, "cannot read the folder '%s'", path);
    else if (!*n)
        rc = bl_fail(err, BL_DATA, "'%s' contains no file named *%s", path,
                     SUFFIX);
    else
        qsort(*out, *n, sizeof **out, by_string);
    if (folder)
        closedir(folder);
    free(path);
    return rc;
}

/* Where file i comes from; caller frees. */
static char *source_of(const struct zeshel *zeshel, size_t i)
{
    return i < zeshel->n_splits
        ? bl_xasprintf("mentions/%s" SUFFIX, zeshel->splits[i])
        : bl_xasprintf("documents/%s" SUFFIX,
                       zeshel->worlds[i - zeshel->n_splits].name);
}

/* "val" is renamed, and a split may be called as a world's entities are. */
static int check_names(const struct zeshel *zeshel, struct bl_err *err)
{
    size_t n = zeshel->n_splits + zeshel->n_worlds;

    for (size_t i = 1; i < n; i++)
        for (size_t j = 0; j < i; j++) {
            char *one, *two;

            if (strcmp(zeshel->files[i], zeshel->files[j]))
                continue;
            one = source_of(zeshel, j);
            two = source_of(zeshel, i);
            bl_fail(err, BL_DATA, "'%s': %s and %s would both become '%s'",
                    zeshel->z->input, one, two, zeshel->files[i]);
            free(one);
            free(two);
            return -1;
        }
    return 0;
}

static int list_all(struct zeshel *zeshel, struct bl_err *err)
{
    char **names = NULL;
    int rc = list(zeshel, "documents", &names, &zeshel->n_worlds, err);

    if (rc == 0)
        rc = list(zeshel, "mentions", &zeshel->splits, &zeshel->n_splits, err);
    if (rc == 0 && zeshel->n_worlds + zeshel->n_splits > BL_NEWDIR_MAX)
        rc = bl_fail(err, BL_DATA, "'%s': %zu worlds and %zu sets of "
                     "mentions, at most %d in all are read", zeshel->z->input,
                     zeshel->n_worlds, zeshel->n_splits, BL_NEWDIR_MAX);
    zeshel->worlds = BL_NEW_ARRAY(struct world, zeshel->n_worlds);
    for (size_t i = 0; i < zeshel->n_worlds; i++)
        zeshel->worlds[i].name = names[i];
    free(names);
    /* ZESHEL calls its development set "val"; BLINK's own files are called
     * "valid.jsonl". */
    for (size_t i = 0; rc == 0 && i < zeshel->n_splits; i++)
        zeshel->files[i] = bl_xasprintf("%s.jsonl",
                                        strcmp(zeshel->splits[i], "val")
                                        ? zeshel->splits[i] : "valid");
    for (size_t i = 0; rc == 0 && i < zeshel->n_worlds; i++)
        zeshel->files[zeshel->n_splits + i] = bl_xasprintf(
            "%s.entities.jsonl", zeshel->worlds[i].name);
    return rc < 0 ? -1 : check_names(zeshel, err);
}

/* ---- Lines of a mapped file ---- */

struct cursor {
    const struct bl_map *map;
    size_t at, number;
};

/* The next line that is not blank, parsed into *r: 1, 0 at the end, -1. */
static int next(struct cursor *cursor, struct bl_record *r, struct bl_err *err)
{
    while (cursor->at < cursor->map->size) {
        const char *p = (const char *)cursor->map->data + cursor->at;
        size_t left = cursor->map->size - cursor->at;
        const char *end = memchr(p, '\n', left);
        struct bl_span line = { p, end ? (size_t)(end - p) : left };

        cursor->at += line.n + 1;
        cursor->number++;
        if (!bl_span_blank(line))
            return bl_record_parse(r, line, cursor->number, err) < 0 ? -1 : 1;
    }
    return 0;
}

/* Where it went wrong; a record of a data set is data. */
static void at_line(struct bl_err *err, const struct cursor *cursor)
{
    if (!err || err->code == BL_SYSTEM)
        return;
    err->code = BL_DATA;
    bl_err_prefix(err, "'%s':%zu", cursor->map->path, cursor->number);
}

/* ---- The output ---- */

static struct bl_newfile *create(const struct bl_newdir *folder,
                                 const char *name, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", bl_newdir_path(folder), name);
    struct bl_newfile *file = bl_newfile_open(path, 0, err);

    free(path);
    return file;
}

static int finish(struct bl_newfile *file, int rc, struct bl_err *err)
{
    if (rc == 0)
        return bl_newfile_commit(file, err);
    bl_newfile_abort(file);
    return -1;
}

/* ---- Worlds ---- */

static int by_id(const void *a, const void *b)
{
    const struct page *x = a, *y = b;

    return strcmp(x->id.p, y->id.p);
}

static const struct page *find_page(const struct world *world,
                                    struct bl_span id)
{
    struct page key = { .id = id };

    if (!world->n)
        return NULL;
    return bsearch(&key, world->pages, world->n, sizeof key, by_id);
}

static int read_page(struct zeshel *zeshel, struct world *world,
                     struct bl_newfile *file, struct bl_err *err)
{
    struct bl_span id, title, text;
    char row[32];

    bl_arena_reset(&zeshel->arena);
    if (bl_record_string(&zeshel->rec, "document_id", &world->ids, &id,
                         err) < 0
        || bl_record_string(&zeshel->rec, "title", &zeshel->arena, &title,
                            err) < 0
        || bl_record_string(&zeshel->rec, "text", &zeshel->arena, &text,
                            err) < 0)
        return -1;
    /* The id and the line are kept until all of the world is read: mentions
     * name pages by id, and their text is looked up in the mapped file. */
    BL_GROW(world->pages, world->n + 1, world->cap);
    world->pages[world->n] = (struct page){ id, zeshel->rec.line, world->n };
    snprintf(row, sizeof row, "%zu", world->n++);
    bl_buf_clear(&zeshel->out);
    zeshel->json = bl_writer(&zeshel->out, BL_WRITE_COMPACT);
    bl_write_object(&zeshel->json, NULL);
    bl_write_string(&zeshel->json, "id", row);
    bl_write_span(&zeshel->json, "title", title);
    bl_write_span(&zeshel->json, "text", text);
    bl_write_span(&zeshel->json, "document_id", id);
    bl_write_end(&zeshel->json);
    bl_write_line(&zeshel->json);
    return bl_newfile_write(file, zeshel->out.data, zeshel->out.len, err);
}

static int sort_pages(struct world *world, struct bl_err *err)
{
    qsort(world->pages, world->n, sizeof *world->pages, by_id);
    for (size_t i = 1; i < world->n; i++)
        if (!by_id(&world->pages[i - 1], &world->pages[i]))
            return bl_fail(err, BL_DATA, "'%s': document_id '%.*s' is given "
                           "twice", world->map.path,
                           BL_SHOWN(80, world->pages[i].id.p));
    return 0;
}

static int read_world(struct zeshel *zeshel, struct world *world,
                      const struct bl_newdir *folder, const char *name,
                      struct bl_err *err)
{
    char *path = bl_xasprintf("%s/documents/%s%s", zeshel->z->input,
                              world->name, SUFFIX);
    int rc = bl_map_open(&world->map, path, err);
    struct cursor cursor = { &world->map, 0, 0 };
    struct bl_newfile *file;

    free(path);
    if (rc < 0 || !(file = create(folder, name, err)))
        return -1;
    while ((rc = next(&cursor, &zeshel->rec, err)) > 0)
        if ((rc = read_page(zeshel, world, file, err)) < 0)
            break;
    if (rc < 0)
        at_line(err, &cursor);
    if (finish(file, rc, err) < 0)
        return -1;
    return world->n ? sort_pages(world, err) : 0;
}

/* ---- Mentions ---- */

/* Words first to last of the text, counted by single spaces. */
struct place {
    size_t first, last;
};

/* The bytes of words [from, to] of text; empty when there are none. */
static struct bl_span words(struct bl_span text, size_t from, size_t to)
{
    const char *p = text.p, *end = text.p + text.n, *start = NULL;
    size_t n = 0;

    for (;; n++) {
        const char *space = memchr(p, ' ', (size_t)(end - p));

        if (n == from)
            start = p;
        if (n == to || !space)
            p = space ? space : end;
        if (n == to || !space)
            break;
        p = space + 1;
    }
    if (!start || from > to)
        return BL_SPAN_LIT("");
    return (struct bl_span){ start, (size_t)(p - start) };
}

/* A page that the mention names in `field`. */
static int named_page(struct zeshel *zeshel, const struct world *world,
                      const char *field, const struct page **page,
                      struct bl_span *text, struct bl_span *title,
                      struct bl_err *err)
{
    struct bl_span id;

    if (bl_record_string(&zeshel->rec, field, &zeshel->arena, &id, err) < 0)
        return -1;
    *page = find_page(world, id);
    if (!*page)
        return bl_fail(err, BL_DATA, "field '%s': '%s' has no page '%.*s'",
                       field, world->map.path, BL_SHOWN(80, id.p));
    if (bl_record_parse(&zeshel->page, (*page)->line, 1, err) < 0
        || bl_record_string(&zeshel->page, "title", &zeshel->arena, title,
                            err) < 0)
        return -1;
    return bl_record_string(&zeshel->page, "text", &zeshel->arena, text, err);
}

static int find_world(struct zeshel *zeshel, const struct world **world,
                      struct bl_err *err)
{
    struct bl_span name;

    if (bl_record_string(&zeshel->rec, "corpus", &zeshel->arena, &name,
                         err) < 0)
        return -1;
    for (size_t i = 0; i < zeshel->n_worlds; i++)
        if (bl_span_is(name, zeshel->worlds[i].name)) {
            *world = &zeshel->worlds[i];
            return 0;
        }
    return bl_fail(err, BL_DATA, "field 'corpus': there is no world '%.*s'",
                   BL_SHOWN(80, name.p));
}

static struct bl_span lowered(struct zeshel *zeshel, struct bl_span text)
{
    bl_buf_clear(&zeshel->lower);
    bl_uni_lower(&zeshel->lower, text.p, text.n);
    return (struct bl_span){
        bl_arena_strndup(&zeshel->arena,
                         zeshel->lower.data ? zeshel->lower.data : "",
                         zeshel->lower.len), zeshel->lower.len
    };
}

/* {..."context_left","mention","context_right"; the words must be those that
 * the record says, as else its place is not what it is taken for. */
static int put_context(struct zeshel *zeshel, struct bl_span page,
                       const struct place *at, struct bl_err *err)
{
    struct bl_span text = lowered(zeshel, page), said, found;
    size_t a = at->first, z = at->last;

    if (bl_record_string(&zeshel->rec, "text", &zeshel->arena, &said, err) < 0)
        return -1;
    said = lowered(zeshel, said);
    found = words(text, a, z);
    if (!bl_span_eq(said, found))
        return bl_fail(err, BL_DATA, "field 'text': the page has '%.*s' as "
                       "words %zu to %zu, expected '%.*s'",
                       (int)bl_utf8_cut(found.p, found.n, 80), found.p, a, z,
                       BL_SHOWN(80, said.p));
    bl_write_span(&zeshel->json, "context_left", a
                  ? words(text, a < SIDE ? 0 : a - SIDE, a - 1)
                  : BL_SPAN_LIT(""));
    bl_write_span(&zeshel->json, "mention", said);
    bl_write_span(&zeshel->json, "context_right",
                  words(text, z + 1, z + SIDE));
    return 0;
}

static int put_optional(struct zeshel *zeshel, const char *field,
                        const char *name, struct bl_err *err)
{
    struct bl_span v;
    int has = bl_record_string_opt(&zeshel->rec, field, &zeshel->arena, &v,
                                   err);

    if (has > 0)
        bl_write_span(&zeshel->json, name, v);
    return has < 0 ? -1 : 0;
}

static int read_mention(struct zeshel *zeshel, struct bl_err *err)
{
    const struct world *world = NULL;
    const struct page *page;
    struct bl_span text, title;
    int64_t first, last;

    bl_arena_reset(&zeshel->arena);
    bl_buf_clear(&zeshel->out);
    zeshel->json = bl_writer(&zeshel->out, BL_WRITE_COMPACT);
    bl_write_object(&zeshel->json, NULL);
    /* The fields are written in the order in which they are read, so that a
     * record is checked and copied in one pass. */
    if (find_world(zeshel, &world, err) < 0
        || bl_record_integer(&zeshel->rec, "start_index", 0, INT32_MAX, &first,
                             err) < 0
        || bl_record_integer(&zeshel->rec, "end_index", first, INT32_MAX,
                             &last, err) < 0
        || put_optional(zeshel, "mention_id", "id", err) < 0
        || named_page(zeshel, world, "context_document_id", &page, &text,
                      &title, err) < 0
        || put_context(zeshel, text,
                       &(struct place){ (size_t)first, (size_t)last }, err) < 0
        || named_page(zeshel, world, "label_document_id", &page, &text, &title,
                      err) < 0)
        return -1;
    bl_write_span(&zeshel->json, "label", text);
    bl_write_span(&zeshel->json, "label_title", title);
    bl_write_size(&zeshel->json, "label_id", page->row);
    bl_write_string(&zeshel->json, "world", world->name);
    if (put_optional(zeshel, "category", "category", err) < 0)
        return -1;
    bl_write_end(&zeshel->json);
    bl_write_line(&zeshel->json);
    return 0;
}

static int read_split(struct zeshel *zeshel, const char *split,
                      const struct bl_newdir *folder, const char *name,
                      size_t *n, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/mentions/%s%s", zeshel->z->input, split,
                              SUFFIX);
    struct bl_map map;
    int rc = bl_map_open(&map, path, err);
    struct cursor cursor = { &map, 0, 0 };
    struct bl_newfile *file;

    free(path);
    if (rc < 0)
        return -1;
    file = create(folder, name, err);
    rc = file ? 0 : -1;
    while (rc == 0 && (rc = next(&cursor, &zeshel->rec, err)) > 0) {
        rc = read_mention(zeshel, err);
        if (rc == 0)
            rc = bl_newfile_write(file, zeshel->out.data, zeshel->out.len,
                                  err);
        *n += rc == 0;
    }
    /* Only an error of a line is given the line's number; one of opening the
     * file names the file already. */
    if (file && rc < 0)
        at_line(err, &cursor);
    if (file)
        rc = finish(file, rc, err);
    bl_map_close(&map);
    return rc;
}

/* ---- All ---- */

static int convert(struct zeshel *zeshel, const struct bl_newdir *folder,
                   struct bl_zeshel_report *report, struct bl_err *err)
{
    for (size_t i = 0; i < zeshel->n_worlds; i++) {
        if (read_world(zeshel, &zeshel->worlds[i], folder,
                       zeshel->files[zeshel->n_splits + i], err) < 0)
            return -1;
        report->entities += zeshel->worlds[i].n;
    }
    for (size_t i = 0; i < zeshel->n_splits; i++)
        if (read_split(zeshel, zeshel->splits[i], folder, zeshel->files[i],
                       &report->mentions, err) < 0)
            return -1;
    report->worlds = zeshel->n_worlds;
    report->splits = zeshel->n_splits;
    return 0;
}

static void release(struct zeshel *zeshel)
{
    for (size_t i = 0; i < zeshel->n_worlds; i++) {
        bl_map_close(&zeshel->worlds[i].map);
        bl_arena_free(&zeshel->worlds[i].ids);
        free(zeshel->worlds[i].pages);
        free(zeshel->worlds[i].name);
    }
    for (size_t i = 0; i < zeshel->n_splits; i++)
        free(zeshel->splits[i]);
    for (size_t i = 0; i < BL_NEWDIR_MAX; i++)
        free(zeshel->files[i]);
    free(zeshel->worlds);
    free(zeshel->splits);
    bl_record_free(&zeshel->rec);
    bl_record_free(&zeshel->page);
    bl_arena_free(&zeshel->arena);
    bl_buf_free(&zeshel->lower);
    bl_buf_free(&zeshel->out);
}

int bl_zeshel_run(const struct bl_zeshel *options,
                  struct bl_zeshel_report *report, struct bl_err *err)
{
    struct zeshel zeshel = { .z = options };
    struct bl_newdir *folder = NULL;
    int rc = list_all(&zeshel, err);

    *report = (struct bl_zeshel_report){ 0 };
    if (rc == 0)
        folder = bl_newdir_open(options->output,
                                (const char *const *)zeshel.files,
                                zeshel.n_worlds + zeshel.n_splits,
                                options->force, err);
    rc = folder ? convert(&zeshel, folder, report, err) : -1;
    if (rc == 0)
        rc = bl_newdir_commit(folder, err);
    else if (folder)
        bl_newdir_fail(folder, err);
    release(&zeshel);
    return rc;
}
