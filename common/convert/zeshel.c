/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "convert/zeshel.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "base/newdir.h"
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
static int list(const struct zeshel *s, const char *sub, char ***out,
                size_t *n, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", s->z->input, sub);
    DIR *d = opendir(path);
    struct dirent *e;

    while (d && (e = readdir(d)) && *n < BL_NEWDIR_MAX) {
        size_t len = strlen(e->d_name);

        if (e->d_name[0] == '.' || len <= strlen(SUFFIX)
            || strcmp(e->d_name + len - strlen(SUFFIX), SUFFIX))
            continue;
        *out = bl_xrealloc(*out, *n + 1, sizeof **out);
        (*out)[(*n)++] = bl_xasprintf("%.*s", (int)(len - strlen(SUFFIX)),
                                      e->d_name);
    }
    if (!d)
        bl_fail_errno(err, BL_DATA, "cannot open the folder '%s'", path);
    else if (!*n)
        bl_fail(err, BL_DATA, "'%s' contains no file named *%s", path, SUFFIX);
    else
        qsort(*out, *n, sizeof **out, by_string);
    if (d)
        closedir(d);
    free(path);
    return *n ? 0 : -1;
}

static int list_all(struct zeshel *s, struct bl_err *err)
{
    char **names = NULL;
    int rc = list(s, "documents", &names, &s->n_worlds, err);

    if (!rc)
        rc = list(s, "mentions", &s->splits, &s->n_splits, err);
    if (!rc && s->n_worlds + s->n_splits > BL_NEWDIR_MAX)
        rc = bl_fail(err, BL_DATA, "'%s': %zu worlds and %zu sets of "
                     "mentions, at most %d in all are read", s->z->input,
                     s->n_worlds, s->n_splits, BL_NEWDIR_MAX);
    s->worlds = BL_NEW_ARRAY(struct world, s->n_worlds);
    for (size_t i = 0; i < s->n_worlds; i++)
        s->worlds[i].name = names[i];
    free(names);
    for (size_t i = 0; !rc && i < s->n_splits; i++)
        s->files[i] = bl_xasprintf("%s.jsonl", strcmp(s->splits[i], "val")
                                   ? s->splits[i] : "valid");
    for (size_t i = 0; !rc && i < s->n_worlds; i++)
        s->files[s->n_splits + i] = bl_xasprintf("%s.entities.jsonl",
                                                 s->worlds[i].name);
    return rc;
}

/* ---- Lines of a mapped file ---- */

struct cursor {
    const struct bl_map *map;
    size_t at, number;
};

/* The next line that is not blank, parsed into *r: 1, 0 at the end, -1. */
static int next(struct cursor *c, struct bl_record *r, struct bl_err *err)
{
    while (c->at < c->map->size) {
        const char *p = (const char *)c->map->data + c->at;
        size_t left = c->map->size - c->at;
        const char *end = memchr(p, '\n', left);
        struct bl_span line = { p, end ? (size_t)(end - p) : left };

        c->at += line.n + 1;
        c->number++;
        if (!bl_span_blank(line))
            return bl_record_parse(r, line, c->number, err) < 0 ? -1 : 1;
    }
    return 0;
}

/* Where it went wrong; a record of a data set is data. */
static void at_line(struct bl_err *err, const struct cursor *c)
{
    if (!err || err->code == BL_SYSTEM)
        return;
    err->code = BL_DATA;
    bl_err_prefix(err, "'%s':%zu", c->map->path, c->number);
}

/* ---- The output ---- */

static struct bl_newfile *create(const struct bl_newdir *d,
                                 const char *name, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", bl_newdir_path(d), name);
    struct bl_newfile *f = bl_newfile_open(path, 0, err);

    free(path);
    return f;
}

static int finish(struct bl_newfile *f, int rc, struct bl_err *err)
{
    if (!rc)
        return bl_newfile_commit(f, err);
    bl_newfile_abort(f);
    return -1;
}

/* ---- Worlds ---- */

static int by_id(const void *a, const void *b)
{
    const struct page *x = a, *y = b;

    return strcmp(x->id.p, y->id.p);
}

static const struct page *find_page(const struct world *w, struct bl_span id)
{
    struct page key = { .id = id };

    if (!w->n)
        return NULL;
    return bsearch(&key, w->pages, w->n, sizeof key, by_id);
}

static int read_page(struct zeshel *s, struct world *w,
                     struct bl_newfile *f, struct bl_err *err)
{
    struct bl_span id, title, text;
    char row[32];

