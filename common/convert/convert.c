/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "convert/convert.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/newdir.h"
#include "tensor/checkpoint.h"

#define WORDS "embeddings.word_embeddings.weight"
#define HEAD "classification_heads.mention_scores.bound_classifier"

static const char *const files[] = {
    "config.json", "vocab.txt", "blink.json", "model.safetensors"
};

/* The names that each kind of model goes by; for Hugging Face's the first
 * that fits. */
static const struct bl_convert_names biencoder = {
    { "context_encoder.bert_model.", "context_encoder.additional_linear.",
      "cand_encoder.bert_model.", "cand_encoder.additional_linear." },
    { "context_encoder.bert_model.", "cand_encoder.bert_model." }, true
}, elq = {
    { "context_encoder.bert_model.", "context_encoder.additional_linear.",
      "cand_encoder.bert_model.", "cand_encoder.additional_linear.",
      "classification_heads.mention_scores.bound_classifier.",
      "classification_heads.get_context_embeds.mention_agg_linear." },
    { "context_encoder.bert_model.", "cand_encoder.bert_model." }, true
}, crossencoder = {
    { "encoder.bert_model.", "encoder.additional_linear." },
    { "encoder.bert_model." }, true
}, with_bert = {
    { "bert.embeddings.", "bert.encoder.layer.", "bert.pooler.",
      "classifier." }, { "bert." }, false
}, bare = {
    { "embeddings.", "encoder.layer.", "pooler.", "classifier." }, { "" },
    false
};

static const struct bl_convert_names *names_of(
    enum bl_convert_kind kind, const struct bl_checkpoint *from)
{
    switch (kind) {
    case BL_CONVERT_BIENCODER:
        return &biencoder;
    case BL_CONVERT_CROSSENCODER:
        return &crossencoder;
    case BL_CONVERT_ELQ:
        return &elq;
    case BL_CONVERT_RERANKER:
        return &with_bert;
    case BL_CONVERT_HF:
        break;
    }
    return bl_checkpoint_find(from, "bert." WORDS) ? &with_bert : &bare;
}

/* Whether it finds mentions. */
static bool has_heads(const struct bl_checkpoint *from)
{
    return bl_checkpoint_find(from, HEAD ".weight")
        || bl_checkpoint_find(from, HEAD ".0.weight");
}

/* What a file that is not of this kind might be. */
static const char *other_kind(const struct bl_checkpoint *from)
{
    if (has_heads(from))
        return "; it looks like ELQ's";
    if (bl_checkpoint_find(from, "cand_encoder.bert_model." WORDS))
        return "; it looks like BLINK's bi-encoder";
    if (bl_checkpoint_find(from, "encoder.bert_model." WORDS))
        return "; it looks like BLINK's cross-encoder";
    if (bl_checkpoint_find(from, "bert." WORDS)
        || bl_checkpoint_find(from, WORDS))
        return "; it looks like a BERT of Hugging Face's layout";
    return "";
}

static int check_towers(const struct bl_checkpoint *from,
                        const struct bl_convert_names *names,
                        struct bl_err *err)
{
    for (size_t i = 0; names->towers[i]; i++) {
        char *name = bl_xasprintf("%s" WORDS, names->towers[i]);
        const struct bl_torch_tensor *tensor = bl_checkpoint_find(from, name);

        if (!tensor)
            bl_fail(err, BL_DATA, "'%s': tensor '%s' is missing%s",
                    from->path, name, other_kind(from));
        free(name);
        if (!tensor)
            return -1;
    }
    return 0;
}

/* The towers of both are alike.  ELQ itself takes a file without heads, and
 * finds mentions by the random numbers that it began with. */
static int check_heads(const struct bl_convert *options,
                       const struct bl_checkpoint *from, struct bl_err *err)
{
    bool heads = has_heads(from);

    if (options->kind == BL_CONVERT_ELQ && !heads)
        return bl_fail(err, BL_DATA, "'%s': tensor '" HEAD ".weight' is "
                       "missing%s", from->path, other_kind(from));
    if (options->kind == BL_CONVERT_BIENCODER && heads)
        return bl_fail(err, BL_DATA, "'%s': it looks like ELQ's, with heads "
                       "that find mentions (blink-convert elq)", from->path);
    return 0;
}

static int check_result(const char *dir, struct bl_convert_report *report,
                        struct bl_err *err)
{
    struct bl_model *model = bl_model_open(dir, err);

    if (!model)
        return -1;
    report->role = model->role;
    for (size_t i = 0; i < 2; i++)
        report->prompts[i] = model->prompts[i]
            ? bl_xstrdup(model->prompts[i]) : NULL;
    memcpy(report->fingerprint, model->fingerprint, sizeof model->fingerprint);
    bl_model_close(model);
    return 0;
}

static int convert(const struct bl_convert *options,
                   const struct bl_checkpoint *from, const char *dir,
                   struct bl_convert_report *report, struct bl_err *err)
{
    const struct bl_convert_names *names = names_of(options->kind, from);
    char *path;
    int rc;

    if (check_towers(from, names, err) < 0
        || check_heads(options, from, err) < 0
        || bl_convert_config(options, from, names, dir, report, err) < 0)
        return -1;
    path = bl_xasprintf("%s/model.safetensors", dir);
    rc = bl_convert_weights(options, from, names, path, report, err);
    free(path);
    return rc < 0 ? -1 : check_result(dir, report, err);
}

/* The folder is made first, so that one that is there is refused before
 * gigabytes are read. */
int bl_convert_run(const struct bl_convert *options,
                   struct bl_convert_report *report, struct bl_err *err)
{
    struct bl_convert_report own_report;
    struct bl_checkpoint from;
    struct bl_newdir *folder;
    int rc;

    if (!report) {
        rc = bl_convert_run(options, &own_report, err);
        free(own_report.vocab);
        free(own_report.prompts[0]);
        free(own_report.prompts[1]);
        return rc;
    }
    *report = (struct bl_convert_report){ 0 };
    folder = bl_newdir_open(options->output, files, BL_COUNT(files),
                            options->force, err);
    if (!folder)
        return -1;
    rc = bl_checkpoint_open(&from, options->input, err);
    if (rc == 0) {
        rc = convert(options, &from, bl_newdir_path(folder), report, err);
        bl_checkpoint_close(&from);
    }
    if (rc == 0)
        return bl_newdir_commit(folder, err);
    return bl_newdir_fail(folder, err);
}
