/* SPDX-License-Identifier: MIT */
/* kb-wiki-join: titles, redirects and links, each sorted, read side by side,
 * and the catalogue that comes of it. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kb/kb-wiki-parts.h"
#include "kb/names.h"

enum {
    MAX_HOPS = 8,               /* redirects to redirects */
    MAX_ALIASES = 5000,
    CURSOR = 1 << 18
};

/* A redirect adds this to the sum of its alias.  So the low 48 bits are how
 * often links use the name, and any bit above says that a redirect has it. */
static const uint64_t redirect_mark = (uint64_t)1 << 48;

/* ---- What a join works on ---- */

struct join {
    struct bl_wiki_store *store;
    struct bl_sorter *names;    /* key, then row id title of the entity that
                                 * it leads to */
    struct bl_sorter *aliases;  /* row and surface; no NUL */
    struct bl_buf buf;
};

static struct bl_sorter *new_sorter(const struct join *join)
{
    return bl_sorter_new(join->store->opts->memory / 3, join->store->path);
}

static int add(struct bl_sorter *sorter, const struct bl_buf *record,
               uint64_t count, struct bl_err *err)
{
    return bl_sorter_add(sorter, (struct bl_span){ record->data, record->len },
                         count, err);
}

/* Adds the record "key NUL rest" to a sorter. */
static int add_pair(struct join *join, struct bl_sorter *sorter,
                    struct bl_span key, struct bl_span rest,
                    struct bl_err *err)
{
    bl_buf_clear(&join->buf);
    bl_buf_put_span(&join->buf, key);
    bl_buf_putc(&join->buf, '\0');
    bl_buf_put_span(&join->buf, rest);
    return add(sorter, &join->buf, 1, err);
}

/* The row comes first, big end first, so that the sorter brings the aliases in
 * the order in which the entities are written. */
static int add_alias(struct join *join, uint64_t row, struct bl_span surface,
                     uint64_t count, struct bl_err *err)
{
    bl_buf_clear(&join->buf);
    bl_wiki_put64(&join->buf, row);
    bl_buf_put_span(&join->buf, surface);
    return add(join->aliases, &join->buf, count, err);
}

/* ---- Redirects ---- */

/* Notes where a title leads: an article's goes to `names`, a redirect goes to
 * `on`, sorted by its target, as "target NUL key NUL title". */
static int add_title(struct join *join, struct bl_sorter *on,
                     const struct bl_wiki_stream *titles, struct bl_err *err)
{
    struct bl_span rest = { titles->rest.p + 1, titles->rest.n - 1 }, target;
    const char *nul;

    if (titles->rest.p[0] == 'A')
        return add_pair(join, join->names, titles->key, rest, err);
    nul = memchr(rest.p, '\0', rest.n);
    BL_ASSERT(nul);
    target = (struct bl_span){ rest.p, (size_t)(nul - rest.p) };
    /* target NUL key NUL title */
    bl_buf_clear(&join->buf);
    bl_buf_put_span(&join->buf, target);
    bl_buf_putc(&join->buf, '\0');
    bl_buf_put_span(&join->buf, titles->key);
    bl_buf_put(&join->buf, nul, rest.n - target.n);
    return add(on, &join->buf, 1, err);
}

/* The first record of each title counts.  That is an article where there is
 * one, because the records' 'A' sorts before 'R'. */
static int split_titles(struct join *join, struct bl_sorter *on,
                        struct bl_err *err)
{
    struct bl_buf last = BL_BUF_INIT;
    struct bl_wiki_stream titles;
    int rc = bl_wiki_start(&titles, join->store->titles, err);

    bl_buf_reserve(&last, 1);
    while (rc == 1) {
        struct bl_span before = { last.data, last.len };

        if (last.len == 0 || bl_wiki_compare(before, titles.key) != 0)
            rc = add_title(join, on, &titles, err);
        bl_buf_clear(&last);
        bl_buf_put_span(&last, titles.key);
        if (rc >= 0)
            rc = bl_wiki_advance(&titles, err);
    }
    bl_buf_free(&last);
    return rc;
}