    bl_arena_reset(&s->arena);
    if (bl_record_string(&s->rec, "document_id", &w->ids, &id, err) < 0
        || bl_record_string(&s->rec, "title", &s->arena, &title, err) < 0
        || bl_record_string(&s->rec, "text", &s->arena, &text, err) < 0)
        return -1;
    BL_GROW(w->pages, w->n + 1, w->cap);
    w->pages[w->n] = (struct page){ id, s->rec.line, w->n };
    snprintf(row, sizeof row, "%zu", w->n++);
    bl_buf_clear(&s->out);
    s->json = bl_writer(&s->out, BL_WRITE_COMPACT);
    bl_write_object(&s->json, NULL);
    bl_write_string(&s->json, "id", row);
    bl_write_span(&s->json, "title", title);
    bl_write_span(&s->json, "text", text);
    bl_write_span(&s->json, "document_id", id);
    bl_write_end(&s->json);
    bl_write_line(&s->json);
    return bl_newfile_write(f, s->out.data, s->out.len, err);
}

static int sort_pages(struct world *w, struct bl_err *err)
{
    qsort(w->pages, w->n, sizeof *w->pages, by_id);
    for (size_t i = 1; i < w->n; i++)
        if (!by_id(&w->pages[i - 1], &w->pages[i]))
            return bl_fail(err, BL_DATA, "'%s': document_id '%.*s' is given "
                           "twice", w->map.path,
                           BL_SHOWN(80, w->pages[i].id.p));
    return 0;
}

static int read_world(struct zeshel *s, struct world *w,
                      const struct bl_newdir *d, const char *name,
                      struct bl_err *err)
{
    char *path = bl_xasprintf("%s/documents/%s%s", s->z->input, w->name,
                              SUFFIX);
    int rc = bl_map_open(&w->map, path, err);
    struct cursor c = { &w->map, 0, 0 };
    struct bl_newfile *f;

    free(path);
    if (rc < 0 || !(f = create(d, name, err)))
        return -1;
    while ((rc = next(&c, &s->rec, err)) > 0)
        if ((rc = read_page(s, w, f, err)) < 0)
            break;
    if (rc < 0)
        at_line(err, &c);
    if (finish(f, rc, err) < 0)
        return -1;
    return w->n ? sort_pages(w, err) : 0;
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
static int named_page(struct zeshel *s, const struct world *w,
                      const char *field, const struct page **page,
                      struct bl_span *text, struct bl_span *title,
                      struct bl_err *err)
{
    struct bl_span id;

    if (bl_record_string(&s->rec, field, &s->arena, &id, err) < 0)
        return -1;
    *page = find_page(w, id);
    if (!*page)
        return bl_fail(err, BL_DATA, "field '%s': '%s' has no page '%.*s'",
                       field, w->map.path, BL_SHOWN(80, id.p));
    if (bl_record_parse(&s->page, (*page)->line, 1, err) < 0
        || bl_record_string(&s->page, "title", &s->arena, title, err) < 0)
        return -1;
    return bl_record_string(&s->page, "text", &s->arena, text, err);
}

static int find_world(struct zeshel *s, const struct world **w,
                      struct bl_err *err)
{
    struct bl_span name;

