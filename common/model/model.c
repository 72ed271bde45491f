/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "model/model.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/loaded.h"
#include "base/mem.h"
#include "base/paths.h"
#include "json/vector.h"
#include "model/model-family.h"
#include "model/model-parts.h"
#include "text/wordpiece.h"

enum {
    BLINK_CONTEXT = 32, BLINK_ENTITY = 128,     /* the published models */
    RERANKER_PAIR = 512,                        /* main_solr.py */
    PLAIN_CONTEXT = 64, PLAIN_ENTITY = 128,     /* sentence encoders */
    ELQ_MENTION = 11,                           /* its max_mention_length is
                                                 * 10, and counts one less */
    MAX_VOCAB = 256 << 20
};

int bl_model_need(const struct bl_model *model, enum bl_role role,
                  struct bl_err *err)
{
    if (model->role == role)
        return 0;
    return bl_fail(err, BL_DATA, "'%s': expected a %s, found a %s",
                   model->path, bl_role_name(role), bl_role_name(model->role));
}

/* ---- Weights ---- */

/* The only *.safetensors in the directory. */
static char *only_weights(const char *dir, struct bl_err *err)
{
    DIR *folder = opendir(dir);
    struct dirent *entry;
    char *found = NULL;
    size_t n_found = 0;
    bool failed = true;

    if (!folder) {
        bl_fail_file(err, "cannot open '%s'", dir);
        return NULL;
    }
    while ((errno = 0, entry = readdir(folder))) {
        size_t n = strlen(entry->d_name);

        if (entry->d_name[0] == '.' || n < 13
            || strcmp(entry->d_name + n - 12, ".safetensors") || n_found++)
            continue;
        found = bl_xasprintf("%s/%s", dir, entry->d_name);
    }
    if (errno)
        bl_fail_file(err, "cannot read '%s'", dir);
    else if (n_found != 1)
        bl_fail(err, BL_DATA, "'%s': no model.safetensors in this directory",
                dir);
    else
        failed = false;
    closedir(folder);
    if (!failed)
        return found;
    free(found);
    return NULL;
}

static struct bl_safetensors *open_weights(const char *dir,
                                           struct bl_err *err)
{
    static const char *const names[] = { "model.safetensors",
                                         "model.safetensors.index.json" };
    struct bl_safetensors *st;
    char *path = NULL;

    /* One file goes before an index of parts, and both before a file of any
     * other name. */
    for (size_t i = 0; i < 2 && !path; i++) {
        path = bl_xasprintf("%s/%s", dir, names[i]);
        if (access(path, F_OK)) {
            free(path);
            path = NULL;
        }
    }
    if (!path)
        path = only_weights(dir, err);
    if (!path)
        return NULL;
    st = bl_safetensors_open(path, err);
    free(path);
    return st;
}

/* ---- What the directory means ---- */

static enum bl_role guess_role(const struct bl_safetensors *weights,
                               const struct bl_model_config *config,
                               enum bl_weight_names naming)
{
    const struct bl_tensor *head;

    if (naming == BL_NAMING_BLINK_BI)
        return BL_ROLE_BI_ENCODER;
    if (naming == BL_NAMING_BLINK_CROSS)
        return BL_ROLE_CROSS_ENCODER;
    head = bl_safetensors_find(weights, "classifier.weight");
    if (!head)
        return BL_ROLE_BI_ENCODER;
    return config->classifies_texts || (head->n_dims && head->dims[0] == 1)
        ? BL_ROLE_CROSS_ENCODER : BL_ROLE_TAGGER;
}

static bool blink_named(enum bl_weight_names naming)
{
    return naming == BL_NAMING_BLINK_BI || naming == BL_NAMING_BLINK_CROSS;
}

/* A length that was not said: the usual one, within the positions. */
static size_t usual(size_t said, size_t usually, size_t most)
{
    if (said)
        return said;
    return BL_MIN(usually, most);
}

static int check_lengths(const struct bl_model *model, struct bl_err *err)
{
    const struct bl_input_spec *in = model->input;
    size_t most = BL_MAX(in->context_length, in->entity_length);

    if (model->role == BL_ROLE_CROSS_ENCODER)
        most = in->pair_length;
    if (most > model->shape.positions)
        return bl_fail(err, BL_DATA, "'%s': inputs of %zu tokens, but the "
                       "model has %zu positions", model->path, most,
                       model->shape.positions);
    return 0;
}

/* Only vectors of texts by themselves have prompts. */
static int set_prompts(struct bl_model *model,
                       const struct bl_model_config *config,
                       struct bl_err *err)
{
    const char *prompts[] = { config->mention_prompt, config->entity_prompt };

