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

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "driver/driver.h"
#include "json/candidates.h"

enum { RUNNERS_UP = 3 };

static struct opts {
    const char *title, *output;
    bool pass;
    struct bl_loop_opts loop;
} options = { .title = "blink", .loop = BL_LOOP_OPTS_DEFAULT(256) };

static const struct bl_opt table[] = {
    BL_OPT_TEXT(0, "title", &options.title, "title of the page"),
    BL_OPT_STR('o', "output", "FILE", &options.output,
               "file to write (default: standard output)"),
    BL_OPT_FLAG(0, "pass", &options.pass,
                "pass the records on; the page goes to --output"),
    BL_OPTS_LOOP(options.loop),
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
    struct bl_newfile *file;    /* NULL: fd, */
    int fd;                     /* or where that is -1: stdout */
    struct bl_buf out;
    bool open;                  /* inside a document, */
    struct bl_buf doc;          /* of this name */
    int64_t last, at;           /* where its last mention starts and ends */
    struct bl_buf ahead;        /* text from there on, as far as is known */
};

/* ---- Reading ---- */

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct view *view = bl_arena_alloc(arena, 1, sizeof *view);
    const struct bl_record *record = &item->rec;
    struct bl_span list;

    (void)ctx;
    *view = (struct view){ .left = BL_SPAN_LIT(""), .right = BL_SPAN_LIT(""),
                        .start = -1, .end = -1 };
    if (bl_driver_row(record, arena, &view->row, err) < 0
        || bl_record_string_opt(record, "context_left", arena, &view->left,
                                err) < 0
        || bl_record_string_opt(record, "context_right", arena, &view->right,
                                err) < 0
        || bl_record_integer_opt(record, "start", 0, INT32_MAX, &view->start,
                                 err) < 0
        || bl_record_integer_opt(record, "end", 0, INT32_MAX, &view->end,
                                 err) < 0)
        return -1;
    /* Records of other linkers may come without candidates: then no runners-up
     * are shown. */
    int got = bl_record_get(record, "candidates", &list, err);
    if (got < 0
        || (got && bl_candidates_read(record, arena, &view->others, err) < 0))
        return -1;
    item->data = view;
    return 0;
}

/* ---- HTML ---- */

/* The bytes of the control character at the start of the text, of ASCII (but
 * tab and newline), DEL or C1; 0: another. */
static size_t control_length(const char *text, size_t n)
{
    const unsigned char *p = (const unsigned char *)text;

    if (p[0] == 0xc2 && n > 1 && p[1] >= 0x80 && p[1] < 0xa0)
        return 2;
    return (p[0] < 0x20 && p[0] != '\n' && p[0] != '\t') || p[0] == 0x7f;
}

/* Text and attribute values: nothing in them is markup.  Control characters
 * but tab and newline are no part of HTML. */
static void put_text(struct bl_buf *out, struct bl_span text)
{
    for (size_t i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        size_t control = control_length(text.p + i, text.n - i);

        if (c == '&' || c == '<' || c == '>' || c == '"' || c == '\'')
            bl_buf_printf(out, "&#%u;", c);
        else if (control == 0)
            bl_buf_putc(out, (char)c);
        else if (c != '\r')
            bl_buf_putc(out, ' ');
        i += control == 2;
    }
}

/* A link may lead to a page, and never be a script. */
static bool leads_to_page(struct bl_span url)
{
    return (url.n > 7 && !memcmp(url.p, "http://", 7))
        || (url.n > 8 && !memcmp(url.p, "https://", 8));
}

/* What is shown when the mouse is over a mention. */
static void put_tip(struct bl_buf *out, const struct view *view)
{
    size_t shown = 0;
    char p[16];

    put_text(out,
             view->row.title.p ? view->row.title : BL_SPAN_LIT("no entity"));
    if (view->row.p[0])
        bl_buf_printf(out, " %s", view->row.p);
    for (size_t i = 0; i < view->others.n && shown < RUNNERS_UP; i++) {
        const struct bl_candidate *other = &view->others.v[i];
        if (view->row.id.p && bl_span_eq(other->id, view->row.id))
            continue;
        bl_buf_puts(out, shown++ ? ", " : "&#10;or ");
        put_text(out, other->title.p ? other->title : other->id);
        if (other->p >= 0 && other->p <= 1) {
            bl_driver_put_p(p, other->p);
            bl_buf_printf(out, " %s", p);
        }
    }
}

