/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-wiki.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kb/kb-wiki-parts.h"
#include "base/lane.h"
#include "base/mem.h"
#include "base/threads.h"

/* The thread that reads, and what it shares with the one that writes. */
struct feeder {
    struct bl_wiki_store *store;
    char *const *files;
    size_t n_files;
    struct bl_crew *pool;
    struct bl_lane *lane;
    pthread_mutex_t lock;       /* of the two below */
    struct bl_wiki_work **idle; /* to be used again, [n_idle] */
    size_t n_idle, room;
    struct bl_dumpfile *open;   /* to be stopped; NULL: none is open */
    atomic_bool stopped;
    struct bl_buf cut;
    uint64_t bytes;             /* of XML in the files before */
    struct bl_err err;
    bool failed;
};

/* ---- Reading ---- */

static struct bl_wiki_work *take_idle(struct feeder *f)
{
    struct bl_wiki_work *w = NULL;

    pthread_mutex_lock(&f->lock);
    if (f->n_idle)
        w = f->idle[--f->n_idle];
    pthread_mutex_unlock(&f->lock);
    return w ? w : BL_NEW(struct bl_wiki_work);
}

static void give_back(struct feeder *f, struct bl_wiki_work *w)
{
    pthread_mutex_lock(&f->lock);
    if (f->n_idle < f->room) {
        f->idle[f->n_idle++] = w;
        w = NULL;
    }
    pthread_mutex_unlock(&f->lock);
    bl_wiki_work_free(w);
}

static void set_open(struct feeder *f, struct bl_dumpfile *file)
{
    pthread_mutex_lock(&f->lock);
    f->open = file;
    if (file && atomic_load(&f->stopped))
        bl_dumpfile_stop(file);
    pthread_mutex_unlock(&f->lock);
}

/* All batches of one dump: 1, 0 when nobody wants more, -1. */
static int feed_pages(struct feeder *f, struct bl_wikidump *d,
                      struct bl_dumpfile *file, size_t number)
{
    for (;;) {
        struct bl_wiki_work *w = take_idle(f);
        int rc = bl_wikidump_next(d, &w->batch, &f->err);

        if (rc <= 0) {
            bl_wiki_work_free(w);
            return rc < 0 ? -1 : 1;
        }
        w->opts = f->store->opts;
        w->site = number;
        w->done = bl_dumpfile_done(file);
        w->size = bl_dumpfile_size(file);
        w->bytes = f->bytes + bl_wikidump_bytes(d);
        if (!bl_lane_put(f->lane, w)) {
            bl_wiki_work_free(w);
            return 0;
        }
    }
}

static int feed_file(struct feeder *f, size_t number)
{
    struct bl_dumpfile *file = bl_dumpfile_open(f->files[number], f->pool,
                                                &f->err);
    struct bl_wikidump *d;
    int rc;

    if (!file)
        return -1;
    d = bl_wikidump_open(file, &f->err);
    if (!d)
        return -1;
    set_open(f, file);
    rc = feed_pages(f, d, file, number);
    if (rc > 0 && bl_wikidump_cut(d)) {
        bl_buf_puts(&f->cut, bl_wikidump_cut(d));
        bl_buf_putc(&f->cut, '\n');
    }
    f->bytes += bl_wikidump_bytes(d);
    set_open(f, NULL);
    f->store->sites[number] = bl_wikidump_take_site(d);
    bl_wikidump_close(d);
    return rc;
}

static void *feed(void *arg)
{
    struct feeder *f = arg;
    int rc = 1;

    for (size_t i = 0; i < f->n_files && rc > 0; i++)
        rc = feed_file(f, i);
    f->failed = rc < 0;
    bl_lane_end(f->lane);
    return NULL;
}

/* ---- Writing ---- */

static int put_title(struct bl_wiki_store *s, const struct bl_wiki_result *r,
                     struct bl_buf *b, struct bl_err *err)
{
    bl_buf_clear(b);
    bl_buf_put_span(b, r->key);
    bl_buf_putc(b, '\0');
    if (r->kind == BL_WIKI_ENTITY) {
        bl_buf_putc(b, 'A');
        bl_wiki_put64(b, s->rows);
        if (s->opts->mentions) {
            bl_buf_printf(b, "%lld", (long long)r->id);
            bl_buf_putc(b, '\0');
            bl_buf_put_span(b, r->title);
        }
    } else {
        bl_buf_putc(b, 'R');
        bl_buf_put_span(b, r->target);
        bl_buf_putc(b, '\0');
        bl_buf_put_span(b, r->title);
    }
    return bl_sorter_add(s->titles, (struct bl_span){ b->data, b->len }, 1,
                         err);
}

