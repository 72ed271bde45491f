/* SPDX-License-Identifier: MIT */
/*
 * blink-tokenize: shows texts as a model sees them.
 *
 *     {"text":"Caf\u00e9s"} -> {"text":"Caf\u00e9s","tokens":["cafes"],
 *                               "ids":[23812]}
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "cli/loop.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "json/writer.h"
#include "model/model-family.h"
#include "model/model.h"
#include "ner/window.h"
#include "text/input.h"
#include "text/unicode.h"
#include "text/wordpiece.h"

enum mode { MODE_RAW, MODE_CONTEXT, MODE_ENTITY, MODE_PAIR, MODE_WINDOWS,
            N_MODES };
enum literals { LITERALS_MODEL, LITERALS_SPECIAL, LITERALS_TEXT };

static struct opts {
    bool mode[N_MODES];
    const char *model;
    size_t length;
    bool pad, tokens, lower;
    int literals;
    struct bl_loop_opts loop;
} options = { .loop = BL_LOOP_OPTS_DEFAULT(256) };

static const struct bl_opt table[] = {
    BL_OPT_FLAG(0, "raw", &options.mode[MODE_RAW],
                "a text, without special tokens"),
    BL_OPT_FLAG(0, "context", &options.mode[MODE_CONTEXT],
                "a mention in its context"),
    BL_OPT_FLAG(0, "entity", &options.mode[MODE_ENTITY],
                "a title and its text"),
    BL_OPT_FLAG(0, "pair", &options.mode[MODE_PAIR],
                "a mention and an entity, for a cross-encoder"),
    BL_OPT_FLAG(0, "windows", &options.mode[MODE_WINDOWS],
                "a document, for a tagger"),
    BL_OPT_STR('m', "model", "MODEL", &options.model,
               "model directory or name, or a vocab.txt"),
    BL_OPT_SIZE(0, "length", "N", &options.length, 0, BL_INPUT_MAX_LENGTH,
                "at most N tokens (0: the model's limit)"),
    BL_OPT_FLAG(0, "tokens", &options.tokens, "add the tokens' texts too"),
    BL_OPT_FLAG(0, "pad", &options.pad, "pad with zeros up to the length"),
    BL_OPT_FLAG(0, "lower", &options.lower,
                "lower-case the mention and its context first"),
    BL_OPT_CHOICE(0, "literals", "model|special|text", &options.literals,
                  "how to read a typed \"[SEP]\""),
    BL_OPTS_LOOP(options.loop),
    BL_OPTS_END
};

static const struct bl_command command = {
    .name = "blink-tokenize",
    .synopsis = "--raw|--context|--entity|--pair|--windows -m MODEL",
    .brief = "show texts as a model sees them",
    .opts = table
};

struct state {
    enum mode mode;
    struct bl_model *model;     /* NULL: a vocabulary on its own */
    struct bl_wordpiece *words; /* the model's, or our own */
    struct bl_input_spec spec;
    struct bl_input input;
    struct bl_doc doc;
    struct bl_windows windows;
    struct bl_buf json;
    struct bl_buf quoted;       /* the vocabulary in JSON; empty when only */
    size_t *quoted_at;          /* ids are shown.  [words + 1] into it */
};

/* The fields of one record, as JSON text in the batch's arena. */
struct shown {
    struct bl_span tokens, ids, segments, positions, truncated, windows;
};

/* ---- Load ---- */

/* A vocabulary without a model is taken as BLINK's. */
static int load_words(struct state *state, const char *path,
                      struct bl_err *err)
{
    struct bl_wordpiece_opts opts = {
        .lowercase = true, .tags = { "[unused0]", "[unused1]", "[unused2]" }
    };

    state->words = bl_wordpiece_open(path, &opts, err);
    state->spec = (struct bl_input_spec)BL_INPUT_SPEC_BLINK;
    return state->words ? 0 : -1;
}

