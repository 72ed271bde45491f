/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/model-parts.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "json/json.h"
#include "base/mem.h"

enum { MAX_FILE = 16 << 20, MAX_SIZE = 1 << 24, MAX_LABELS = 10000 };

/* One JSON object read from a file of the directory. */
struct doc {
    char *path;
    struct bl_buf text;
    struct bl_span root;
    struct bl_arena *arena;     /* for the strings */
};

static void doc_close(struct doc *d)
{
    free(d->path);
    bl_buf_free(&d->text);
}

/* 1 read, 0 there is no such file, -1 failed.  Close in any case. */
static int doc_open(struct doc *d, const char *dir, const char *name,
                    struct bl_arena *arena, struct bl_sha256 *sum,
                    struct bl_err *err)
{
    *d = (struct doc){ .path = bl_xasprintf("%s/%s", dir, name),
                       .arena = arena };
    if (access(d->path, F_OK))
        return 0;
    if (bl_file_read(d->path, MAX_FILE, &d->text, err) < 0)
        return -1;
    d->root = (struct bl_span){ d->text.data, d->text.len };
    if (bl_json_check(d->root.p, d->root.n, err) < 0)
        return bl_err_prefix(err, "'%s'", d->path);
    d->root = bl_json_trim(d->root);
    bl_sha256_add(sum, d->text.data, d->text.len);
    return 1;
}

/* ---- Members: 1 found, 0 absent or null, -1 wrong ---- */

static int doc_get(const struct doc *d, const char *name,
                   enum bl_json_type want, struct bl_span *v,
                   struct bl_err *err)
{
    int found = bl_json_get(d->root, name, v, err);
    enum bl_json_type type;

    if (found < 0)
        return bl_err_prefix(err, "'%s'", d->path);
    if (!found || (type = bl_json_type(*v)) == BL_JSON_NULL)
        return 0;
    if (type != want)
        return bl_fail(err, BL_DATA, "'%s': %s: expected %s, found %s",
                       d->path, name, bl_json_type_name(want),
                       bl_json_type_name(type));
    return 1;
}

static int doc_size(const struct doc *d, const char *name, size_t lo,
                    size_t *out, struct bl_err *err)
{
    struct bl_span v;
    int64_t n;
    int found = doc_get(d, name, BL_JSON_NUMBER, &v, err);

    if (found <= 0)
        return found;
    if (bl_json_integer(v, (int64_t)lo, MAX_SIZE, &n, err) < 0)
        return bl_err_prefix(err, "'%s': %s", d->path, name);
    *out = (size_t)n;
    return 1;
}

static int doc_string(const struct doc *d, const char *name,
                      const char **out, struct bl_err *err)
{
    struct bl_span v;
    int found = doc_get(d, name, BL_JSON_STRING, &v, err);

    if (found <= 0)
        return found;
    if (bl_json_string(v, d->arena, &v, err) < 0)
        return bl_err_prefix(err, "'%s': %s", d->path, name);
    *out = v.p;
    return 1;
}

static int doc_bool(const struct doc *d, const char *name, int *out,
                    struct bl_err *err)
{
    struct bl_span v;
    int found = doc_get(d, name, BL_JSON_BOOL, &v, err);

    if (found > 0)
        *out = *v.p == 't';
    return found;
}

/* A string out of a list of names; *out is its index. */
static int doc_choice(const struct doc *d, const char *name,
                      const char *const *names, int *out,
                      struct bl_err *err)
{
    const char *s;
    int found = doc_string(d, name, &s, err);

    if (found <= 0)
        return found;
    for (*out = 0; names[*out]; ++*out)
        if (!strcmp(s, names[*out]))
            return 1;
    return bl_fail(err, BL_DATA, "'%s': %s: '%.60s' is not known "
                   "(expected '%s')", d->path, name, s, names[0]);
}

/* ---- config.json ---- */

static int read_epsilon(struct bl_shape *s, const struct doc *d,
                        struct bl_err *err)
{
    struct bl_span v;
    double epsilon = 1e-12;
    int found = doc_get(d, "layer_norm_eps", BL_JSON_NUMBER, &v, err);

    if (found < 0)
        return -1;
    if (found && bl_json_number(v, &epsilon, err) < 0)
        return bl_err_prefix(err, "'%s': layer_norm_eps", d->path);
    if (epsilon < 0 || epsilon > 1)
        return bl_fail(err, BL_DATA, "'%s': layer_norm_eps: expected 0 to 1, "
                       "found %g", d->path, epsilon);
    s->epsilon = (float)epsilon;
    return 0;
}