/* Handles one redirect ("target NUL key NUL title") whose target was found.
 * If the target is an article, the redirect's key leads to it and its title
 * becomes an alias; if it is a redirect, this one goes to `on` under the
 * target's own target. */
static int follow(struct join *join, const struct bl_wiki_stream *from,
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

        if (add_pair(join, join->names, key, rest, err) < 0)
            return -1;
        return add_alias(join, row, title, redirect_mark, err);
    }
    end = memchr(rest.p, '\0', rest.n);
    return add_pair(join, on, (struct bl_span){ rest.p,
                        (size_t)(end - rest.p) }, from->rest, err);
}

/* Takes each redirect that is left one step further; *n_left of them are
 * not at an article yet.  Redirects are sorted by target, so one pass over
 * them and over the titles joins the two, and memory does not grow with the
 * wiki. */
static int hop(struct join *join, struct bl_sorter *from, struct bl_sorter *on,
               uint64_t *n_left, struct bl_err *err)
{
    struct bl_wiki_stream redirects, titles;
    int rc = bl_wiki_start(&titles, join->store->titles, err);

    *n_left = 0;
    if (rc >= 0)
        rc = bl_wiki_start(&redirects, from, err);
    while (rc == 1) {
        int found = bl_wiki_seek(&titles, redirects.key, err);

        if (found < 0)
            return -1;
        if (found == 0)
            join->store->counts->unresolved++;
        else if (follow(join, &redirects, &titles, on, err) < 0)
            return -1;
        *n_left += found && titles.rest.p[0] != 'A';
        rc = bl_wiki_advance(&redirects, err);
    }
    return rc;
}

/* Redirects that form a ring never arrive; MAX_HOPS ends them.  Like those
 * whose target is no page, they count as unresolved. */
static int resolve(struct join *join, struct bl_err *err)
{
    struct bl_sorter *from = new_sorter(join);
    uint64_t n_left = 1;
    int rc = split_titles(join, from, err);

    for (int i = 0; i < MAX_HOPS && rc == 0 && n_left > 0; i++) {
        struct bl_sorter *on = new_sorter(join);

        rc = hop(join, from, on, &n_left, err);
        bl_sorter_free(from);
        from = on;
    }
    join->store->counts->unresolved += rc == 0 ? n_left : 0;
    bl_sorter_free(from);
    return rc;
}

/* ---- Aliases ---- */

static int count_links(struct join *join, struct bl_err *err)
{
    struct bl_wiki_stream links, names;
    int rc = bl_wiki_start(&names, join->names, err);

    if (rc >= 0)
        rc = bl_wiki_start(&links, join->store->links, err);
    while (rc == 1) {
        int found = bl_wiki_seek(&names, links.key, err);

        if (found < 0 || (found && add_alias(join, bl_wiki_get64(names.rest.p),
                                             links.rest, links.sum, err) < 0))
            return -1;
        rc = bl_wiki_advance(&links, err);
    }
    return rc;
}

/* Reads the sorted aliases side by side with the entities, in row order. */
struct alias_reader {
    struct bl_sorter *sorter;
    struct bl_span record;      /* the next one, if more */
    uint64_t sum;
    bool more;
    uint64_t min_count;
    struct bl_kb_alias *aliases;        /* [n_aliases], by count */
    size_t n_aliases, cap;
    struct bl_arena arena;
};

static int next_alias(struct alias_reader *reader, struct bl_err *err)
{
    int rc = bl_sorter_next(reader->sorter, &reader->record, &reader->sum,
                            err);

    reader->more = rc == 1;
    return rc;
}

static int by_count(const void *va, const void *vb)
{
    const struct bl_kb_alias *a = va, *b = vb;

    if (a->count != b->count)
        return a->count > b->count ? -1 : 1;
    return bl_wiki_compare(a->surface, b->surface);
}