static int load_model(struct state *state, const char *path,
                      struct bl_err *err)
{
    state->model = bl_model_open(path, err);
    if (!state->model)
        return -1;
    state->words = state->model->words;
    state->spec = *state->model->input;
    return 0;
}

/* True as well of a folder that cannot be read, so that the model's opener
 * says why. */
static bool has_weights(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    bool found = false;

    if (!folder)
        return errno != ENOENT && errno != ENOTDIR;
    while (!found && (errno = 0, entry = readdir(folder)) != NULL) {
        const char *dot = strrchr(entry->d_name, '.');

        found = dot && !strcmp(dot, ".safetensors");
    }
    found |= errno != 0;
    closedir(folder);
    return found;
}

/* Of a family, or by default, a pair is the cross-encoder's and windows are
 * the tagger's. */
static char *find_model(const struct state *state, struct bl_err *err)
{
    char *path = NULL;

    if (state->mode == MODE_WINDOWS)
        return bl_model_find(options.model, BL_ROLE_TAGGER, err);
    if (state->mode == MODE_PAIR)
        path = bl_model_find(options.model, BL_ROLE_CROSS_ENCODER, NULL);
    return path ? path : bl_model_find(options.model, BL_ROLE_BI_ENCODER, err);
}

/* Only windows need a model: everything else can be shown with a vocabulary,
 * whose folder may hold no weights. */
static int load(struct state *state, struct bl_err *err)
{
    char *path = find_model(state, err);
    char *vocab;
    struct stat st;
    int rc;

    if (!path)
        return -1;
    vocab = bl_family_file(path, "vocab.txt");
    if (state->mode == MODE_WINDOWS)
        rc = load_model(state, path, err) < 0 ? -1
            : bl_model_need(state->model, BL_ROLE_TAGGER, err);
    else if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
        rc = load_words(state, path, err);
    else if (has_weights(path))
        rc = load_model(state, path, err);
    else
        rc = load_words(state, vocab, err);
    free(vocab);
    free(path);
    return rc;
}

static void adjust(struct state *state)
{
    state->spec.lower_first = options.lower;
    if (options.literals == LITERALS_SPECIAL)
        state->spec.literal |= BL_LITERAL_SPECIALS;
    else if (options.literals == LITERALS_TEXT)
        state->spec.literal = BL_LITERAL_NONE;
    if (state->mode == MODE_PAIR && state->spec.literal)
        state->spec.literal |= BL_LITERAL_TAGS;
    if (!options.length)
        return;
    if (state->mode == MODE_CONTEXT)
        state->spec.context_length = options.length;
    else if (state->mode == MODE_ENTITY)
        state->spec.entity_length = options.length;
    else
        state->spec.pair_length = options.length;
}

/* The one mode that was given. */
static enum mode chosen_mode(void)
{
    int mode = -1;

    for (int i = 0; i < N_MODES; i++) {
        if (options.mode[i] && mode >= 0)
            bl_die_usage("expected one of --raw, --context, --entity, --pair "
                         "and --windows, found two");
        if (options.mode[i])
            mode = i;
    }
    if (mode < 0)
        bl_die_usage("expected one of --raw, --context, --entity, --pair and "
                     "--windows");
    if (mode == MODE_WINDOWS && options.length)
        bl_die_usage("--length does not work with --windows");
    if (options.pad && mode != MODE_CONTEXT && mode != MODE_ENTITY)
        bl_die_usage("--pad works only with --context or --entity");
    return (enum mode)mode;
}

static void release(struct state *state)
{
    bl_input_free(&state->input);
    bl_doc_free(&state->doc);
    bl_windows_free(&state->windows);
    bl_buf_free(&state->json);
    bl_buf_free(&state->quoted);
    free(state->quoted_at);
    if (state->model)
        bl_model_close(state->model);
    else
        bl_wordpiece_close(state->words);
}

/* ---- Prepare ---- */

/* Writes v to p, which has room for 11 characters; returns its end. */
static char *put_number(char *p, int32_t v)
{
    char digits[12];
    size_t i = sizeof digits;

    do
        digits[--i] = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    while (i < sizeof digits)
        *p++ = digits[i++];
    return p;
}