static int read_shape(struct bl_shape *s, const struct doc *d,
                      struct bl_err *err)
{
    const struct { const char *name; size_t *out; } sizes[] = {
        { "hidden_size", &s->hidden },
        { "intermediate_size", &s->inner },
        { "num_attention_heads", &s->heads },
        { "num_hidden_layers", &s->layers },
        { "vocab_size", &s->vocab },
        { "max_position_embeddings", &s->positions },
        { "type_vocab_size", &s->types },
    };

    for (size_t i = 0; i < BL_COUNT(sizes); i++) {
        int found = doc_size(d, sizes[i].name, 1, sizes[i].out, err);

        if (found < 0)
            return -1;
        if (!found)
            return bl_fail(err, BL_DATA, "'%s': %s is missing", d->path,
                           sizes[i].name);
    }
    if (s->hidden % s->heads)
        return bl_fail(err, BL_DATA, "'%s': num_attention_heads %zu does not "
                       "divide hidden_size %zu", d->path, s->heads,
                       s->hidden);
    return read_epsilon(s, d, err);
}

/* id2label: {"0":"O","1":"B-PER",...}, every number from 0 once. */
static int read_labels(struct bl_model_config *c, const struct doc *d,
                       struct bl_err *err)
{
    struct bl_span v, key, value;
    struct bl_json_iter it;
    int found = doc_get(d, "id2label", BL_JSON_OBJECT, &v, err);
    size_t n = 0;

    if (found <= 0)
        return found;
    for (it = bl_json_iter(v); bl_json_next(&it, &key, &value); )
        n++;
    if (n > MAX_LABELS)
        return bl_fail(err, BL_DATA, "'%s': id2label: %zu labels, at most "
                       "%d are supported", d->path, n, MAX_LABELS);
    c->labels = bl_arena_alloc(&c->memory, n, sizeof *c->labels);
    memset(c->labels, 0, n * sizeof *c->labels);
    c->n_labels = n;
    for (it = bl_json_iter(v); bl_json_next(&it, &key, &value); ) {
        int64_t id;

        if (bl_json_integer(key, 0, (int64_t)n - 1, &id, err) < 0
            || bl_json_string(value, &c->memory, &value, err) < 0)
            return bl_err_prefix(err, "'%s': id2label: '%.*s'", d->path,
                                 (int)BL_MIN(key.n, 20), key.p);
        c->labels[id] = value.p;
    }
    for (size_t i = 0; i < n; i++)
        if (!c->labels[i])
            return bl_fail(err, BL_DATA, "'%s': id2label: no label for %zu",
                           d->path, i);
    return 0;
}

/* Other kinds of network have tensors of the same names and compute
 * otherwise. */
static int read_type(const struct doc *d, struct bl_err *err)
{
    const char *type;
    int found = doc_string(d, "model_type", &type, err);

    if (found <= 0 || !strcmp(type, "bert"))
        return found;
    return bl_fail(err, BL_DATA, "'%s': a model of type '%.60s'; only BERT "
                   "(\"model_type\": \"bert\") is supported", d->path, type);
}

/* The tensors of a classifier of texts and one of tokens have one name. */
static int read_architectures(struct bl_model_config *c,
                              const struct doc *d, struct bl_err *err)
{
    struct bl_span v, name;
    struct bl_json_iter it;
    int found = doc_get(d, "architectures", BL_JSON_ARRAY, &v, err);

    if (found <= 0)
        return found;
    for (it = bl_json_iter(v); bl_json_next(&it, NULL, &name); )
        if (memmem(name.p, name.n, "ForSequenceClassification", 25))
            c->classifies_texts = true;
    return 0;
}

static int read_config(struct bl_model_config *c, const struct doc *d,
                       struct bl_err *err)
{
    static const char *const acts[] = { "gelu", NULL };
    static const char *const kinds[] = { "absolute", NULL };
    int which;

    if (bl_json_type(d->root) != BL_JSON_OBJECT)
        return bl_fail(err, BL_DATA, "'%s': expected object, found %s",
                       d->path, bl_json_type_name(bl_json_type(d->root)));
    if (read_type(d, err) < 0 || read_architectures(c, d, err) < 0
        || doc_choice(d, "hidden_act", acts, &which, err) < 0
        || doc_choice(d, "position_embedding_type", kinds, &which, err) < 0
        || read_shape(&c->shape, d, err) < 0)
        return -1;
    return read_labels(c, d, err);
}

/* ---- blink.json ---- */

static int read_tags(struct bl_model_config *c, const struct doc *d,
                     struct bl_err *err)
{
    struct bl_span v, tag;
    struct bl_json_iter it;
    size_t n = 0;
    int found = doc_get(d, "tags", BL_JSON_ARRAY, &v, err);

