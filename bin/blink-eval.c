/* SPDX-License-Identifier: MIT */
/*
 * blink-eval: measures how good the links of labelled records are.
 *
 *     {"label_id":"1","candidates":[{"id":"1"}]}
 *  -> a table of metrics for all records together, or one JSON object
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "eval/elq.h"
#include "eval/judge.h"
#include "eval/label-map.h"
#include "eval/report.h"
#include "json/lines.h"
#include "kb/kb.h"

static struct opts {
    const char *cutoffs, *gold, *diff, *catalogue, *by, *entities;
    size_t bootstrap, seed, max_line, window;
    bool json, blink_recall, no_fail, elq, clusters;
} options = { .cutoffs = "1,10,64", .seed = 1, .max_line = 16u << 20 };

static const struct bl_opt table[] = {
    BL_OPT_STR('k', "cutoffs", "LIST", &options.cutoffs,
               "list lengths to give recall for"),
    BL_OPT_FLAG(0, "json", &options.json, "print one JSON object"),
    BL_OPT_CATALOGUE(&options.catalogue,
               "labels that the catalogue lacks count as NIL"),
    BL_OPT_STR(0, "test-entities", "FILE", &options.entities,
               "titles for labels that are another catalogue's ids"),
    BL_OPT_STR(0, "gold", "FILE", &options.gold,
               "labels, if the records carry none"),
    BL_OPT_STR(0, "diff", "FILE", &options.diff,
               "print what changed since the run in FILE"),
    BL_OPT_FLAG(0, "clusters", &options.clusters,
                "also tell how mentions are put together"),
    BL_OPT_STR(0, "by", "FIELD", &options.by,
               "also print figures for each value of a field"),
    BL_OPT_SIZE(0, "bootstrap", "N", &options.bootstrap, 0, 1000000,
                "samples for 95 % intervals (0: none)"),
    BL_OPT_SIZE(0, "seed", "N", &options.seed, 0, 1u << 30,
                "seed of the bootstrap"),
    BL_OPT_FLAG(0, "blink-recall", &options.blink_recall,
                "recall as the original BLINK prints it"),
    BL_OPT_FLAG(0, "elq", &options.elq,
                "count mentions and entities together, as ELQ does"),
    BL_OPT_SIZE(0, "window", "N", &options.window, 0, 65536,
                "tokens that ELQ read around the labels (0: all count)"),
    BL_OPT_GROUP("Stream"),
    BL_OPT_SIZE(0, "max-line", "BYTES", &options.max_line, 256, 1u << 30,
                "longest line accepted"),
    BL_OPT_FLAG('Q', "no-fail", &options.no_fail,
                "failed records do not change the exit status"),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-eval", "", "measure the links of labelled records", table, 0, 0
};

struct state {
    struct bl_cutoffs cutoffs;
    struct bl_kb *kb;
    struct bl_label_map *map;   /* NULL: labels are ids of the catalogue */
    struct bl_elq_set *elq;     /* NULL: mentions are judged one by one */
    bool elq_gold;              /* what is read now are the labelled texts */
    struct bl_cases gold, other, cases;
    struct bl_record rec;
    struct bl_arena arena;
    size_t failed;
};

/* ---- Start ---- */

static void parse_cutoffs(struct bl_cutoffs *k)
{
    const char *p = options.cutoffs;

    while (k->n < BL_MAX_CUTOFFS) {
        char *end;
        unsigned long v = *p >= '0' && *p <= '9' ? strtoul(p, &end, 10) : 0;
        if (!v || v > 1000000 || (*end && *end != ','))
            break;
        k->v[k->n++] = v;
        if (!*end)
            return;
        p = end + 1;
    }
    bl_die_usage("option --cutoffs: expected up to %d numbers from 1 to "
                 "1000000 with commas between, found '%s'", BL_MAX_CUTOFFS,
                 options.cutoffs);
}

/* ---- Reading ---- */

/* A label "4.0" that nothing knows by that name is the entity 4. */
static void make_whole(struct bl_case *c)
{
    c->gold[bl_json_whole(bl_span_of(c->gold)).n] = '\0';
}

/* A label that the catalogue does not have cannot be found. */
static int check_label(struct state *state, struct bl_case *c,
                       struct bl_err *err)
{
    int64_t row;
    int got;

    if (!state->kb || c->judged.gold != BL_GOLD_ENTITY)
        return 0;
    if (state->map) {
        const char *id = bl_label_map_find(state->map, c->gold);

        if (!id) {
            make_whole(c);
            id = bl_label_map_find(state->map, c->gold);
        }
        free(c->gold);
        c->gold = id ? bl_xstrdup(id) : NULL;
        if (!id)
            c->judged.gold = BL_GOLD_NIL;
        return 0;
    }
    got = bl_kb_row(state->kb, bl_span_of(c->gold), &row, err);
    if (got == 0) {
        make_whole(c);
        got = bl_kb_row(state->kb, bl_span_of(c->gold), &row, err);
    }
    if (got == 0)
        c->judged.gold = BL_GOLD_NIL;
    return got < 0 ? -1 : 0;
}

