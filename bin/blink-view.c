/* SPDX-License-Identifier: MIT */
/*
 * blink-view: linked records as a page to look at.
 *
 *     {"doc":"d","start":0,"end":5,"context_left":"","mention":"Paris",
 *      "context_right":" is old.","entity":{"title":"Paris","p":0.9}}
 *  -> one HTML page for all records
 *
 * The page is whole in itself and fetches nothing.  Its documents wait on disk
 * for the summary, which stands above them (view/view.h).
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/spool.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "view/view.h"

enum { HTML, ANSI };            /* in the order of --format's choices */

static struct opts {
    const char *title, *output, *documents, *compare;
    int format, colour;
    bool pass;
    struct bl_loop_opts loop;
} options = { .title = "blink", .loop = BL_LOOP_OPTS_DEFAULT(256) };

static const struct bl_opt table[] = {
    BL_OPT_TEXT(0, "title", &options.title, "title of the page"),
    BL_OPT_STR('o', "output", "FILE", &options.output,
               "file to write (default: standard output)"),
    BL_OPT_STR(0, "documents", "FILE", &options.documents,
               "documents, to show their whole texts"),
    BL_OPT_STR(0, "compare", "FILE", &options.compare,
               "records of another run, or labelled ones, to compare with"),
    BL_OPT_CHOICE(0, "format", "html|ansi", &options.format,
                  "a page, or text for a terminal"),
    BL_OPT_CHOICE(0, "color", "auto|always|never", &options.colour,
                  "colours of --format ansi"),
    BL_OPT_FLAG(0, "pass", &options.pass,
                "pass the records on; the page goes to --output"),
    BL_OPTS_LOOP(options.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-view", "", "print linked records as a page to look at", table, 0, 0
};

struct state {
    struct bl_newfile *file;    /* NULL: fd, */
    int fd;                     /* or where that is -1: stdout */
    bool colour;
    struct bl_shown shown;      /* the document that is read */
    struct bl_texts *texts;     /* NULL: none, */
    struct bl_others *others;   /* likewise */
    struct bl_summary *summary;
    struct bl_spool *spool;     /* the documents of a page */
    struct bl_buf out;
};

/* ---- Records ---- */

/* A document that marks its own end comes with its text. */
struct part {
    bool is_mark;
    struct bl_seen seen;
    struct bl_span name, text;
};

static int read_mark(const struct bl_record *record, struct bl_arena *arena,
                     struct part *part, struct bl_err *err)
{
    part->is_mark = true;
    part->name = BL_SPAN_LIT("");
    return bl_record_id_opt(record, "id", arena, &part->name, err) < 0
        || bl_record_string_opt(record, "text", arena, &part->text, err) < 0
        ? -1 : 0;
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct part *part = bl_arena_alloc(arena, 1, sizeof *part);

    (void)ctx;
    *part = (struct part){ .is_mark = false };
    item->data = part;
    if (bl_record_is_mark(&item->rec))
        return read_mark(&item->rec, arena, part, err);
    return bl_seen_read(&item->rec, arena, &part->seen, err);
}

/* ---- Documents ---- */

static int write_all(int fd, const char *bytes, size_t n, struct bl_err *err)
{
    while (n > 0) {
        ssize_t done = write(fd, bytes, n);

        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot write the page");
        bytes += done;
        n -= (size_t)done;
    }
    return 0;
}

static int write_out(const struct state *state, const char *bytes, size_t n,
                     struct bl_err *err)
{
    if (state->file)
        return bl_newfile_write(state->file, bytes, n, err);
    if (state->fd >= 0)
        return write_all(state->fd, bytes, n, err);
    bl_out(bytes, n);
    return 0;
}

static int flush(struct state *state, struct bl_err *err)
{
    int rc = state->out.len
        ? write_out(state, state->out.data, state->out.len, err) : 0;

    bl_buf_clear(&state->out);
    return rc;
}

/* A terminal gets each document at once, a page all of them at the end. */
static int close_document(struct state *state, struct bl_err *err)
{
    struct bl_shown *shown = &state->shown;
    struct bl_span text;
    int rc;

    if (!shown->open)
        return 0;
    if (!shown->text.p && state->texts
        && bl_texts_find(state->texts, shown->name, &text))
        bl_shown_set_text(shown, shown->name, text);
    if (state->others)
        bl_others_judge(state->others, shown);
    bl_summary_add(state->summary, shown);
    if (options.format == ANSI) {
        bl_ansi_document(&state->out, shown, state->colour);
        rc = flush(state, err);
    } else {
        bl_html_document(&state->out, shown);
        rc = bl_spool_put(state->spool, state->out.data, state->out.len, err);
        bl_buf_clear(&state->out);
    }
    bl_shown_clear(shown);
    return rc;
}

static int add_mention(struct state *state, const struct bl_seen *seen,
                       struct bl_err *err)
{
    if (bl_shown_is_other(&state->shown, seen)
        && close_document(state, err) < 0)
        return -1;
    bl_shown_add(&state->shown, seen);
    return 0;
}

/* The mark of another document than the one that is open is that of one
 * without mentions. */
static int add_mark(struct state *state, const struct part *part,
                    struct bl_err *err)
{
    if (state->shown.open && !bl_span_eq(state->shown.name, part->name)
        && close_document(state, err) < 0)
        return -1;
    if (part->text.p)
        bl_shown_set_text(&state->shown, part->name, part->text);
    return close_document(state, err);
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *state = ctx;
    int rc = 0;

    (void)arena;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        const struct part *part = items[i]->data;

        rc = part->is_mark ? add_mark(state, part, err)
            : add_mention(state, &part->seen, err);
    }
    return rc;
}

