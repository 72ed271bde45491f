/* SPDX-License-Identifier: MIT */
/*
 * prog: how every program starts, speaks and ends.  Only bin/, opts and loop
 * call this; the rest of libcommon never prints and never exits.
 *
 * Exit status: 0 done; 1 some records carry an error; 2 usage; 3 a data file
 * is missing, corrupt or does not match; 4 system.  See blink(7).
 */
#ifndef BL_PROG_H
#define BL_PROG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* First call of main: makes fds 0-2 valid and takes the name for messages.
 * The locale stays "C", as nothing calls setlocale(). */
void bl_prog_init(const char *name);
const char *bl_prog_name(void);

/* -v and -q, set by bl_opts_parse: 0 normal, >0 verbose, <0 quiet. */
extern int bl_verbosity;

/* "NAME: message\n" on stderr, stdout flushed before. */
void bl_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same, only with -v. */
void bl_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints err->msg and exits with bl_code_exit(err->code). */
__attribute__((noreturn)) void bl_die(const struct bl_err *err);
/* Prints the message and "try 'NAME --help'", exits with 2.  NAME is the
 * program's, or the one last given to bl_prog_help(), "blink-kb build"
 * (borrowed). */
void bl_prog_help(const char *name);
__attribute__((noreturn)) void bl_die_usage(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

/* Writes all n bytes to stdout's descriptor (unbuffered; EINTR and short
 * writes handled).  On failure prints once and exits with 4; a closed pipe
 * ends the program by SIGPIPE as usual. */
void bl_out(const void *p, size_t n);

/* Last call of main: closes stdout.  Returns the status to return from main:
 * this one, or 4 when writing or closing failed, which is then said. */
int bl_prog_finish(int status);

/* ---- Progress of long work, on stderr when it is a terminal ---- */
struct bl_progress {
    const char *what;           /* "embedding entities" */
    size_t done, total;         /* total 0: unknown */
    double started, shown;      /* seconds, CLOCK_MONOTONIC */
    bool on;
};

/* start, any number of steps, end.  Shown if wanted, unless stderr is no
 * terminal or -q was given. */
void bl_progress_start(struct bl_progress *p, const char *what, size_t total,
                       bool wanted);
void bl_progress_step(struct bl_progress *p, size_t more);  /* <= 5 Hz */
void bl_progress_end(struct bl_progress *p);
double bl_now(void);            /* seconds, CLOCK_MONOTONIC */

#endif
