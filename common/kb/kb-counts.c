/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "json/json.h"

enum { MAX_FILE = 1 << 28, COLUMNS = 4 };

static const char page_url[] = "https://en.wikipedia.org/wiki?curid=";

struct row {
    struct bl_span name, id, title;     /* of the text */
    int64_t count;
};

struct bl_kb_counts {
    struct bl_buf text;
    struct row *rows;           /* [n] by title, then as in the file */
    size_t n;
};

/* ---- Order ---- */

static int compare_titles(struct bl_span a, struct bl_span b)
{
    int order = memcmp(a.p, b.p, BL_MIN(a.n, b.n));

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* Rows of one title stay in the order of the file, which is that of their
 * names' addresses. */
static int by_title(const void *va, const void *vb)
{
    const struct row *a = va, *b = vb;
    int order = compare_titles(a->title, b->title);

    return order ? order : (a->name.p > b->name.p) - (a->name.p < b->name.p);
}

static int by_surface(const void *va, const void *vb)
{
    const struct bl_kb_alias *a = *(struct bl_kb_alias *const *)va;
    const struct bl_kb_alias *b = *(struct bl_kb_alias *const *)vb;

    return compare_titles(a->surface, b->surface);
}

/* ---- Reading ---- */

/* `at` is NULL behind the last column, so too few columns and too many are
 * told alike.  Text that is not UTF-8 is refused, because the names go into
 * catalogues as they are. */
static int read_row(struct bl_span line, struct row *out, struct bl_err *err)
{
    struct bl_span fields[COLUMNS];
    const char *at = line.p, *end = line.p + line.n, *tab;
    size_t n_fields = 0;

    if (bl_utf8_valid(line.p, line.n) != line.n
        || memchr(line.p, '\0', line.n))
        return bl_fail(err, BL_DATA, "not UTF-8 text");
    for (; n_fields < COLUMNS && at; n_fields++, at = tab ? tab + 1 : NULL) {
        tab = memchr(at, '\t', (size_t)(end - at));
        fields[n_fields] = (struct bl_span){
            at, (size_t)((tab ? tab : end) - at)
        };
    }
    if (n_fields < COLUMNS || at || !fields[1].n || !fields[2].n
        || !fields[3].n)
        return bl_fail(err, BL_DATA, "expected count, name, id and title "
                       "with tabs between them");
    if (bl_json_integer(fields[0], 1, INT64_C(1) << 40, &out->count, err) < 0)
        return bl_fail(err, BL_DATA, "the count: expected a whole number "
                       "above 0, found '%.*s'",
                       (int)BL_MIN(fields[0].n, 40), fields[0].p);
    out->name = fields[1];
    out->id = fields[2];
    out->title = fields[3];
    return 0;
}

/* Blank lines and comments are no rows, but they count in the line numbers of
 * messages. */
static int read_rows(struct bl_kb_counts *counts, const char *path,
                     struct bl_err *err)
{
    const char *at = counts->text.data, *end = at + counts->text.len;
    size_t cap = 0;

    for (size_t number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct bl_span line = { at, (size_t)((stop ? stop : end) - at) };

        at += line.n + 1;
        if (!line.n || *line.p == '#')
            continue;
        BL_GROW(counts->rows, counts->n + 1, cap);
        if (read_row(line, &counts->rows[counts->n++], err) < 0)
            return bl_err_prefix(err, "%s:%zu", path, number);
    }
    return 0;
}

struct bl_kb_counts *bl_kb_counts_open(const char *path, struct bl_err *err)
{
    struct bl_kb_counts *counts = BL_NEW(struct bl_kb_counts);

    if (bl_file_read(path, MAX_FILE, &counts->text, err) < 0
        || read_rows(counts, path, err) < 0) {
        bl_kb_counts_close(counts);
        return NULL;
    }
    if (counts->n)
        qsort(counts->rows, counts->n, sizeof *counts->rows, by_title);
    return counts;
}

void bl_kb_counts_close(struct bl_kb_counts *counts)
{
    if (!counts)
        return;
    bl_buf_free(&counts->text);
    free(counts->rows);
    free(counts);
}

/* ---- Giving ---- */

/* The first row of that title, or where it would be. */
static size_t find_title(const struct bl_kb_counts *counts,
                         struct bl_span title)
{
    size_t from = 0, to = counts->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (compare_titles(counts->rows[mid].title, title) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* The id is the title, also as URLs write it: "New_York" for "New York". */
static bool is_title(struct bl_span id, struct bl_span title)
{
    bool same = id.n == title.n;

    for (size_t i = 0; same && i < id.n; i++)
        same = id.p[i] == title.p[i]
            || (id.p[i] == '_' && title.p[i] == ' ');
    return same;
}

static bool is_number(struct bl_span text)
{
    size_t i = 0;

    while (i < text.n && text.p[i] >= '0' && text.p[i] <= '9')
        i++;
    return text.n > 0 && i == text.n;
}

static bool is_own_page(const struct bl_kb_input *in)
{
    size_t prefix = sizeof page_url - 1;

    return in->url.p && in->url.n == prefix + in->id.n && is_number(in->id)
        && !memcmp(in->url.p, page_url, prefix)
        && !memcmp(in->url.p + prefix, in->id.p, in->id.n);
}

/* A row without a number is of a page whose number is not known; then the
 * entity is that page only if its URL names the page of its own id. */
static bool same_page(const struct bl_kb_input *in, const struct row *row)
{
    if (bl_span_eq(in->id, row->id) || is_title(in->id, in->title))
        return true;
    return !is_number(row->id) && is_own_page(in);
}

static bool has_counts(const struct bl_kb_input *in)
{
    for (size_t i = 0; i < in->n_aliases; i++)
        if (in->aliases[i].count >= 0)
            return true;
    return false;
}

/* Pointers to the aliases, sorted for bsearch() by by_surface(). */
static struct bl_kb_alias **sorted(struct bl_kb_alias *aliases,
                                   size_t n_aliases, struct bl_arena *arena)
{
    struct bl_kb_alias **refs = bl_arena_alloc(arena, n_aliases, sizeof *refs);

    for (size_t i = 0; i < n_aliases; i++)
        refs[i] = &aliases[i];
    if (n_aliases)
        qsort(refs, n_aliases, sizeof *refs, by_surface);
    return refs;
}

/* The new array has room for every row as an alias of its own.  Those that
 * were there are copied, as the caller's stay unchanged, and sorted by
 * pointer, so that finding a spelling takes a logarithm of their number, not
 * all of it. */
static void give_rows(const struct row *rows, size_t n_rows,
                      struct bl_kb_input *in, struct bl_arena *arena)
{
    size_t old = in->n_aliases;
    struct bl_kb_alias *aliases = bl_arena_alloc(arena, old + n_rows,
                                                 sizeof *aliases);
    struct bl_kb_alias **known;

    if (old)
        memcpy(aliases, in->aliases, old * sizeof *aliases);
    in->aliases = aliases;
    known = sorted(aliases, old, arena);
    for (size_t i = 0; i < n_rows; i++) {
        struct bl_kb_alias key = { rows[i].name, rows[i].count };
        struct bl_kb_alias *pkey = &key, **hit = NULL;

        if (!same_page(in, &rows[i]))
            continue;
        if (old)
            hit = bsearch(&pkey, known, old, sizeof *known, by_surface);
        if (hit) {
            (*hit)->count = key.count;
            continue;
        }
        key.surface.p = bl_arena_strndup(arena, key.surface.p, key.surface.n);
        aliases[in->n_aliases++] = key;
    }
}

void bl_kb_counts_give(const struct bl_kb_counts *counts,
                       struct bl_kb_input *in, struct bl_arena *arena)
{
    size_t from = find_title(counts, in->title), to = from;

    while (to < counts->n && bl_span_eq(counts->rows[to].title, in->title))
        to++;
    if (from < to && !has_counts(in))
        give_rows(counts->rows + from, to - from, in, arena);
}
