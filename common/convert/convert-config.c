/* SPDX-License-Identifier: MIT */
/* convert-config: config.json, vocab.txt and blink.json of a converted
 * model, taken over, derived, or put together. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "convert/convert.h"
#include "json/document.h"
#include "json/json.h"
#include "model/model-parts.h"
#include "model/model-write.h"
#include "tensor/checkpoint.h"

enum {
    MAX_CONFIG = 16 << 20,
    HEAD = 64,                  /* width of a head in every published BERT */
    CONTEXT = 32, ENTITY = 128, /* fixed in BLINK's cross-encoder */
    ELQ_MOST = 10,              /* max_mention_length */
    MAX_LAYERS = 1000, MAX_NAME = 256
};

/* ---- config.json from the weights ---- */

static const struct bl_torch_tensor *tensor(const struct bl_checkpoint *from,
                                            const char *prefix,
                                            const char *name, size_t n_dims,
                                            struct bl_err *err)
{
    char full[MAX_NAME];
    const struct bl_torch_tensor *t;

    snprintf(full, sizeof full, "%s%s", prefix, name);
    t = bl_checkpoint_find(from, full);
    if (t && t->n_dims == n_dims)
        return t;
    if (t)
        bl_fail(err, BL_DATA, "'%s': tensor '%s' has %zu dimensions, "
                "expected %zu", from->path, full, t->n_dims, n_dims);
    else
        bl_fail(err, BL_DATA, "'%s': tensor '%s' is missing", from->path,
                full);
    return NULL;
}

static size_t count_layers(const struct bl_checkpoint *from,
                           const char *prefix)
{
    char name[MAX_NAME];
    size_t n = 0;

    do
        snprintf(name, sizeof name,
                 "%sencoder.layer.%zu.output.dense.weight", prefix, n);
    while (n <= MAX_LAYERS && bl_checkpoint_find(from, name) && ++n);
    return n;
}

static int derive(const struct bl_checkpoint *from, const char *prefix,
                  struct bl_buf *out, struct bl_err *err)
{
    const struct bl_torch_tensor *words, *places, *types, *inner;
    size_t hidden;

    words = tensor(from, prefix, "embeddings.word_embeddings.weight", 2, err);
    places = words ? tensor(from, prefix, "embeddings.position_embeddings."
                            "weight", 2, err) : NULL;
    types = places ? tensor(from, prefix, "embeddings.token_type_embeddings."
                            "weight", 2, err) : NULL;
    inner = types ? tensor(from, prefix, "encoder.layer.0.intermediate."
                           "dense.weight", 2, err) : NULL;
    if (!inner)
        return -1;
    hidden = words->dims[1];
    /* The number of heads leaves no trace in the shapes of the weights; all
     * BERTs of Google have heads of HEAD numbers. */
    if (!hidden || hidden % HEAD)
        return bl_fail(err, BL_USAGE, "the weights do not say how many "
                                      "attention heads there are, and %zu "
                                      "numbers are not a multiple of %d: give "
                                      "the folder of the BERT that they were "
                                      "trained from (--bert)", hidden, HEAD);
    bl_model_put_config(out, &(struct bl_shape){
        .hidden = hidden, .inner = inner->dims[0], .heads = hidden / HEAD,
        .layers = count_layers(from, prefix), .vocab = words->dims[0],
        .positions = places->dims[0], .types = types->dims[0],
    }, 1e-12, NULL, 0);
    return 0;
}

static int put_config(const struct bl_checkpoint *from, const char *prefix,
                      const char *source, const char *dir,
                      struct bl_err *err)
{
    struct bl_buf text = BL_BUF_INIT;
    char *path;
    int rc;

    if (source) {
        path = bl_xasprintf("%s/config.json", source);
        rc = bl_convert_copy(path, MAX_CONFIG, dir, "config.json", err);
        free(path);
        return rc;
    }
    rc = derive(from, prefix, &text, err);
    if (rc == 0)
        rc = bl_model_put_file(dir, "config.json", &text, err);
    bl_buf_free(&text);
    return rc;
}

