/* SPDX-License-Identifier: MIT */
/*
 * crew: work done by several threads, its results taken in order.
 *
 *     struct bl_crew *pool = bl_crew_new(threads);
 *     struct bl_crew_lane *lane = bl_crew_lane_new(pool, 8, decode);
 *     one thread:      bl_crew_lane_put(lane, job); ...;
 *                      bl_crew_lane_end(lane);
 *     another thread:  while ((job = bl_crew_lane_take(lane))) ...
 *     bl_crew_lane_free(lane); bl_crew_free(pool);
 *
 * Each job is worked on by one thread of the pool, any number of jobs at the
 * same time, and they come out in the order in which they went in.  At most
 * `room` jobs are in a lane, so memory is bounded.  Lanes may follow each
 * other: what is taken from one is put into the next; the pool works on the
 * newest lane first, which empties a chain from its end.
 *
 * A consumer that wants no more results calls bl_crew_lane_stop() and goes on
 * taking, to release the jobs that are left.  One thread puts, one takes.
 */
#ifndef BL_CREW_H
#define BL_CREW_H

#include <stdbool.h>
#include <stddef.h>

struct bl_crew;
struct bl_crew_lane;

/* Starts n >= 1 threads.  Where the system gives none, the work is done by
 * the thread that puts. */
struct bl_crew *bl_crew_new(size_t n);
/* After all its lanes are gone. */
void bl_crew_free(struct bl_crew *pool);
size_t bl_crew_threads(const struct bl_crew *pool);

/* room >= 1; work(job) runs in a thread of the pool.  At most 8 lanes. */
struct bl_crew_lane *bl_crew_lane_new(struct bl_crew *pool, size_t room,
                                      void (*work)(void *job));
/* After bl_crew_lane_take() gave NULL. */
void bl_crew_lane_free(struct bl_crew_lane *lane);

/* Waits for room.  False when the lane was stopped: the job was not taken
 * over. */
bool bl_crew_lane_put(struct bl_crew_lane *lane, void *job);
/* No more jobs will come. */
void bl_crew_lane_end(struct bl_crew_lane *lane);
/* The oldest job, when its work is done; NULL at the end. */
void *bl_crew_lane_take(struct bl_crew_lane *lane);
/* bl_crew_lane_put() fails from now on; jobs not begun are not worked on. */
void bl_crew_lane_stop(struct bl_crew_lane *lane);

#endif
