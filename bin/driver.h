/* SPDX-License-Identifier: MIT */
/*
 * driver: the parts of the program `blink`, one file each.  Every
 * bl_driver_*() runs one command to its end and returns the exit status.
 */
#ifndef BL_DRIVER_H
#define BL_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "arena.h"
#include "err.h"
#include "opts.h"
#include "pipeline.h"
#include "record.h"

/* ---- blink link (driver-link.c) ---- */

struct bl_link_opts {
    const char *kb, *model, *index, *cross, *ner;   /* NULL: the default */
    size_t top;                 /* candidates per mention */
    const char *nil;            /* passed to blink-score */
    bool fast, lines, show, interactive;
    int format;                 /* enum bl_link_format */
    const char *engine, *device, *precision, *threads;  /* passed on */
};

enum bl_link_format { BL_LINK_AUTO, BL_LINK_TABLE, BL_LINK_JSON };

int bl_driver_link(const struct bl_link_opts *o, char **files, size_t n);

/* Adds the stages from blink-ner to blink-score to *p.  -1 with *err when a
 * model, catalogue or index cannot be found. */
int bl_driver_stages(const struct bl_link_opts *o, struct bl_pipeline *p,
                     struct bl_err *err);

/* --show: prints the pipeline; returns the status 0. */
int bl_driver_show(const struct bl_pipeline *p);

/* The status to end with after the stages ended with `status` (see
 * bl_pipeline_wait); dies by SIGPIPE when the reader has left. */
int bl_driver_status(int status, const struct bl_err *err);

/* ---- blink -i (driver-interactive.c) ---- */

int bl_driver_interactive(const struct bl_link_opts *o);

/* ---- blink text (driver-text.c) ---- */

/* Plain text files (none: stdin) as records {"id","text"} on stdout. */
int bl_driver_text(bool lines, char **files, size_t n);

/* Appends {"id":...,"text":...}\n; what is no valid UTF-8, and NUL, becomes
 * U+FFFD. */
void bl_driver_put_document(struct bl_buf *out, const char *id,
                            const char *text, size_t n);

/* ---- blink table (driver-table.c) ---- */

int bl_driver_table(bool documents);

/* What there is to show of one linked record; spans live in the arena. */
struct bl_link_row {
    struct bl_span doc, mention, title, url;    /* p == NULL: none */
    char p[16];                 /* "0.97", "" when there is none */
};

/* -1 with a record-level code when fields have the wrong type. */
int bl_driver_row(const struct bl_record *r, struct bl_arena *a,
                  struct bl_link_row *row, struct bl_err *err);

/* ---- blink doctor (driver-doctor.c) ---- */

int bl_driver_doctor(void);

#endif