/* ---- The page ---- */

static int write_documents(struct state *state, struct bl_err *err)
{
    enum { PIECE = 1 << 16 };
    uint64_t left = bl_spool_size(state->spool);
    struct bl_cursor cursor;
    const char *bytes;
    int rc = bl_spool_flush(state->spool, err);

    bl_cursor_start(&cursor, state->spool, 0, left, PIECE);
    while (rc == 0 && left > 0) {
        size_t n = (size_t)BL_MIN(left, (uint64_t)PIECE);

        rc = bl_cursor_take(&cursor, n, &bytes, err) < 0
            || write_out(state, bytes, n, err) < 0 ? -1 : 0;
        left -= n;
    }
    bl_cursor_end(&cursor);
    return rc;
}

static int write_page(struct state *state, struct bl_err *err)
{
    const struct bl_totals *totals = bl_summary_totals(state->summary);

    if (options.format == ANSI)
        return 0;
    bl_html_head(&state->out, options.title, totals);
    if (flush(state, err) < 0 || write_documents(state, err) < 0)
        return -1;
    bl_html_tail(&state->out, totals);
    return flush(state, err);
}

static int finish(struct state *state, int status, struct bl_err *err)
{
    int rc = 0;

    if (status <= 1)
        rc = close_document(state, err) < 0 || write_page(state, err) < 0
            ? -1 : 0;
    if (state->file && (rc < 0 || status > 1)) {
        bl_newfile_abort(state->file);
        return rc;
    }
    return rc == 0 && state->file ? bl_newfile_commit(state->file, err) : rc;
}

/* With --pass, records go on as they came. */
static void pass(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    (void)ctx;
    (void)item;
    (void)edits;
}

/* A pipe or a device, such as a shell's >(command), has no name to be
 * replaced. */
static int open_output(struct state *state, struct bl_err *err)
{
    struct stat st;

    if (!options.output || !strcmp(options.output, "-"))
        return 0;
    if (stat(options.output, &st) == 0
        && (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
        state->fd = open(options.output, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return state->fd < 0
            ? bl_fail_errno(err, BL_SYSTEM, "cannot write '%s'",
                            options.output) : 0;
    }
    state->file = bl_newfile_open(options.output, 0, err);
    return state->file ? 0 : -1;
}

static int open_all(struct state *state, struct bl_err *err)
{
    if (open_output(state, err) < 0)
        return -1;
    if (options.documents
        && !(state->texts = bl_texts_open(options.documents, err)))
        return -1;
    if (options.compare
        && !(state->others = bl_others_open(options.compare, err)))
        return -1;
    state->spool = bl_spool_new(state->file ? options.output : P_tmpdir "/");
    state->summary = bl_summary_new();
    state->colour = !options.output && bl_driver_colours(options.colour);
    bl_shown_clear(&state->shown);
    return 0;
}

static void free_all(struct state *state)
{
    bl_shown_free(&state->shown);
    bl_texts_free(state->texts);
    bl_others_free(state->others);
    bl_summary_free(state->summary);
    bl_spool_free(state->spool);
    bl_buf_free(&state->out);
}

int main(int argc, char **argv)
{
    struct state state = { .fd = -1 };
    struct bl_err err;
    int status;

    bl_prog_init("blink-view");
    bl_opts_parse(&command, argc, argv);
    /* The output file is opened before the first record is read, so that a
     * folder that cannot be written to is reported at once. */
    if (open_all(&state, &err) < 0) {
        if (state.file)
            bl_newfile_abort(state.file);
        bl_die(&err);
    }
    if (options.pass && !state.file && state.fd < 0)
        bl_die_usage("option '--pass': the page needs a file (-o)");
    status = bl_loop_run(&(struct bl_loop){
        .opts = &options.loop, .ctx = &state, .prepare = prepare, .run = run,
        .emit = options.pass ? pass : NULL, .marks = true
    });
    if (finish(&state, status, &err) < 0)
        bl_die(&err);
    free_all(&state);
    return bl_prog_finish(status);
}