/* ---- What blink.json will say ---- */

/* BLINK's bi-encoder or ELQ's. */
static bool two_towers(const struct bl_convert *options)
{
    return options->kind == BL_CONVERT_BIENCODER
        || options->kind == BL_CONVERT_ELQ;
}

/* Lengths and case that BLINK's parameters give; what they do not say stays
 * the usual one. */
static int parse_params(const struct bl_convert *options, struct bl_node root,
                        struct bl_model_config *config, size_t *pair,
                        struct bl_err *err)
{
    const size_t most = BL_INPUT_MAX_LENGTH;

    if (bl_member_bool(root, options->kind == BL_CONVERT_RERANKER
                       ? "lowercase_flag" : "lowercase", &config->lowercase,
                       err) < 0)
        return -1;
    /* main_dense gives the cross-encoder 32 and 128 whatever this says, and
     * cuts the pair to max_seq_length, which is all the older one has. */
    if (!two_towers(options))
        return bl_member_size(root, "max_seq_length", 1, most, pair, err) < 0
            ? -1 : 0;
    if (bl_member_size(root, "max_context_length", 1, most,
                       &config->context_length, err) < 0
        || bl_member_size(root, "max_cand_length", 1, most,
                          &config->entity_length, err) < 0)
        return -1;
    return 0;
}

#define PROJECT "classification_heads.get_context_embeds.mention_agg_linear"

/* How ELQ makes vectors of mentions.  Of the names that its options allow,
 * "all_linear" and the two of "mlp" end in an error there, and "none" is what
 * it was before it found mentions itself. */
static int parse_pooling(struct bl_node root, const struct bl_checkpoint *from,
                         struct bl_model_config *config, struct bl_err *err)
{
    static const char *const ways[] = { "all_avg", "fl_avg",
                                        "all_avg_linear", "fl_linear", NULL };
    int way = 0;
    bool linear = bl_checkpoint_find(from, PROJECT ".weight") != NULL;

    if (bl_required(bl_member_choice(root, "mention_aggregation_type", ways,
                                     &way, err),
                    root, "mention_aggregation_type", err) < 0)
        return -1;
    config->mention_ends = way % 2 == 1;
    if (linear == (way > 1))
        return 0;
    return bl_node_fail(root, err, "mention_aggregation_type is '%s', but "
                        "'%s' has %s tensor '" PROJECT ".weight'", ways[way],
                        from->path, linear ? "a" : "no");
}

/* What ELQ's parameters say of its heads.  A mention's last token may be
 * max_mention_length behind its first there, so that it has one more. */
static int parse_heads(struct bl_node root, const struct bl_checkpoint *from,
                       struct bl_model_config *config, struct bl_err *err)
{
    size_t most = ELQ_MOST;

    if (bl_member_size(root, "max_mention_length", 0, BL_INPUT_MAX_LENGTH,
                       &most, err) < 0)
        return -1;
    config->mention_length = most + 1;
    return parse_pooling(root, from, config, err);
}

static int read_params(const struct bl_convert *options,
                       const struct bl_checkpoint *from,
                       struct bl_model_config *config,
                       size_t *pair, struct bl_err *err)
{
    struct bl_document *document;
    int rc;

    if (!options->params)
        return 0;
    document = bl_convert_params(options->params, err);
    if (!document)
        return -1;
    rc = parse_params(options, bl_document_root(document), config, pair, err);
    if (rc == 0 && options->kind == BL_CONVERT_ELQ)
        rc = parse_heads(bl_document_root(document), from, config, err);
    bl_document_free(document);
    return rc;
}

/* ---- blink.json ---- */

static const char *const blink_tags[] = { "[unused0]", "[unused1]",
                                          "[unused2]" };

