/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-wiki.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/crew.h"
#include "base/mem.h"
#include "base/threads.h"
#include "base/utf8.h"
#include "kb/kb-wiki-parts.h"

/* Bytes of a title in a message. */
enum { MOST_SHOWN = 100 };

/* The thread that reads, and what it shares with the one that writes. */
struct feeder {
    struct bl_wiki_store *store;
    char *const *files;
    size_t n_files;
    struct bl_crew *pool;
    struct bl_crew_lane *lane;
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

static struct bl_wiki_work *take_idle(struct feeder *feeder)
{
    struct bl_wiki_work *work = NULL;

    pthread_mutex_lock(&feeder->lock);
    if (feeder->n_idle)
        work = feeder->idle[--feeder->n_idle];
    pthread_mutex_unlock(&feeder->lock);
    return work ? work : BL_NEW(struct bl_wiki_work);
}

static void give_back(struct feeder *feeder, struct bl_wiki_work *work)
{
    pthread_mutex_lock(&feeder->lock);
    if (feeder->n_idle < feeder->room) {
        feeder->idle[feeder->n_idle++] = work;
        work = NULL;
    }
    pthread_mutex_unlock(&feeder->lock);
    bl_wiki_work_free(work);
}

/* stop() may be called before the file is opened or while it is. stop() sets
 * `stopped` before it takes the lock, so either it finds the file here or this
 * function finds `stopped`; the file is stopped in both cases. */
static void set_open(struct feeder *feeder, struct bl_dumpfile *file)
{
    pthread_mutex_lock(&feeder->lock);
    feeder->open = file;
    if (file && atomic_load(&feeder->stopped))
        bl_dumpfile_stop(file);
    pthread_mutex_unlock(&feeder->lock);
}

/* Puts all batches of one dump into the lane: 1, 0 when nobody wants more,
 * -1. */
static int feed_pages(struct feeder *feeder, struct bl_wikidump *dump,
                      struct bl_dumpfile *file, size_t number)
{
    for (;;) {
        struct bl_wiki_work *work = take_idle(feeder);
        int rc = bl_wikidump_next(dump, &work->batch, &feeder->err);

        if (rc <= 0) {
            bl_wiki_work_free(work);
            return rc < 0 ? -1 : 1;
        }
        work->opts = feeder->store->opts;
        work->site = number;
        work->done = bl_dumpfile_done(file);
        work->size = bl_dumpfile_size(file);
        work->bytes = feeder->bytes + bl_wikidump_bytes(dump);
        if (!bl_crew_lane_put(feeder->lane, work)) {
            bl_wiki_work_free(work);
            return 0;
        }
    }
}

/* Works still in the lane refer to the dump's site, so it is kept in the store
 * when the dump is closed. */
static int feed_file(struct feeder *feeder, size_t number)
{
    struct bl_dumpfile *file = bl_dumpfile_open(feeder->files[number],
                                                feeder->pool, &feeder->err);
    struct bl_wikidump *dump;
    int rc;

    if (!file)
        return -1;
    dump = bl_wikidump_open(file, &feeder->err);
    if (!dump)
        return -1;
    set_open(feeder, file);
    rc = feed_pages(feeder, dump, file, number);
    if (rc > 0 && bl_wikidump_cut(dump)) {
        bl_buf_puts(&feeder->cut, bl_wikidump_cut(dump));
        bl_buf_putc(&feeder->cut, '\n');
    }
    feeder->bytes += bl_wikidump_bytes(dump);
    set_open(feeder, NULL);
    feeder->store->sites[number] = bl_wikidump_take_site(dump);
    bl_wikidump_close(dump);
    return rc;
}

static void *feed(void *arg)
{
    struct feeder *feeder = arg;
    int rc = 1;

    for (size_t i = 0; i < feeder->n_files && rc > 0; i++)
        rc = feed_file(feeder, i);
    feeder->failed = rc < 0;
    bl_crew_lane_end(feeder->lane);
    return NULL;
}

/* ---- Writing ---- */

/* Adds a page's key to the titles: for an entity 'A' and its row, followed by
 * id and title only if mentions need them as labels; for a redirect 'R',
 * target and title. 'A' sorts before 'R', so that an article wins over a
 * redirect of the same key (split_titles()). */
static int put_title(struct bl_wiki_store *store,
                     const struct bl_wiki_result *result,
                     struct bl_buf *scratch, struct bl_err *err)
{
    bl_buf_clear(scratch);
    bl_buf_put_span(scratch, result->key);
    bl_buf_putc(scratch, '\0');
    if (result->kind == BL_WIKI_ENTITY) {
        bl_buf_putc(scratch, 'A');
        bl_wiki_put64(scratch, store->rows);
        if (store->opts->mentions) {
            bl_buf_printf(scratch, "%lld", (long long)result->id);
            bl_buf_putc(scratch, '\0');
            bl_buf_put_span(scratch, result->title);
        }
    } else {
        bl_buf_putc(scratch, 'R');
        bl_buf_put_span(scratch, result->target);
        bl_buf_putc(scratch, '\0');
        bl_buf_put_span(scratch, result->title);
    }
    return bl_sorter_add(store->titles,
                         (struct bl_span){ scratch->data, scratch->len }, 1,
                         err);
}

/* Places of mentions go to a spool in the order of the prose, their keys to a
 * sorter with the mention's number.  Once the keys are resolved, the numbers
 * bring them back into the order of the spool. */
static int put_mentions(struct bl_wiki_store *store,
                        const struct bl_wiki_work *work,
                        const struct bl_wiki_result *result,
                        struct bl_buf *scratch, struct bl_err *err)
{
    const struct bl_wiki_mention *mentions;
    struct bl_spool *prose = store->prose;