/* What was written since `from`, kept until the batch is out. */
static struct bl_span keep(struct bl_buf *buf, struct bl_arena *arena)
{
    struct bl_span s = { bl_arena_strndup(arena, buf->data,
                                          buf->len), buf->len };

    bl_buf_clear(buf);
    return s;
}

static struct bl_span numbers(struct bl_arena *arena, const int32_t *v,
                              size_t n)
{
    char *text = bl_arena_alloc(arena, n + 1, 12), *p = text;

    *p++ = '[';
    for (size_t i = 0; i < n; i++) {
        if (i)
            *p++ = ',';
        p = put_number(p, v[i]);
    }
    *p++ = ']';
    return (struct bl_span){ text, (size_t)(p - text) };
}

/* Every token as a JSON string with a comma after it. */
static void quote_words(struct state *state)
{
    size_t n = bl_wordpiece_size(state->words);

    state->quoted_at = bl_xmalloc(n + 1, sizeof *state->quoted_at);
    for (size_t i = 0; i < n; i++) {
        struct bl_span t = bl_wordpiece_token(state->words, (int32_t)i);

        state->quoted_at[i] = state->quoted.len;
        bl_json_put_string(&state->quoted, t.p, t.n);
        bl_buf_putc(&state->quoted, ',');
    }
    state->quoted_at[n] = state->quoted.len;
}

static struct bl_span tokens(const struct state *state, struct bl_arena *arena,
                             const int32_t *ids, size_t n)
{
    size_t size = 2;
    char *text, *p;

    for (size_t i = 0; i < n; i++)
        size += state->quoted_at[ids[i] + 1] - state->quoted_at[ids[i]];
    text = p = bl_arena_alloc(arena, size, 1);
    *p++ = '[';
    for (size_t i = 0; i < n; i++) {
        size_t from = state->quoted_at[ids[i]];
        size_t len = state->quoted_at[ids[i] + 1] - from;

        p = mempcpy(p, state->quoted.data + from, len);
    }
    if (n > 0)
        p--;                    /* the last comma */
    *p++ = ']';
    return (struct bl_span){ text, (size_t)(p - text) };
}

/* The names of the fields of which something was left out. */
static struct bl_span truncated(struct state *state, struct bl_arena *arena)
{
    static const char *const names[] = { "context_left", "mention",
                                         "context_right", "title", "text" };

    if (!state->input.cut)
        return (struct bl_span){ NULL, 0 };
    for (unsigned i = 0; i < 5; i++)
        if (state->input.cut & 1u << i)
            bl_buf_printf(&state->json, "%c\"%s\"",
                          state->json.len ? ',' : '[', names[i]);
    bl_buf_putc(&state->json, ']');
    return keep(&state->json, arena);
}

static int read_mention(const struct bl_record *record, struct bl_arena *arena,
                        struct bl_mention *mention, struct bl_err *err)
{
    struct bl_span given;
    int there = bl_record_get(record, "mention", &given, err);

    *mention = (struct bl_mention){ { "", 0 }, { "", 0 }, { "", 0 } };
    if (there < 0
        || bl_record_string(record, "context_left", arena, &mention->left,
                            err) < 0
        || bl_record_string(record, "context_right", arena, &mention->right,
                            err) < 0)
        return -1;
    if (there && bl_json_type(given) == BL_JSON_NULL)
        return 0;               /* no mention, no tags */
    return bl_record_string(record, "mention", arena, &mention->text, err);
}

static int read_entity(const struct bl_record *record, struct bl_arena *arena,
                       struct bl_entity_text *entity, struct bl_err *err)
{
    int titled = bl_record_string_opt(record, "title", arena, &entity->title,
                                      err);

    entity->has_title = titled > 0;
    if (titled < 0)
        return -1;
    return bl_record_string(record, "text", arena, &entity->text, err);
}

