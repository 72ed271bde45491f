/* SPDX-License-Identifier: MIT */
/*
 * blink-merge: the candidates that the parts of an index gave, as one list.
 *
 * In:  for each part, the same records with `candidates` and `part`, in the
 *      same order (blink-retrieve --part)
 * Out: the records with the `candidates` of the whole index
 */
#include "config.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "json/candidates.h"
#include "json/lines.h"
#include "json/record.h"
#include "link/part.h"

static struct {
    size_t max_line;
    bool partial;
} options = { .max_line = 16u << 20 };

static const struct bl_opt table[] = {
    BL_OPT_FLAG(0, "partial", &options.partial,
                "merge although parts are missing"),
    BL_OPT_SIZE(0, "max-line", "BYTES", &options.max_line, 256, 1u << 30,
                "longest line accepted"),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-merge", "PART...", "merge the candidates of the parts of an index",
    table, 1, 1 << 10
};

struct input {
    int fd;
    struct bl_lines *lines;
    struct bl_record record;
};

struct state {
    struct input *inputs;       /* [n] */
    size_t n;
    bool checked;               /* the parts are those of one whole */
    bool any_failed;
    struct bl_candidates *lists;    /* [n] of one record */
    struct bl_part *parts;      /* [n] */
    struct bl_arena arena;
    struct bl_edits edits;
    struct bl_buf out, rest[2];
};

/* ---- Reading ---- */

static int open_input(struct input *input, const char *path,
                      struct bl_err *err)
{
    bool is_stdin = !strcmp(path, "-");

    input->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (input->fd < 0)
        return bl_fail_file(err, "cannot read '%s'", path);
    input->lines = bl_lines_new(input->fd, is_stdin ? "stdin" : path,
                                options.max_line);
    return 0;
}

/* 1 with the next record, which borrows from the input, 0 at the end. */
static int next_record(struct input *input, struct bl_err *err)
{
    struct bl_span line;

    for (;;) {
        switch (bl_lines_next(input->lines, &line, err)) {
        case BL_LINE_END:
            return 0;
        case BL_LINE_TOO_LONG:
            return bl_fail(err, BL_DATA, "%s:%zu: longer than %zu bytes (see "
                           "--max-line)", bl_lines_name(input->lines),
                           bl_lines_number(input->lines), options.max_line);
        case BL_LINE_OK:
            break;
        default:
            return -1;
        }
        if (bl_span_blank(line))
            continue;
        if (bl_record_parse(&input->record, line,
                            bl_lines_number(input->lines), err) == 0)
            return 1;
        err->code = BL_DATA;
        return bl_err_prefix(err, "%s:%zu", bl_lines_name(input->lines),
                             bl_lines_number(input->lines));
    }
}

/* The next record of each: 1, or 0 when all have ended. */
static int next_records(struct state *state, struct bl_err *err)
{
    size_t left = 0, ended = 0;

    for (size_t i = 0; i < state->n; i++) {
        int rc = next_record(&state->inputs[i], err);

        if (rc < 0)
            return -1;
        *(rc ? &left : &ended) = i + 1;
    }
    if (left && ended)
        return bl_fail(err, BL_DATA, "'%s' ends before line %zu of '%s'",
                       bl_lines_name(state->inputs[ended - 1].lines),
                       bl_lines_number(state->inputs[left - 1].lines),
                       bl_lines_name(state->inputs[left - 1].lines));
    return left > 0;
}

/* ---- One record ---- */

/* The record without what the parts added. */
static void put_rest(struct state *state, const struct bl_record *record,
                     struct bl_buf *out)
{
    bl_edits_clear(&state->edits);
    bl_edits_drop(&state->edits, "candidates");
    bl_edits_drop(&state->edits, "part");
    bl_buf_clear(out);
    bl_record_write(out, record, &state->edits);
}

/* Each part answered the same question, or their lists have nothing to do
 * with each other. */
static int check_same(struct state *state, struct bl_err *err)
{
    struct bl_buf *first = &state->rest[0], *other = &state->rest[1];

    put_rest(state, &state->inputs[0].record, first);
    for (size_t i = 1; i < state->n; i++) {
        put_rest(state, &state->inputs[i].record, other);
        if (first->len != other->len
            || memcmp(first->data, other->data, first->len))
            return bl_fail(err, BL_DATA, "%s:%zu and %s:%zu are different "
                           "records",
                           bl_lines_name(state->inputs[0].lines),
                           bl_lines_number(state->inputs[0].lines),
                           bl_lines_name(state->inputs[i].lines),
                           bl_lines_number(state->inputs[i].lines));
    }
    return 0;
}