static int put_mentions(struct bl_wiki_store *s,
                        const struct bl_wiki_work *w,
                        const struct bl_wiki_result *r, struct bl_buf *b,
                        struct bl_err *err)
{
    const struct bl_wiki_mention *m = w->mentions + r->first_mention;
    struct bl_spool *p = s->prose;

    if (r->n_mentions == 0)
        return 0;
    if (bl_spool_put_number(p, (uint64_t)r->id, err) < 0
        || bl_spool_put_span(p, r->prose, err) < 0
        || bl_spool_put_number(p, r->n_mentions, err) < 0)
        return -1;
    for (size_t i = 0; i < r->n_mentions; i++) {
        if (bl_spool_put_number(p, m[i].start, err) < 0
            || bl_spool_put_number(p, m[i].end - m[i].start, err) < 0)
            return -1;
        bl_buf_clear(b);
        bl_buf_put_span(b, m[i].key);
        bl_buf_putc(b, '\0');
        bl_wiki_put64(b, s->n_mentions++);
        if (bl_sorter_add(s->mentions, (struct bl_span){ b->data, b->len },
                          1, err) < 0)
            return -1;
    }
    return 0;
}

static int put_entity(struct bl_wiki_store *s, const struct bl_wiki_work *w,
                      const struct bl_wiki_result *r, struct bl_buf *b,
                      struct bl_err *err)
{
    if (bl_spool_put_number(s->entities, w->site, err) < 0
        || bl_spool_put_number(s->entities, (uint64_t)r->id, err) < 0
        || bl_spool_put_span(s->entities, r->title, err) < 0
        || bl_spool_put_span(s->entities, r->text, err) < 0
        || put_title(s, r, b, err) < 0 || put_mentions(s, w, r, b, err) < 0)
        return -1;
    s->rows++;
    return 0;
}

static int put_result(struct bl_wiki_store *s, const struct bl_wiki_work *w,
                      const struct bl_wiki_result *r, struct bl_buf *b,
                      struct bl_err *err)
{
    struct bl_kb_wiki_counts *n = s->counts;

    n->pages++;
    switch (r->kind) {
    case BL_WIKI_ENTITY:
        return put_entity(s, w, r, b, err);
    case BL_WIKI_REDIRECT:
        n->redirects++;
        return put_title(s, r, b, err);
    default:
        n->disambiguation += r->disambiguation;
        n->lists += r->list;
        n->others += !r->disambiguation && !r->list;
        return 0;
    }
}

static int put_links(struct bl_wiki_store *s, const struct bl_wiki_work *w,
                     struct bl_err *err)
{
    const char *p = w->links.data, *end = p + w->links.len;

    for (uint32_t n; p < end; p += n) {
        memcpy(&n, p, sizeof n);
        p += sizeof n;
        if (bl_sorter_add(s->links, (struct bl_span){ p, n }, 1, err) < 0)
            return -1;
    }
    s->counts->links += w->n_links;
    return 0;
}

static int put_work(struct bl_wiki_store *s, const struct bl_wiki_work *w,
                    struct bl_buf *b, struct bl_err *err)
{
    for (size_t i = 0; i < w->batch.n; i++)
        if (put_result(s, w, &w->results[i], b, err) < 0)
            return -1;
    s->counts->bytes = w->bytes;
    if (s->opts->progress)
        s->opts->progress(s->opts->arg, "reading", w->done, w->size);
    return put_links(s, w, err);
}

static void stop(struct feeder *f)
{
    bl_lane_stop(f->lane);
    atomic_store(&f->stopped, true);
    set_open(f, f->open);
}

