/* SPDX-License-Identifier: MIT */
/*
 * blink-convert: makes model directories of other programs' models.
 *
 * In:  BLINK's weights (.bin, .safetensors), or a folder of Hugging Face's
 * Out: a folder with config.json, vocab.txt, blink.json, model.safetensors;
 *      or (pack) one with several of these, which share their words
 */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/threads.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "convert/convert.h"
#include "convert/family-pack.h"
#include "convert/zeshel.h"
#include "model/model-family.h"
#include "net/quantize.h"

static struct opts {
    const char *params, *bert, *vocab, *output;
    const char *mention_prompt, *entity_prompt;
    const char *models[BL_FAMILY_MODELS];
    int words, layers;          /* 0: int8, 1: f16 */
    bool force, progress;
} options;

#define OPTS_OUTPUT \
    BL_OPT_STR('o', "output", "MODEL", &options.output, \
               "folder to make (required)"), \
    BL_OPT_FLAG(0, "force", &options.force, "replace an existing model"), \
    BL_OPT_STR(0, "vocab", "FILE", &options.vocab, \
               "vocabulary, one token a line"), \
    BL_OPT_FLAG(0, "progress", &options.progress, \
                "show a count on standard error")

static const struct bl_opt blink_opts[] = {
    BL_OPT_STR(0, "params", "FILE", &options.params,
               "BLINK's training parameters (.json, .txt)"),
    BL_OPT_STR(0, "bert", "DIR", &options.bert,
               "folder of the BERT that training started from"),
    OPTS_OUTPUT,
    BL_OPTS_END
};

static const struct bl_opt reranker_opts[] = {
    BL_OPT_STR(0, "params", "FILE", &options.params,
               "BLINK's training parameters (.json)"),
    OPTS_OUTPUT,
    BL_OPTS_END
};

static const struct bl_opt hf_opts[] = {
    OPTS_OUTPUT,
    BL_OPT_TEXT(0, "mention-prompt", &options.mention_prompt,
                "text before each mention, as 'query: '"),
    BL_OPT_TEXT(0, "entity-prompt", &options.entity_prompt,
                "text before each entity, as 'passage: '"),
    BL_OPTS_END
};

static const struct bl_opt zeshel_opts[] = {
    BL_OPT_STR('o', "output", "DIR", &options.output,
               "folder to make (required)"),
    BL_OPT_FLAG(0, "force", &options.force, "replace an existing folder"),
    BL_OPTS_END
};

static const struct bl_opt quantize_opts[] = {
    BL_OPT_STR('o', "output", "MODEL", &options.output,
               "model directory to make (required)"),
    BL_OPT_FLAG(0, "force", &options.force, "replace an existing model"),
    BL_OPTS_END
};

static const struct bl_opt pack_opts[] = {
    BL_OPT_STR(0, "bi", "MODEL", &options.models[BL_ROLE_BI_ENCODER],
               "bi-encoder"),
    BL_OPT_STR(0, "cross", "MODEL", &options.models[BL_ROLE_CROSS_ENCODER],
               "cross-encoder"),
    BL_OPT_STR(0, "ner", "MODEL", &options.models[BL_ROLE_TAGGER], "tagger"),
    BL_OPT_STR('o', "output", "FAMILY", &options.output,
               "folder to make (required)"),
    BL_OPT_CHOICE(0, "words", "int8|f16", &options.words,
                  "number format of the word vectors"),
    BL_OPT_CHOICE(0, "layers", "int8|f16", &options.layers,
                  "number format of the layers"),
    BL_OPT_FLAG(0, "force", &options.force, "replace an existing family"),
    BL_OPTS_END
};

enum { ZESHEL = BL_CONVERT_HF + 1, QUANTIZE, PACK };

static const struct bl_command commands[] = {
    [BL_CONVERT_BIENCODER] = {
        "blink-convert biencoder", "FILE [--params FILE] [--bert DIR] "
        "-o MODEL", "convert BLINK's bi-encoder", blink_opts, 1, 1 },
    [BL_CONVERT_CROSSENCODER] = {
        "blink-convert crossencoder", "FILE [--params FILE] [--bert DIR] "
        "-o MODEL", "convert BLINK's cross-encoder", blink_opts, 1, 1 },
    [BL_CONVERT_ELQ] = {
        "blink-convert elq", "FILE [--params FILE] [--bert DIR] -o MODEL",
        "convert ELQ's model, which finds mentions too", blink_opts, 1, 1 },
    [BL_CONVERT_RERANKER] = {
        "blink-convert reranker", "DIR [--params FILE] -o MODEL",
        "convert BLINK's first cross-encoder (main_solr)", reranker_opts, 1,
        1 },
    [BL_CONVERT_HF] = {
        "blink-convert hf", "DIR -o MODEL",
        "convert a BERT in Hugging Face's layout", hf_opts, 1, 1 },
    [ZESHEL] = {
        "blink-convert zeshel", "DIR -o DIR",
        "make records from the zero-shot entity linking data", zeshel_opts, 1,
        1 },
    [QUANTIZE] = {
        "blink-convert quantize", "MODEL -o MODEL",
        "round a model's weights to 8 bits", quantize_opts, 1, 1 },
    [PACK] = {
        "blink-convert pack",
        "[--bi MODEL] [--cross MODEL] [--ner MODEL] -o FAMILY",
        "put models that share their words into one folder", pack_opts, 0,
        0 },
};