/* Takes what is right from the gold file. */
static void apply_gold(struct state *state, struct bl_case *c)
{
    struct bl_case *g = bl_cases_find(&state->gold, c->key);

    free(c->gold);
    free(c->gold_nil);
    c->gold = c->gold_nil = NULL;
    c->judged.gold = BL_GOLD_SPURIOUS;
    if (!g)
        return;
    g->used = true;
    c->judged.gold = g->judged.gold;
    c->gold = g->gold ? bl_xstrdup(g->gold) : NULL;
    c->gold_nil = g->gold_nil ? bl_xstrdup(g->gold_nil) : NULL;
}

/* Labels of the gold file were checked as it was read. */
static int set_label(struct state *state, struct bl_case *c, bool answer,
                     struct bl_err *err)
{
    if (!answer || !options.gold)
        return check_label(state, c, err);
    apply_gold(state, c);
    return 0;
}

static int read_entity(struct state *state, struct bl_span line, size_t number,
                       struct bl_err *err)
{
    bl_arena_reset(&state->arena);
    if (bl_record_parse(&state->rec, line, number, err) < 0)
        return -1;
    return bl_label_map_add(state->map, state->kb, &state->rec, &state->arena,
                            err);
}

static int read_elq(struct state *state, struct bl_span line, size_t number,
                    struct bl_err *err)
{
    bl_arena_reset(&state->arena);
    if (bl_record_parse(&state->rec, line, number, err) < 0)
        return -1;
    return state->elq_gold
        ? bl_elq_set_gold(state->elq, &state->rec, &state->arena, err)
        : bl_elq_set_answer(state->elq, &state->rec, &state->arena, err);
}

/* into NULL: a line of the test entities, or of ELQ's. */
static int read_record(struct state *state, struct bl_cases *into,
                       struct bl_span line, size_t number,
                       struct bl_err *err)
{
    struct bl_case c;

    if (!into)
        return state->elq ? read_elq(state, line, number, err)
                          : read_entity(state, line, number, err);
    bl_arena_reset(&state->arena);
    if (bl_record_parse(&state->rec, line, number, err) < 0
        || bl_case_read(&c, &state->rec, &state->arena, err) < 0)
        return -1;
    if ((options.by && bl_case_group(&c, &state->rec, options.by,
                                     &state->arena, err) < 0)
        || set_label(state, &c, into != &state->gold, err) < 0
        || (into != &state->gold
            && bl_case_judge(&c, &state->rec, &state->arena, err) < 0)) {
        bl_case_free(&c);
        return -1;
    }
    bl_cases_add(into, &c);
    return 0;
}

static int read_all(struct state *state, int fd, const char *name,
                    struct bl_cases *into, struct bl_err *err)
{
    struct bl_lines *lines = bl_lines_new(fd, name, options.max_line);
    enum bl_line_status got;
    struct bl_span line;
    int rc = 0;

    bl_lines_take_arrays(lines);
    while (rc == 0
           && (got = bl_lines_next(lines, &line, err)) != BL_LINE_END) {
        size_t number = bl_lines_number(lines);
        if (got == BL_LINE_ERROR) {
            rc = -1;
        } else if (got == BL_LINE_TOO_LONG) {
            bl_warn("%s:%zu: line longer than %zu bytes", bl_lines_name(lines),
                    number, options.max_line);
            state->failed++;
        /* Codes above BL_USAGE concern the catalogue or the machine and not
         * this line: they end the reading. */
        } else if (got == BL_LINE_BAD
                   || (!bl_span_blank(line)
                       && read_record(state, into, line, number, err) < 0)) {
            if (err->code > BL_USAGE) {
                rc = -1;
                continue;
            }
            bl_warn("%s:%zu: %s", bl_lines_name(lines), number, err->msg);
            state->failed++;
        }
    }
    bl_lines_free(lines);
    return rc;
}

static int read_file(struct state *state, const char *path,
                     struct bl_cases *into, struct bl_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), rc;

    if (fd < 0)
        return bl_fail_file(err, "'%s'", path);
    rc = read_all(state, fd, path, into, err);
    close(fd);
    if (into)
        bl_cases_sort(into);
    return rc;
}

