/* SPDX-License-Identifier: MIT */
/*
 * blink-elq: finds the mentions of questions and the entities that they mean
 * in one pass, with a model of BLINK's ELQ.
 *
 * In:   {"id","text"}, one question or document a line; or plain text
 * Out:  {"id","doc","start","end","context_left","mention","context_right",
 *        "ner_score","tokens","joint_score","embedding","candidates",
 *        "catalogue_size","entity"}, one mention a line, the likeliest first
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "cli/engine-opts.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "json/vector.h"
#include "json/writer.h"
#include "link/onepass.h"
#include "ner/elq-labels.h"
#include "ner/spans.h"
#include "text/doc.h"
#include "text/input.h"

/* Thresholds of the published runs (elq/README.md): what the program has
 * itself, the model trained on Wikipedia with either set of questions, and
 * the one trained on WebQSP with each. */
static const double presets[] = { -4.5, -2.9, -1.5, -0.9 };

static struct opts {
    const char *model, *catalogue;
    struct bl_strings indexes;
    const char *threshold, *mention_threshold;
    size_t k, context, search_threads, ef_search, nprobe;
    int preset, floats;
    bool text, gold_window, no_embedding;
    struct bl_onepass_opts read;
    struct bl_engine_opts engine;
    struct bl_loop_opts loop;
} options = { .k = 10, .context = 500, .read = BL_ONEPASS_OPTS_DEFAULT,
         .engine = BL_ENGINE_OPTS_DEFAULT,
         .loop = BL_LOOP_OPTS_DEFAULT(32) };