/* The record of a part that carries an error; NULL: none does. */
static const struct bl_record *failed_one(const struct state *state)
{
    for (size_t i = 0; i < state->n; i++) {
        const struct bl_record *record = &state->inputs[i].record;
        struct bl_span error;

        if (bl_record_get(record, "error", &error, NULL) == 1
            && bl_json_type(error) != BL_JSON_NULL)
            return record;
    }
    return NULL;
}

static int read_parts(struct state *state, struct bl_err *err)
{
    for (size_t i = 0; i < state->n; i++) {
        const struct input *input = &state->inputs[i];

        if (bl_candidates_read(&input->record, &state->arena,
                               &state->lists[i], err) < 0
            || bl_part_read(&input->record, &state->arena, state->lists[i].n,
                            &state->parts[i], err) < 0) {
            err->code = BL_DATA;
            return bl_err_prefix(err, "%s:%zu", bl_lines_name(input->lines),
                                 bl_lines_number(input->lines));
        }
    }
    return 0;
}

/* All records of an input come from one part, which the first tells; later
 * ones are believed. */
static int check_parts(struct state *state, struct bl_err *err)
{
    if (state->checked)
        return 0;
    state->checked = true;
    return bl_part_check(state->parts, state->n, options.partial, err);
}

/* What the parts do not add is the same in all, so the first record serves. */
static int merge(struct state *state, struct bl_err *err)
{
    struct bl_candidates merged;

    bl_arena_reset(&state->arena);
    if (read_parts(state, err) < 0 || check_parts(state, err) < 0
        || check_same(state, err) < 0)
        return -1;
    bl_part_merge(state->parts, state->lists, state->n, &state->arena,
                  &merged);
    bl_buf_clear(&state->rest[0]);
    bl_candidates_put(&state->rest[0], &merged, 0);
    bl_edits_clear(&state->edits);
    bl_edits_set(&state->edits, "candidates",
                 (struct bl_span){ state->rest[0].data, state->rest[0].len });
    bl_edits_drop(&state->edits, "part");
    bl_record_write(&state->out, &state->inputs[0].record, &state->edits);
    return 0;
}

/* A record that failed in one part has no list of the whole. */
static void pass(struct state *state, const struct bl_record *record)
{
    state->any_failed = true;
    bl_buf_put_span(&state->out, record->line);
    bl_buf_putc(&state->out, '\n');
}

/* ---- All of them ---- */

/* What is merged is written before it would have to be waited for more. */
static bool may_wait(const struct state *state)
{
    for (size_t i = 0; i < state->n; i++)
        if (bl_lines_would_block(state->inputs[i].lines))
            return true;
    return false;
}

static void flush(struct state *state)
{
    if (state->out.len)
        bl_out(state->out.data, state->out.len);
    bl_buf_clear(&state->out);
}

/* In batches where the input comes at once, line by line where it does not. */
static int run(struct state *state, struct bl_err *err)
{
    enum { FULL = 1 << 18 };    /* bytes */
    int more;

    while ((more = next_records(state, err)) > 0) {
        const struct bl_record *failed = failed_one(state);

        if (failed)
            pass(state, failed);
        else if (merge(state, err) < 0)
            more = -1;
        if (state->out.len > FULL || more < 0 || may_wait(state))
            flush(state);
        if (more < 0)
            return -1;
    }
    flush(state);
    return more;
}

static int open_inputs(struct state *state, struct bl_args args,
                       struct bl_err *err)
{
    state->inputs = BL_NEW_ARRAY(struct input, args.n);
    state->lists = BL_NEW_ARRAY(struct bl_candidates, args.n);
    state->parts = BL_NEW_ARRAY(struct bl_part, args.n);
    for (size_t i = 0; i < args.n; i++) {
        if (open_input(&state->inputs[i], args.v[i], err) < 0)
            return -1;
        state->n++;
    }
    return 0;
}

static void state_free(struct state *state)
{
    for (size_t i = 0; i < state->n; i++) {
        bl_lines_free(state->inputs[i].lines);
        bl_record_free(&state->inputs[i].record);
        close(state->inputs[i].fd);
    }
    free(state->inputs);
    free(state->lists);
    free(state->parts);
    bl_arena_free(&state->arena);
    bl_edits_free(&state->edits);
    bl_buf_free(&state->out);
    bl_buf_free(&state->rest[0]);
    bl_buf_free(&state->rest[1]);
}

int main(int argc, char **argv)
{
    struct state state = { .n = 0 };
    struct bl_err err;
    int rc;

    bl_prog_init("blink-merge");
    rc = open_inputs(&state, bl_opts_parse(&command, argc, argv), &err);
    if (rc == 0)
        rc = run(&state, &err);
    if (rc < 0)
        bl_die(&err);
    rc = state.any_failed;
    state_free(&state);
    return bl_prog_finish(rc);
}