/* Gold mentions that no record answered. */
static void add_missed(struct state *state)
{
    for (size_t i = 0; i < state->gold.n; i++) {
        struct bl_case *g = &state->gold.v[i];
        if (g->used || g->judged.gold == BL_GOLD_NONE)
            continue;
        g->judged.missed = true;
        bl_cases_add(&state->cases, g);
        *g = (struct bl_case){ .used = true };
    }
}

static int load(struct state *state, struct bl_err *err)
{
    if (options.catalogue
        && !(state->kb = bl_kb_open_named(options.catalogue, err)))
        return -1;
    if (options.entities) {
        state->map = bl_label_map_new();
        if (read_file(state, options.entities, NULL, err) < 0)
            return -1;
        bl_label_map_sort(state->map);
        bl_note("'%s': %zu entities, %zu of them not in the catalogue",
                options.entities, bl_label_map_count(state->map),
                bl_label_map_missing(state->map));
    }
    if (options.gold && read_file(state, options.gold, &state->gold, err) < 0)
        return -1;
    if (options.diff) {
        if (read_file(state, options.diff, &state->other, err) < 0)
            return -1;
        /* Reading the other run has marked the gold mentions that it answered;
         * the marks are needed again for this run. */
        for (size_t i = 0; i < state->gold.n; i++)
            state->gold.v[i].used = false;
    }
    return read_all(state, STDIN_FILENO, "stdin", &state->cases, err);
}

/* ---- ELQ's measure ---- */

static void check_elq(void)
{
    if (!options.elq) {
        if (options.window)
            bl_die_usage("option '--window' goes with '--elq'");
        return;
    }
    if (!options.gold)
        bl_die_usage("option '--elq' needs the labelled texts (--gold)");
    if (options.diff || options.by || options.entities || options.bootstrap
        || options.blink_recall)
        bl_die_usage("option '--elq' goes with --gold, --catalogue, --window "
                     "and --json alone");
    if (options.window && options.window < 4)
        bl_die_usage("option '--window': expected 0 or at least 4");
}

/* The labelled texts come first: an answer of any other text is a mistake. */
static int run_elq(struct state *state, struct bl_err *err)
{
    struct bl_elq_figures figures;
    struct bl_buf out = BL_BUF_INIT;

    if (options.catalogue
        && !(state->kb = bl_kb_open_named(options.catalogue, err)))
        return -1;
    state->elq = bl_elq_set_new(state->kb, options.window);
    state->elq_gold = true;
    if (read_file(state, options.gold, NULL, err) < 0)
        return -1;
    state->elq_gold = false;
    if (read_all(state, STDIN_FILENO, "stdin", NULL, err) < 0)
        return -1;
    bl_elq_set_measure(state->elq, &figures);
    bl_elq_put(&out, &figures, options.json);
    bl_out(out.data, out.len);
    bl_buf_free(&out);
    return 0;
}

/* ---- The report ---- */

static void report(struct state *state)
{
    struct bl_report r = { .cutoffs = &state->cutoffs, .json = options.json,
                           .bootstrap = options.bootstrap,
                           .seed = options.seed,
                           .failed = state->failed, .by = options.by,
                           .clusters = options.clusters };
    struct bl_buf out = BL_BUF_INIT;

    if (options.diff) {
        bl_cases_sort(&state->cases);
        bl_print_diff(&out, &state->other, &state->cases, options.json);
    } else {
        add_missed(state);
        bl_cases_by_doc(&state->cases);
        bl_print_report(&out, &state->cases, &r);
    }
    bl_out(out.data, out.len);
    bl_buf_free(&out);
}

static void state_free(struct state *state)
{
    bl_cases_free(&state->gold);
    bl_cases_free(&state->other);
    bl_cases_free(&state->cases);
    bl_record_free(&state->rec);
    bl_arena_free(&state->arena);
    bl_label_map_free(state->map);
    bl_elq_set_free(state->elq);
    bl_kb_close(state->kb);
}

/* What failed before is known from the records that were kept, which ELQ's
 * measure does not keep: it counts them as they are read. */
int main(int argc, char **argv)
{
    struct state state = { .arena = BL_ARENA_INIT };
    struct bl_err err;

    bl_prog_init("blink-eval");
    bl_opts_parse(&command, argc, argv);
    parse_cutoffs(&state.cutoffs);
    if (options.entities && !options.catalogue)
        bl_die_usage("option --test-entities needs the catalogue (-c)");
    check_elq();
    state.cutoffs.blink = options.blink_recall;
    if ((options.elq ? run_elq(&state, &err) : load(&state, &err)) < 0)
        bl_die(&err);
    if (!options.elq)
        report(&state);
    size_t failed = state.failed;
    for (size_t i = 0; i < state.cases.n; i++)
        failed += state.cases.v[i].error;
    state_free(&state);
    return bl_prog_finish(failed && !options.no_fail ? 1 : 0);
}
