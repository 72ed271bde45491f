/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/model-parts.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "json/document.h"

enum { MAX_FILE = 16 << 20, MAX_SIZE = 1 << 24, MAX_LABELS = 10000 };

/* ---- config.json ---- */

static int read_shape(struct bl_shape *shape, struct bl_node root,
                      struct bl_err *err)
{
    const struct { const char *name; size_t *out; } sizes[] = {
        { "hidden_size", &shape->hidden },
        { "intermediate_size", &shape->inner },
        { "num_attention_heads", &shape->heads },
        { "num_hidden_layers", &shape->layers },
        { "vocab_size", &shape->vocab },
        { "max_position_embeddings", &shape->positions },
        { "type_vocab_size", &shape->types },
    };
    double epsilon = 1e-12;     /* the default of transformers' BertConfig */

    for (size_t i = 0; i < BL_COUNT(sizes); i++)
        if (bl_required(bl_member_size(root, sizes[i].name, 1, MAX_SIZE,
                                       sizes[i].out, err),
                        root, sizes[i].name, err) < 0)
            return -1;
    if (shape->hidden % shape->heads)
        return bl_node_fail(root, err, "num_attention_heads %zu does not "
                            "divide hidden_size %zu", shape->heads,
                            shape->hidden);
    if (bl_member_number(root, "layer_norm_eps", 0, 1, &epsilon, err) < 0)
        return -1;
    shape->epsilon = (float)epsilon;
    return 0;
}

/* The decimal number that a name spells; false for any other name and for
 * numbers of n and more. */
static bool key_number(const char *key, size_t n, size_t *out)
{
    size_t v = 0, i = 0;

    for (; key[i] >= '0' && key[i] <= '9' && v < n; i++)
        v = 10 * v + (size_t)(key[i] - '0');
    *out = v;
    return i > 0 && !key[i] && v < n;
}

/* id2label: {"0":"O","1":"B-PER",...}.  As there are as many names as
 * numbers, a number that is missing is the only trace of one given twice. */
static int read_labels(struct bl_model_config *config, struct bl_node root,
                       struct bl_err *err)
{
    struct bl_node labels, v;
    int found = bl_member_of(root, "id2label", BL_JSON_OBJECT, &labels, err);
    const char *label;
    size_t n, id;

    if (found <= 0)
        return found;
    n = bl_node_count(labels);
    if (n > MAX_LABELS)
        return bl_node_fail(labels, err, "%zu labels, at most %d are "
                            "supported", n, MAX_LABELS);
    config->labels = bl_arena_alloc(&config->memory, n,
                                    sizeof *config->labels);
    memset(config->labels, 0, n * sizeof *config->labels);
    config->n_labels = n;
    for (v = bl_node_first(labels); v.item; v = bl_node_next(v)) {
        if (!key_number(bl_node_key(v), n, &id))
            return bl_node_fail(v, err, "expected names from 0 to %zu",
                                n - 1);
        if (bl_node_string(v, &label, err) < 0)
            return -1;
        config->labels[id] = bl_arena_strndup(&config->memory, label,
                                              strlen(label));
    }
    for (id = 0; id < n; id++)
        if (!config->labels[id])
            return bl_node_fail(labels, err, "no label for %zu", id);
    return 0;
}

/* Other kinds of network have tensors of the same names and compute
 * otherwise. */
static int read_type(struct bl_node root, struct bl_err *err)
{
    const char *type;
    int found = bl_member_string(root, "model_type", &type, err);

    if (found <= 0 || !strcmp(type, "bert"))
        return found;
    return bl_node_fail(root, err, "a model of type '%.*s'; only BERT "
                        "(\"model_type\": \"bert\") is supported",
                        BL_SHOWN(60, type));
}

/* The tensors of a classifier of texts and one of tokens have one name. */
static int read_architectures(struct bl_model_config *config,
                              struct bl_node root, struct bl_err *err)
{
    struct bl_node list, v;
    int found = bl_member_of(root, "architectures", BL_JSON_ARRAY, &list,
                             err);
    const char *name;

