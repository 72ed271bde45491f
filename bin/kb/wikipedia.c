/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "wikipedia.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "cli/prog.h"
#include "wiki/wikitext.h"

enum { MEGABYTE = 1000000, MAX_PAGE = 64 << 20 };

/* ---- build --wikipedia ---- */

struct show {
    struct bl_progress line;
    const char *what;           /* of the line that is shown */
};

static void progress(void *arg, const char *what, uint64_t done,
                     uint64_t total)
{
    struct show *s = arg;
    uint64_t unit = strcmp(what, "reading") ? 1 : MEGABYTE;

    if (!s->what || strcmp(s->what, what)) {
        if (s->what)
            bl_progress_end(&s->line);
        bl_progress_start(&s->line, unit == 1 ? "writing entities"
                          : "reading MB of dump", 0, true);
        s->what = what;
    }
    s->line.total = (size_t)(total / unit);
    if (done / unit < s->line.done)     /* the next file */
        s->line.done = 0;
    bl_progress_step(&s->line, (size_t)(done / unit) - s->line.done);
}

static int namespace_number(const char *s)
{
    char *end;
    long v = strtol(s, &end, 10);

    if (!*s || *end || v < 0 || v > 100000)
        bl_die_usage("option '--namespace': expected a number from 0 to "
                     "100000, found '%s'", s);
    return (int)v;
}

static void set_keep(struct bl_kb_wiki_opts *o, const struct bl_strings *keep)
{
    for (size_t i = 0; i < keep->n; i++) {
        if (!strcmp(keep->v[i], "disambiguation"))
            o->disambiguation = true;
        else if (!strcmp(keep->v[i], "lists"))
            o->lists = true;
        else
            bl_die_usage("option '--keep': expected disambiguation or "
                         "lists, found '%s'", keep->v[i]);
    }
}

static void report(const struct bl_kb_wiki_counts *n, double seconds)
{
    double mb = (double)n->bytes / MEGABYTE;

    bl_note("%llu entities of %llu pages: %llu redirects, of which %llu lead "
            "nowhere, %llu disambiguation pages, %llu lists, %llu of other "
            "namespaces", (unsigned long long)n->entities,
            (unsigned long long)n->pages, (unsigned long long)n->redirects,
            (unsigned long long)n->unresolved,
            (unsigned long long)n->disambiguation,
            (unsigned long long)n->lists, (unsigned long long)n->others);
    bl_note("%llu links, %llu aliases, %llu mentions; %.1f MB of XML in "
            "%.1f s, %.1f MB/s", (unsigned long long)n->links,
            (unsigned long long)n->aliases, (unsigned long long)n->mentions,
            mb, seconds, seconds > 0 ? mb / seconds : 0);
}

/* One warning for each line. */
static void warn_lines(const char *p)
{
    const char *nl;

    for (; (nl = strchr(p, '\n')); p = nl + 1)
        bl_warn("%.*s: the pages before it are kept", (int)(nl - p), p);
}

int bl_kb_wikipedia_build(const char *output, const struct kb_wikipedia *w,
                          const struct bl_kb_build_opts *kb,
                          struct bl_args files)
{
    int *namespaces = BL_NEW_ARRAY(int, w->namespaces.n);
    struct show show = { .what = NULL };
    struct bl_kb_wiki_opts opts = {
        .kb = *kb, .threads = w->threads, .memory = w->memory,
        .text_length = w->text_length, .min_count = w->min_count,
        .mentions = w->mentions, .context = w->context,
        .namespaces = namespaces, .n_namespaces = w->namespaces.n,
        .progress = progress, .arg = &show };
    struct bl_kb_wiki_counts counts;
    struct bl_buf cut = BL_BUF_INIT;
    double started = bl_now();
    struct bl_err err;
    int rc;

    for (size_t i = 0; i < w->namespaces.n; i++)
        namespaces[i] = namespace_number(w->namespaces.v[i]);
    set_keep(&opts, &w->keep);
    if (w->mentions && bl_path_same(w->mentions, output))
        bl_die_usage("option '--mentions': '%s' is the catalogue that is "
                     "written", w->mentions);
    rc = bl_kb_wiki_build(output, files.v, files.n, &opts, &counts, &cut,
                          &err);
    if (show.what)
        bl_progress_end(&show.line);
    free(namespaces);
    if (rc < 0)
        bl_die(&err);
    /* A truncated dump still made a catalogue, of the pages before the cut;
     * the exit status 1 says that it is not all of them. */
    if (cut.len)
        warn_lines(cut.data);
    bl_buf_free(&cut);
    if (counts.twice == 1)
        bl_warn("a page was there before: %s: it is kept as it was first",
                counts.first_twice);
    else if (counts.twice)
        bl_warn("%llu pages were there before, the first of them %s: each is "
                "kept as it was first", (unsigned long long)counts.twice,
                counts.first_twice);
    report(&counts, bl_now() - started);
    return counts.cut;
}

/* ---- strip ---- */

static int read_fd(int fd, const char *name, struct bl_buf *out,
                   struct bl_err *err)
{
    ssize_t got = 1;

    while (got != 0) {
        bl_buf_reserve(out, 1 << 16);
        got = read(fd, out->data + out->len, 1 << 16);
        if (got < 0 && errno != EINTR)
            return bl_fail_errno(err, BL_SYSTEM, "cannot read '%s'", name);
        out->len += got > 0 ? (size_t)got : 0;
        if (out->len > MAX_PAGE)
            return bl_fail(err, BL_DATA, "'%s' is longer than 64 MiB", name);
    }
    return 0;
}

static int read_page(const char *path, struct bl_buf *out, struct bl_err *err)
{
    int fd, rc;

    if (!strcmp(path, "-"))
        return read_fd(STDIN_FILENO, "stdin", out, err);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return bl_fail_file(err, "cannot open '%s'", path);
    rc = read_fd(fd, path, out, err);
    close(fd);
    return rc;
}

static void strip(struct bl_wikitext *w, const struct bl_wikisite *site,
                  const char *path, struct bl_buf *raw, struct bl_buf *text)
{
    const struct bl_wikipage *page;
    struct bl_err err;

    bl_buf_clear(raw);
    bl_buf_clear(text);
    if (read_page(path, raw, &err) < 0)
        bl_die(&err);
    bl_utf8_repair(text, raw->data, raw->len);
    page = bl_wikitext_read(w, site, (struct bl_span){ text->data,
                                                       text->len });
    bl_out(page->text.p, page->text.n);
}

int bl_kb_wikipedia_strip(struct bl_args files)
{
    struct bl_wikisite *site = bl_wikisite_new();
    struct bl_wikitext *w = bl_wikitext_new();
    struct bl_buf raw = BL_BUF_INIT, text = BL_BUF_INIT;

    for (size_t i = 0; i < files.n; i++)
        strip(w, site, files.v[i], &raw, &text);
    bl_buf_free(&raw);
    bl_buf_free(&text);
    bl_wikitext_free(w);
    bl_wikisite_free(site);
    return 0;
}
