/* SPDX-License-Identifier: MIT */
/* wikipedia: what blink-kb does with wikis: build --wikipedia, strip. */
#ifndef BL_BIN_KB_WIKIPEDIA_H
#define BL_BIN_KB_WIKIPEDIA_H

#include "cli/opts.h"
#include "kb/kb-wiki.h"

/* The options of a dump. */
struct kb_wikipedia {
    bool on;
    const char *mentions;
    struct bl_strings keep, namespaces;
    size_t text_length, min_count, context, threads, memory;
};

#define KB_WIKIPEDIA_DEFAULT { .text_length = 1000, .min_count = 1, \
                               .context = 500, .memory = 256u << 20 }

#define KB_WIKIPEDIA_OPTS(w) \
    BL_OPT_GROUP("Wikipedia"), \
    BL_OPT_FLAG(0, "wikipedia", &(w).on, \
                "the input is a MediaWiki XML dump, plain or .bz2"), \
    BL_OPT_STR(0, "mentions", "FILE", &(w).mentions, \
               "write training mentions made from the links"), \
    BL_OPT_SIZE(0, "context", "N", &(w).context, 0, 1u << 20, \
                "most characters of context on each side"), \
    BL_OPT_LIST(0, "keep", "disambiguation|lists", &(w).keep, \
                "keep pages of this kind (repeatable)"), \
    BL_OPT_LIST(0, "namespace", "NUMBER", &(w).namespaces, \
                "namespace whose pages are entities (repeatable)"), \
    BL_OPT_SIZE(0, "text-length", "N", &(w).text_length, 0, 1u << 20, \
                "most characters of text of an entity"), \
    BL_OPT_SIZE(0, "min-count", "N", &(w).min_count, 1, 1u << 30, \
                "leave out aliases used by fewer links"), \
    BL_OPT_SIZE(0, "threads", "N", &(w).threads, 0, 256, \
                "threads (0: one per core)"), \
    BL_OPT_SIZE(0, "memory", "BYTES", &(w).memory, 1u << 16, \
                (size_t)1 << 40, "memory for sorting")

/* Both return the exit status. */
int bl_kb_wikipedia_build(const char *output, const struct kb_wikipedia *w,
                          const struct bl_kb_build_opts *kb,
                          struct bl_args files);
int bl_kb_wikipedia_strip(struct bl_args files);

#endif