/* Adds one alias.  When there are twice too many, only the most frequent
 * MAX_ALIASES stay.  That loses none of the final ones: the sorter gives each
 * surface once, with its whole count, so what is not among the best now will
 * not be later. */
static void put_alias(struct alias_reader *reader, struct bl_span surface)
{
    uint64_t count = reader->sum & (redirect_mark - 1);

    if (count < reader->min_count && reader->sum < redirect_mark)
        return;
    if (reader->n_aliases == 2 * MAX_ALIASES) {
        qsort(reader->aliases, reader->n_aliases, sizeof *reader->aliases,
              by_count);
        reader->n_aliases = MAX_ALIASES;
    }
    BL_GROW(reader->aliases, reader->n_aliases + 1, reader->cap);
    reader->aliases[reader->n_aliases++] = (struct bl_kb_alias){
        { bl_arena_strndup(&reader->arena, surface.p, surface.n), surface.n },
        count ? (int64_t)count : -1
    };
}

/* Collects the aliases of the entity at `row`; rows must come in rising
 * order. */
static int read_aliases(struct alias_reader *reader, uint64_t row,
                        struct bl_err *err)
{
    reader->n_aliases = 0;
    bl_arena_reset(&reader->arena);
    while (reader->more && bl_wiki_get64(reader->record.p) == row) {
        put_alias(reader, (struct bl_span){ reader->record.p + 8,
                                            reader->record.n - 8 });
        if (next_alias(reader, err) < 0)
            return -1;
    }
    if (reader->n_aliases)
        qsort(reader->aliases, reader->n_aliases, sizeof *reader->aliases,
              by_count);
    if (reader->n_aliases > MAX_ALIASES)
        reader->n_aliases = MAX_ALIASES;
    return 0;
}

/* ---- Writing the catalogue ---- */

struct entity { uint64_t site, id; struct bl_span title, text; };

/* The title is copied, because reading the text after it may move the bytes in
 * the cursor's buffer. */
static int read_entity(struct bl_cursor *cursor, struct entity *entity,
                       struct bl_buf *title, struct bl_err *err)
{
    int rc = bl_cursor_number(cursor, &entity->site, err);

    if (rc <= 0)
        return rc;
    if (bl_cursor_number(cursor, &entity->id, err) < 0
        || bl_cursor_span(cursor, &entity->title, err) < 0)
        return -1;
    bl_buf_clear(title);
    bl_buf_put_span(title, entity->title);
    bl_buf_reserve(title, 1);
    entity->title = (struct bl_span){ title->data, title->len };
    return bl_cursor_span(cursor, &entity->text, err) < 0 ? -1 : 1;
}

static int write_entity(struct join *join, struct bl_kb_builder *builder,
                        const struct entity *entity,
                        struct alias_reader *reader, char *const *places,
                        struct bl_err *err)
{
    char id[24];
    struct bl_kb_input in = { .title = entity->title,
                              .text = entity->text,
                              .aliases = reader->aliases,
                              .n_aliases = reader->n_aliases };

    snprintf(id, sizeof id, "%" PRIu64, entity->id);
    in.id = bl_span_of(id);
    bl_buf_clear(&join->buf);
    if (bl_wikisite_url(join->store->sites[entity->site], entity->title,
                        &join->buf))
        in.url = (struct bl_span){ join->buf.data, join->buf.len };
    join->store->counts->aliases += reader->n_aliases;
    return bl_kb_build_add(builder, &in, places[entity->site],
                           bl_kb_build_count(builder) + 1, err);
}

/* The spool holds the entities in row order and the aliases are sorted by row,
 * so both are read once, from start to end. */
static int write_entities(struct join *join, struct bl_kb_builder *builder,
                          struct alias_reader *reader, char *const *places,
                          struct bl_err *err)
{
    const struct bl_kb_wiki_opts *opts = join->store->opts;
    struct bl_buf title = BL_BUF_INIT;
    struct bl_cursor cursor;
    struct entity entity;
    uint64_t row = 0;
    int rc;

