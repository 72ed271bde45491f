/* SPDX-License-Identifier: MIT */
/* kb-wiki-join: titles, redirects and links, each sorted, read side by side,
 * and the catalogue that comes of it. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kb/kb-wiki-parts.h"
#include "base/mem.h"

enum {
    MAX_HOPS = 8,               /* redirects to redirects */
    MAX_ALIASES = 5000,
    CURSOR = 1 << 18
};

/* In sums of aliases: a redirect has this name. */
static const uint64_t redirect_mark = (uint64_t)1 << 48;

struct join {
    struct bl_wiki_store *s;
    struct bl_sorter *names;    /* key, then row id title of the entity that
                                 * it leads to */
    struct bl_sorter *aliases;  /* row and surface; no NUL */
    struct bl_buf b;
};

static struct bl_sorter *new_sorter(const struct join *j)
{
    return bl_sorter_new(j->s->opts->memory / 3, j->s->path);
}

static int add(struct bl_sorter *s, const struct bl_buf *b, uint64_t count,
               struct bl_err *err)
{
    return bl_sorter_add(s, (struct bl_span){ b->data, b->len }, count, err);
}

/* key NUL rest */
static int add_pair(struct join *j, struct bl_sorter *s, struct bl_span key,
                    struct bl_span rest, struct bl_err *err)
{
    bl_buf_clear(&j->b);
    bl_buf_put_span(&j->b, key);
    bl_buf_putc(&j->b, '\0');
    bl_buf_put_span(&j->b, rest);
    return add(s, &j->b, 1, err);
}

static int add_alias(struct join *j, uint64_t row, struct bl_span surface,
                     uint64_t count, struct bl_err *err)
{
    bl_buf_clear(&j->b);
    bl_wiki_put64(&j->b, row);
    bl_buf_put_span(&j->b, surface);
    return add(j->aliases, &j->b, count, err);
}

/* ---- Redirects ---- */

/* Where a title leads: straight to an entity, or on. */
static int add_title(struct join *j, struct bl_sorter *on,
                     const struct bl_wiki_stream *t, struct bl_err *err)
{
    struct bl_span rest = { t->rest.p + 1, t->rest.n - 1 }, target;
    const char *nul;

    if (t->rest.p[0] == 'A')
        return add_pair(j, j->names, t->key, rest, err);
    nul = memchr(rest.p, '\0', rest.n);
    BL_ASSERT(nul);
    target = (struct bl_span){ rest.p, (size_t)(nul - rest.p) };
    /* target NUL key NUL title */
    bl_buf_clear(&j->b);
    bl_buf_put_span(&j->b, target);
    bl_buf_putc(&j->b, '\0');
    bl_buf_put_span(&j->b, t->key);
    bl_buf_put(&j->b, nul, rest.n - target.n);
    return add(on, &j->b, 1, err);
}

/* The first record of each title counts, an article before a redirect. */
static int split_titles(struct join *j, struct bl_sorter *on,
                        struct bl_err *err)
{
    struct bl_buf last = BL_BUF_INIT;
    struct bl_wiki_stream t;
    int rc = bl_wiki_start(&t, j->s->titles, err);

    bl_buf_reserve(&last, 1);
    while (rc == 1) {
        struct bl_span before = { last.data, last.len };

        if (last.len == 0 || bl_wiki_compare(before, t.key) != 0)
            rc = add_title(j, on, &t, err);
        bl_buf_clear(&last);
        bl_buf_put_span(&last, t.key);
        if (rc >= 0)
            rc = bl_wiki_advance(&t, err);
    }
    bl_buf_free(&last);
    return rc;
}

/* A redirect (target; key NUL title) whose target was found. */
static int follow(struct join *j, const struct bl_wiki_stream *from,
                  const struct bl_wiki_stream *titles, struct bl_sorter *on,
                  struct bl_err *err)
{
    const char *nul = memchr(from->rest.p, '\0', from->rest.n);
    struct bl_span key = { from->rest.p, (size_t)(nul - from->rest.p) };
    struct bl_span title = { nul + 1, from->rest.n - key.n - 1 };
    struct bl_span rest = { titles->rest.p + 1, titles->rest.n - 1 };
    const char *end;

    if (titles->rest.p[0] == 'A') {
        uint64_t row = bl_wiki_get64(rest.p);

        if (add_pair(j, j->names, key, rest, err) < 0)
            return -1;
        return add_alias(j, row, title, redirect_mark, err);
    }
    end = memchr(rest.p, '\0', rest.n);
    return add_pair(j, on, (struct bl_span){ rest.p,
                        (size_t)(end - rest.p) }, from->rest, err);
}