    if (found <= 0)
        return found;
    for (it = bl_json_iter(v); bl_json_next(&it, NULL, &tag); n++) {
        if (n == 3)
            continue;
        if (bl_json_string(tag, &c->memory, &tag, err) < 0)
            return bl_err_prefix(err, "'%s': tags", d->path);
        c->tags[n] = tag.p;
    }
    if (n != 3)
        return bl_fail(err, BL_DATA, "'%s': tags: expected 3 strings (start "
                       "and end of the mention, title), found %zu", d->path,
                       n);
    c->has_tags = true;
    return 0;
}

static int read_format(const struct doc *d, struct bl_err *err)
{
    size_t format = 0;
    int found = doc_size(d, "format", 0, &format, err);

    if (found < 0)
        return -1;
    if (found && format != 1)
        return bl_fail(err, BL_DATA, "'%s': format: expected 1, found %zu",
                       d->path, format);
    return 0;
}

static const char *const layouts[] = { "blink", "plain", "reranker", "full",
                                       NULL };

const char *bl_layout_name(enum bl_layout layout)
{
    return layouts[layout];
}

static int read_choices(struct bl_model_config *c, const struct doc *d,
                        struct bl_err *err)
{
    static const char *const roles[] = { "bi-encoder", "cross-encoder",
                                         "tagger", NULL };
    static const char *const poolings[] = { "cls", "mean", NULL };
    const struct { const char *name; const char *const *names; bool *has;
    } choices[] = { { "role", roles, &c->has_role },
                    { "layout", layouts, &c->has_layout },
                    { "pooling", poolings, &c->has_pooling } };
    int which[3] = { 0, 0, 0 };

    for (size_t i = 0; i < 3; i++) {
        int found = doc_choice(d, choices[i].name, choices[i].names,
                               &which[i], err);

        if (found < 0)
            return -1;
        *choices[i].has = *choices[i].has || found;
        which[i] = found ? which[i] : -1;
    }
    if (which[0] >= 0)
        c->role = (enum bl_role)which[0];
    if (which[1] >= 0)
        c->layout = (enum bl_layout)which[1];
    if (which[2] >= 0)
        c->pooling = (enum bl_pooling)which[2];
    return 0;
}

static int read_blink(struct bl_model_config *c, const struct doc *d,
                      struct bl_err *err)
{
    if (read_format(d, err) < 0 || read_choices(c, d, err) < 0
        || read_tags(c, d, err) < 0)
        return -1;
    if (doc_size(d, "context_length", BL_INPUT_MIN_CONTEXT,
                 &c->context_length, err) < 0
        || doc_size(d, "entity_length", BL_INPUT_MIN_ENTITY,
                    &c->entity_length, err) < 0
        || doc_size(d, "pair_length", BL_INPUT_MIN_CONTEXT, &c->pair_length,
                    err) < 0
        || doc_size(d, "towers", 1, &c->towers, err) < 0)
        return -1;
    if (doc_bool(d, "normalize", &c->normalize, err) < 0
        || doc_bool(d, "lowercase", &c->lowercase, err) < 0
        || doc_bool(d, "literal_specials", &c->literal, err) < 0
        || doc_bool(d, "names", &c->names, err) < 0)
        return -1;
    if (doc_string(d, "licence", &c->licence, err) < 0
        || doc_string(d, "training", &c->training, err) < 0)
        return -1;
    return 0;
}

/* ---- sentence-transformers ---- */

/* A flag for each way, of which one is on; since version 5 also a name. */
static int read_pooling(struct bl_model_config *c, const struct doc *d,
                        struct bl_err *err)
{
    static const char *const ways[] = { "cls", "mean", NULL };
    int cls = 0, mean = 0, way = 0, named;
    struct bl_json_iter it = bl_json_iter(d->root);
    struct bl_span key, value;
    size_t on = 0;

    while (bl_json_next(&it, &key, &value))
        on += key.n > 13 && !memcmp(key.p, "pooling_mode_", 13)
            && bl_span_is(value, "true");
    named = doc_choice(d, "pooling_mode", ways, &way, err);
    if (named < 0 || doc_bool(d, "pooling_mode_cls_token", &cls, err) < 0
        || doc_bool(d, "pooling_mode_mean_tokens", &mean, err) < 0)
        return -1;
    if (named && !on)
        cls = !(mean = way);
    else if (on != 1 || cls == mean)
        return bl_fail(err, BL_DATA, "'%s': expected one of "
                       "pooling_mode_cls_token and pooling_mode_mean_tokens "
                       "to be true and no other", d->path);
    c->pooling = cls ? BL_POOL_CLS : BL_POOL_MEAN;
    c->has_pooling = true;
    return 0;
}

/* modules.json is an array of {"type":"...Normalize"}; anything behind the
 * pooling that we do not compute is refused, not skipped. */
static int read_modules(struct bl_model_config *c, const struct doc *d,
                        struct bl_err *err)
{
    static const char *const known[] = { ".Transformer", ".Pooling",
                                         ".Normalize" };
    struct bl_json_iter it = bl_json_iter(d->root);
    struct bl_span module, v;

