/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "json/json.h"
#include "base/mem.h"
#include "base/utf8.h"

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

static int compare(struct bl_span a, struct bl_span b)
{
    int c = memcmp(a.p, b.p, BL_MIN(a.n, b.n));

    return c ? c : (a.n > b.n) - (a.n < b.n);
}

/* Names lie in the text in the order of the file. */
static int by_title(const void *va, const void *vb)
{
    const struct row *a = va, *b = vb;
    int c = compare(a->title, b->title);

    return c ? c : (a->name.p > b->name.p) - (a->name.p < b->name.p);
}

static int by_surface(const void *va, const void *vb)
{
    const struct bl_kb_alias *a = *(struct bl_kb_alias *const *)va;
    const struct bl_kb_alias *b = *(struct bl_kb_alias *const *)vb;

    return compare(a->surface, b->surface);
}

/* ---- Reading ---- */

static int read_row(struct bl_span line, struct row *out, struct bl_err *err)
{
    struct bl_span v[COLUMNS];
    const char *at = line.p, *end = line.p + line.n, *tab;
    size_t n = 0;

    if (bl_utf8_valid(line.p, line.n) != line.n
        || memchr(line.p, '\0', line.n))
        return bl_fail(err, BL_DATA, "not UTF-8 text");
    for (; n < COLUMNS && at; n++, at = tab ? tab + 1 : NULL) {
        tab = memchr(at, '\t', (size_t)(end - at));
        v[n] = (struct bl_span){ at, (size_t)((tab ? tab : end) - at) };
    }
    if (n < COLUMNS || at || !v[1].n || !v[2].n || !v[3].n)
        return bl_fail(err, BL_DATA, "expected count, name, id and title "
                       "with tabs between them");
    if (bl_json_integer(v[0], 1, INT64_C(1) << 40, &out->count, err) < 0)
        return bl_fail(err, BL_DATA, "the count: expected a whole number "
                       "above 0, found '%.*s'",
                       (int)BL_MIN(v[0].n, 40), v[0].p);
    out->name = v[1];
    out->id = v[2];
    out->title = v[3];
    return 0;
}

static int read_rows(struct bl_kb_counts *c, const char *path,
                     struct bl_err *err)
{
    const char *at = c->text.data, *end = at + c->text.len;
    size_t cap = 0;

    for (size_t number = 1; at < end; number++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        struct bl_span line = { at, (size_t)((stop ? stop : end) - at) };

        at += line.n + 1;
        if (!line.n || *line.p == '#')
            continue;
        BL_GROW(c->rows, c->n + 1, cap);
        if (read_row(line, &c->rows[c->n++], err) < 0)
            return bl_err_prefix(err, "%s:%zu", path, number);
    }
    return 0;
}

struct bl_kb_counts *bl_kb_counts_open(const char *path, struct bl_err *err)
{
    struct bl_kb_counts *c = BL_NEW(struct bl_kb_counts);

    if (bl_file_read(path, MAX_FILE, &c->text, err) < 0
        || read_rows(c, path, err) < 0) {
        bl_kb_counts_close(c);
        return NULL;
    }
    if (c->n)
        qsort(c->rows, c->n, sizeof *c->rows, by_title);
    return c;
}

void bl_kb_counts_close(struct bl_kb_counts *c)
{
    if (!c)
        return;
    bl_buf_free(&c->text);
    free(c->rows);
    free(c);
}

/* ---- Giving ---- */

/* The first row of that title, or where it would stand. */
static size_t find_title(const struct bl_kb_counts *c, struct bl_span title)
{
    size_t from = 0, to = c->n;

    while (from < to) {
        size_t mid = from + (to - from) / 2;

        if (compare(c->rows[mid].title, title) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    return from;
}

/* "New York" and "New_York". */
static bool is_title(struct bl_span id, struct bl_span title)
{
    bool same = id.n == title.n;

    for (size_t i = 0; same && i < id.n; i++)
        same = id.p[i] == title.p[i]
            || (id.p[i] == '_' && title.p[i] == ' ');
    return same;
}

static bool is_number(struct bl_span s)
{
    size_t i = 0;

    while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return s.n > 0 && i == s.n;
}

static bool is_own_page(const struct bl_kb_input *in)
{
    size_t n = sizeof page_url - 1;

    return in->url.p && in->url.n == n + in->id.n && is_number(in->id)
        && !memcmp(in->url.p, page_url, n)
        && !memcmp(in->url.p + n, in->id.p, in->id.n);
}

static bool same_page(const struct bl_kb_input *in, const struct row *r)
{
    if (bl_span_eq(in->id, r->id) || is_title(in->id, in->title))
        return true;
    return !is_number(r->id) && is_own_page(in);
}

static bool has_counts(const struct bl_kb_input *in)
{
    for (size_t i = 0; i < in->n_aliases; i++)
        if (in->aliases[i].count >= 0)
            return true;
    return false;
}

/* The aliases [n] by spelling, to be found by by_surface. */
static struct bl_kb_alias **sorted(struct bl_kb_alias *v, size_t n,
                                   struct bl_arena *a)
{
    struct bl_kb_alias **p = bl_arena_alloc(a, n, sizeof *p);

    for (size_t i = 0; i < n; i++)
        p[i] = &v[i];
    if (n)
        qsort(p, n, sizeof *p, by_surface);
    return p;
}

static void give_rows(const struct row *rows, size_t n,
                      struct bl_kb_input *in, struct bl_arena *a)
{
    size_t old = in->n_aliases;
    struct bl_kb_alias *v = bl_arena_alloc(a, old + n, sizeof *v);
    struct bl_kb_alias **known;

    if (old)
        memcpy(v, in->aliases, old * sizeof *v);
    in->aliases = v;
    known = sorted(v, old, a);
    for (size_t i = 0; i < n; i++) {
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
        key.surface.p = bl_arena_strndup(a, key.surface.p, key.surface.n);
        v[in->n_aliases++] = key;
    }
}

void bl_kb_counts_give(const struct bl_kb_counts *c, struct bl_kb_input *in,
                       struct bl_arena *a)
{
    size_t from = find_title(c, in->title), to = from;

    while (to < c->n && bl_span_eq(c->rows[to].title, in->title))
        to++;
    if (from < to && !has_counts(in))
        give_rows(c->rows + from, to - from, in, a);
}
