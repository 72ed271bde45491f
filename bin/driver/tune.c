/* SPDX-License-Identifier: MIT */
/*
 * blink tune: weights for the decision in one catalogue, fitted to labelled
 * mentions, and what they change on mentions that they were not fitted to.
 */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/prog.h"
#include "driver.h"
#include "eval/label.h"
#include "json/lines.h"
#include "json/writer.h"
#include "link/calibration.h"
#include "link/tune.h"
#include "model/model.h"

enum {
    MAX_LINE = 64 << 20,
    MOST = 10000                /* mentions fitted to, which takes a minute */
};

struct state {
    struct bl_tune *tune;
    struct bl_kb *kb;
    struct bl_record record;
    struct bl_arena arena;      /* of one record */
    size_t unlabelled, failed, more;    /* records that were left out */
};

/* ---- The mentions ---- */

/* The place of the right candidate, and whether the catalogue has it. */
static int gold_of(struct state *state, const struct bl_candidates *list,
                   struct bl_span id, size_t *gold, bool *known,
                   struct bl_err *err)
{
    int64_t row;
    int rc = bl_kb_row(state->kb, bl_json_whole(id), &row, err);

    if (rc == 0)
        rc = bl_kb_row(state->kb, id, &row, err);
    *known = rc > 0;
    for (size_t i = list->n; i-- > 0;)
        if (bl_label_is(id, list->v[i].id))
            *gold = i;
    return rc < 0 ? -1 : 0;
}

/* What is labelled counts with the list that the stages made for it. */
static int add(struct state *state, struct bl_err *err)
{
    struct bl_span id, mention = BL_SPAN_LIT(""), doc = { NULL, 0 };
    struct bl_candidates list;
    size_t gold = SIZE_MAX;
    enum bl_gold kind;
    bool known = false;

    if (bl_label_read(&state->record, &state->arena, &kind, &id, err) < 0)
        return -1;
    if (kind == BL_GOLD_NONE) {
        state->unlabelled++;
        return 0;
    }
    if (bl_candidates_read(&state->record, &state->arena, &list, err) < 0
        || bl_record_string_opt(&state->record, "mention", &state->arena,
                                &mention, err) < 0
        || bl_driver_copied(&state->record, "doc", &state->arena, &doc,
                            err) < 0
        || (kind == BL_GOLD_ENTITY
            && gold_of(state, &list, id, &gold, &known, err) < 0))
        return -1;
    bl_tune_add(state->tune, doc, mention, &list, gold, known);
    return 0;
}

/* A record that failed was reported by the stage where it did. */
static int take(struct state *state, struct bl_span line, size_t number,
                struct bl_err *err)
{
    struct bl_span v;
    size_t known;
    int failed;

    if (bl_record_parse(&state->record, line, number, err) < 0)
        return -1;
    failed = bl_record_get(&state->record, "error", &v, err);
    if (failed < 0)
        return -1;
    if (failed && bl_json_type(v) != BL_JSON_NULL) {
        state->failed++;
        return 0;
    }
    if (bl_tune_count(state->tune, &known) >= MOST) {
        state->more++;
        return 0;
    }
    return add(state, err);
}

/* All that the stages write; -1 for a failure that is not of one record. */
static int take_all(struct state *state, int fd, struct bl_err *err)
{
    struct bl_lines *lines = bl_lines_new(fd, "stdin", MAX_LINE);
    enum bl_line_status st;
    struct bl_span line;
    int rc = 0;

    while (rc == 0 && (st = bl_lines_next(lines, &line, err)) < BL_LINE_END) {
        if (st != BL_LINE_OK || bl_span_blank(line))
            continue;
        rc = take(state, line, bl_lines_number(lines), err);
        if (rc < 0 && err->code < BL_USAGE) {
            bl_warn("record %zu: %s", bl_lines_number(lines), err->msg);
            state->failed++;
            rc = 0;
        }
        bl_arena_reset(&state->arena);
    }
    if (rc == 0 && st == BL_LINE_ERROR)
        rc = -1;
    bl_lines_free(lines);
    return rc;
}

/* ---- Enough of them? ---- */