    if (bl_record_string(&s->rec, "corpus", &s->arena, &name, err) < 0)
        return -1;
    for (size_t i = 0; i < s->n_worlds; i++)
        if (bl_span_is(name, s->worlds[i].name)) {
            *w = &s->worlds[i];
            return 0;
        }
    return bl_fail(err, BL_DATA, "field 'corpus': there is no world '%.*s'",
                   BL_SHOWN(80, name.p));
}

static struct bl_span lowered(struct zeshel *s, struct bl_span text)
{
    bl_buf_clear(&s->lower);
    bl_uni_lower(&s->lower, text.p, text.n);
    return (struct bl_span){
        bl_arena_strndup(&s->arena, s->lower.data ? s->lower.data : "",
                         s->lower.len), s->lower.len
    };
}

/* {..."context_left","mention","context_right"; the words must be those that
 * the record says, as else its place is not what it is taken for. */
static int put_context(struct zeshel *s, struct bl_span page,
                       const struct place *at, struct bl_err *err)
{
    struct bl_span text = lowered(s, page), said, found;
    size_t a = at->first, z = at->last;

    if (bl_record_string(&s->rec, "text", &s->arena, &said, err) < 0)
        return -1;
    said = lowered(s, said);
    found = words(text, a, z);
    if (!bl_span_eq(said, found))
        return bl_fail(err, BL_DATA, "field 'text': the page has '%.*s' as "
                       "words %zu to %zu, expected '%.*s'",
                       (int)bl_utf8_cut(found.p, found.n, 80), found.p, a, z,
                       BL_SHOWN(80, said.p));
    bl_write_span(&s->json, "context_left", a
                  ? words(text, a < SIDE ? 0 : a - SIDE, a - 1)
                  : BL_SPAN_LIT(""));
    bl_write_span(&s->json, "mention", said);
    bl_write_span(&s->json, "context_right", words(text, z + 1, z + SIDE));
    return 0;
}

static int put_optional(struct zeshel *s, const char *field,
                        const char *name, struct bl_err *err)
{
    struct bl_span v;
    int has = bl_record_string_opt(&s->rec, field, &s->arena, &v, err);

    if (has > 0)
        bl_write_span(&s->json, name, v);
    return has < 0 ? -1 : 0;
}

static int read_mention(struct zeshel *s, struct bl_err *err)
{
    const struct world *w = NULL;
    const struct page *page;
    struct bl_span text, title;
    int64_t first, last;

    bl_arena_reset(&s->arena);
    bl_buf_clear(&s->out);
    s->json = bl_writer(&s->out, BL_WRITE_COMPACT);
    bl_write_object(&s->json, NULL);
    if (find_world(s, &w, err) < 0
        || bl_record_integer(&s->rec, "start_index", 0, INT32_MAX, &first,
                             err) < 0
        || bl_record_integer(&s->rec, "end_index", first, INT32_MAX, &last,
                             err) < 0
        || put_optional(s, "mention_id", "id", err) < 0
        || named_page(s, w, "context_document_id", &page, &text, &title,
                      err) < 0
        || put_context(s, text, &(struct place){ (size_t)first, (size_t)last },
                       err) < 0
        || named_page(s, w, "label_document_id", &page, &text, &title,
                      err) < 0)
        return -1;
    bl_write_span(&s->json, "label", text);
    bl_write_span(&s->json, "label_title", title);
    bl_write_size(&s->json, "label_id", page->row);
    bl_write_string(&s->json, "world", w->name);
    if (put_optional(s, "category", "category", err) < 0)
        return -1;
    bl_write_end(&s->json);
    bl_write_line(&s->json);
    return 0;
}

static int read_split(struct zeshel *s, const char *split,
                      const struct bl_newdir *d, const char *name,
                      size_t *n, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/mentions/%s%s", s->z->input, split,
                              SUFFIX);
    struct bl_map map;
    int rc = bl_map_open(&map, path, err);
    struct cursor c = { &map, 0, 0 };
    struct bl_newfile *f;

    free(path);
    if (rc < 0)
        return -1;
    f = create(d, name, err);
    rc = f ? 0 : -1;
    while (!rc && (rc = next(&c, &s->rec, err)) > 0) {
        rc = read_mention(s, err);
        if (!rc)
            rc = bl_newfile_write(f, s->out.data, s->out.len, err);
        *n += !rc;
    }
    if (f && rc < 0)
        at_line(err, &c);
    if (f)
        rc = finish(f, rc, err);
    bl_map_close(&map);
    return rc;
}

/* ---- All ---- */

static int convert(struct zeshel *s, const struct bl_newdir *d,
                   struct bl_zeshel_report *report, struct bl_err *err)
{
    for (size_t i = 0; i < s->n_worlds; i++) {
        if (read_world(s, &s->worlds[i], d, s->files[s->n_splits + i],
                       err) < 0)
            return -1;
        report->entities += s->worlds[i].n;
    }
    for (size_t i = 0; i < s->n_splits; i++)
        if (read_split(s, s->splits[i], d, s->files[i], &report->mentions,
                       err) < 0)
            return -1;
    report->worlds = s->n_worlds;
    report->splits = s->n_splits;
    return 0;
}

static void release(struct zeshel *s)
{
    for (size_t i = 0; i < s->n_worlds; i++) {
        bl_map_close(&s->worlds[i].map);
        bl_arena_free(&s->worlds[i].ids);
        free(s->worlds[i].pages);
        free(s->worlds[i].name);
    }
    for (size_t i = 0; i < s->n_splits; i++)
        free(s->splits[i]);
    for (size_t i = 0; i < BL_NEWDIR_MAX; i++)
        free(s->files[i]);
    free(s->worlds);
    free(s->splits);
    bl_record_free(&s->rec);
    bl_record_free(&s->page);
    bl_arena_free(&s->arena);
    bl_buf_free(&s->lower);
    bl_buf_free(&s->out);
}

int bl_zeshel_run(const struct bl_zeshel *z,
                  struct bl_zeshel_report *report, struct bl_err *err)
{
    struct zeshel s = { .z = z };
    struct bl_newdir *d = NULL;
    int rc = list_all(&s, err);

    *report = (struct bl_zeshel_report){ 0 };
    if (!rc)
        d = bl_newdir_open(z->output, (const char *const *)s.files,
                           s.n_worlds + s.n_splits, z->force, err);
    rc = d ? convert(&s, d, report, err) : -1;
    if (!rc)
        rc = bl_newdir_commit(d, err);
    else if (d)
        bl_newdir_abort(d);
    release(&s);
    return rc;
}