static const struct bl_opt table[] = {
    BL_OPT_STR('m', "model", "MODEL", &options.model,
               "model of ELQ (required)"),
    BL_OPT_LIST('x', "index", "INDEX", &options.indexes,
                "index, or one shard of it; may be repeated"),
    BL_OPT_CATALOGUE(&options.catalogue, "catalogue: a file or a name"),
    BL_OPT_GROUP("Input"),
    BL_OPT_FLAG('t', "text", &options.text, "plain text, one question a line"),
    BL_OPT_SIZE(0, "tokens", "N", &options.read.tokens, 0,
                BL_INPUT_MAX_LENGTH,
                "tokens read of a text (0: as the model says)"),
    BL_OPT_FLAG(0, "windows", &options.read.windows,
                "read all of a long text, so many tokens at a time"),
    BL_OPT_FLAG(0, "gold-window", &options.gold_window,
                "read the tokens around the labelled mentions, as ELQ does"),
    BL_OPT_GROUP("Mentions"),
    BL_OPT_STR(0, "threshold", "T", &options.threshold,
               "least joint log-probability (-inf: none)"),
    BL_OPT_CHOICE(0, "preset", "default|wiki|webqsp|graphquestions",
                  &options.preset, "threshold of a published run"),
    BL_OPT_SIZE(0, "max-mentions", "N", &options.read.mentions, 1, 100000,
                "most possible mentions looked up for a text"),
    BL_OPT_FLAG(0, "top-entity-by-mention", &options.read.joint.by_mention,
                "threshold mentions alone, and keep those that overlap"),
    BL_OPT_STR(0, "mention-threshold", "T", &options.mention_threshold,
               "least logit of a mention, for the option before"),
    BL_OPT_FLAG(0, "all", &options.read.joint.all,
                "write all that was looked up, overlapping or not"),
    BL_OPT_FLAG(0, "specials", &options.read.specials,
                "write mentions of [CLS] and [SEP] alone, as ELQ does"),
    BL_OPT_SIZE('k', "top", "N", &options.k, 1, 10000, "candidates a mention"),
    BL_OPT_SIZE(0, "ef-search", "N", &options.ef_search, 0, 1u << 20,
                "HNSW: width of the search (0: the file's)"),
    BL_OPT_SIZE(0, "nprobe", "N", &options.nprobe, 0, 1u << 30,
                "IVF: lists to search (0: the file's)"),
    BL_OPT_GROUP("Output"),
    BL_OPT_SIZE(0, "context", "N", &options.context, 0, 1u << 20,
                "most characters of context on each side"),
    BL_OPT_CHOICE(0, "floats", "base64|json", &options.floats,
                  "how vectors are written"),
    BL_OPT_FLAG(0, "no-embedding", &options.no_embedding,
                "leave the vectors out"),
    BL_OPTS_ENGINE(options.engine),
    BL_OPTS_LOOP(options.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    "blink-elq", "-m MODEL -x INDEX -c CATALOGUE < QUESTIONS",
    "find mentions and their entities in one pass", table, 0, 0
};

struct state {
    struct bl_model *model;
    struct bl_encoder *encoder;
    struct bl_kb *kb;
    struct bl_gather *gather;
    struct bl_onepass *onepass;
    struct bl_doc doc;
    bool told;                  /* that a text was cut */
    bool any_record;            /* a line was JSON */
};

struct question {
    struct bl_span id;
    struct bl_onepass_text read;
};

/* ---- Start ---- */

/* A number, or -inf as ELQ's users write it. */
static double threshold_of(const char *option, const char *text)
{
    struct bl_span value = bl_span_of(text);
    double number;

    if (!strcmp(text, "-inf"))
        return -INFINITY;
    if (bl_json_check(value.p, value.n, NULL) < 0
        || bl_json_type(value) != BL_JSON_NUMBER
        || bl_json_number(value, &number, NULL) < 0)
        bl_die_usage("option '--%s': expected a number or -inf, found '%s'",
                     option, text);
    return number;
}

/* What contradicts itself is refused before a model is read, which takes
 * seconds where it is large. */
static void check_opts(void)
{
    struct bl_joint_opts *joint = &options.read.joint;

    joint->threshold = options.threshold
        ? threshold_of("threshold", options.threshold)
        : presets[options.preset];
    joint->mention_threshold = -INFINITY;
    if (options.mention_threshold)
        joint->mention_threshold = threshold_of("mention-threshold",
                                                options.mention_threshold);
    if (!options.model)
        bl_die_usage("option '--model' is required");
    if (options.threshold && options.preset)
        bl_die_usage("options '--threshold' and '--preset' exclude each "
                     "other");
    if (options.mention_threshold && !joint->by_mention)
        bl_die_usage("option '--mention-threshold' goes with "
                     "'--top-entity-by-mention'");
    if (options.gold_window && (options.text || options.read.windows))
        bl_die_usage("option '--gold-window' is for labelled records, and "
                     "without '--windows'");
    if (options.read.tokens && options.read.tokens < BL_INPUT_MIN_CONTEXT)
        bl_die_usage("option '--tokens': expected 0 or at least %d",
                     BL_INPUT_MIN_CONTEXT);
}

/* The model first: it is what is given wrong most often, and what the index
 * must agree with. */
static int state_load(struct state *state, struct bl_err *err)
{
    struct bl_gather_opts opts = { .k = options.k,
        .threads = options.engine.threads, .ef_search = options.ef_search,
        .nprobe = options.nprobe };

    state->model = bl_model_open_as(options.model, BL_ROLE_BI_ENCODER, err);
    if (!state->model)
        return -1;
    state->encoder = bl_encoder_open(state->model, &options.engine, err);
    if (!state->encoder)
        return -1;
    state->kb = bl_kb_open_named(options.catalogue, err);
    if (!state->kb)
        return -1;
    state->gather = bl_gather_open(options.indexes.v, options.indexes.n,
                                   state->kb, &opts, err);
    if (!state->gather)
        return -1;
    state->onepass = bl_onepass_new(state->model, state->encoder,
                                    state->gather, &options.read, err);
    if (!state->onepass)
        return -1;
    bl_note("%s (%s): %s; %s", state->model->path, state->model->fingerprint,
            bl_encoder_describe(state->encoder),
            bl_gather_describe(state->gather));
    return 0;
}

static void state_free(struct state *state)
{
    bl_onepass_free(state->onepass);
    bl_gather_close(state->gather);
    bl_kb_close(state->kb);
    bl_encoder_close(state->encoder);
    bl_model_close(state->model);
    bl_doc_free(&state->doc);
    free(options.indexes.v);
}

/* ---- One question ---- */

static int read_line(const struct bl_item *item, struct question *question,
                     struct bl_arena *arena, struct bl_err *err)
{
    struct bl_span line = item->rec.line;
    size_t valid = bl_utf8_valid(line.p, line.n);
    char number[32];

    if (valid != line.n)
        return bl_fail(err, BL_BAD_UTF8, "byte %zu: invalid UTF-8", valid);
    if (memchr(line.p, '\0', line.n))
        return bl_fail(err, BL_BAD_STRING, "a NUL byte in the text");
    snprintf(number, sizeof number, "%zu", item->rec.number);
    question->id = bl_span_of(bl_arena_strndup(arena, number,
                                               strlen(number)));
    question->read.text = line;
    return 0;
}

/* The ids of ELQ's data must be those of the text, or its labels would be of
 * other tokens. */
static int check_ids(struct bl_span list, const int32_t *ids, size_t n,
                     struct bl_err *err)
{
    struct bl_json_iter it = bl_json_iter(list);
    struct bl_span value;
    size_t i = 0;
    int64_t id;

    for (; bl_json_next(&it, NULL, &value); i++)
        if (i == n || bl_json_integer(value, ids[i], ids[i], &id, NULL) < 0)
            return bl_fail(err, BL_BAD_FIELD, "field 'tokenized_text_ids': "
                           "id %zu is not that of the text in this model's "
                           "vocabulary", i);
    if (i == n)
        return 0;
    return bl_fail(err, BL_BAD_FIELD, "field 'tokenized_text_ids': %zu ids, "
                   "but the text has %zu", i, n);
}

/* All tokens of the text are needed here, since a label may be anywhere; the
 * original takes the ids of the record as they are, and never reads the
 * text. */
static int read_gold(struct state *state, const struct bl_item *item,
                     struct bl_onepass_text *text, struct bl_arena *arena,
                     struct bl_err *err)
{
    struct bl_elq_labels labels;
    struct bl_span list;
    int32_t *ids;
    size_t n;

    if (bl_record_array(&item->rec, "tokenized_text_ids", &list, err) < 0
        || bl_elq_labels_read(&item->rec, NULL, arena, &labels, err) < 0)
        return -1;
    n = bl_onepass_tokens(state->onepass, text->text, arena, &ids);
    if (check_ids(list, ids, n, err) < 0)
        return -1;
    text->n_gold = labels.n;
    text->gold = bl_arena_alloc(arena, labels.n + 1, sizeof *text->gold);
    for (size_t i = 0; i < labels.n; i++) {
        text->gold[i] = labels.v[i].tokens;
        if (!labels.has_tokens || text->gold[i].to > n)
            return bl_fail(err, BL_BAD_FIELD, "field "
                           "'tokenized_mention_idxs': expected pairs of "
                           "first token and end within %zu tokens", n);
    }
    return 0;
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct question *question = bl_arena_alloc(arena, 1, sizeof *question);

    memset(question, 0, sizeof *question);
    item->data = question;
    ((struct state *)ctx)->any_record = true;
    if (options.text)
        return read_line(item, question, arena, err);
    if (bl_record_id(&item->rec, "id", arena, &question->id, err) < 0
        || bl_record_string(&item->rec, "text", arena, &question->read.text,
                            err) < 0)
        return -1;
    return options.gold_window
        ? read_gold(ctx, item, &question->read, arena, err) : 0;
}

static void tell_cut(struct state *state, const struct bl_item *item)
{
    const struct question *question = item->data;

    if (!question->read.cut || state->told || options.gold_window)
        return;
    state->told = true;
    bl_warn("line %zu: of the text only the first %zu bytes are read "
            "(--tokens, --windows); no other such text is told of",
            item->rec.number, question->read.seen);
}

static int run(void *ctx, struct bl_item **items, size_t n,
               struct bl_arena *arena, struct bl_err *err)
{
    struct state *state = ctx;
    struct bl_onepass_text *texts = bl_arena_alloc(arena, n, sizeof *texts);

    for (size_t i = 0; i < n; i++)
        texts[i] = ((struct question *)items[i]->data)->read;
    if (bl_onepass_read(state->onepass, texts, n, arena, err) < 0)
        return -1;
    for (size_t i = 0; i < n; i++) {
        ((struct question *)items[i]->data)->read = texts[i];
        if (texts[i].err.code != BL_OK)
            bl_item_fail(items[i], texts[i].err.code, "%s", texts[i].err.msg);
        tell_cut(state, items[i]);
    }
    return 0;
}

/* ---- Output ---- */

/* Places are bytes in the library and code points in records. */
static void put_place(struct bl_writer *writer, const struct state *state,
                      const struct bl_onepass_text *text,
                      const struct bl_onepass_mention *mention)
{
    struct bl_span left, right, all = text->text;
    size_t start = bl_utf8_count(all.p, mention->start);
    struct bl_span said = { all.p + mention->start,
                            mention->end - mention->start };

    bl_doc_context(&state->doc, mention->start, mention->end, options.context,
                   &left, &right);
    bl_write_size(writer, "start", start);
    bl_write_size(writer, "end", start + bl_utf8_count(said.p, said.n));
    bl_write_span(writer, "context_left", left);
    bl_write_span(writer, "mention", said);
    bl_write_span(writer, "context_right", right);
    bl_write_double(writer, "ner_score",
                    exp(bl_log_probability(mention->logit)), 9);
    bl_write_array(writer, "tokens");
    bl_write_integer(writer, NULL, mention->first);
    bl_write_integer(writer, NULL, mention->last);
    bl_write_end(writer);
    bl_write_double(writer, "joint_score", mention->joint, 9);
}

static void put_entity(struct bl_writer *writer,
                       const struct bl_candidate *best)
{
    bl_write_object(writer, "entity");
    bl_write_span(writer, "id", best->id);
    bl_write_optional(writer, "title", best->title);
    bl_write_optional(writer, "url", best->url);
    bl_write_double(writer, "p", best->p, 9);
    bl_write_end(writer);
}

static void put_mention(struct bl_buf *out, const struct state *state,
                        const struct question *question, size_t number)
{
    const struct bl_onepass_mention *mention = &question->read.v[number];
    struct bl_writer writer = bl_writer(out, BL_WRITE_COMPACT);
    struct bl_buf *id;

    bl_write_object(&writer, NULL);
    id = bl_write_slot(&writer, "id");
    bl_json_put_string(id, question->id.p, question->id.n);
    id->len--;                          /* the number goes into the string */
    bl_buf_printf(id, ":%zu\"", number);
    bl_write_span(&writer, "doc", question->id);
    put_place(&writer, state, &question->read, mention);
    if (!options.no_embedding)
        bl_vector_put(bl_write_slot(&writer, "embedding"), mention->vector,
                      state->model->dim, state->model->fingerprint, false,
                      (enum bl_floats)options.floats);
    bl_candidates_put(bl_write_slot(&writer, "candidates"), &mention->list,
                      BL_PUT_SCORE | BL_PUT_P);
    bl_write_size(&writer, "catalogue_size", mention->list.entities);
    put_entity(&writer, mention->list.v);
    bl_write_end(&writer);
    bl_write_line(&writer);
}

/* What is around the mentions: of a text that was cut, no more than what was
 * read and some context, so that a long rest costs nothing. */
static struct bl_span around(const struct bl_onepass_text *text)
{
    size_t most = text->seen + 4 * options.context + 256;
    struct bl_span all = text->text;

    if (most < all.n)
        all.n = bl_utf8_cut(all.p, all.n, most);
    return all;
}

static void emit_lines(void *ctx, const struct bl_item *item,
                       struct bl_buf *out)
{
    struct state *state = ctx;
    const struct question *question = item->data;

    if (!question->read.n)
        return;
    bl_doc_set(&state->doc, around(&question->read));
    for (size_t i = 0; i < question->read.n; i++)
        put_mention(out, state, question, i);
}

int main(int argc, char **argv)
{
    struct state state = { 0 };
    struct bl_err err;
    int status;

    bl_prog_init("blink-elq");
    bl_opts_parse(&command, argc, argv);
    check_opts();
    if (state_load(&state, &err) < 0)
        bl_die(&err);
    status = bl_loop_run(&(struct bl_loop){
        .opts = &options.loop, .ctx = &state, .prepare = prepare, .run = run,
        .emit_lines = emit_lines, .plain_text = options.text
    });
    if (status == 1 && !state.any_record)
        bl_warn("no line is a question in JSON: --text takes plain text");
    state_free(&state);
    return bl_prog_finish(status);
}