    for (size_t i = 0; i < 2 && model->role == BL_ROLE_BI_ENCODER; i++) {
        if (!prompts[i] || !*prompts[i])
            continue;
        if (bl_model_check_prompts(config, model->path, err) < 0)
            return -1;
        model->prompts[i] = bl_xstrdup(prompts[i]);
    }
    model->input->mention_prompt = model->prompts[0];
    model->input->entity_prompt = model->prompts[1];
    return 0;
}

static int set_input(struct bl_model *model,
                     const struct bl_model_config *config,
                     enum bl_weight_names naming, struct bl_err *err)
{
    struct bl_input_spec *in = model->input = BL_NEW(struct bl_input_spec);
    bool blink = blink_named(naming);
    bool cross = model->role == BL_ROLE_CROSS_ENCODER;
    size_t most = model->shape.positions;

    in->layout = config->has_layout ? config->layout
        : blink ? BL_LAYOUT_BLINK : BL_LAYOUT_PLAIN;
    blink = in->layout == BL_LAYOUT_BLINK;
    in->context_length = usual(config->context_length,
                               blink ? BLINK_CONTEXT : PLAIN_CONTEXT, most);
    in->entity_length = usual(config->entity_length,
                              blink ? BLINK_ENTITY : PLAIN_ENTITY, most);
    /* In BLINK's layout a pair is as long as both inputs together.  Where that
     * exceeds the positions, check_lengths() refuses the model: cut to fit, it
     * would not read what it was trained on. */
    if (cross)
        in->pair_length = usual(config->pair_length,
                                in->layout == BL_LAYOUT_RERANKER
                                ? RERANKER_PAIR
                                : in->context_length + in->entity_length,
                                blink ? SIZE_MAX : most);
    /* BLINK's programs lower the text before anything else, ELQ's do not. */
    in->lower_first = blink_named(naming) && config->lowercase != 0
        && !model->spans.bounds.w;
    if (config->literal < 0 ? blink_named(naming) : config->literal)
        in->literal = BL_LITERAL_SPECIALS
            | (cross && blink ? (unsigned)BL_LITERAL_TAGS : 0);
    return set_prompts(model, config, err) < 0 ? -1
        : check_lengths(model, err);
}

static int open_words(struct bl_model *model,
                      const struct bl_model_config *config,
                      struct bl_sha256 *sum, struct bl_err *err)
{
    struct bl_wordpiece_opts o = { .lowercase = config->lowercase != 0 };
    static const char *const usual_tags[] = { "[unused0]", "[unused1]",
                                              "[unused2]" };
    char *path = bl_family_file(model->path, "vocab.txt");
    struct bl_buf text = BL_BUF_INIT;
    int rc = -1;

    for (size_t i = 0; i < 3 && bl_layout_tagged(model->input->layout); i++)
        o.tags[i] = config->has_tags ? config->tags[i] : usual_tags[i];
    model->words = bl_wordpiece_open(path, &o, err);
    if (model->words
        && bl_wordpiece_check_size(model->words, model->shape.vocab, err) == 0)
        rc = bl_file_read(path, MAX_VOCAB, &text, err);
    /* The words are part of what the model is: with others, the same weights
     * give other vectors, so the fingerprint covers them. */
    if (rc == 0)
        bl_sha256_add(sum, text.data, text.len);
    bl_buf_free(&text);
    free(path);
    return rc;
}

static int set_role(struct bl_model *model,
                    const struct bl_model_config *config,
                    enum bl_weight_names naming, struct bl_err *err)
{
    enum bl_role guess = guess_role(model->weights, config, naming);

    model->role = config->has_role ? config->role : guess;
    if (blink_named(naming) && model->role != guess)
        return bl_fail(err, BL_DATA, "'%s/blink.json': role is '%s', but the "
                       "weights are those of a %s", model->path,
                       bl_role_name(model->role), bl_role_name(guess));
    model->pooling = config->has_pooling ? config->pooling : BL_POOL_CLS;
    model->normalize = config->normalize > 0;
    model->spans.ends = config->mention_ends;
    model->spans.longest = usual(config->mention_length, ELQ_MENTION,
                                 SIZE_MAX);
    return 0;
}

static int check_towers(const struct bl_model *model,
                        const struct bl_model_config *config,
                        struct bl_err *err)
{
    if (!config->towers || config->towers == model->n_towers)
        return 0;
    return bl_fail(err, BL_DATA, "'%s/blink.json': towers: expected %zu (as "
                   "in the weights), found %zu", model->path, model->n_towers,
                   config->towers);
}

static int set_labels(struct bl_model *model,
                      const struct bl_model_config *config, struct bl_err *err)
{
    if (model->role != BL_ROLE_TAGGER)
        return 0;
    if (config->labels && config->n_labels != model->n_labels)
        return bl_fail(err, BL_DATA, "'%s/config.json': id2label has %zu "
                       "labels, but the weights have %zu", model->path,
                       config->n_labels, model->n_labels);
    model->labels = BL_NEW_ARRAY(char *, model->n_labels);
    for (size_t i = 0; i < model->n_labels; i++)
        model->labels[i] = config->labels ? bl_xstrdup(config->labels[i])
            : bl_xasprintf("LABEL_%zu", i);
    return 0;
}