    bl_cursor_start(&cursor, join->store->entities, 0,
                    bl_spool_size(join->store->entities), CURSOR);
    while ((rc = read_entity(&cursor, &entity, &title, err)) == 1) {
        rc = read_aliases(reader, row++, err);
        if (rc == 0)
            rc = write_entity(join, builder, &entity, reader, places, err);
        if (rc < 0)
            break;
        if (opts->progress && row % 64 == 0)
            opts->progress(opts->arg, "writing", row, join->store->rows);
    }
    bl_cursor_end(&cursor);
    bl_buf_free(&title);
    return rc;
}

static int fill_catalogue(struct join *join, struct bl_kb_builder *builder,
                          char *const *places, struct bl_err *err)
{
    struct alias_reader reader = { .sorter = join->aliases,
                                   .min_count = join->store->opts->min_count };
    int rc = -1;

    if (bl_spool_flush(join->store->entities, err) == 0
        && bl_sorter_start(join->aliases, err) == 0
        && next_alias(&reader, err) >= 0)
        rc = write_entities(join, builder, &reader, places, err);
    free(reader.aliases);
    bl_arena_free(&reader.arena);
    return rc;
}

/* ---- All of it ---- */

/* A message about an id given twice names a file and a line.  Here the "line"
 * is the number of an entity: "x.xml, entity:17". */
static char **name_places(const struct bl_wiki_store *store)
{
    char **places = BL_NEW_ARRAY(char *, store->n_sites);

    for (size_t i = 0; i < store->n_sites; i++)
        places[i] = bl_xasprintf("%s, entity", store->files[i]);
    return places;
}

/* The catalogue's entities are pages of the wiki that all dumps say they are
 * of, unless somebody said which. */
static void name_site(const struct bl_wiki_store *store)
{
    const char *name = NULL, *other;

    for (size_t i = 0; i < store->n_sites; i++) {
        other = store->sites[i] ? bl_wikisite_named(store->sites[i]) : NULL;
        if (!other || (i && strcmp(name, other)))
            return;
        name = other;
    }
    if (name && !store->opts->kb.site && bl_names_is_site(bl_span_of(name)))
        bl_kb_build_site(store->builder, name);
}

/* Finishing the catalogue builds its indexes and can still fail, for want
 * of space for example.  The mentions get their name only after it, so a
 * failure does not leave a file of mentions without the catalogue that they
 * refer to. */
static int join_pages(struct join *join, struct bl_err *err)
{
    struct bl_wiki_store *store = join->store;
    char **places = name_places(store);
    int rc = fill_catalogue(join, store->builder, places, err);

    if (rc == 0 && store->mentions_file)
        rc = bl_wiki_write_mentions(store, join->names, err);
    if (rc == 0) {
        name_site(store);
        rc = bl_kb_build_finish(store->builder, err);
        store->builder = NULL;
    }
    if (rc == 0 && store->mentions_file) {
        rc = bl_newfile_commit(store->mentions_file, err);
        store->mentions_file = NULL;
    }
    for (size_t i = 0; i < store->n_sites; i++)
        free(places[i]);
    free(places);
    return rc;
}

/* Each sorter is freed when its last reader is done, because it holds memory
 * and a temporary file: titles serve only to resolve redirects, links only to
 * count aliases. */
int bl_wiki_join(struct bl_wiki_store *store, struct bl_err *err)
{
    struct join join = { .store = store };
    int rc;

    join.names = new_sorter(&join);
    join.aliases = new_sorter(&join);
    rc = resolve(&join, err);
    bl_sorter_free(store->titles);
    store->titles = NULL;
    if (rc == 0)
        rc = count_links(&join, err);
    bl_sorter_free(store->links);
    store->links = NULL;
    if (rc == 0)
        rc = join_pages(&join, err);
    bl_sorter_free(join.names);
    bl_sorter_free(join.aliases);
    bl_buf_free(&join.buf);
    return rc;
}