static int blink_settings(const struct bl_convert *options,
                          const struct bl_checkpoint *from,
                          struct bl_model_config *config, size_t *pair,
                          struct bl_err *err)
{
    *config = (struct bl_model_config){
        .role = two_towers(options) ? BL_ROLE_BI_ENCODER
            : BL_ROLE_CROSS_ENCODER,
        .context_length = CONTEXT, .entity_length = ENTITY, .lowercase = 1,
        .has_layout = true, .layout = BL_LAYOUT_BLINK, .towers = 2,
        .has_pooling = true, .pooling = BL_POOL_CLS, .normalize = false,
        .literal = true, .has_tags = true,
        .tags = { blink_tags[0], blink_tags[1], blink_tags[2] },
        .training = "facebookresearch/BLINK's, converted",
    };
    if (options->kind == BL_CONVERT_ELQ) {
        config->mention_length = ELQ_MOST + 1;
        config->training = "facebookresearch/BLINK's ELQ, converted";
    }
    return read_params(options, from, config, pair, err);
}

/* A folder says what it is in files that are not taken over. */
static int hf_settings(const struct bl_convert *options,
                       const struct bl_checkpoint *from,
                       struct bl_model_config *config, struct bl_err *err)
{
    const struct bl_torch_tensor *head;
    struct bl_sha256 unused;

    bl_sha256_init(&unused);
    if (bl_model_config_read(config, options->input, &unused, err) < 0)
        return -1;
    /* What such a model was trained with may stand in its README alone. */
    if (options->mention_prompt)
        config->mention_prompt = options->mention_prompt;
    if (options->entity_prompt)
        config->entity_prompt = options->entity_prompt;
    head = bl_checkpoint_find(from, "classifier.weight");
    if (!config->has_role)
        config->role = !head ? BL_ROLE_BI_ENCODER
            : config->classifies_texts || (head->n_dims && head->dims[0] == 1)
            ? BL_ROLE_CROSS_ENCODER : BL_ROLE_TAGGER;
    return config->role == BL_ROLE_BI_ENCODER
        ? bl_model_check_prompts(config, options->input, err) : 0;
}

/* Lengths and case are those of the parameters, or as main_solr has them,
 * whatever the folder says. */
static int reranker_settings(const struct bl_convert *options,
                             const struct bl_checkpoint *from,
                             struct bl_model_config *config, size_t *pair,
                             struct bl_err *err)
{
    struct bl_sha256 unused;

    bl_sha256_init(&unused);
    if (bl_model_config_read(config, options->input, &unused, err) < 0)
        return -1;
    config->role = BL_ROLE_CROSS_ENCODER;
    config->has_layout = config->has_tags = true;
    config->layout = BL_LAYOUT_RERANKER;
    for (size_t i = 0; i < 3; i++)
        config->tags[i] = blink_tags[i];
    config->lowercase = config->literal = 1;
    config->context_length = config->entity_length = 0;
    config->training = "facebookresearch/BLINK's first re-ranker, converted";
    return read_params(options, from, config, pair, err);
}

int bl_convert_config(const struct bl_convert *options,
                      const struct bl_checkpoint *from,
                      const struct bl_convert_names *names, const char *dir,
                      struct bl_convert_report *report, struct bl_err *err)
{
    struct bl_model_config config = { .memory = BL_ARENA_INIT };
    char *source = bl_convert_source(options);
    struct bl_buf text = BL_BUF_INIT;
    size_t pair = 0;
    int rc;

    rc = options->kind == BL_CONVERT_HF ? hf_settings(options, from, &config,
                                                      err)
        : options->kind == BL_CONVERT_RERANKER ? reranker_settings(options,
                                                                   from,
                                                                   &config,
                                                                   &pair, err)
        : blink_settings(options, from, &config, &pair, err);
    /* The lower-casing that the settings tell is needed to choose a
     * vocabulary, so blink.json comes last. */
    if (rc == 0)
        rc = put_config(from, names->towers[0], source, dir, err);
    if (rc == 0)
        rc = bl_convert_vocab(options, source, config.lowercase != 0, dir,
                              report, err);
    if (rc == 0) {
        if (pair)
            config.pair_length = pair;
        bl_model_put_blink(&text, &config);
        rc = bl_model_put_file(dir, "blink.json", &text, err);
    }
    free(source);
    bl_buf_free(&text);
    bl_arena_free(&config.memory);
    return rc;
}