/* Ends the program with what is missing. */
static void check_enough(const struct state *state)
{
    size_t known, n = bl_tune_count(state->tune, &known);
    struct bl_err err;

    if (state->more)
        bl_warn("%zu mentions behind the first %d are not looked at",
                state->more, MOST);
    if (n >= BL_TUNE_LEAST && known >= BL_TUNE_LEAST_KNOWN)
        return;
    bl_fail(&err, BL_DATA, "%zu labelled mentions, %zu of them with an entity "
            "of the catalogue: at least %d and %d are needed, and 100 are "
            "better", n, known, BL_TUNE_LEAST, BL_TUNE_LEAST_KNOWN);
    if (!n && state->unlabelled)
        bl_fail(&err, BL_DATA, "none of %zu records has a label: the field "
                "label_id is the id of the right entity, or null",
                state->unlabelled);
    bl_die(&err);
}

/* ---- The file ---- */

static void write_figures(struct bl_writer *json, const char *key,
                          const struct bl_tune_figures *f)
{
    bl_write_object(json, key);
    bl_write_double(json, "right", f->right, 4);
    bl_write_double(json, "none_f1", f->none_f1, 4);
    bl_write_double(json, "false_none", f->false_none, 4);
    bl_write_double(json, "ece", f->ece, 4);
    bl_write_double(json, "loss", f->loss, 4);
    bl_write_end(json);
}

/* What both the file and --json say. */
static void write_report(struct bl_writer *json, const struct state *state,
                         const struct bl_tune_report *report)
{
    size_t known, n = bl_tune_count(state->tune, &known);

    bl_write_size(json, "mentions", n);
    bl_write_size(json, "with_entity", known);
    write_figures(json, "before", &report->before);
    write_figures(json, "after", &report->after);
}

/* The fingerprints are those of what the stages were given. */
static int put_origin(struct bl_buf *out, const struct state *state,
                      const struct bl_stage_files *files,
                      const struct bl_tune_report *report, struct bl_err *err)
{
    struct bl_writer json = bl_writer(out, BL_WRITE_SPACED);
    struct bl_model *bi = bl_model_open(files->bi, err), *cross = NULL;

    if (bi && files->cross)
        cross = bl_model_open(files->cross, err);
    if (bi && (cross || !files->cross)) {
        bl_write_object(&json, NULL);
        bl_write_string(&json, "by", "blink tune");
        bl_write_string(&json, "catalogue", bl_kb_fingerprint(state->kb));
        bl_write_size(&json, "rows", bl_kb_count(state->kb));
        bl_write_string(&json, "model", bi->fingerprint);
        bl_write_string(&json, "cross", cross ? cross->fingerprint : "");
        write_report(&json, state, report);
        bl_write_end(&json);
    }
    bl_model_close(bi);
    bl_model_close(cross);
    return out->len ? 0 : -1;
}

static int write_file(const char *path, const struct bl_calibration *tuned,
                      struct bl_span origin, struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT;
    struct bl_newfile *file = bl_newfile_open(path, 0, err);
    int rc = -1;

    bl_calibration_put(&text, tuned, origin);
    if (file && bl_newfile_write(file, text.data, text.len, err) < 0)
        bl_newfile_abort(file);
    else if (file)
        rc = bl_newfile_commit(file, err);
    bl_buf_free(&text);
    return rc;
}

/* ---- What it changed ---- */

static void put_row(struct bl_buf *out, const char *what, double before,
                    double after)
{
    bl_buf_printf(out, "%-30s", what);
    for (int i = 0; i < 2; i++) {
        double value = i ? after : before;

        if (isnan(value))
            bl_buf_printf(out, "%8s", "-");
        else
            bl_buf_printf(out, "%8.3f", value);
    }
    bl_buf_putc(out, '\n');
}

/* The table is for standard output, what became of it for standard error. */
static void print(const struct state *state, const char *path, bool better,
                  const struct bl_tune_report *report, bool as_json)
{
    const struct bl_tune_figures *b = &report->before, *a = &report->after;
    struct bl_buf out = BL_BUF_INIT;
    struct bl_writer json = bl_writer(&out, BL_WRITE_COMPACT);
    size_t known, n = bl_tune_count(state->tune, &known);

    if (as_json) {
        bl_write_object(&json, NULL);
        write_report(&json, state, report);
        bl_write_bool(&json, "written", better);
        bl_write_string(&json, "file", path);
        bl_write_end(&json);
        bl_write_line(&json);
    } else {
        bl_buf_printf(&out, "%-30s%8s%8s\n", "ON MENTIONS HELD OUT", "BEFORE",
                      "AFTER");
        put_row(&out, "right, of those in it", b->right, a->right);
        put_row(&out, "F1 of none", b->none_f1, a->none_f1);
        put_row(&out, "false none", b->false_none, a->false_none);
        put_row(&out, "calibration error", b->ece, a->ece);
        bl_buf_printf(&out, "%zu mentions, %zu with an entity of the "
                      "catalogue\n", n, known);
    }
    bl_out(out.data, out.len);
    bl_buf_free(&out);
    if (!report->none)
        bl_warn("%zu mentions are labelled as none, fewer than %d: what says "
                "none is left as it is", n - known, BL_TUNE_LEAST_NONE);
    if (!better)
        bl_warn("nothing was written: the weights are no better than the "
                "usual ones");
    else if (!as_json)
        bl_warn("wrote '%s', which blink link uses with this catalogue", path);
}

