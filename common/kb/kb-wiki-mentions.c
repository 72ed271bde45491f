/* SPDX-License-Identifier: MIT */
/* kb-wiki-mentions: the links of prose as training records. */
#include "config.h"

#include <inttypes.h>
#include <string.h>

#include "json/json.h"
#include "kb/kb-wiki-parts.h"

enum {
    CURSOR = 1 << 18,
    LONG_WORD = 64              /* bytes */
};

/* Their numbers with the entities that they name. */
static int resolve(struct bl_wiki_store *s, struct bl_sorter *all,
                   struct bl_sorter *out, struct bl_err *err)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_wiki_stream m, names;
    int rc = bl_wiki_start(&names, all, err);

    if (rc >= 0)
        rc = bl_wiki_start(&m, s->mentions, err);
    while (rc == 1) {
        int found = bl_wiki_seek(&names, m.key, err);

        if (found > 0) {        /* number, id NUL title */
            bl_buf_clear(&b);
            bl_buf_put(&b, m.rest.p, 8);
            bl_buf_put(&b, names.rest.p + 8, names.rest.n - 8);
            found = bl_sorter_add(out, (struct bl_span){ b.data, b.len }, 1,
                                  err);
        }
        rc = found < 0 ? -1 : bl_wiki_advance(&m, err);
    }
    bl_buf_free(&b);
    return rc;
}

static void put_string(struct bl_buf *b, const char *name, struct bl_span v)
{
    bl_buf_printf(b, ",\"%s\":", name);
    bl_json_put_string(b, v.p, v.n);
}

static bool space_at(struct bl_span s, size_t i)
{
    return s.p[i] == ' ' || s.p[i] == '\n';
}

/* Where the last max characters of s begin, at the start of a word where one
 * is near. */
static size_t left_start(struct bl_span s, size_t max)
{
    size_t i = s.n, word;

    for (size_t chars = 0; chars < max && i > 0; chars++)
        for (i--; i > 0 && (s.p[i] & 0xc0) == 0x80; )
            i--;
    for (word = i; word > 0 && word < s.n && word - i < LONG_WORD; word++)
        if (space_at(s, word - 1))
            return word;
    return i;
}

/* Where the first max characters of s end. */
static size_t right_end(struct bl_span s, size_t max)
{
    size_t i = 0, word;

    for (size_t chars = 0; chars < max && i < s.n; chars++)
        for (i++; i < s.n && (s.p[i] & 0xc0) == 0x80; )
            i++;
    for (word = i; word > 0 && word < s.n && i - word < LONG_WORD; word--)
        if (space_at(s, word))
            return word;
    return i;
}

/* In one line. */
static struct bl_span one_line(struct bl_span s, struct bl_buf *b)
{
    bl_buf_clear(b);
    bl_buf_reserve(b, s.n + 1);
    bl_buf_put_span(b, s);
    for (size_t i = 0; i < b->len; i++)
        if (b->data[i] == '\n')
            b->data[i] = ' ';
    return (struct bl_span){ b->data, b->len };
}

struct mention_writer {
    struct bl_newfile *file;
    struct bl_sorter *labels;   /* number, id NUL title */
    struct bl_span label;       /* the next one, if more */
    bool more;
    uint64_t number;            /* of the mention that comes next */
    struct bl_buf out, line, prose;
    size_t context;
    uint64_t written;
};

static int next_label(struct mention_writer *w, struct bl_err *err)
{
    uint64_t sum;
    int rc = bl_sorter_next(w->labels, &w->label, &sum, err);

    w->more = rc == 1;
    return rc;
}

static void put_record(struct mention_writer *w, uint64_t page, uint64_t k,
                       size_t start, size_t n)
{
    struct bl_buf *b = &w->out;
    struct bl_span all = { w->prose.data, w->prose.len };
    struct bl_span left = { all.p, start };
    struct bl_span right = { all.p + start + n, all.n - start - n };
    size_t from = left_start(left, w->context);
    struct bl_span id = { w->label.p + 8, 0 }, title;
    const char *nul = memchr(id.p, '\0', w->label.n - 8);

    BL_ASSERT(nul && start + n <= all.n);
    id.n = (size_t)(nul - id.p);
    title = (struct bl_span){ nul + 1, w->label.n - 8 - id.n - 1 };
    if (right.n && right.p[right.n - 1] == '\n')
        right.n--;
    bl_buf_printf(b, "{\"id\":\"%" PRIu64 ":%" PRIu64 "\"", page, k);
    put_string(b, "context_left", one_line((struct bl_span){
                   left.p + from, left.n - from }, &w->line));
    put_string(b, "mention", (struct bl_span){ all.p + start, n });
    right.n = right_end(right, w->context);
    put_string(b, "context_right", one_line(right, &w->line));
    put_string(b, "label", title);
    put_string(b, "label_id", id);
    bl_buf_puts(b, "}\n");
    w->written++;
}

/* One page: its prose and the places of its links. */
static int write_page(struct mention_writer *w, struct bl_cursor *c,
                      uint64_t page, struct bl_err *err)
{
    struct bl_span prose;
    uint64_t n, start, len;

    if (bl_cursor_span(c, &prose, err) < 0)
        return -1;
    bl_buf_clear(&w->prose);
    bl_buf_put_span(&w->prose, prose);
    if (bl_cursor_number(c, &n, err) < 0)
        return -1;
    for (uint64_t k = 0; k < n; k++, w->number++) {
        if (bl_cursor_number(c, &start, err) < 0
            || bl_cursor_number(c, &len, err) < 0)
            return -1;
        if (!w->more || bl_wiki_get64(w->label.p) != w->number)
            continue;           /* it names no entity */
        put_record(w, page, k, (size_t)start, (size_t)len);
        if (next_label(w, err) < 0)
            return -1;
    }
    if (w->out.len < CURSOR)
        return 0;
    if (bl_newfile_write(w->file, w->out.data, w->out.len, err) < 0)
        return -1;
    bl_buf_clear(&w->out);
    return 0;
}

static int write_pages(struct bl_wiki_store *s, struct mention_writer *w,
                       struct bl_err *err)
{
    struct bl_cursor c;
    uint64_t page;
    int rc = -1;

    if (bl_spool_flush(s->prose, err) < 0
        || bl_sorter_start(w->labels, err) < 0 || next_label(w, err) < 0)
        return -1;
    bl_cursor_start(&c, s->prose, 0, bl_spool_size(s->prose), CURSOR);
    while ((rc = bl_cursor_number(&c, &page, err)) == 1)
        if (write_page(w, &c, page, err) < 0) {
            rc = -1;
            break;
        }
    bl_cursor_end(&c);
    if (rc == 0 && w->out.len)
        rc = bl_newfile_write(w->file, w->out.data, w->out.len, err);
    return rc;
}

int bl_wiki_write_mentions(struct bl_wiki_store *s, struct bl_sorter *names,
                           struct bl_err *err)
{
    struct mention_writer w = { .file = s->mentions_file,
                                .context = s->opts->context };
    int rc;

    w.labels = bl_sorter_new(s->opts->memory / 3, s->path);
    rc = resolve(s, names, w.labels, err);
    if (rc == 0)
        rc = write_pages(s, &w, err);
    s->counts->mentions = w.written;
    bl_sorter_free(w.labels);
    bl_buf_free(&w.out);
    bl_buf_free(&w.line);
    bl_buf_free(&w.prose);
    return rc;
}
