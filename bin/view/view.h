/* SPDX-License-Identifier: MIT */
/*
 * view: the parts of blink-view.
 *
 *     document.c   gathers the mentions of one document, and walks over them
 *                  and the text between
 *     compare.c    what another run, or an annotator, says of the same places
 *     texts.c      the whole texts of documents
 *     summary.c    what is said of all documents together
 *     html.c       the page;  ansi.c  the same for a terminal
 *
 * Memory grows with the longest document, with the number of different
 * entities, and with the files of --documents and --compare; the page waits on
 * disk for its summary, which stands above it.
 */
#ifndef VIEW_H
#define VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "driver/driver.h"
#include "json/record.h"

enum { BL_RUNNERS_UP = 3 };

/* ---- One mention ---- */

/* What the other records say of a mention (--compare). */
enum bl_verdict { BL_NOT_COMPARED, BL_RIGHT, BL_WRONG, BL_EXTRA, BL_MISSED };

struct bl_runner {
    struct bl_span title;
    char p[16];                 /* "": not known */
};

struct bl_seen {
    struct bl_link_row row;
    struct bl_span left, right; /* its context */
    int64_t start, end;         /* code points; -1: not known */
    struct bl_runner runners[BL_RUNNERS_UP];
    size_t n_runners;
    enum bl_verdict verdict;
    struct bl_span wanted;      /* title or id by the others; p == NULL: no
                                 * entity */
};

/* Everything of the record that is shown, in the arena.  -1 with a
 * record-level code. */
int bl_seen_read(const struct bl_record *record, struct bl_arena *arena,
                 struct bl_seen *seen, struct bl_err *err);

/* ---- One document ---- */

struct bl_shown {
    struct bl_arena arena;      /* of all below */
    size_t number;              /* from 1 */
    struct bl_span name;        /* "": none */
    struct bl_span text;        /* p == NULL: known by the contexts alone */
    struct bl_seen **v;         /* [n] in the order of the text */
    size_t n, cap;
    bool open;                  /* holds something */
};

void bl_shown_free(struct bl_shown *shown);
/* Forgets the document; the next has the next number. */
void bl_shown_clear(struct bl_shown *shown);
/* True when the mention cannot be of the document that is open: its document
 * has another name, or it comes before its predecessor, or its place is not
 * known. */
bool bl_shown_is_other(const struct bl_shown *shown,
                       const struct bl_seen *seen);
/* A copy of all that is shown of it. */
void bl_shown_add(struct bl_shown *shown, const struct bl_seen *seen);
void bl_shown_set_text(struct bl_shown *shown, struct bl_span name,
                       struct bl_span text);

/* What is between and around the mentions, in order: all of the text where it
 * is known and has the mentions where they say, else their contexts.  A
 * mention that lies in another is not walked over. */
struct bl_walk {
    void (*text)(void *ctx, struct bl_span text);
    void (*gap)(void *ctx);     /* text that is in no context */
    void (*mention)(void *ctx, const struct bl_seen *seen, size_t number);
    void *ctx;
};

void bl_shown_walk(const struct bl_shown *shown, const struct bl_walk *walk);

/* ---- Files beside the stream (file.c) ---- */

typedef int bl_record_fn(void *ctx, const struct bl_record *record,
                         struct bl_err *err);
/* Gives each record of the file, lines or an array, to take(), which may end
 * it with -1.  -1: BL_DATA with file and line, or BL_SYSTEM. */
int bl_view_read(const char *path, bl_record_fn *take, void *ctx,
                 struct bl_err *err);

/* ---- Others' records (compare.c) ---- */

struct bl_others;

/* NULL: BL_DATA or BL_SYSTEM. */
struct bl_others *bl_others_open(const char *path, struct bl_err *err);
void bl_others_free(struct bl_others *others);          /* NULL: nothing */
/* Gives each mention its verdict, and adds those that were missed. */
void bl_others_judge(struct bl_others *others, struct bl_shown *shown);

/* ---- Whole texts (texts.c) ---- */

struct bl_texts;

/* Documents as blink-ner reads them.  NULL: BL_DATA or BL_SYSTEM. */
struct bl_texts *bl_texts_open(const char *path, struct bl_err *err);
void bl_texts_free(struct bl_texts *texts);             /* NULL: nothing */
/* The text of the document with this id, borrowed; false: there is none. */
bool bl_texts_find(const struct bl_texts *texts, struct bl_span id,
                   struct bl_span *text);

/* ---- All documents (summary.c) ---- */

struct bl_summary;

/* An entity, or a name without one. */
struct bl_total {
    struct bl_span key, title, url;     /* p == NULL: none */
    size_t count;
    size_t n_forms;
    struct bl_span forms[4];    /* how it is written, the first few */
};

struct bl_totals {
    size_t documents, mentions, linked, unsure, none, by_name;
    size_t verdicts[5];         /* by enum bl_verdict */
    struct bl_total **entities, **names;        /* most frequent first */
    size_t n_entities, n_names;
    struct bl_span *documents_named;    /* [documents] */
};

struct bl_summary *bl_summary_new(void);
void bl_summary_free(struct bl_summary *summary);
void bl_summary_add(struct bl_summary *summary, const struct bl_shown *shown);
/* Sorted; borrowed. */
const struct bl_totals *bl_summary_totals(struct bl_summary *summary);

/* ---- Writing ---- */

/* Appends text, or an attribute's value, in which nothing is markup. */
void bl_html_text(struct bl_buf *out, struct bl_span text);

void bl_html_head(struct bl_buf *out, const char *title,
                  const struct bl_totals *totals);
void bl_html_document(struct bl_buf *out, const struct bl_shown *shown);
void bl_html_tail(struct bl_buf *out, const struct bl_totals *totals);

void bl_ansi_document(struct bl_buf *out, const struct bl_shown *shown,
                      bool colour);

#endif