    if (found <= 0)
        return found;
    for (v = bl_node_first(list); v.item; v = bl_node_next(v))
        if (bl_node_string(v, &name, NULL) == 0
            && strstr(name, "ForSequenceClassification"))
            config->classifies_texts = true;
    return 0;
}

/* Transformers has several names for one function; the first of each is what
 * is written. */
static const char *const activations[] = { "gelu", "gelu_pytorch_tanh",
                                           "relu", "silu", "gelu_new",
                                           "swish", "gelu_fast",
                                           "gelu_python", NULL };

const char *bl_activation_name(enum bl_activation activation)
{
    return activations[activation];
}

static int read_activation(struct bl_shape *shape, struct bl_node root,
                           struct bl_err *err)
{
    static const enum bl_activation known[] = {
        BL_ACT_GELU, BL_ACT_GELU_TANH, BL_ACT_RELU, BL_ACT_SILU,
        BL_ACT_GELU_TANH, BL_ACT_SILU, BL_ACT_GELU_TANH, BL_ACT_GELU
    };
    int which = 0;

    if (bl_member_choice(root, "hidden_act", activations, &which, err) < 0)
        return -1;
    shape->activation = known[which];
    return 0;
}

static int read_config(struct bl_model_config *config, struct bl_node root,
                       struct bl_err *err)
{
    static const char *const kinds[] = { "absolute", NULL };
    int which;

    if (read_type(root, err) < 0 || read_architectures(config, root, err) < 0
        || read_activation(&config->shape, root, err) < 0
        || bl_member_choice(root, "position_embedding_type", kinds, &which,
                            err) < 0
        || read_shape(&config->shape, root, err) < 0)
        return -1;
    return read_labels(config, root, err);
}

/* ---- blink.json ---- */

/* A string that outlives the document. */
static int read_string(struct bl_model_config *config, struct bl_node root,
                       const char *name, const char **out,
                       struct bl_err *err)
{
    const char *s;
    int found = bl_member_string(root, name, &s, err);

    if (found > 0)
        *out = bl_arena_strndup(&config->memory, s, strlen(s));
    return found;
}

static int read_prompts(struct bl_model_config *config, struct bl_node root,
                        struct bl_err *err)
{
    struct bl_node prompts;
    int found = bl_member_of(root, "prompts", BL_JSON_OBJECT, &prompts, err);

    if (found <= 0)
        return found;
    if (read_string(config, prompts, "mention", &config->mention_prompt,
                    err) < 0)
        return -1;
    return read_string(config, prompts, "entity", &config->entity_prompt,
                       err) < 0 ? -1 : 0;
}

static int read_tags(struct bl_model_config *config, struct bl_node root,
                     struct bl_err *err)
{
    struct bl_node list, v;
    int found = bl_member_of(root, "tags", BL_JSON_ARRAY, &list, err);
    const char *tag;
    size_t n = 0;

    if (found <= 0)
        return found;
    if (bl_node_count(list) != 3)
        return bl_node_fail(list, err, "expected 3 strings (start and end "
                            "of the mention, title), found %zu",
                            bl_node_count(list));
    for (v = bl_node_first(list); v.item; v = bl_node_next(v)) {
        if (bl_node_string(v, &tag, err) < 0)
            return -1;
        config->tags[n++] = bl_arena_strndup(&config->memory, tag,
                                             strlen(tag));
    }
    config->has_tags = true;
    return 0;
}

static const char *const layouts[] = { "blink", "plain", "reranker", "full",
                                       NULL };

const char *bl_layout_name(enum bl_layout layout)
{
    return layouts[layout];
}

/* What is not there stays as another file has said it, so each has a flag that
 * is only ever set. */
static int read_choices(struct bl_model_config *config, struct bl_node root,
                        struct bl_err *err)
{
    static const char *const roles[] = { "bi-encoder", "cross-encoder",
                                         "tagger", NULL };
    static const char *const poolings[] = { "cls", "mean", NULL };
    static const char *const spans[] = { "mean", "ends", NULL };
    bool unused = false;
    const struct { const char *name; const char *const *names; bool *has;
    } choices[] = { { "role", roles, &config->has_role },
                    { "layout", layouts, &config->has_layout },
                    { "pooling", poolings, &config->has_pooling },
                    { "mention_pooling", spans, &unused } };
    int which[BL_COUNT(choices)] = { -1, -1, -1, -1 };

