/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/crew.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

enum { MAX_LANES = 8 };

/* Jobs are counted from the start: taken <= started <= put, and number i
 * lies in slot[i % room]. */
struct bl_crew_lane {
    struct bl_crew *pool;
    void (*work)(void *job);
    struct slot { void *job; bool done; } *slot;
    size_t room, taken, started, put;
    bool ended, stopped;
};

struct bl_crew {
    pthread_mutex_t lock;
    pthread_cond_t news;        /* anything below changed */
    struct bl_crew_lane *lane[MAX_LANES];
    pthread_t *thread;
    size_t n;
    bool closing;
};

/* The newest lane that has work to begin, or NULL. */
static struct bl_crew_lane *with_work(const struct bl_crew *pool)
{
    for (size_t i = MAX_LANES; i-- > 0; ) {
        struct bl_crew_lane *l = pool->lane[i];

        if (l && l->started < l->put)
            return l;
    }
    return NULL;
}

/* Begins the next job of a lane; the lock is held before and after. */
static void work_on(struct bl_crew_lane *l)
{
    struct slot *s = &l->slot[l->started++ % l->room];
    bool skip = l->stopped;

    pthread_mutex_unlock(&l->pool->lock);
    if (!skip)
        l->work(s->job);
    pthread_mutex_lock(&l->pool->lock);
    s->done = true;
    pthread_cond_broadcast(&l->pool->news);
}

static void *run(void *arg)
{
    struct bl_crew *pool = arg;

    pthread_mutex_lock(&pool->lock);
    while (!pool->closing) {
        struct bl_crew_lane *l = with_work(pool);

        if (l)
            work_on(l);
        else
            pthread_cond_wait(&pool->news, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

struct bl_crew *bl_crew_new(size_t n)
{
    struct bl_crew *pool = BL_NEW(struct bl_crew);

    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->news, NULL);
    pool->thread = bl_xmalloc(n, sizeof *pool->thread);
    while (pool->n < n
           && pthread_create(&pool->thread[pool->n], NULL, run, pool) == 0)
        pool->n++;
    return pool;
}

void bl_crew_free(struct bl_crew *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->closing = true;
    pthread_cond_broadcast(&pool->news);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->n; i++)
        pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->news);
    pthread_mutex_destroy(&pool->lock);
    free(pool->thread);
    free(pool);
}

size_t bl_crew_threads(const struct bl_crew *pool)
{
    return pool->n ? pool->n : 1;
}

struct bl_crew_lane *bl_crew_lane_new(struct bl_crew *pool, size_t room,
                                      void (*work)(void *job))
{
    struct bl_crew_lane *l = BL_NEW(struct bl_crew_lane);
    size_t at = MAX_LANES;

    *l = (struct bl_crew_lane){ .pool = pool, .work = work, .room = room };
    l->slot = BL_NEW_ARRAY(struct slot, room);
    pthread_mutex_lock(&pool->lock);
    while (at > 0 && !pool->lane[at - 1])
        at--;                   /* behind all that are there */
    BL_ASSERT(at < MAX_LANES);
    pool->lane[at] = l;
    pthread_mutex_unlock(&pool->lock);
    return l;
}

void bl_crew_lane_free(struct bl_crew_lane *l)
{
    if (!l)
        return;
    pthread_mutex_lock(&l->pool->lock);
    for (size_t i = 0; i < MAX_LANES; i++)
        if (l->pool->lane[i] == l)
            l->pool->lane[i] = NULL;
    pthread_mutex_unlock(&l->pool->lock);
    free(l->slot);
    free(l);
}

bool bl_crew_lane_put(struct bl_crew_lane *l, void *job)
{
    struct bl_crew *pool = l->pool;
    bool open;

    pthread_mutex_lock(&pool->lock);
    while (!l->stopped && l->put - l->taken == l->room)
        pthread_cond_wait(&pool->news, &pool->lock);
    open = !l->stopped;
    if (open) {
        l->slot[l->put++ % l->room] = (struct slot){ job, false };
        if (pool->n == 0)
            work_on(l);
        pthread_cond_broadcast(&pool->news);
    }
    pthread_mutex_unlock(&pool->lock);
    return open;
}

static void mark(struct bl_crew_lane *l, bool *flag)
{
    pthread_mutex_lock(&l->pool->lock);
    *flag = true;
    pthread_cond_broadcast(&l->pool->news);
    pthread_mutex_unlock(&l->pool->lock);
}

void bl_crew_lane_end(struct bl_crew_lane *l)
{
    mark(l, &l->ended);
}

void bl_crew_lane_stop(struct bl_crew_lane *l)
{
    mark(l, &l->stopped);
}

/* Jobs are given back in the order in which they were put, so that this waits
 * for the oldest one even when later ones are done.  Taking makes room, for
 * which a bl_crew_lane_put() may be waiting. */
void *bl_crew_lane_take(struct bl_crew_lane *l)
{
    struct bl_crew *pool = l->pool;
    struct slot *s = NULL;
    void *job = NULL;

    pthread_mutex_lock(&pool->lock);
    for (;;) {
        s = &l->slot[l->taken % l->room];
        if (l->taken < l->put ? s->done : l->ended)
            break;
        pthread_cond_wait(&pool->news, &pool->lock);
    }
    if (l->taken < l->put) {
        job = s->job;
        l->taken++;
        pthread_cond_broadcast(&pool->news);
    }
    pthread_mutex_unlock(&pool->lock);
    return job;
}
