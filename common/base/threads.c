/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/mem.h"

/* Looks at the clock of a team before a thread goes to sleep: some
 * microseconds, within which a good share of work arrives. */
enum { LOOKS = 2000 };

struct bl_team {
    atomic_size_t size;         /* 0: not known yet */
    bl_team_work *work;
    void *ctx;
    atomic_uint round;          /* of waiting, that is open */
    atomic_size_t arrived;      /* in this round */
    pthread_mutex_t lock;
    pthread_cond_t turned;      /* round has, or the size is known */
};

struct member {
    struct bl_team *team;
    size_t rank;
    pthread_t thread;
};

size_t bl_threads_default(void)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    if (getenv("PARALLEL_JOBSLOT")
        || sched_getaffinity(0, sizeof set, &set) < 0 || !CPU_COUNT(&set))
        return 1;
    return (size_t)CPU_COUNT(&set);
}

/* ---- Waiting for one another ---- */

static void breathe(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void turn(struct bl_team *t)
{
    atomic_store(&t->arrived, 0);
    pthread_mutex_lock(&t->lock);
    atomic_fetch_add(&t->round, 1);
    pthread_cond_broadcast(&t->turned);
    pthread_mutex_unlock(&t->lock);
}

/* Known when the last thread has been asked for.  Only who asks waits for
 * that: a rank that takes work piece by piece begins at once. */
size_t bl_team_size(struct bl_team *t)
{
    size_t size = atomic_load(&t->size);

    if (size)
        return size;
    pthread_mutex_lock(&t->lock);
    while (!(size = atomic_load(&t->size)))
        pthread_cond_wait(&t->turned, &t->lock);
    pthread_mutex_unlock(&t->lock);
    return size;
}

/* The round is read before arriving: afterwards the last rank may already have
 * turned it, and this rank would wait for a turn that never comes.  A short
 * look comes before the lock, as most waits are shorter than a sleep. */
void bl_team_wait(struct bl_team *t)
{
    unsigned round = atomic_load(&t->round);
    size_t size = bl_team_size(t);

    if (size == 1)
        return;
    if (atomic_fetch_add(&t->arrived, 1) + 1 == size) {
        turn(t);
        return;
    }
    for (int i = 0; i < LOOKS; i++) {
        if (atomic_load(&t->round) != round)
            return;
        breathe();
    }
    pthread_mutex_lock(&t->lock);
    while (atomic_load(&t->round) == round)
        pthread_cond_wait(&t->turned, &t->lock);
    pthread_mutex_unlock(&t->lock);
}

/* ---- Running ---- */

static void *member_run(void *arg)
{
    struct member *m = arg;

    m->team->work(m->team->ctx, m->team, m->rank);
    return NULL;
}

/* A thread that cannot be made is done without: the team is as large as it
 * got, which is known, and told to the ranks that run already, when the last
 * one has been asked for. */
void bl_team_run(size_t threads, bl_team_work *work, void *ctx)
{
    struct bl_team t = { .work = work, .ctx = ctx };
    struct member *members = BL_NEW_ARRAY(struct member, threads);
    size_t n = 1;

    pthread_mutex_init(&t.lock, NULL);
    pthread_cond_init(&t.turned, NULL);
    for (; n < threads; n++) {
        members[n] = (struct member){ .team = &t, .rank = n };
        if (pthread_create(&members[n].thread, NULL, member_run,
                           &members[n]))
            break;
    }
    pthread_mutex_lock(&t.lock);
    atomic_store(&t.size, n);
    pthread_cond_broadcast(&t.turned);
    pthread_mutex_unlock(&t.lock);
    work(ctx, &t, 0);
    while (--n > 0)
        pthread_join(members[n].thread, NULL);
    pthread_cond_destroy(&t.turned);
    pthread_mutex_destroy(&t.lock);
    free(members);
}