    for (size_t i = 0; i < BL_COUNT(choices); i++) {
        if (bl_member_choice(root, choices[i].name, choices[i].names,
                             &which[i], err) < 0)
            return -1;
        *choices[i].has = *choices[i].has || which[i] >= 0;
    }
    if (which[0] >= 0)
        config->role = (enum bl_role)which[0];
    if (which[1] >= 0)
        config->layout = (enum bl_layout)which[1];
    if (which[2] >= 0)
        config->pooling = (enum bl_pooling)which[2];
    config->mention_ends = which[3] == 1;
    return 0;
}

/* How blink is to use a model, whoever made it. */
static int read_blink(struct bl_model_config *config, struct bl_node root,
                      struct bl_err *err)
{
    const struct { const char *name; size_t lo, *out; } sizes[] = {
        { "context_length", BL_INPUT_MIN_CONTEXT, &config->context_length },
        { "entity_length", BL_INPUT_MIN_ENTITY, &config->entity_length },
        { "pair_length", BL_INPUT_MIN_CONTEXT, &config->pair_length },
        { "towers", 1, &config->towers },
        { "mention_length", 1, &config->mention_length },
    };
    const struct { const char *name; int *out; } flags[] = {
        { "normalize", &config->normalize },
        { "lowercase", &config->lowercase },
        { "literal_specials", &config->literal }, { "names", &config->names },
    };
    size_t format;

    if (bl_member_size(root, "format", 1, 1, &format, err) < 0
        || read_choices(config, root, err) < 0
        || read_prompts(config, root, err) < 0
        || read_tags(config, root, err) < 0)
        return -1;
    for (size_t i = 0; i < BL_COUNT(sizes); i++)
        if (bl_member_size(root, sizes[i].name, sizes[i].lo, MAX_SIZE,
                           sizes[i].out, err) < 0)
            return -1;
    for (size_t i = 0; i < BL_COUNT(flags); i++)
        if (bl_member_bool(root, flags[i].name, flags[i].out, err) < 0)
            return -1;
    if (read_string(config, root, "licence", &config->licence, err) < 0
        || read_string(config, root, "space", &config->space, err) < 0)
        return -1;
    return read_string(config, root, "training", &config->training,
                       err) < 0 ? -1 : 0;
}

/* ---- sentence-transformers ---- */

/* A flag for each way, of which one is on; since version 5 also a name. */
static int read_pooling(struct bl_model_config *config, struct bl_node root,
                        struct bl_err *err)
{
    static const char *const ways[] = { "cls", "mean", NULL };
    int cls = 0, mean = 0, way = 0, include = 1, is_on, named;
    size_t on = 0;

    named = bl_member_choice(root, "pooling_mode", ways, &way, err);
    if (named < 0
        || bl_member_bool(root, "include_prompt", &include, err) < 0
        || bl_member_bool(root, "pooling_mode_cls_token", &cls, err) < 0
        || bl_member_bool(root, "pooling_mode_mean_tokens", &mean, err) < 0)
        return -1;
    for (struct bl_node v = bl_node_first(root); v.item; v = bl_node_next(v))
        on += !strncmp(bl_node_key(v), "pooling_mode_", 13)
            && bl_node_bool(v, &is_on, NULL) == 0 && is_on;
    if (named && !on)
        cls = !(mean = way);
    else if (on != 1 || cls == mean)
        return bl_node_fail(root, err, "expected one of "
                            "pooling_mode_cls_token and "
                            "pooling_mode_mean_tokens to be true and no "
                            "other");
    config->pooling = cls ? BL_POOL_CLS : BL_POOL_MEAN;
    config->has_pooling = true;
    config->skips_prompt = !include;
    return 0;
}

/* modules.json is an array of {"type":"...Normalize"}; anything behind the
 * pooling that we do not compute is refused, not skipped. */
static int read_modules(struct bl_model_config *config, struct bl_node root,
                        struct bl_err *err)
{
    static const char *const known[] = { ".Transformer", ".Pooling",
                                         ".Normalize", NULL };
    struct bl_node module;
    const char *type, *dot;

