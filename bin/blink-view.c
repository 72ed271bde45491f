/* SPDX-License-Identifier: MIT */
/*
 * blink-view: linked records as a page to look at.
 *
 *     {"doc":"d","start":0,"end":5,"context_left":"","mention":"Paris",
 *      "context_right":" is old.","entity":{"title":"Paris","p":0.9}}
 *  -> one HTML page for all records
 *
 * A document's text is put together from the contexts of its mentions, which
 * overlap; what lies in none of them is marked as left out.  The page is
 * whole in itself, runs nothing and fetches nothing.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "json/candidates.h"
#include "driver/driver.h"
#include "base/file.h"
#include "cli/loop.h"
#include "base/mem.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "base/utf8.h"

enum { RUNNERS_UP = 3 };

static struct opts {
    const char *title, *output;
    struct bl_loop_opts loop;
} o = { .title = "blink", .loop = BL_LOOP_OPTS_DEFAULT(256) };

static const struct bl_opt table[] = {
    BL_OPT_TEXT(0, "title", &o.title, "title of the page"),
    BL_OPT_STR('o', "output", "FILE", &o.output,
               "file to write (default: standard output)"),
    BL_OPTS_LOOP(o.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-view", "", "print linked records as an HTML page", table, 0, 0
};

/* One record, in the arena. */
struct view {
    struct bl_link_row row;
    struct bl_span left, right;
    int64_t start, end;         /* code points; -1: not known */
    struct bl_candidates others;
};

struct state {
    struct bl_newfile *file;    /* NULL: stdout */
    struct bl_buf out;
    bool open;                  /* inside a document, */
    struct bl_buf doc;          /* of this name */
    int64_t last, at;           /* where its last mention starts and ends */
    struct bl_buf ahead;        /* text from there on, as far as is known */
};

/* ---- Reading ---- */

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *a,
                   struct bl_err *err)
{
    struct view *v = bl_arena_alloc(a, 1, sizeof *v);
    const struct bl_record *r = &item->rec;
    struct bl_span list;

    (void)ctx;
    *v = (struct view){ .left = BL_SPAN_LIT(""), .right = BL_SPAN_LIT(""),
                        .start = -1, .end = -1 };
    if (bl_driver_row(r, a, &v->row, err) < 0
        || bl_record_string_opt(r, "context_left", a, &v->left, err) < 0
        || bl_record_string_opt(r, "context_right", a, &v->right, err) < 0
        || bl_record_integer_opt(r, "start", 0, INT32_MAX, &v->start, err) < 0
        || bl_record_integer_opt(r, "end", 0, INT32_MAX, &v->end, err) < 0)
        return -1;
    int got = bl_record_get(r, "candidates", &list, err);
    if (got < 0 || (got && bl_candidates_read(r, a, &v->others, err) < 0))
        return -1;
    item->data = v;
    return 0;
}

/* ---- HTML ---- */

/* Text and attribute values: nothing in them is markup.  Control characters
 * but tab and newline are no part of HTML. */
static void put_text(struct bl_buf *out, struct bl_span t)
{
    for (size_t i = 0; i < t.n; i++) {
        unsigned char c = (unsigned char)t.p[i];
        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
            bl_buf_printf(out, "&#%u;", c);
        else if (c >= 0x20 || c == '\n' || c == '\t')
            bl_buf_putc(out, (char)c);
        else if (c != '\r')
            bl_buf_putc(out, ' ');
    }
}

/* A link may lead to a page, and never be a script. */
static bool leads_to_page(struct bl_span url)
{
    return (url.n > 7 && !memcmp(url.p, "http://", 7))
        || (url.n > 8 && !memcmp(url.p, "https://", 8));
}