/* One step of all redirects that are left; *n of them go on. */
static int hop(struct join *j, struct bl_sorter *from, struct bl_sorter *on,
               uint64_t *n, struct bl_err *err)
{
    struct bl_wiki_stream f, t;
    int rc = bl_wiki_start(&t, j->s->titles, err);

    *n = 0;
    if (rc >= 0)
        rc = bl_wiki_start(&f, from, err);
    while (rc == 1) {
        int found = bl_wiki_seek(&t, f.key, err);

        if (found < 0)
            return -1;
        if (found == 0)
            j->s->counts->unresolved++;
        else if (follow(j, &f, &t, on, err) < 0)
            return -1;
        *n += found && t.rest.p[0] != 'A';
        rc = bl_wiki_advance(&f, err);
    }
    return rc;
}

static int resolve(struct join *j, struct bl_err *err)
{
    struct bl_sorter *from = new_sorter(j);
    uint64_t n = 1;
    int rc = split_titles(j, from, err);

    for (int i = 0; i < MAX_HOPS && rc == 0 && n > 0; i++) {
        struct bl_sorter *on = new_sorter(j);

        rc = hop(j, from, on, &n, err);
        bl_sorter_free(from);
        from = on;
    }
    j->s->counts->unresolved += rc == 0 ? n : 0;
    bl_sorter_free(from);
    return rc;
}

/* ---- Aliases ---- */

static int count_links(struct join *j, struct bl_err *err)
{
    struct bl_wiki_stream l, names;
    int rc = bl_wiki_start(&names, j->names, err);

    if (rc >= 0)
        rc = bl_wiki_start(&l, j->s->links, err);
    while (rc == 1) {
        int found = bl_wiki_seek(&names, l.key, err);

        if (found < 0 || (found && add_alias(j, bl_wiki_get64(names.rest.p),
                                             l.rest, l.sum, err) < 0))
            return -1;
        rc = bl_wiki_advance(&l, err);
    }
    return rc;
}

/* The aliases of the entities, which are asked for in row order. */
struct alias_reader {
    struct bl_sorter *s;
    struct bl_span record;      /* the next one, if more */
    uint64_t sum;
    bool more;
    uint64_t min_count;
    struct bl_kb_alias *v;      /* [n], by count */
    size_t n, cap;
    struct bl_arena arena;
};

static int next_alias(struct alias_reader *a, struct bl_err *err)
{
    int rc = bl_sorter_next(a->s, &a->record, &a->sum, err);

    a->more = rc == 1;
    return rc;
}

static int by_count(const void *va, const void *vb)
{
    const struct bl_kb_alias *a = va, *b = vb;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return bl_wiki_compare(a->surface, b->surface);
}

/* Keeps the most frequent ones when there are twice too many. */
static void put_alias(struct alias_reader *a, struct bl_span surface)
{
    uint64_t count = a->sum & (redirect_mark - 1);

    if (count < a->min_count && a->sum < redirect_mark)
        return;
    if (a->n == 2 * MAX_ALIASES) {
        qsort(a->v, a->n, sizeof *a->v, by_count);
        a->n = MAX_ALIASES;
    }
    BL_GROW(a->v, a->n + 1, a->cap);
    a->v[a->n].surface.p = bl_arena_strndup(&a->arena, surface.p,
                                            surface.n);
    a->v[a->n].surface.n = surface.n;
    a->v[a->n++].count = count ? (int64_t)count : -1;
}

static int read_aliases(struct alias_reader *a, uint64_t row,
                        struct bl_err *err)
{
    a->n = 0;
    bl_arena_reset(&a->arena);
    while (a->more && bl_wiki_get64(a->record.p) == row) {
        put_alias(a, (struct bl_span){ a->record.p + 8, a->record.n - 8 });
        if (next_alias(a, err) < 0)
            return -1;
    }
    if (a->n)
        qsort(a->v, a->n, sizeof *a->v, by_count);
    if (a->n > MAX_ALIASES)
        a->n = MAX_ALIASES;
    return 0;
}

/* ---- Writing the catalogue ---- */

struct entity { uint64_t site, id; struct bl_span title, text; };

/* The title is copied, as reading on moves it. */
static int read_entity(struct bl_cursor *c, struct entity *e,
                       struct bl_buf *title, struct bl_err *err)
{
    int rc = bl_cursor_number(c, &e->site, err);