/* Tokens of a whole text into s->input.ids. */
static int make_raw(struct state *state, const struct bl_record *record,
                    struct bl_arena *arena, struct bl_err *err)
{
    struct bl_input *in = &state->input;
    struct bl_span text;
    bool more = true;

    if (bl_record_string(record, "text", arena, &text, err) < 0)
        return -1;
    for (size_t want = in->cap ? in->cap : 512; more; want *= 2) {
        if (options.length && want > options.length)
            want = options.length;
        BL_GROW(in->ids, want, in->cap);
        in->n = bl_wordpiece_ids(state->words, text, state->spec.literal,
                                 in->ids, want, &more);
        if (want == options.length)
            break;
    }
    in->cut = more ? BL_CUT_TEXT : 0;
    return 0;
}

static int make(struct state *state, const struct bl_record *record,
                struct bl_arena *arena, struct bl_err *err)
{
    struct bl_mention mention;
    struct bl_entity_text entity = { { "", 0 }, { "", 0 }, false };

    if (state->mode == MODE_RAW)
        return make_raw(state, record, arena, err);
    /* A record needs only the fields of its mode; a pair has both a mention
     * and an entity. */
    if (state->mode != MODE_ENTITY
        && read_mention(record, arena, &mention, err) < 0)
        return -1;
    if (state->mode != MODE_CONTEXT
        && read_entity(record, arena, &entity, err) < 0)
        return -1;
    if (state->mode == MODE_CONTEXT)
        bl_input_context(&state->input, state->words, &state->spec, &mention);
    else if (state->mode == MODE_ENTITY)
        bl_input_entity(&state->input, state->words, &state->spec, &entity);
    else
        bl_input_pair(&state->input, state->words, &state->spec, &mention,
                      &entity);
    return 0;
}

/* The ids with the gaps of typed "[PAD]"s filled, and padded if asked for:
 * as the original has them.  Memory: the arena. */
static int32_t *spread(const struct state *state, struct bl_arena *arena,
                       size_t *n)
{
    const struct bl_input *in = &state->input;
    int32_t *ids;
    size_t length = state->mode == MODE_CONTEXT ? state->spec.context_length
                                            : state->spec.entity_length;

    *n = (size_t)in->positions[in->n - 1] + 1;
    if (options.pad && *n < length)
        *n = length;
    ids = bl_arena_alloc(arena, *n, sizeof *ids);
    for (size_t i = 0; i < *n; i++)
        ids[i] = bl_wordpiece_specials(state->words)->pad;
    for (size_t i = 0; i < in->n; i++)
        ids[in->positions[i]] = in->ids[i];
    return ids;
}

/* ---- Windows of a document ---- */

static void put_numbers(struct bl_writer *writer, const char *name,
                        const int32_t *v, size_t n)
{
    bl_write_array(writer, name);
    for (size_t i = 0; i < n; i++)
        bl_write_size(writer, NULL, (size_t)v[i]);
    bl_write_end(writer);
}

/* Of each word where it begins and ends in the text, in code points, and its
 * first token.  `at` and `points`: a place in the text that is counted. */
static void put_words(struct bl_writer *writer, const struct state *state,
                      const struct bl_window *window, size_t base)
{
    const struct bl_doc *doc = &state->doc;
    size_t at = 0, points = 0;

    bl_write_array(writer, "words");
    for (size_t i = window->from; i < window->to; i++) {
        const struct bl_doc_word *word = &doc->v[i];
        size_t length = bl_utf8_count(doc->text.p + word->start,
                                      word->end - word->start);

        points += bl_utf8_count(doc->text.p + at, word->start - at);
        at = word->start;
        bl_write_array(writer, NULL);
        bl_write_size(writer, NULL, points);
        bl_write_size(writer, NULL, points + length);
        bl_write_size(writer, NULL, state->windows.first[window->first + i
                                                   - window->from] - base);
        bl_write_end(writer);
    }
    bl_write_end(writer);
}

