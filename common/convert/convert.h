/* SPDX-License-Identifier: MIT */
/*
 * convert: foreign models made into model directories (model.h).
 *
 *     struct bl_convert c = { .kind = BL_CONVERT_BIENCODER,
 *         .input = "biencoder_wiki_large.bin", .output = "models/blink-bi",
 *         .params = "biencoder_wiki_large.json", .bert = "bert-large" };
 *     if (bl_convert_run(&c, &report, &err) < 0) ...
 *
 * The tensors that the network uses are copied under their own names, one
 * piece at a time; what else the file holds is left out.  Tensors that share
 * elements or repeat them are written each by itself, within a bound.  Values
 * that are not finite, and a result that bl_model_open() would not open are
 * refused; then nothing is left behind.
 */
#ifndef BL_CONVERT_H
#define BL_CONVERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "model/model.h"

enum bl_convert_kind {
    BL_CONVERT_BIENCODER,       /* BLINK's bi-encoder: two towers */
    BL_CONVERT_CROSSENCODER,    /* BLINK's cross-encoder */
    BL_CONVERT_ELQ,             /* ELQ's bi-encoder, with heads that find the
                                 * mentions */
    BL_CONVERT_RERANKER,        /* the folder of BLINK's first one
                                 * (BertForReranking, main_solr) */
    BL_CONVERT_HF               /* a folder in Hugging Face's layout */
};

struct bl_convert {
    enum bl_convert_kind kind;
    const char *input;          /* a file; for HF and RERANKER a folder */
    const char *params;         /* BLINK's parameters, in JSON or as Python
                                 * prints a dictionary; NULL: its defaults */
    const char *bert;           /* folder with config.json and vocab.txt;
                                 * NULL: see bl_convert_source() */
    const char *vocab;          /* vocab.txt; NULL: that of the folder, or
                                 * the standard one of the default model */
    const char *output;
    /* Of HF: in place of those that the folder names; NULL: those. */
    const char *mention_prompt, *entity_prompt;
    bool force;                 /* replace the output */
    /* Called now and then with bytes done and in all; may be NULL. */
    void (*progress)(void *ctx, uint64_t done, uint64_t total);
    void *ctx;
};

struct bl_convert_report {
    enum bl_role role;
    size_t tensors, dropped;    /* written, left out */
    uint64_t bytes;             /* of tensor data written */
    char fingerprint[17];
    char *vocab;                /* the file that the words are from */
    char *prompts[2];           /* before mentions and entities; NULL: none */
};

/* report may be NULL; caller frees report->vocab and the prompts in any
 * case. */
int bl_convert_run(const struct bl_convert *options,
                   struct bl_convert_report *report, struct bl_err *err);

/* ---- Shared by convert.c and convert-*.c ---- */

struct bl_checkpoint;
struct bl_document;

/* The parameters as a document, whichever form they have.  NULL with *err;
 * bl_document_free() otherwise. */
struct bl_document *bl_convert_params(const char *path, struct bl_err *err);

/* Which tensors are kept: name starts with one of the prefixes, and the word
 * embeddings of each tower are there. */
struct bl_convert_names {
    const char *kept[8];        /* prefixes; ended by NULL */
    const char *towers[3];      /* what stands before "embeddings." */
    bool whole;                 /* nothing else may be in the file but
                                 * position_ids */
};

/* Copies the kept tensors into the file `path`. */
int bl_convert_weights(const struct bl_convert *options,
                       const struct bl_checkpoint *from,
                       const struct bl_convert_names *names,
                       const char *path, struct bl_convert_report *report,
                       struct bl_err *err);

/* Writes config.json, vocab.txt and blink.json into the folder `dir`. */
int bl_convert_config(const struct bl_convert *options,
                      const struct bl_checkpoint *from,
                      const struct bl_convert_names *names, const char *dir,
                      struct bl_convert_report *report, struct bl_err *err);

/* The folder whose config.json and vocab.txt go with BLINK's weights: `bert`;
 * or the input itself or the folder that it is in, or what the parameters
 * call "bert_model", where both files are there.  Caller frees; NULL: none,
 * so that the configuration is derived from the weights. */
char *bl_convert_source(const struct bl_convert *options);
/* Writes vocab.txt; source as above. */
int bl_convert_vocab(const struct bl_convert *options, const char *source,
                     bool lowercase, const char *dir,
                     struct bl_convert_report *report, struct bl_err *err);
/* Copies the file `from`, of at most max bytes, to dir/name. */
int bl_convert_copy(const char *from, size_t max, const char *dir,
                    const char *name, struct bl_err *err);

#endif