/* ---- The command ---- */

/* Models need not be there to take their weights away. */
static int reset(const struct bl_link_opts *link)
{
    struct bl_err err;
    struct bl_kb *kb = bl_kb_open_named(link->catalogue, &err);
    char *path;
    int rc;

    if (!kb)
        bl_die(&err);
    path = bl_tuned_path(bl_kb_path(kb));
    rc = unlink(path);
    if (rc < 0 && errno != ENOENT) {
        bl_fail_errno(&err, BL_SYSTEM, "cannot remove '%s'", path);
        bl_die(&err);
    }
    bl_warn(rc == 0 ? "removed '%s'" : "there is no '%s'", path);
    free(path);
    bl_kb_close(kb);
    return 0;
}

/* Returns the status with which the stages ended. */
static int run_stages(struct bl_pipeline *pipeline, struct state *state)
{
    struct bl_err err = { .code = BL_OK }, ended = { .code = BL_OK };
    int fd = -1, rc, status;

    if (bl_pipeline_start(pipeline, NULL, &fd, &err) < 0)
        bl_die(&err);
    rc = take_all(state, fd, &err);
    close(fd);
    status = bl_pipeline_wait(pipeline, &ended);
    if (rc < 0)
        bl_die(&err);
    return bl_driver_status(status, &ended);
}

/* The file is there before anything says so. */
static int fit(struct state *state, const struct bl_stage_files *files,
               bool as_json)
{
    struct bl_calibration tuned;
    struct bl_tune_report report;
    struct bl_buf origin = BL_BUF_INIT;
    char *path = bl_tuned_path(files->catalogue);
    bool better = bl_tune_run(state->tune, &tuned, &report);
    struct bl_err err;

    if (better
        && (put_origin(&origin, state, files, &report, &err) < 0
            || write_file(path, &tuned, (struct bl_span){ origin.data,
                                                          origin.len },
                          &err) < 0))
        bl_die(&err);
    print(state, path, better, &report, as_json);
    bl_buf_free(&origin);
    free(path);
    return state->failed > 0;
}

/* The stages up to blink-score run as `blink link` runs them; what they write
 * is read here instead of by blink-score. */
int bl_driver_tune(const struct bl_link_opts *link,
                   const struct bl_tune_opts *opts, char **files,
                   size_t n_files)
{
    struct bl_pipeline *pipeline = bl_pipeline_new();
    struct bl_stage_files found = { NULL };
    struct state state = { .tune = NULL };
    struct bl_calibration base;
    struct bl_err err = { .code = BL_OK };
    int status;

    if (opts->reset)
        return reset(link);
    bl_pipeline_add(pipeline, "blink", "records", "--", NULL);
    for (size_t i = 0; i < n_files; i++)
        bl_pipeline_arg(pipeline, files[i]);
    if (bl_driver_readable(link, files, n_files, &err) < 0
        || bl_driver_stages(link, pipeline, &found, &err) < 0
        || bl_calibration_load(&base, found.calibration, &err) < 0)
        bl_die(&err);
    state.kb = bl_kb_open(found.catalogue, &err);
    if (!state.kb)
        bl_die(&err);
    state.tune = bl_tune_new(&base);
    status = run_stages(pipeline, &state);
    if (status <= 1) {
        check_enough(&state);
        status = fit(&state, &found, opts->json);
    }
    bl_tune_free(state.tune);
    bl_kb_close(state.kb);
    bl_record_free(&state.record);
    bl_arena_free(&state.arena);
    bl_stage_files_free(&found);
    bl_pipeline_free(pipeline);
    return status;
}