static struct bl_span windows_of(struct state *state, struct bl_arena *arena)
{
    struct bl_writer writer = bl_writer(&state->json, BL_WRITE_COMPACT);
    const struct bl_batch *batch = &state->windows.batch;

    bl_write_array(&writer, NULL);
    for (size_t i = 0; i < state->windows.n; i++) {
        size_t base = batch->offsets[i], n = batch->offsets[i + 1] - base;

        bl_write_object(&writer, NULL);
        put_numbers(&writer, "ids", batch->ids + base, n);
        put_numbers(&writer, "segments", batch->segments + base, n);
        put_words(&writer, state, &state->windows.v[i], base);
        bl_write_end(&writer);
    }
    bl_write_end(&writer);
    return keep(&state->json, arena);
}

static int prepare_windows(struct state *state, struct bl_item *item,
                           struct bl_arena *arena, struct bl_err *err)
{
    struct shown *shown = bl_arena_alloc(arena, 1, sizeof *shown);
    struct bl_span text;

    if (bl_record_string(&item->rec, "text", arena, &text, err) < 0)
        return -1;
    bl_doc_set(&state->doc, text);
    bl_windows_clear(&state->windows);
    for (size_t at = 0; at < state->doc.n;)
        at = bl_windows_add(&state->windows, state->model, &state->doc, at);
    *shown = (struct shown){ .windows = windows_of(state, arena) };
    item->data = shown;
    return 0;
}

static int prepare(void *ctx, struct bl_item *item, struct bl_arena *arena,
                   struct bl_err *err)
{
    struct state *state = ctx;
    struct shown *shown = bl_arena_alloc(arena, 1, sizeof *shown);
    const int32_t *ids;
    size_t n;

    if (state->mode == MODE_WINDOWS)
        return prepare_windows(state, item, arena, err);
    if (make(state, &item->rec, arena, err) < 0)
        return -1;
    *shown = (struct shown){ .truncated = truncated(state, arena) };
    ids = state->input.ids;
    n = state->input.n;
    /* Where a mention or an entity has gaps, its ids are shown with them, as
     * the original has it; for a pair, "positions" shows them below. */
    if (state->mode == MODE_CONTEXT || state->mode == MODE_ENTITY)
        ids = spread(state, arena, &n);
    if (state->mode == MODE_RAW || options.tokens)
        shown->tokens = tokens(state, arena, ids, n);
    shown->ids = numbers(arena, ids, n);
    if (state->mode == MODE_PAIR) {
        shown->segments = numbers(arena, state->input.segments, n);
        shown->positions = numbers(arena, state->input.positions, n);
    }
    item->data = shown;
    return 0;
}

/* ---- Emit ---- */

static void set(struct bl_edits *edits, const char *name, struct bl_span v)
{
    if (v.p)
        bl_edits_set(edits, name, v);
}

static void emit(void *ctx, const struct bl_item *item,
                 struct bl_edits *edits)
{
    const struct shown *shown = item->data;

    (void)ctx;
    set(edits, "tokens", shown->tokens);
    set(edits, "ids", shown->ids);
    set(edits, "segments", shown->segments);
    set(edits, "positions", shown->positions);
    set(edits, "truncated", shown->truncated);
    set(edits, "windows", shown->windows);
}

int main(int argc, char **argv)
{
    struct state state = { .input = BL_INPUT_INIT };
    struct bl_loop loop = { .opts = &options.loop, .ctx = &state,
                            .prepare = prepare,
                            .emit = emit };
    struct bl_err err;
    int status;

    bl_prog_init("blink-tokenize");
    bl_opts_parse(&command, argc, argv);
    state.mode = chosen_mode();
    if (load(&state, &err) < 0)
        bl_die(&err);
    adjust(&state);
    if (state.mode == MODE_RAW || options.tokens)
        quote_words(&state);
    bl_note("%zu words, Unicode %s", bl_wordpiece_size(state.words),
            bl_uni_version());
    status = bl_loop_run(&loop);
    release(&state);
    return bl_prog_finish(status);
}