    if (bl_node_expect(root, BL_JSON_ARRAY, err) < 0)
        return -1;
    config->normalize = 0;
    for (module = bl_node_first(root); module.item;
         module = bl_node_next(module)) {
        size_t i = 0;

        if (bl_required(bl_member_string(module, "type", &type, err), module,
                        "type", err) < 0)
            return -1;
        dot = strrchr(type, '.');
        while (known[i] && (!dot || strcmp(dot, known[i])))
            i++;
        if (!known[i])
            return bl_node_fail(module, err, "module '%.*s' is not "
                                "supported (Transformer, Pooling and "
                                "Normalize are)", BL_SHOWN(80, type));
        config->normalize |= i == 2;
    }
    return 0;
}

/* As encode_query() and encode_document() choose: the first of these names
 * that there is, or else the default one; an empty text is one, too. */
static int read_one_prompt(struct bl_model_config *config,
                           struct bl_node prompts, const char *const *names,
                           const char *usual, const char **out,
                           struct bl_err *err)
{
    int found = 0;

    for (size_t i = 0; names[i] && !found; i++)
        found = read_string(config, prompts, names[i], out, err);
    if (!found && usual)
        found = read_string(config, prompts, usual, out, err);
    return found < 0 ? -1 : 0;
}

static int read_transformer_prompts(struct bl_model_config *config,
                                    struct bl_node root, struct bl_err *err)
{
    static const char *const queries[] = { "query", NULL };
    static const char *const documents[] = { "document", "passage", "corpus",
                                             NULL };
    struct bl_node prompts;
    const char *usual = NULL;
    int found = bl_member_of(root, "prompts", BL_JSON_OBJECT, &prompts, err);

    if (found <= 0)
        return found;
    if (bl_member_string(root, "default_prompt_name", &usual, err) < 0
        || read_one_prompt(config, prompts, queries, usual,
                           &config->mention_prompt, err) < 0
        || read_one_prompt(config, prompts, documents, usual,
                           &config->entity_prompt, err) < 0)
        return -1;
    return 0;
}

static int read_tokenizer(struct bl_model_config *config, struct bl_node root,
                          struct bl_err *err)
{
    int strip = -1, chinese = 1;

    if (bl_member_bool(root, "do_lower_case", &config->lowercase, err) < 0
        || bl_member_bool(root, "strip_accents", &strip, err) < 0
        || bl_member_bool(root, "tokenize_chinese_chars", &chinese,
                          err) < 0)
        return -1;
    if (strip >= 0 && strip != (config->lowercase != 0))
        return bl_node_fail(root, err, "strip_accents: %s is not supported "
                            "%s lower case", strip ? "true" : "false",
                            config->lowercase ? "with" : "without");
    if (!chinese)
        return bl_node_fail(root, err, "tokenize_chinese_chars: false is "
                            "not supported");
    return 0;
}

/* ---- BLINK's parameters ---- */

static int read_params(struct bl_model_config *config, struct bl_node root,
                       struct bl_err *err)
{
    if (bl_member_size(root, "max_context_length", BL_INPUT_MIN_CONTEXT,
                       MAX_SIZE, &config->context_length, err) < 0
        || bl_member_size(root, "max_cand_length", BL_INPUT_MIN_ENTITY,
                          MAX_SIZE, &config->entity_length, err) < 0
        || bl_member_bool(root, "lowercase", &config->lowercase, err) < 0)
        return -1;
    return 0;
}

/* The first biencoder*.json by name (BLINK: biencoder_wiki_large.json); the
 * cross-encoder's lengths are fixed in the original, whatever is there. */
