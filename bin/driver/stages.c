/* SPDX-License-Identifier: MIT */
/*
 * The stages of blink link and blink -i: which programs, with which options.
 */
#include "config.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/prog.h"
#include "driver.h"
#include "json/json.h"

static void add_double(struct bl_pipeline *pipeline, const char *name,
                       double value)
{
    struct bl_buf number = BL_BUF_INIT;

    bl_json_put_double(&number, value, 15);
    bl_pipeline_arg(pipeline, name);
    bl_pipeline_arg(pipeline, number.data);
    bl_buf_free(&number);
}

/* Only what was asked for: the programs have the same defaults. */
static void add_engine(struct bl_pipeline *pipeline,
                       const struct bl_engine_opts *given)
{
    static const struct bl_engine_opts usual = BL_ENGINE_OPTS_DEFAULT;
    static const char *const engines[] = { "auto", "reference", "cpu",
                                           "torch" };
    static const char *const devices[] = { "cpu", "cuda" };
    static const char *const precisions[] = { "auto", "f32", "int8",
                                              "bf16" };
    char number[24];

    if (given->engine != usual.engine) {
        bl_pipeline_arg(pipeline, "--engine");
        bl_pipeline_arg(pipeline, engines[given->engine]);
    }
    if (given->device != usual.device) {
        bl_pipeline_arg(pipeline, "--device");
        bl_pipeline_arg(pipeline, devices[given->device]);
    }
    if (given->precision != usual.precision) {
        bl_pipeline_arg(pipeline, "--precision");
        bl_pipeline_arg(pipeline, precisions[given->precision]);
    }
    if (given->threads != usual.threads) {
        snprintf(number, sizeof number, "%zu", given->threads);
        bl_pipeline_arg(pipeline, "--threads");
        bl_pipeline_arg(pipeline, number);
    }
}

/* What every stage is told: -v as here, and for a person at the prompt that
 * a failed record is no failure of the whole. */
static void add_common(struct bl_pipeline *pipeline,
                       const struct bl_link_opts *opts)
{
    if (bl_verbosity > 0)
        bl_pipeline_arg(pipeline, "-v");
    if (opts->interactive)
        bl_pipeline_arg(pipeline, "-Q");
}

static void add_calibration(struct bl_pipeline *pipeline,
                            const struct bl_found *found)
{
    if (found->calibration) {
        bl_pipeline_arg(pipeline, "--calibration");
        bl_pipeline_arg(pipeline, found->calibration);
    }
}

static void add_rerank(struct bl_pipeline *pipeline,
                       const struct bl_link_opts *opts,
                       const struct bl_found *found)
{
    bl_pipeline_add(pipeline, "blink-rerank", "-m", found->cross, "-c",
                    found->catalogue, NULL);
    for (size_t i = 0; i < found->n_more; i++) {
        bl_pipeline_arg(pipeline, "-c");
        bl_pipeline_arg(pipeline, found->more[2 * i]);
    }
    if (!isnan(found->cascade)) {
        add_double(pipeline, "--cascade", found->cascade);
        /* Chosen for the fewest pairs at the same answers: share/doc/notes/
         * cascade.md, "Lists that are sure before they are read". */
        if (isnan(opts->cascade)) {
            add_double(pipeline, "--sure", 0.7);
            add_double(pipeline, "--sure-none", 0.9);
        }
        add_calibration(pipeline, found);
    }
    add_engine(pipeline, &opts->engine);
    add_common(pipeline, opts);
}

void bl_driver_add_copy(struct bl_pipeline *pipeline,
                        const struct bl_link_opts *opts)
{
    for (size_t i = 0; i < opts->copy.n; i++) {
        bl_pipeline_arg(pipeline, "--copy");
        bl_pipeline_arg(pipeline, opts->copy.v[i]);
    }
}

bool bl_driver_prints_records(const struct bl_link_opts *opts)
{
    return opts->format != BL_LINK_AUTO || opts->brief || opts->by_document;
}

/* Gathered links stand in their document, which has the fields, and a page
 * shows it whole; among records nobody has asked for marks. */
static bool needs_ends(const struct bl_link_opts *opts)
{
    return opts->by_document
        || (opts->html && !bl_driver_prints_records(opts));
}

/* blink-coherence waits for the end of a document.  Whoever writes documents
 * one after another, and waits for the links of each, would wait for ever if
 * the end were the next one's beginning. */
static bool marks_ends(const struct bl_link_opts *opts)
{
    return opts->streamed && !opts->no_coherence
        && (opts->lines || opts->input == BL_INPUT_DOCUMENTS);
}