    if (result->n_mentions == 0)
        return 0;
    mentions = work->mentions + result->first_mention;
    if (bl_spool_put_number(prose, (uint64_t)result->id, err) < 0
        || bl_spool_put_span(prose, result->prose, err) < 0
        || bl_spool_put_number(prose, result->n_mentions, err) < 0)
        return -1;
    for (size_t i = 0; i < result->n_mentions; i++) {
        if (bl_spool_put_number(prose, mentions[i].start, err) < 0
            || bl_spool_put_number(prose, mentions[i].end - mentions[i].start,
                                   err)
                < 0)
            return -1;
        bl_buf_clear(scratch);
        bl_buf_put_span(scratch, mentions[i].key);
        bl_buf_putc(scratch, '\0');
        bl_wiki_put64(scratch, store->n_mentions++);
        if (bl_sorter_add(store->mentions,
                          (struct bl_span){ scratch->data, scratch->len }, 1,
                          err)
            < 0)
            return -1;
    }
    return 0;
}

static int put_entity(struct bl_wiki_store *store,
                      const struct bl_wiki_work *work,
                      const struct bl_wiki_result *result,
                      struct bl_buf *scratch, struct bl_err *err)
{
    if (bl_spool_put_number(store->entities, work->site, err) < 0
        || bl_spool_put_number(store->entities, (uint64_t)result->id, err) < 0
        || bl_spool_put_span(store->entities, result->title, err) < 0
        || bl_spool_put_span(store->entities, result->text, err) < 0
        || put_title(store, result, scratch, err) < 0
        || put_mentions(store, work, result, scratch, err) < 0)
        return -1;
    store->rows++;
    return 0;
}

static void note_twice(struct bl_kb_wiki_counts *counts,
                       const struct bl_wiki_result *result)
{
    struct bl_span title = result->title;

    if (counts->twice++ == 0)
        snprintf(counts->first_twice, sizeof counts->first_twice,
                 "'%.*s' (id %lld)",
                 (int)bl_utf8_cut(title.p, title.n, MOST_SHOWN), title.p,
                 (long long)result->id);
}

/* Redirects that are there twice do no harm: of each title the first record
 * counts (split_titles()). */
static int put_result(struct bl_wiki_store *store,
                      const struct bl_wiki_work *work,
                      const struct bl_wiki_result *result,
                      struct bl_buf *scratch, struct bl_err *err)
{
    struct bl_kb_wiki_counts *counts = store->counts;