enum { N_COMMANDS = BL_COUNT(commands) };

static void show(void *ctx, uint64_t done, uint64_t total)
{
    struct bl_progress *p = ctx;

    p->total = (size_t)total;
    bl_progress_step(p, (size_t)done - p->done);
}

/* Prompts are said without -v: they change every vector. */
static void run(struct bl_convert *c)
{
    struct bl_progress p;
    struct bl_convert_report r;
    struct bl_err err;

    bl_progress_start(&p, "bytes converted", 0, options.progress);
    c->progress = show;
    c->ctx = &p;
    int rc = bl_convert_run(c, &r, &err);
    bl_progress_end(&p);
    if (rc < 0)
        bl_die(&err);
    bl_note("'%s': %s %s, %zu tensors, %" PRIu64 " bytes, %zu tensors left "
            "out", c->output, bl_role_name(r.role), r.fingerprint, r.tensors,
            r.bytes, r.dropped);
    bl_note("'%s': vocabulary of '%s'", c->output, r.vocab);
    for (size_t i = 0; i < 2; i++) {
        if (r.prompts[i])
            bl_warn("'%s': '%s' stands before each %s", c->output,
                    r.prompts[i], i ? "entity" : "mention");
        free(r.prompts[i]);
    }
    free(r.vocab);
}

static void run_zeshel(const char *input)
{
    struct bl_zeshel z = { input, options.output, options.force };
    struct bl_zeshel_report r;
    struct bl_err err;

    if (bl_zeshel_run(&z, &r, &err) < 0)
        bl_die(&err);
    bl_note("'%s': %zu worlds with %zu entities, %zu sets with %zu mentions",
            options.output, r.worlds, r.entities, r.splits, r.mentions);
}

static void run_quantize(const char *input)
{
    struct bl_err err;

    if (bl_quantize_model(input, options.output, options.force,
                          bl_threads_default(),
                          &err) < 0)
        bl_die(&err);
}

/* A table: the parts and what they weigh in bytes. */
static void put_sizes(const struct bl_family_report *r)
{
    struct bl_buf out = BL_BUF_INIT;

    bl_buf_printf(&out, "%-6s %10" PRIu64 "\n", "words", r->words);
    for (unsigned i = 0; i < BL_FAMILY_MODELS; i++)
        if (r->models[i])
            bl_buf_printf(&out, "%-6s %10" PRIu64 "\n",
                          bl_family_folder((enum bl_role)i), r->models[i]);
    bl_buf_printf(&out, "%-6s %10" PRIu64 "\n", "all", r->total);
    bl_out(out.data, out.len);
    bl_buf_free(&out);
}

static void run_pack(void)
{
    struct bl_family_pack p = {
        .int8_words = options.words == 0, .int8_layers = options.layers == 0,
        .replace = options.force, .threads = bl_threads_default()
    };
    struct bl_family_report r;
    struct bl_err err;

    memcpy(p.models, options.models, sizeof p.models);
    if (bl_family_pack(&p, options.output, &r, &err) < 0)
        bl_die(&err);
    put_sizes(&r);
}

int main(int argc, char **argv)
{
    size_t command;
    struct bl_args args;

    bl_prog_init("blink-convert");
    command = bl_opts_subcommand("blink-convert",
                                 "make model directories from other models",
                                 commands, N_COMMANDS, argc, argv);
    args = bl_opts_parse(&commands[command], argc - 1, argv + 1);
    if (!options.output)
        bl_die_usage("option '--output' is required");
    if (command == ZESHEL) {
        run_zeshel(args.v[0]);
        return bl_prog_finish(0);
    }
    if (command == QUANTIZE) {
        run_quantize(args.v[0]);
        return bl_prog_finish(0);
    }
    if (command == PACK) {
        run_pack();
        return bl_prog_finish(0);
    }
    /* The remaining commands are the kinds of bl_convert, in the order of its
     * enum. */
    run(&(struct bl_convert){
        .kind = (enum bl_convert_kind)command, .input = args.v[0],
        .params = options.params, .bert = options.bert, .vocab = options.vocab,
        .output = options.output, .force = options.force,
        .mention_prompt = options.mention_prompt,
        .entity_prompt = options.entity_prompt,
    });
    return bl_prog_finish(0);
}