    c->normalize = 0;
    while (bl_json_next(&it, NULL, &module)) {
        const char *dot;
        size_t i = 0;

        if (bl_json_get(module, "type", &v, err) != 1
            || bl_json_string(v, &c->memory, &v, err) < 0)
            return bl_fail(err, BL_DATA, "'%s': a module without type",
                           d->path);
        dot = strrchr(v.p, '.');
        while (i < 3 && (!dot || strcmp(dot, known[i])))
            i++;
        if (i == 3)
            return bl_fail(err, BL_DATA, "'%s': module '%.80s' is not "
                           "supported (Transformer, Pooling and Normalize "
                           "are)", d->path, v.p);
        c->normalize |= i == 2;
    }
    return 0;
}

static int read_tokenizer(struct bl_model_config *c, const struct doc *d,
                          struct bl_err *err)
{
    int strip = -1, chinese = 1;

    if (doc_bool(d, "do_lower_case", &c->lowercase, err) < 0
        || doc_bool(d, "strip_accents", &strip, err) < 0
        || doc_bool(d, "tokenize_chinese_chars", &chinese, err) < 0)
        return -1;
    if (strip >= 0 && strip != (c->lowercase != 0))
        return bl_fail(err, BL_DATA, "'%s': strip_accents: %s is not "
                       "supported %s lower case", d->path, strip ? "true"
                       : "false", c->lowercase ? "with" : "without");
    if (!chinese)
        return bl_fail(err, BL_DATA, "'%s': tokenize_chinese_chars: false is "
                       "not supported", d->path);
    return 0;
}

/* ---- BLINK's parameters ---- */

static int read_params(struct bl_model_config *c, const struct doc *d,
                       struct bl_err *err)
{
    if (doc_size(d, "max_context_length", BL_INPUT_MIN_CONTEXT,
                 &c->context_length, err) < 0
        || doc_size(d, "max_cand_length", BL_INPUT_MIN_ENTITY,
                    &c->entity_length, err) < 0
        || doc_bool(d, "lowercase", &c->lowercase, err) < 0)
        return -1;
    return 0;
}

/* The first biencoder*.json by name (BLINK: biencoder_wiki_large.json); the
 * cross-encoder's lengths are fixed in the original, whatever is there. */
static char *find_params(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char *best = NULL;

    while (d && (e = readdir(d))) {
        size_t n = strlen(e->d_name);

        if (n < 14 || strncmp(e->d_name, "biencoder", 9)
            || strcmp(e->d_name + n - 5, ".json")
            || (best && strcmp(best, e->d_name) <= 0))
            continue;
        free(best);
        best = bl_xstrdup(e->d_name);
    }
    if (d)
        closedir(d);
    return best;
}

/* ---- All of them ---- */

typedef int read_fn(struct bl_model_config *, const struct doc *,
                    struct bl_err *);

/* Who comes from BLINK gives its .bin as it gave it there. */
static int no_config(const char *dir, const char *path, struct bl_err *err)
{
    struct stat st;

    if (stat(dir, &st) == 0 && S_ISREG(st.st_mode))
        return bl_fail(err, BL_DATA, "'%s' is a file, expected a model's "
                                     "folder (blink-convert makes one from "
                                     "other weights)", dir);
    return bl_fail(err, BL_DATA, "'%s': there is no such file, expected the "
                   "model's configuration", path);
}

static int read_file(struct bl_model_config *c, const char *dir,
                     const char *name, read_fn *read, bool required,
                     struct bl_sha256 *sum, struct bl_err *err)
{
    struct doc d;
    int rc = doc_open(&d, dir, name, &c->memory, sum, err);

    if (!rc && required)
        rc = no_config(dir, d.path, err);
    if (rc > 0)
        rc = read(c, &d, err);
    doc_close(&d);
    return rc;
}

int bl_model_config_read(struct bl_model_config *c, const char *dir,
                         struct bl_sha256 *sum, struct bl_err *err)
{
    char *params = find_params(dir);
    int rc = 0;

    c->normalize = c->lowercase = c->literal = -1;
    /* Later files win: blink.json has the last word. */
    if (read_file(c, dir, "config.json", read_config, true, sum, err) < 0
        || read_file(c, dir, "tokenizer_config.json", read_tokenizer, false,
                     sum, err) < 0
        || read_file(c, dir, "modules.json", read_modules, false, sum,
                     err) < 0
        || read_file(c, dir, "1_Pooling/config.json", read_pooling, false,
                     sum, err) < 0
        || (params && read_file(c, dir, params, read_params, false, sum,
                                err) < 0)
        || read_file(c, dir, "blink.json", read_blink, false, sum, err) < 0)
        rc = -1;
    free(params);
    return rc;
}
