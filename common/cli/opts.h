/* SPDX-License-Identifier: MIT */
/*
 * opts: one table per program (or subcommand) that yields the parser, --help
 * and the completion of shells.
 *
 *     static struct opts { const char *model; size_t k; } o = { NULL, 10 };
 *     static const struct bl_opt table[] = {
 *         BL_OPT_STR('m', "model", "MODEL", &o.model, "model directory"),
 *         BL_OPT_SIZE('k', "top", "N", &o.k, 1, 10000, "candidates kept"),
 *         BL_OPTS_LOOP(o.loop),
 *         BL_OPTS_END
 *     };
 *
 * The default shown by --help is the value that the destination holds when
 * parsing starts (none: NULL, NAN).  -h/--help, -V/--version, -v/--verbose,
 * -q/--quiet and the hidden --completion and --complete need no row in the
 * table.  A name that is not known is answered with the nearest one that is.
 * Numbers are decimal digits with an optional K, M or G (1024-based),
 * nothing else.
 * Misuse prints one line and "try 'PROGRAM --help'", and exits with 2 before
 * stdin is touched.
 */
#ifndef BL_OPTS_H
#define BL_OPTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/decls.h"

BL_BEGIN_DECLS

enum bl_opt_kind { BL_OPT_END_, BL_OPT_FLAG_, BL_OPT_STR_, BL_OPT_SIZE_,
                   BL_OPT_DOUBLE_, BL_OPT_CHOICE_, BL_OPT_LIST_,
                   BL_OPT_GROUP_, BL_OPT_TEXT_ };

/* Repeatable string option: -x A -x B. */
struct bl_strings {
    const char **v;
    size_t n;
};

struct bl_opt {
    enum bl_opt_kind kind;
    int letter;                 /* 0: none */
    const char *name;           /* long name without dashes */
    const char *arg;            /* "MODEL"; for a choice "a|b|c" */
    void *dest;                 /* bool / const char * / size_t / double /
                                 * int (index of the choice) / bl_strings */
    double lo, hi;              /* inclusive range of numbers */
    const char *help;
    const char *alias;          /* a second long name; NULL: none */
};

#define BL_OPT_FLAG(l, n, d, h) { BL_OPT_FLAG_, l, n, NULL, d, 0, 0, h, NULL }
#define BL_OPT_STR(l, n, a, d, h) { BL_OPT_STR_, l, n, a, d, 0, 0, h, NULL }
/* As BL_OPT_STR, for what becomes part of a text and so must be UTF-8; names
 * of files may be any bytes. */
#define BL_OPT_TEXT(l, n, d, h) \
    { BL_OPT_TEXT_, l, n, "TEXT", d, 0, 0, h, NULL }
#define BL_OPT_SIZE(l, n, a, d, lo, hi, h) \
    { BL_OPT_SIZE_, l, n, a, d, lo, hi, h, NULL }
#define BL_OPT_DOUBLE(l, n, a, d, lo, hi, h) \
    { BL_OPT_DOUBLE_, l, n, a, d, lo, hi, h, NULL }
#define BL_OPT_CHOICE(l, n, choices, d, h) \
    { BL_OPT_CHOICE_, l, n, choices, d, 0, 0, h, NULL }
#define BL_OPT_LIST(l, n, a, d, h) { BL_OPT_LIST_, l, n, a, d, 0, 0, h, NULL }
/* A heading line in --help. */
#define BL_OPT_GROUP(h) { BL_OPT_GROUP_, 0, NULL, NULL, NULL, 0, 0, h, NULL }
#define BL_OPTS_END { BL_OPT_END_, 0, NULL, NULL, NULL, 0, 0, NULL, NULL }

/* The catalogue, which every program calls by the same names. */
#define BL_OPT_CATALOGUE(d, h) \
    { BL_OPT_STR_, 'c', "catalogue", "CATALOGUE", d, 0, 0, h, "kb" }

/* The same where it may be repeated; d is a struct bl_strings. */
#define BL_OPT_CATALOGUES(d, h) \
    { BL_OPT_LIST_, 'c', "catalogue", "CATALOGUE", d, 0, 0, h, "kb" }

/* The options of every program that runs the loop; lo is a struct
 * bl_loop_opts (loop.h). */
#define BL_OPTS_LOOP(lo) \
    BL_OPT_GROUP("Stream"), \
    BL_OPT_SIZE(0, "batch", "N", &(lo).batch, 1, 1 << 20, \
                "records handled together"), \
    BL_OPT_SIZE(0, "max-line", "BYTES", &(lo).max_line, 256, 1u << 30, \
                "longest line accepted"), \
    BL_OPT_CHOICE(0, "errors", "keep|drop|stop", &(lo).errors, \
                  "what to do with records that fail"), \
    BL_OPT_FLAG('Q', "no-fail", &(lo).no_fail, \
                "failed records do not change the exit status"), \
    BL_OPT_FLAG(0, "progress", &(lo).progress, \
                "show a count on standard error")

struct bl_command {
    const char *name;           /* "blink-kb build": words after the first
                                 * are the subcommand */
    const char *synopsis;       /* "[-c CATALOGUE] ID...", after the
                                 * name; NULL: "blink kb" stands for the
                                 * program blink-kb, which has the options */
    const char *brief;          /* one line */
    const struct bl_opt *opts;
    size_t min_args, max_args;  /* operands */
};

struct bl_args {
    char **v;                   /* the operands, borrowed from argv */
    size_t n;
};

/* Parses argv[1..] (for a subcommand: argv[2..]) into the table's
 * destinations.  Exits on --help / --version (0) and on misuse (2). */
struct bl_args bl_opts_parse(const struct bl_command *cmd, int argc,
                             char **argv);

/* True when the command line gave the option with this destination: one that
 * has a default may mean more when it is asked for. */
bool bl_opts_given(const void *dest);

/* Ends the program with status 2 unless the operands, which are texts and not
 * names of files, are UTF-8. */
void bl_opts_need_utf8(struct bl_args args);

/* For programs with subcommands: finds argv[1] in commands[0..n), prints the
 * list for --help, exits 2 for an unknown one.  Returns its index; then call
 * bl_opts_parse(&commands[i], argc - 1, argv + 1). */
size_t bl_opts_subcommand(const char *program, const char *brief,
                          const struct bl_command *commands, size_t n,
                          int argc, char **argv);

BL_END_DECLS

#endif
