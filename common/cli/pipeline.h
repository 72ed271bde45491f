/* SPDX-License-Identifier: MIT */
/*
 * pipeline: programs of this project joined by pipes, as a shell would, but
 * without a shell.
 *
 *     struct bl_pipeline *p = bl_pipeline_new();
 *     bl_pipeline_add(p, "blink-embed", "-m", "default", NULL);
 *     bl_pipeline_add(p, "blink-score", NULL);
 *     bl_pipeline_start(p, NULL, NULL, &err);
 *     int status = bl_pipeline_wait(p, &err);
 *     bl_pipeline_free(p);
 *
 * Programs are found beside the running one (paths.h).  A stage gets
 * SIGTERM when this process ends in whatever way, so that nothing is left
 * running.  The caller owns the pipeline; it copies all it is given.
 */
#ifndef BL_PIPELINE_H
#define BL_PIPELINE_H

#include "base/buf.h"
#include "base/err.h"

struct bl_pipeline;

struct bl_pipeline *bl_pipeline_new(void);
/* Waits for stages that still run.  NULL: nothing. */
void bl_pipeline_free(struct bl_pipeline *pipeline);

/* A further stage with its arguments up to a NULL. */
void bl_pipeline_add(struct bl_pipeline *pipeline, const char *program, ...)
    __attribute__((sentinel));
/* A further argument of the last stage. */
void bl_pipeline_arg(struct bl_pipeline *pipeline, const char *arg);

/* The last stage finds this descriptor open, under its number; it stays the
 * caller's, to close once the pipeline has been started. */
void bl_pipeline_inherit(struct bl_pipeline *pipeline, int fd);

/* Appends a text as one word of a shell, in quotes where it needs them. */
void bl_pipeline_quote(struct bl_buf *out, const char *text);
/* Appends what to type into a shell for the same: "a -x 1 |\n    b\n". */
void bl_pipeline_show(const struct bl_pipeline *pipeline, struct bl_buf *out);

/* Starts every stage.  The first reads a new pipe whose other end is put
 * into *in (NULL: this process's stdin), the last writes to one for *out
 * (NULL: this process's stdout); the caller closes both.  -1: BL_SYSTEM, and
 * nothing is left running. */
int bl_pipeline_start(struct bl_pipeline *pipeline, int *in, int *out,
                      struct bl_err *err);

/* Waits for all.  The highest exit status; 4 with *err filled when a stage
 * was ended by a signal.  BL_PIPELINE_PIPE when that signal was SIGPIPE in
 * the last stage: whoever read the output has left.  In an earlier stage
 * SIGPIPE only means that the next one ended first, and counts as 0. */
enum { BL_PIPELINE_PIPE = 256 };
int bl_pipeline_wait(struct bl_pipeline *pipeline, struct bl_err *err);

#endif