static void add_coherence(struct bl_pipeline *pipeline,
                          const struct bl_link_opts *opts,
                          const struct bl_found *found)
{
    bl_pipeline_add(pipeline, "blink-coherence", "-x", found->index, "-c",
                    found->catalogue, NULL);
    for (size_t i = 0; i < found->n_more; i++) {
        bl_pipeline_arg(pipeline, "-x");
        bl_pipeline_arg(pipeline, found->more[2 * i + 1]);
        bl_pipeline_arg(pipeline, "-c");
        bl_pipeline_arg(pipeline, found->more[2 * i]);
    }
    add_calibration(pipeline, found);
    if (marks_ends(opts) && !needs_ends(opts))
        bl_pipeline_arg(pipeline, "--drop-ends");
    add_common(pipeline, opts);
}

/* The tagger knows names that no catalogue has, and the catalogue knows its
 * own; without a tagger the names are all there is. */
static void add_ner(struct bl_pipeline *pipeline,
                    const struct bl_link_opts *opts,
                    const struct bl_found *found)
{
    bl_pipeline_add(pipeline, "blink-ner", NULL);
    if (found->ner) {
        bl_pipeline_arg(pipeline, "-m");
        bl_pipeline_arg(pipeline, found->ner);
    }
    if (!found->ner || !opts->no_dictionary) {
        bl_pipeline_arg(pipeline, "--dictionary");
        bl_pipeline_arg(pipeline, found->catalogue);
        for (size_t i = 0; i < found->n_more; i++) {
            bl_pipeline_arg(pipeline, "--dictionary");
            bl_pipeline_arg(pipeline, found->more[2 * i]);
        }
    }
    if (opts->common)
        bl_pipeline_arg(pipeline, "--common");
    if (needs_ends(opts) || marks_ends(opts))
        bl_pipeline_arg(pipeline, "--mark-ends");
    if (!needs_ends(opts))
        bl_driver_add_copy(pipeline, opts);
    add_common(pipeline, opts);
}

static void add_score(struct bl_pipeline *pipeline,
                      const struct bl_link_opts *opts,
                      const struct bl_found *found)
{
    bl_pipeline_add(pipeline, "blink-score", NULL);
    add_calibration(pipeline, found);
    if (opts->no_pages)
        bl_pipeline_arg(pipeline, "--no-pages");
    if (!isnan(opts->nil))
        add_double(pipeline, "--nil", opts->nil);
    if (!isnan(opts->min_p))
        add_double(pipeline, "--min-p", opts->min_p);
    add_common(pipeline, opts);
}

static void add_stages(const struct bl_link_opts *opts,
                       const struct bl_found *found,
                       struct bl_pipeline *pipeline)
{
    char top[32];
    struct bl_buf number = BL_BUF_INIT;

    bl_buf_printf(&number, "%zu", opts->top);
    memcpy(top, number.data, number.len + 1);
    bl_buf_free(&number);
    if (opts->input != BL_INPUT_MENTIONS) {
        add_ner(pipeline, opts, found);
    }
    bl_pipeline_add(pipeline, "blink-embed", "-m", found->model, NULL);
    add_engine(pipeline, &opts->engine);
    add_common(pipeline, opts);
    /* With --aliases, entities that the mention names are candidates even
     * where their vectors are not among the nearest. */
    bl_pipeline_add(pipeline, "blink-retrieve", "-x", found->index, "-c",
                    found->catalogue, "-k", top, "--aliases", NULL);
    for (size_t i = 0; i < found->n_more; i++) {
        bl_pipeline_arg(pipeline, "-x");
        bl_pipeline_arg(pipeline, found->more[2 * i + 1]);
        bl_pipeline_arg(pipeline, "-c");
        bl_pipeline_arg(pipeline, found->more[2 * i]);
    }
    if (opts->no_names)
        bl_pipeline_arg(pipeline, "--no-names");
    if (opts->tune)
        bl_pipeline_arg(pipeline, "--overwrite");
    add_common(pipeline, opts);
    if (found->cross)
        add_rerank(pipeline, opts, found);
    if (!opts->no_coherence)
        add_coherence(pipeline, opts, found);
    if (!opts->tune)
        add_score(pipeline, opts, found);
}

static char *copy_of(const char *text)
{
    return text ? bl_xstrdup(text) : NULL;
}

int bl_driver_stages(const struct bl_link_opts *opts,
                     struct bl_pipeline *pipeline,
                     struct bl_stage_files *files, struct bl_err *err)
{
    struct bl_found found = { 0 };
    int rc = bl_driver_find(opts, &found, err);

    if (rc == 0)
        add_stages(opts, &found, pipeline);
    if (rc == 0)
        *files = (struct bl_stage_files){
            copy_of(found.catalogue), copy_of(found.bi), copy_of(found.cross),
            copy_of(found.calibration)
        };
    bl_driver_found_free(&found);
    return rc;
}

void bl_stage_files_free(struct bl_stage_files *files)
{
    free(files->catalogue);
    free(files->bi);
    free(files->cross);
    free(files->calibration);
}