/* Takes what the pool has done until the end, also after a failure. */
static int drain(struct feeder *f, struct bl_err *err)
{
    struct bl_buf b = BL_BUF_INIT;
    struct bl_wiki_work *w;
    int rc = 0;

    while ((w = bl_lane_take(f->lane))) {
        if (rc == 0)
            rc = put_work(f->store, w, &b, err);
        if (rc < 0)
            stop(f);
        give_back(f, w);
    }
    bl_buf_free(&b);
    return rc;
}

static int run(struct feeder *f, struct bl_err *err)
{
    pthread_t thread;
    int rc;

    if (pthread_create(&thread, NULL, feed, f) != 0)
        return bl_fail(err, BL_SYSTEM, "cannot start a thread");
    rc = drain(f, err);
    pthread_join(thread, NULL);
    if (rc == 0 && f->failed) {
        *err = f->err;
        rc = -1;
    }
    return rc;
}

/* The pass over the dumps. */
static int read_all(struct bl_wiki_store *s, char *const *files, size_t n,
                    struct bl_buf *cut, struct bl_err *err)
{
    size_t threads = s->opts->threads ? s->opts->threads
                                      : bl_threads_default();
    struct feeder f = { .store = s, .files = files, .n_files = n,
                        .room = 2 * threads + 1 };
    int rc;

    pthread_mutex_init(&f.lock, NULL);
    f.idle = BL_NEW_ARRAY(struct bl_wiki_work *, f.room);
    f.pool = bl_crew_new(threads);
    f.lane = bl_lane_new(f.pool, f.room, bl_wiki_work_on);
    rc = run(&f, err);
    bl_lane_free(f.lane);
    bl_crew_free(f.pool);
    while (f.n_idle)
        bl_wiki_work_free(f.idle[--f.n_idle]);
    free(f.idle);
    pthread_mutex_destroy(&f.lock);
    s->counts->cut = f.cut.len > 0;
    s->counts->bytes = f.bytes;
    if (f.cut.len)
        bl_buf_put(cut, f.cut.data, f.cut.len);
    bl_buf_free(&f.cut);
    return rc;
}

static void free_store(struct bl_wiki_store *s)
{
    for (size_t i = 0; i < s->n_sites; i++)
        bl_wikisite_free(s->sites[i]);
    free(s->sites);
    free(s->files);
    bl_kb_build_abort(s->kb);
    if (s->mentions_file)
        bl_newfile_abort(s->mentions_file);
    bl_spool_free(s->entities);
    bl_spool_free(s->prose);
    bl_sorter_free(s->titles);
    bl_sorter_free(s->links);
    bl_sorter_free(s->mentions);
}

static int open_store(struct bl_wiki_store *s, char *const *files, size_t n,
                      struct bl_err *err)
{
    const struct bl_kb_wiki_opts *o = s->opts;

    s->sites = BL_NEW_ARRAY(struct bl_wikisite *, n);
    s->files = BL_NEW_ARRAY(const char *, n);
    for (size_t i = 0; i < n; i++)
        s->files[i] = strcmp(files[i], "-") ? files[i] : "stdin";
    s->entities = bl_spool_new(s->path);
    s->titles = bl_sorter_new(o->memory / 3, s->path);
    s->links = bl_sorter_new(o->memory / 3, s->path);
    if (o->mentions) {
        s->prose = bl_spool_new(s->path);
        s->mentions = bl_sorter_new(o->memory / 3, s->path);
        s->mentions_file = bl_newfile_open(o->mentions, 0, err);
        if (!s->mentions_file)
            return -1;
    }
    s->kb = bl_kb_build_open(s->path, &o->kb, err);
    return s->kb ? 0 : -1;
}

int bl_kb_wiki_build(const char *path, char *const *files, size_t n,
                     const struct bl_kb_wiki_opts *opts,
                     struct bl_kb_wiki_counts *counts, struct bl_buf *cut,
                     struct bl_err *err)
{
    struct bl_wiki_store s = { .opts = opts, .counts = counts, .path = path,
                               .n_sites = n };
    int rc;

    *counts = (struct bl_kb_wiki_counts){ 0 };
    rc = open_store(&s, files, n, err);
    if (rc == 0)
        rc = read_all(&s, files, n, cut, err);
    if (rc == 0)
        rc = bl_wiki_join(&s, err);
    counts->entities = s.rows;
    free_store(&s);
    return rc;
}