static int find_params(const char *dir, char **found, struct bl_err *err)
{
    DIR *folder = opendir(dir);
    struct dirent *entry;
    char *best = NULL;
    int rc = 0;

    if (!folder && bl_errno_code(errno) == BL_SYSTEM)
        return bl_fail_file(err, "cannot open '%s'", dir);
    while (folder && (errno = 0, entry = readdir(folder))) {
        size_t n = strlen(entry->d_name);

        if (n < 14 || strncmp(entry->d_name, "biencoder", 9)
            || strcmp(entry->d_name + n - 5, ".json")
            || (best && strcmp(best, entry->d_name) <= 0))
            continue;
        free(best);
        best = bl_xstrdup(entry->d_name);
    }
    if (folder && errno)
        rc = bl_fail_file(err, "cannot read '%s'", dir);
    if (folder)
        closedir(folder);
    if (rc < 0)
        free(best);
    else
        *found = best;
    return rc;
}

/* ---- All of them ---- */

typedef int read_fn(struct bl_model_config *, struct bl_node root,
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

static int read_at(struct bl_model_config *config, const char *path,
                   read_fn *read, struct bl_sha256 *sum, struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT;
    struct bl_document *document = NULL;
    int rc = -1;

    if (bl_file_read(path, MAX_FILE, &text, err) == 0)
        document = bl_document_parse((struct bl_span){ text.data, text.len },
                                     path, err);
    if (document) {
        bl_sha256_add(sum, text.data, text.len);
        rc = read(config, bl_document_root(document), err);
    }
    bl_document_free(document);
    bl_buf_free(&text);
    return rc;
}

static int read_file(struct bl_model_config *config, const char *dir,
                     const char *name, read_fn *read, bool required,
                     struct bl_sha256 *sum, struct bl_err *err)
{
    char *path = bl_xasprintf("%s/%s", dir, name);
    int rc = 0;

    if (access(path, F_OK) == 0)
        rc = read_at(config, path, read, sum, err);
    else if (errno != ENOENT && errno != ENOTDIR)
        rc = bl_fail_file(err, "cannot open '%s'", path);
    else if (required)
        rc = no_config(dir, path, err);
    free(path);
    return rc;
}

int bl_model_check_prompts(const struct bl_model_config *config,
                           const char *dir, struct bl_err *err)
{
    const char *mention = config->mention_prompt;
    const char *entity = config->entity_prompt;
    bool prompted = (mention && *mention) || (entity && *entity);

    if (!prompted || !config->skips_prompt || config->pooling == BL_POOL_CLS)
        return 0;
    return bl_fail(err, BL_DATA, "'%s/1_Pooling/config.json': include_prompt: "
                   "false is not supported where there is a prompt", dir);
}

/* A file that has no prompts says nothing that changes a vector, so that the
 * fingerprint covers them and not the file. */
static int read_prompt_file(struct bl_model_config *config, const char *dir,
                            struct bl_sha256 *sum, struct bl_err *err)
{
    const char *prompts[2];
    struct bl_sha256 unused;

    bl_sha256_init(&unused);
    if (read_file(config, dir, "config_sentence_transformers.json",
                  read_transformer_prompts, false, &unused, err) < 0)
        return -1;
    prompts[0] = config->mention_prompt;
    prompts[1] = config->entity_prompt;
    for (size_t i = 0; i < 2; i++)
        if (prompts[i] && *prompts[i])
            bl_sha256_add(sum, prompts[i], strlen(prompts[i]) + 1);
    return 0;
}

int bl_model_config_read(struct bl_model_config *config, const char *dir,
                         struct bl_sha256 *sum, struct bl_err *err)
{
    char *params = NULL;
    int rc = 0;

    if (find_params(dir, &params, err) < 0)
        return -1;
    config->normalize = config->lowercase = config->literal = -1;
    /* Later files win: blink.json has the last word. */
    if (read_file(config, dir, "config.json", read_config, true, sum, err) < 0
        || read_file(config, dir, "tokenizer_config.json", read_tokenizer,
                     false, sum, err) < 0
        || read_file(config, dir, "modules.json", read_modules, false, sum,
                     err) < 0
        || read_file(config, dir, "1_Pooling/config.json", read_pooling, false,
                     sum, err) < 0
        || read_prompt_file(config, dir, sum, err) < 0
        || (params && read_file(config, dir, params, read_params, false, sum,
                                err) < 0)
        || read_file(config, dir, "blink.json", read_blink, false, sum,
                     err) < 0)
        rc = -1;
    free(params);
    return rc;
}