/* What is shown when the mouse is over a mention. */
static void put_tip(struct bl_buf *out, const struct view *v)
{
    size_t shown = 0;
    char p[16];

    put_text(out, v->row.title.p ? v->row.title : BL_SPAN_LIT("no entity"));
    if (v->row.p[0])
        bl_buf_printf(out, " %s", v->row.p);
    for (size_t i = 0; i < v->others.n && shown < RUNNERS_UP; i++) {
        const struct bl_candidate *c = &v->others.v[i];
        if (v->row.id.p && bl_span_eq(c->id, v->row.id))
            continue;
        bl_buf_puts(out, shown++ ? ", " : "&#10;or ");
        put_text(out, c->title.p ? c->title : c->id);
        if (c->p >= 0 && c->p <= 1) {
            bl_driver_put_p(p, c->p);
            bl_buf_printf(out, " %s", p);
        }
    }
}

static void put_mention(struct bl_buf *out, const struct view *v)
{
    bool link = v->row.url.p && leads_to_page(v->row.url);
    const char *tag = link ? "a" : "span";

    bl_buf_printf(out, "<%s", tag);
    if (link) {
        bl_buf_puts(out, " href=\"");
        put_text(out, v->row.url);
        bl_buf_putc(out, '"');
    }
    if (!v->row.title.p)
        bl_buf_puts(out, " class=\"nil\"");
    else if (v->row.p[0])
        bl_buf_printf(out, " class=\"m\" style=\"--p:%s\"", v->row.p);
    else
        bl_buf_puts(out, " class=\"m\"");
    bl_buf_puts(out, " title=\"");
    put_tip(out, v);
    bl_buf_puts(out, "\">");
    put_text(out, v->row.mention);
    bl_buf_printf(out, "</%s>", tag);
}

