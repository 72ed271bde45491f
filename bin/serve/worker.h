/* SPDX-License-Identifier: MIT */
/* worker: one pipeline of a pool: its processes, and what passes between. */
#ifndef SERVE_WORKER_H
#define SERVE_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

struct bl_worker {
    pid_t pid;                  /* of the shell, which leads its process
                                 * group; 0: not running */
    int in, out;                /* what it reads and writes; -1 */
    struct bl_buf read;         /* output that is no whole line yet */
};

#define BL_WORKER_INIT { 0, -1, -1, BL_BUF_INIT }

/* Starts the command by /bin/sh, in a process group of its own.  -1 with
 * BL_SYSTEM. */
int bl_worker_start(struct bl_worker *worker, const char *command,
                    struct bl_err *err);
/* Starts a program with its arguments, which end with NULL, instead. */
int bl_worker_run(struct bl_worker *worker, const char *path,
                  char *const *argv, struct bl_err *err);

/* Whether its output is still open; what has ended while nobody asked
 * anything shows here. */
bool bl_worker_lives(struct bl_worker *worker);

/* All of the input has been written. */
void bl_worker_close_input(struct bl_worker *worker);

/* Kills all of its processes, and returns how the shell ended (as waitpid()
 * tells).  It may be started again. */
int bl_worker_kill(struct bl_worker *worker);
/* Closes its input, waits until it has ended, and returns how; what has not
 * ended within 5 s is killed. */
int bl_worker_end(struct bl_worker *worker);

enum bl_pumped { BL_PUMP_MORE, BL_PUMP_ENDED, BL_PUMP_LATE };

/* Writes of the input from *done on what can be written, and reads what can
 * be read into worker->read, having waited for either until the deadline
 * (seconds of CLOCK_MONOTONIC).  ENDED: it reads no more, or its output has
 * ended. */
enum bl_pumped bl_worker_pump(struct bl_worker *worker, struct bl_span input,
                              size_t *done, double deadline);

#endif