static void put_mention(struct bl_buf *out, const struct view *view)
{
    bool link = view->row.url.p && leads_to_page(view->row.url);
    const char *tag = link ? "a" : "span";

    bl_buf_printf(out, "<%s", tag);
    if (link) {
        bl_buf_puts(out, " href=\"");
        put_text(out, view->row.url);
        bl_buf_putc(out, '"');
    }
    /* The style sheet makes the background of a mention as strong as its
     * probability --p. */
    if (!view->row.title.p)
        bl_buf_puts(out, " class=\"nil\"");
    else
        bl_buf_printf(out, " class=\"m%s%s\"",
                      view->row.by_name ? " page" : "",
                      view->row.unsure ? " unsure" : "");
    if (view->row.title.p && view->row.p[0])
        bl_buf_printf(out, " style=\"--p:%s\"", view->row.p);
    bl_buf_puts(out, " title=\"");
    put_tip(out, view);
    bl_buf_puts(out, "\">");
    put_text(out, view->row.mention);
    bl_buf_printf(out, "</%s>", tag);
}

/* The policy forbids scripts and anything from the network: records may hold
 * text of strangers, and put_text() is then not the only guard.  Light and
 * dark colours are left to the browser. */
static void put_head(struct bl_buf *out)
{
    bl_buf_puts(out, "<!DOCTYPE html>\n<html>\n<head>\n"
        "<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" "
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width\">\n<title>");
    put_text(out, bl_span_of(options.title));
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
        ".page { text-decoration: underline dotted; "
        "background: none }\n"
        ".unsure { outline: 1px dotted currentColor; "
        "background: none }\n"
        ".nil { outline: 1px dashed currentColor; opacity: .7 }\n"
        ".gap { opacity: .5 }\n</style>\n</head>\n<body>\n");
}

/* ---- Documents ---- */

static struct bl_span whole(const struct bl_buf *b)
{
    return (struct bl_span){ b->data ? b->data : "", b->len };
}

/* Bytes of the first n code points. */
static size_t bytes_of(struct bl_span text, int64_t n)
{
    size_t i = 0;
    unsigned len;

    for (; n > 0 && i < text.n; n--, i += len)
        bl_utf8_decode(text.p + i, text.n - i, &len);
    return i;
}

static int64_t points_of(struct bl_span text)
{
    int64_t n = 0;
    unsigned len;

    for (size_t i = 0; i < text.n; i += len, n++)
        bl_utf8_decode(text.p + i, text.n - i, &len);
    return n;
}

static void close_document(struct state *page)
{
    if (!page->open)
        return;
    put_text(&page->out, whole(&page->ahead));
    bl_buf_puts(&page->out, "</p>\n");
    bl_buf_clear(&page->ahead);
    page->open = false;
}

static void open_document(struct state *page, struct bl_span name)
{
    close_document(page);
    bl_buf_clear(&page->doc);
    bl_buf_put_span(&page->doc, name);
    if (name.n) {
        bl_buf_puts(&page->out, "<h2>");
        put_text(&page->out, name);
        bl_buf_puts(&page->out, "</h2>\n");
    }
    bl_buf_puts(&page->out, "<p>");
    page->open = true;
    page->at = 0;
}

/* Writes the text up to the mention: first what the mention before had to
 * its right, then of this one's left what is behind that. */
static void put_between(struct state *page, const struct view *view)
{
    struct bl_span left = view->left, ahead = whole(&page->ahead);
    int64_t known = points_of(ahead), from = view->start - points_of(left);
    size_t n = bytes_of(ahead, view->start - page->at);

    put_text(&page->out, (struct bl_span){ ahead.p, n });
    page->at += BL_MIN(known, view->start - page->at);
    if (from > page->at) {
        bl_buf_puts(&page->out, "<span class=\"gap\"> [&#8230;] </span>");
        page->at = from;
    }
    n = bytes_of(left, page->at - from);
    put_text(&page->out, (struct bl_span){ left.p + n, left.n - n });
}

