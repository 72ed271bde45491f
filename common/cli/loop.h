/* SPDX-License-Identifier: MIT */
/*
 * loop: the JSONL loop that every stage shares.
 *
 * One line in, one line out, same order; blank lines are skipped.  A JSON
 * array of objects at the start of the input is read as if each stood on a
 * line (bl_lines_take_arrays).  Records
 * are gathered into a batch, which closes when it holds `batch` records or
 * when stdin would block, so that a person at the pipe is answered at once
 * and a file runs at full batches.  For each batch:
 *
 *     prepare   per record: read fields, make the item (memory: the arena)
 *     run       once: the good items together
 *     emit      per good record: the fields to set
 *
 * A record that fails in prepare (or is marked failed by run) comes out with
 * an `error` field, {"by","code","message"}; a line that is no JSON object
 * comes out as {"error":...,"line":N,"raw":"..."}.  One line goes to stderr
 * for each, and the exit status becomes 1.  Records that arrive with a
 * non-null `error` pass untouched and count as failed.
 * $BLINK_FIRST_LINE, a number, is that of the first line: where the input is a
 * part of a longer one, lines are named as in the whole.
 *
 * A field that the program before should have added (BL_NO_STAGE), or one of
 * another model (BL_MODEL_MISMATCH), is a fault of the pipeline, which every
 * record would have, as long as no record was good: the program ends with 3
 * whatever --errors says.  Behind a good record it is a fault of that record,
 * so that one of them cannot end a stream that works.
 *
 * With `window`, a batch is a document instead: records that follow each other
 * with one value of `doc`.  It closes at a record of another document, at a
 * mark, at the end of the input, and after `window` records, behind which the
 * document goes on in another batch (bl_item.continues); then what comes out
 * does not depend on when records came.  Records without `doc` are gathered
 * and released as above.
 *
 * --errors keep|drop|stop (struct bl_loop_opts) chooses what happens to them.
 * A record that marks an end (bl_record_is_mark) passes untouched as well,
 * and is no failure.
 */
#ifndef BL_LOOP_H
#define BL_LOOP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "json/record.h"

enum bl_errors { BL_ERRORS_KEEP, BL_ERRORS_DROP, BL_ERRORS_STOP };

/* Filled from the common options (opts.h: BL_OPTS_LOOP). */
struct bl_loop_opts {
    size_t batch;           /* records a batch */
    size_t max_line;        /* bytes */
    int errors;             /* enum bl_errors */
    bool no_fail;           /* -Q: failed records do not change the status */
    bool progress;          /* count on stderr when it is a terminal */
};

#define BL_LOOP_OPTS_DEFAULT(n) \
    { .batch = (n), .max_line = 16u << 20, .errors = BL_ERRORS_KEEP }

struct bl_item {
    struct bl_record rec;       /* borrowed line + fields */
    void *data;                 /* what prepare made; arena memory */
    bool failed;                /* set by prepare's -1, or by run */
    bool continues;             /* with a window: the document that ended the
                                 * last batch goes on */
    struct bl_err err;          /* why, when failed */
};

struct bl_loop {
    const struct bl_loop_opts *opts;
    void *ctx;
    /* 0, or -1 with *err: record-level codes fail the record, BL_DATA and
     * BL_SYSTEM end the program once the records before are written. */
    int (*prepare)(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err);
    /* items[0..n) are good; may be NULL.  -1 ends the program.  To fail a
     * single item: bl_item_fail(). */
    int (*run)(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err);
    /* One of the two.  emit: the record's edits.  emit_lines: 0..n whole
     * lines, each ended by "\n", in place of the record (blink-ner). */
    void (*emit)(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits);
    void (*emit_lines)(void *ctx, const struct bl_item *item,
                       struct bl_buf *out);
    /* Marks are good records: prepare and run get them in their place, and
     * they pass on as they are unless emit changes them. */
    bool marks;
    /* Lines are plain text, not JSON: prepare finds rec.line and rec.number
     * alone. */
    bool plain_text;
    size_t window;              /* records of a document that are gathered; 0:
                                 * documents do not matter */
    const char *drop_marks;     /* marks made by this program, a JSON string,
                                 * go no further; NULL: all pass */
};

/* Marks an item as failed from inside run(). */
void bl_item_fail(struct bl_item *item, enum bl_code code, const char *fmt,
                  ...) __attribute__((format(printf, 3, 4)));

/* Reads stdin until its end and writes stdout.  Returns the exit status so
 * far: 0, 1 (some records failed), or 3 / 4 after printing the message.
 * N:1 programs give neither emit nor emit_lines. */
int bl_loop_run(const struct bl_loop *loop);

#endif