static void put_head(struct bl_buf *out)
{
    struct bl_buf title = BL_BUF_INIT;

    bl_buf_puts(out, "<!DOCTYPE html>\n<html>\n<head>\n"
        "<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" "
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    bl_utf8_repair(&title, o.title, strlen(o.title));
    put_text(out, (struct bl_span){ title.data, title.len });
    bl_buf_free(&title);
    bl_buf_puts(out, "</title>\n<style>\n"
        ":root { color-scheme: light dark }\n"
        "body { font: 1.05rem/1.7 sans-serif; max-width: 46rem; "
        "margin: 2rem auto; padding: 0 1rem }\n"
        "h2 { font-size: 1rem; opacity: .7 }\n"
        "p { white-space: pre-wrap; overflow-wrap: anywhere }\n"
        ".m, .nil { color: inherit; text-decoration: none; "
        "border-radius: .2rem; padding: 0 .15rem }\n"
        ".m { background: rgba(60, 130, 250, "
        "calc(.12 + .4 * var(--p, 1))) }\n"
        "a.m:hover { text-decoration: underline }\n"
        ".nil { outline: 1px dashed currentColor; opacity: .7 }\n"
        ".gap { opacity: .5 }\n</style>\n</head>\n<body>\n");
}

/* ---- Documents ---- */

static struct bl_span whole(const struct bl_buf *b)
{
    return (struct bl_span){ b->data ? b->data : "", b->len };
}

/* Bytes of the first n code points. */
static size_t bytes_of(struct bl_span t, int64_t n)
{
    size_t i = 0;
    unsigned len;

    for (; n > 0 && i < t.n; n--, i += len)
        bl_utf8_decode(t.p + i, t.n - i, &len);
    return i;
}

static int64_t points_of(struct bl_span t)
{
    int64_t n = 0;
    unsigned len;

    for (size_t i = 0; i < t.n; i += len, n++)
        bl_utf8_decode(t.p + i, t.n - i, &len);
    return n;
}

static void close_document(struct state *s)
{
    if (!s->open)
        return;
    put_text(&s->out, whole(&s->ahead));
    bl_buf_puts(&s->out, "</p>\n");
    bl_buf_clear(&s->ahead);
    s->open = false;
}

static void open_document(struct state *s, struct bl_span name)
{
    close_document(s);
    bl_buf_clear(&s->doc);
    bl_buf_put_span(&s->doc, name);
    if (name.n) {
        bl_buf_puts(&s->out, "<h2>");
        put_text(&s->out, name);
        bl_buf_puts(&s->out, "</h2>\n");
    }
    bl_buf_puts(&s->out, "<p>");
    s->open = true;
    s->at = 0;
}

/* Writes the text up to the mention: first what the mention before had to
 * its right, then of this one's left what is behind that. */
static void put_between(struct state *s, const struct view *v)
{
    struct bl_span left = v->left, ahead = whole(&s->ahead);
    int64_t known = points_of(ahead), from = v->start - points_of(left);
    size_t n = bytes_of(ahead, v->start - s->at);

    put_text(&s->out, (struct bl_span){ ahead.p, n });
    s->at += BL_MIN(known, v->start - s->at);
    if (from > s->at) {
        bl_buf_puts(&s->out, "<span class=\"gap\"> [&#8230;] </span>");
        s->at = from;
    }
    n = bytes_of(left, s->at - from);
    put_text(&s->out, (struct bl_span){ left.p + n, left.n - n });
}

static void put_view(struct state *s, const struct view *v)
{
    struct bl_span doc = v->row.doc.p ? v->row.doc : BL_SPAN_LIT("");

    if (v->start < 0 || v->end < v->start) {    /* stands for itself */
        open_document(s, doc);
        put_text(&s->out, v->left);
        put_mention(&s->out, v);
        bl_buf_put_span(&s->ahead, v->right);
        close_document(s);
        return;
    }
    if (s->open && bl_span_eq(doc, whole(&s->doc)) && v->start < s->at
        && v->start >= s->last)
        return;                 /* inside the one before */
    if (!s->open || !bl_span_eq(doc, whole(&s->doc)) || v->start < s->at)
        open_document(s, doc);  /* another, or the same from its start */
    s->last = v->start;
    put_between(s, v);
    put_mention(&s->out, v);
    s->at = v->end;
    bl_buf_clear(&s->ahead);
    bl_buf_put_span(&s->ahead, v->right);
}

/* ---- The page ---- */

static int flush(struct state *s, struct bl_err *err)
{
    int rc = 0;

    if (s->file)
        rc = bl_newfile_write(s->file, s->out.data, s->out.len, err);
    else
        bl_out(s->out.data, s->out.len);
    bl_buf_clear(&s->out);
    return rc;
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *a, struct bl_err *err)
{
    struct state *s = ctx;

    (void)a;
    for (size_t i = 0; i < n; i++)
        put_view(s, items[i]->data);
    return s->out.len ? flush(s, err) : 0;
}

static int finish(struct state *s, int status, struct bl_err *err)
{
    close_document(s);
    bl_buf_puts(&s->out, "</body>\n</html>\n");
    if (status > 1) {
        if (s->file)
            bl_newfile_abort(s->file);
        return 0;
    }
    if (flush(s, err) < 0) {
        if (s->file)
            bl_newfile_abort(s->file);
        return -1;
    }
    return s->file ? bl_newfile_commit(s->file, err) : 0;
}

int main(int argc, char **argv)
{
    struct state s = { .file = NULL };
    struct bl_err err;
    int status;

    bl_prog_init("blink-view");
    bl_opts_parse(&command, argc, argv);
    if (o.output && strcmp(o.output, "-")
        && !(s.file = bl_newfile_open(o.output, 0, &err)))
        bl_die(&err);
    put_head(&s.out);
    status = bl_loop_run(&(struct bl_loop){
        .opts = &o.loop, .ctx = &s, .prepare = prepare, .run = run
    });
    if (finish(&s, status, &err) < 0)
        bl_die(&err);
    bl_buf_free(&s.out);
    bl_buf_free(&s.doc);
    bl_buf_free(&s.ahead);
    return bl_prog_finish(status);
}