static void put_view(struct state *page, const struct view *view)
{
    struct bl_span doc = view->row.doc.p ? view->row.doc : BL_SPAN_LIT("");

    /* Without offsets a record cannot be put among others: it is a paragraph
     * of its own. */
    if (view->start < 0 || view->end < view->start) {
        open_document(page, doc);
        put_text(&page->out, view->left);
        put_mention(&page->out, view);
        bl_buf_put_span(&page->ahead, view->right);
        close_document(page);
        return;
    }
    if (page->open && bl_span_eq(doc, whole(&page->doc))
        && view->start < page->at && view->start >= page->last)
        return;                 /* inside the one before */
    if (!page->open || !bl_span_eq(doc, whole(&page->doc))
        || view->start < page->at)
        open_document(page, doc);  /* another, or the same from its start */
    page->last = view->start;
    put_between(page, view);
    put_mention(&page->out, view);
    page->at = view->end;
    bl_buf_clear(&page->ahead);
    bl_buf_put_span(&page->ahead, view->right);
}

/* ---- The page ---- */

static int write_all(int fd, const char *bytes, size_t n, struct bl_err *err)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot write the page");
        bytes += done;
        n -= (size_t)done;
    }
    return 0;
}

static int flush(struct state *page, struct bl_err *err)
{
    int rc = 0;

    if (page->file)
        rc = bl_newfile_write(page->file, page->out.data, page->out.len, err);
    else if (page->fd >= 0)
        rc = write_all(page->fd, page->out.data, page->out.len, err);
    else
        bl_out(page->out.data, page->out.len);
    bl_buf_clear(&page->out);
    return rc;
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *page = ctx;

    (void)arena;
    for (size_t i = 0; i < n; i++)
        put_view(page, items[i]->data);
    return page->out.len ? flush(page, err) : 0;
}

static int finish(struct state *page, int status, struct bl_err *err)
{
    close_document(page);
    bl_buf_puts(&page->out, "</body>\n</html>\n");
    if (status > 1) {
        if (page->file)
            bl_newfile_abort(page->file);
        return 0;
    }
    if (flush(page, err) < 0) {
        if (page->file)
            bl_newfile_abort(page->file);
        return -1;
    }
    return page->file ? bl_newfile_commit(page->file, err) : 0;
}

/* With --pass, records go on as they came. */
static void pass(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    (void)ctx;
    (void)item;
    (void)edits;
}

/* A pipe or a device, such as a shell's >(command), has no name to be
 * replaced. */
static int open_output(struct state *page, struct bl_err *err)
{
    struct stat st;

    if (!options.output || !strcmp(options.output, "-"))
        return 0;
    if (stat(options.output, &st) == 0
        && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
        page->fd = open(options.output, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return page->fd < 0
            ? bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'",
                            options.output) : 0;
    }
    page->file = bl_newfile_open(options.output, 0, err);
    return page->file ? 0 : -1;
}

int main(int argc, char **argv)
{
    struct state page = { .fd = -1 };
    struct bl_err err;
    int status;

    bl_prog_init("blink-view");
    bl_opts_parse(&command, argc, argv);
    if (open_output(&page, &err) < 0)
        bl_die(&err);
    if (options.pass && !page.file && page.fd < 0)
        bl_die_usage("option '--pass': the page needs a file (-o)");
    /* The output file is opened before the first record is read, so that a
     * folder that cannot be written to is reported at once. */
    put_head(&page.out);
    status = bl_loop_run(&(struct bl_loop){
        .opts = &options.loop, .ctx = &page, .prepare = prepare, .run = run,
        .emit = options.pass ? pass : NULL
    });
    if (finish(&page, status, &err) < 0)
        bl_die(&err);
    bl_buf_free(&page.out);
    bl_buf_free(&page.doc);
    bl_buf_free(&page.ahead);
    return bl_prog_finish(status);
}