    if (rc <= 0)
        return rc;
    if (bl_cursor_number(c, &e->id, err) < 0
        || bl_cursor_span(c, &e->title, err) < 0)
        return -1;
    bl_buf_clear(title);
    bl_buf_put_span(title, e->title);
    bl_buf_reserve(title, 1);
    e->title = (struct bl_span){ title->data, title->len };
    return bl_cursor_span(c, &e->text, err) < 0 ? -1 : 1;
}

static int write_entity(struct join *j, struct bl_kb_builder *kb,
                        const struct entity *e, struct alias_reader *a,
                        char *const *places, struct bl_err *err)
{
    char id[24];
    struct bl_kb_input in = { .title = e->title, .text = e->text,
                              .aliases = a->v, .n_aliases = a->n };

    snprintf(id, sizeof id, "%" PRIu64, e->id);
    in.id = bl_span_of(id);
    bl_buf_clear(&j->b);
    if (bl_wikisite_url(j->s->sites[e->site], e->title, &j->b))
        in.url = (struct bl_span){ j->b.data, j->b.len };
    j->s->counts->aliases += a->n;
    return bl_kb_build_add(kb, &in, places[e->site],
                           bl_kb_build_count(kb) + 1, err);
}

static int write_entities(struct join *j, struct bl_kb_builder *kb,
                          struct alias_reader *a, char *const *places,
                          struct bl_err *err)
{
    const struct bl_kb_wiki_opts *o = j->s->opts;
    struct bl_buf title = BL_BUF_INIT;
    struct bl_cursor c;
    struct entity e;
    uint64_t row = 0;
    int rc;

    bl_cursor_start(&c, j->s->entities, 0, bl_spool_size(j->s->entities),
                    CURSOR);
    while ((rc = read_entity(&c, &e, &title, err)) == 1) {
        rc = read_aliases(a, row++, err);
        if (rc == 0)
            rc = write_entity(j, kb, &e, a, places, err);
        if (rc < 0)
            break;
        if (o->progress && row % 64 == 0)
            o->progress(o->arg, "writing", row, j->s->rows);
    }
    bl_cursor_end(&c);
    bl_buf_free(&title);
    return rc;
}

static int fill_catalogue(struct join *j, struct bl_kb_builder *kb,
                          char *const *places, struct bl_err *err)
{
    struct alias_reader a = { .s = j->aliases,
                              .min_count = j->s->opts->min_count };
    int rc = -1;

    if (bl_spool_flush(j->s->entities, err) == 0
        && bl_sorter_start(j->aliases, err) == 0 && next_alias(&a, err) >= 0)
        rc = write_entities(j, kb, &a, places, err);
    free(a.v);
    bl_arena_free(&a.arena);
    return rc;
}

/* ---- All of it ---- */

/* What stands before a row's number in messages about ids. */
static char **name_places(const struct bl_wiki_store *s)
{
    char **v = BL_NEW_ARRAY(char *, s->n_sites);

    for (size_t i = 0; i < s->n_sites; i++)
        v[i] = bl_xasprintf("%s, entity", s->files[i]);
    return v;
}

static int write_all(struct join *j, struct bl_err *err)
{
    struct bl_wiki_store *s = j->s;
    char **places = name_places(s);
    int rc = fill_catalogue(j, s->kb, places, err);

    if (rc == 0 && s->mentions_file)
        rc = bl_wiki_write_mentions(s, j->names, err);
    if (rc == 0) {
        rc = bl_kb_build_finish(s->kb, err);
        s->kb = NULL;
    }
    if (rc == 0 && s->mentions_file) {
        rc = bl_newfile_commit(s->mentions_file, err);
        s->mentions_file = NULL;
    }
    for (size_t i = 0; i < s->n_sites; i++)
        free(places[i]);
    free(places);
    return rc;
}

int bl_wiki_join(struct bl_wiki_store *s, struct bl_err *err)
{
    struct join j = { .s = s };
    int rc;

    j.names = new_sorter(&j);
    j.aliases = new_sorter(&j);
    rc = resolve(&j, err);
    bl_sorter_free(s->titles);
    s->titles = NULL;
    if (rc == 0)
        rc = count_links(&j, err);
    bl_sorter_free(s->links);
    s->links = NULL;
    if (rc == 0)
        rc = write_all(&j, err);
    bl_sorter_free(j.names);
    bl_sorter_free(j.aliases);
    bl_buf_free(&j.b);
    return rc;
}
