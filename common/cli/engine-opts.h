/* SPDX-License-Identifier: MIT */
/*
 * engine-opts: the options of what computes the network (encoder.h), the
 * same in every program that has one.
 *
 *     static const struct bl_opt table[] = {
 *         BL_OPTS_ENGINE(options.engine),
 */
#ifndef BL_ENGINE_OPTS_H
#define BL_ENGINE_OPTS_H

#include "base/decls.h"
#include "cli/opts.h"
#include "net/encoder.h"

BL_BEGIN_DECLS

/* For option tables; eo is a struct bl_engine_opts. */
#define BL_OPTS_ENGINE(eo) \
    BL_OPT_GROUP("Engine"), \
    BL_OPT_CHOICE(0, "engine", "auto|reference|cpu|torch", &(eo).engine, \
                  "what computes the network"), \
    BL_OPT_CHOICE(0, "device", "cpu|cuda", &(eo).device, \
                  "where the torch engine computes"), \
    BL_OPT_CHOICE(0, "precision", "auto|f32|int8|bf16", &(eo).precision, \
                  "number format of the network"), \
    BL_OPT_SIZE(0, "threads", "N", &(eo).threads, 0, 1024, \
                "threads to compute with (0: one per core)"), \
    BL_OPT_SIZE(0, "batch-tokens", "N", &(eo).batch_tokens, 1, 1 << 24, \
                "most tokens computed at once")

BL_END_DECLS

#endif