    counts->pages++;
    switch (result->kind) {
    case BL_WIKI_ENTITY:
        if (bl_wiki_see(&store->seen, result->id)) {
            note_twice(counts, result);
            return 0;
        }
        return put_entity(store, work, result, scratch, err);
    case BL_WIKI_REDIRECT:
        counts->redirects++;
        return put_title(store, result, scratch, err);
    default:
        counts->disambiguation += result->disambiguation;
        counts->lists += result->list;
        counts->others += !result->disambiguation && !result->list;
        return 0;
    }
}

static int put_links(struct bl_wiki_store *store,
                     const struct bl_wiki_work *work, struct bl_err *err)
{
    uint32_t len;

    for (size_t at = 0; at < work->links.len; at += len) {
        memcpy(&len, work->links.data + at, sizeof len);
        at += sizeof len;
        if (bl_sorter_add(store->links,
                          (struct bl_span){ work->links.data + at, len }, 1,
                          err) < 0)
            return -1;
    }
    store->counts->links += work->n_links;
    return 0;
}

static int put_work(struct bl_wiki_store *store,
                    const struct bl_wiki_work *work, struct bl_buf *scratch,
                    struct bl_err *err)
{
    for (size_t i = 0; i < work->batch.n; i++)
        if (put_result(store, work, &work->results[i], scratch, err) < 0)
            return -1;
    store->counts->bytes = work->bytes;
    if (store->opts->progress)
        store->opts->progress(store->opts->arg, "reading", work->done,
                              work->size);
    return put_links(store, work, err);
}

static void stop(struct feeder *feeder)
{
    bl_crew_lane_stop(feeder->lane);
    atomic_store(&feeder->stopped, true);
    set_open(feeder, feeder->open);
}

/* Takes what the pool has done until the end.  After a failure too, because
 * the lane can be freed only when it is empty. */
static int drain(struct feeder *feeder, struct bl_err *err)
{
    struct bl_buf scratch = BL_BUF_INIT;
    struct bl_wiki_work *work;
    int rc = 0;

    while ((work = bl_crew_lane_take(feeder->lane))) {
        if (rc == 0)
            rc = put_work(feeder->store, work, &scratch, err);
        if (rc < 0)
            stop(feeder);
        give_back(feeder, work);
    }
    bl_buf_free(&scratch);
    return rc;
}

static int feed_crew(struct feeder *feeder, struct bl_err *err)
{
    pthread_t thread;
    int rc;

    if (pthread_create(&thread, NULL, feed, feeder) != 0)
        return bl_fail(err, BL_SYSTEM, "cannot start a thread");
    rc = drain(feeder, err);
    pthread_join(thread, NULL);
    if (rc == 0 && feeder->failed) {
        *err = feeder->err;
        rc = -1;
    }
    return rc;
}

/* The pass over the dumps.  Works go round: taken by the feeder, filled in the
 * pool, written by this thread and given back.  `room` bounds how many are in
 * the lane, and with it the memory. */
static int read_dumps(struct bl_wiki_store *store, char *const *files,
                      size_t n_files, struct bl_buf *cut, struct bl_err *err)
{
    size_t threads = store->opts->threads ? store->opts->threads
                                          : bl_threads_default();
    struct feeder feeder = { .store = store,
                             .files = files,
                             .n_files = n_files,
                             .room = 2 * threads + 1 };
    int rc;

    pthread_mutex_init(&feeder.lock, NULL);
    feeder.idle = BL_NEW_ARRAY(struct bl_wiki_work *, feeder.room);
    feeder.pool = bl_crew_new(threads);
    feeder.lane = bl_crew_lane_new(feeder.pool, feeder.room, bl_wiki_work_on);
    rc = feed_crew(&feeder, err);
    bl_crew_lane_free(feeder.lane);
    bl_crew_free(feeder.pool);
    while (feeder.n_idle)
        bl_wiki_work_free(feeder.idle[--feeder.n_idle]);
    free(feeder.idle);
    pthread_mutex_destroy(&feeder.lock);
    store->counts->cut = feeder.cut.len > 0;
    store->counts->bytes = feeder.bytes;
    if (feeder.cut.len)
        bl_buf_put(cut, feeder.cut.data, feeder.cut.len);
    bl_buf_free(&feeder.cut);
    return rc;
}

static void free_store(struct bl_wiki_store *store)
{
    for (size_t i = 0; i < store->n_sites; i++)
        bl_wikisite_free(store->sites[i]);
    free(store->sites);
    free(store->files);
    bl_kb_build_abort(store->builder);
    if (store->mentions_file)
        bl_newfile_abort(store->mentions_file);
    bl_spool_free(store->entities);
    bl_spool_free(store->prose);
    bl_sorter_free(store->titles);
    bl_sorter_free(store->links);
    bl_sorter_free(store->mentions);
    bl_wiki_seen_free(&store->seen);
}

/* Titles, links and mentions are collected at the same time, so each sorter
 * gets a third of the memory. */
static int open_store(struct bl_wiki_store *store, char *const *files,
                      size_t n_files, struct bl_err *err)
{
    const struct bl_kb_wiki_opts *opts = store->opts;

    store->sites = BL_NEW_ARRAY(struct bl_wikisite *, n_files);
    store->files = BL_NEW_ARRAY(const char *, n_files);
    for (size_t i = 0; i < n_files; i++)
        store->files[i] = strcmp(files[i], "-") ? files[i] : "stdin";
    store->entities = bl_spool_new(store->path);
    store->titles = bl_sorter_new(opts->memory / 3, store->path);
    store->links = bl_sorter_new(opts->memory / 3, store->path);
    if (opts->mentions) {
        store->prose = bl_spool_new(store->path);
        store->mentions = bl_sorter_new(opts->memory / 3, store->path);
        store->mentions_file = bl_newfile_open(opts->mentions, 0, err);
        if (!store->mentions_file)
            return -1;
    }
    store->builder = bl_kb_build_open(store->path, &opts->kb, err);
    return store->builder ? 0 : -1;
}

/* What we took for a page that is there twice are two pages when the dumps are
 * of different wikis.  They say whose they are, but not before all is read. */
static int check_sites(const struct bl_wiki_store *store, struct bl_err *err)
{
    const char *name = NULL;

    for (size_t i = 0; i < store->n_sites && store->counts->twice; i++) {
        const char *other = store->sites[i]
            ? bl_wikisite_named(store->sites[i]) : NULL;

        if (name && other && strcmp(name, other))
            return bl_fail(err, BL_DATA, "'%s' and '%s' are of different "
                           "wikis, '%s' and '%s', and share ids, first that "
                           "of %s: make a catalogue of each", store->files[0],
                           store->files[i], name, other,
                           store->counts->first_twice);
        name = name ? name : other;
    }
    return 0;
}

int bl_kb_wiki_build(const char *path, char *const *files, size_t n_files,
                     const struct bl_kb_wiki_opts *opts,
                     struct bl_kb_wiki_counts *counts, struct bl_buf *cut,
                     struct bl_err *err)
{
    struct bl_wiki_store store = {
        .opts = opts, .counts = counts, .path = path, .n_sites = n_files
    };
    int rc;

    *counts = (struct bl_kb_wiki_counts){ 0 };
    rc = open_store(&store, files, n_files, err);
    if (rc == 0)
        rc = read_dumps(&store, files, n_files, cut, err);
    if (rc == 0)
        rc = check_sites(&store, err);
    if (rc == 0)
        rc = bl_wiki_join(&store, err);
    counts->entities = store.rows;
    free_store(&store);
    return rc;
}