/* A record names the space of its vector, so it must fit there. */
static int set_space(struct bl_model *model,
                     const struct bl_model_config *config, struct bl_err *err)
{
    const char *space = config->space ? config->space : "";
    size_t n = strlen(space);

    if (!model->mention.w)
        return 0;
    if (!n || n > BL_FINGERPRINT_MAX
        || strspn(space, "0123456789abcdef") != n)
        return bl_fail(err, BL_DATA, "'%s/blink.json': space: expected the "
                       "fingerprint of the bi-encoder whose vectors the "
                       "tagger makes", model->path);
    model->space = bl_xstrdup(space);
    return 0;
}

static char *copy_or_null(const char *s)
{
    return s ? bl_xstrdup(s) : NULL;
}

/* ---- Open and close ---- */

static int load(struct bl_model *model, struct bl_model_config *config,
                struct bl_err *err)
{
    struct bl_sha256 sum;
    unsigned char digest[BL_SHA256_SIZE];
    enum bl_weight_names naming;

    bl_sha256_init(&sum);
    if (bl_model_config_read(config, model->path, &sum, err) < 0)
        return -1;
    model->shape = config->shape;
    model->weights = open_weights(model->path, err);
    if (!model->weights)
        return -1;
    /* The role is needed to bind the weights, which need a head or not; the
     * weights then tell towers, labels and sizes, which the files of settings
     * must agree with. */
    naming = bl_model_weight_names(model->weights);
    if (set_role(model, config, naming, err) < 0)
        return -1;
    if (bl_model_bind(model, naming, err) < 0)
        return bl_err_prefix(err, "'%s'", model->path);
    if (check_towers(model, config, err) < 0
        || set_labels(model, config, err) < 0
        || set_space(model, config, err) < 0
        || set_input(model, config, naming, err) < 0
        || open_words(model, config, &sum, err) < 0)
        return -1;
    model->names = config->names != 0;
    model->licence = copy_or_null(config->licence);
    model->training = copy_or_null(config->training);
    bl_safetensors_fingerprint(model->weights, &sum);
    if (model->shared)
        bl_safetensors_fingerprint(model->shared, &sum);
    bl_sha256_end(&sum, digest);
    bl_sha256_hex(digest, (sizeof model->fingerprint - 1) / 2,
                  model->fingerprint);
    return 0;
}

static int check_single(const char *path, struct bl_err *err)
{
    if (!bl_family_is(path))
        return 0;
    return bl_fail(err, BL_DATA, "'%s' contains several models: name one of "
                                 "them, such as '%s/%s'", path, path,
                   bl_family_folder(BL_ROLE_BI_ENCODER));
}

/* Takes the path over. */
static struct bl_model *open_path(char *path, struct bl_err *err)
{
    struct bl_model_config config = { .memory = BL_ARENA_INIT };
    struct bl_model *model;
    int rc;

    if (!path)
        return NULL;
    model = BL_NEW(struct bl_model);
    model->path = path;
    model->memory = BL_NEW(struct bl_arena);
    rc = check_single(path, err);
    if (rc == 0)
        rc = load(model, &config, err);
    if (rc == 0)
        rc = bl_loaded("model", model->fingerprint, path, err);
    bl_arena_free(&config.memory);
    if (rc == 0)
        return model;
    if (err && err->code < BL_USAGE)
        err->code = BL_DATA;
    bl_model_close(model);
    return NULL;
}

struct bl_model *bl_model_open(const char *name, struct bl_err *err)
{
    return open_path(bl_path_find(BL_PATH_MODEL, name, err), err);
}

struct bl_model *bl_model_open_as(const char *name, enum bl_role role,
                                  struct bl_err *err)
{
    struct bl_model *model = open_path(bl_model_find(name, role, err), err);

    if (!model || bl_model_need(model, role, err) == 0)
        return model;
    bl_model_close(model);
    return NULL;
}

void bl_model_close(struct bl_model *model)
{
    if (!model)
        return;
    for (size_t i = 0; model->labels && i < model->n_labels; i++)
        free(model->labels[i]);
    free(model->labels);
    bl_wordpiece_close(model->words);
    bl_safetensors_close(model->weights);
    bl_safetensors_close(model->shared);
    bl_arena_free(model->memory);
    free(model->memory);
    free(model->input);
    free(model->prompts[0]);
    free(model->prompts[1]);
    free(model->licence);
    free(model->training);
    free(model->space);
    free(model->path);
    free(model);
}
