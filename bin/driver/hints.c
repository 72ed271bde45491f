/* SPDX-License-Identifier: MIT */
/*
 * The original's options, typed from memory: what they are called here.
 * share/doc/from-blink.md has all of them.
 */
#include "config.h"

#include <string.h>

#include "base/mem.h"
#include "cli/prog.h"
#include "driver.h"

static const struct { const char *theirs, *ours; } hints[] = {
    { "test_mentions", "blink link --input mentions FILE" },
    { "test_entities", "labels are ids of the catalogue, see blink-eval(1)" },
    { "biencoder_model", "-m MODEL, made by blink-convert biencoder" },
    { "biencoder_config", "blink-convert biencoder --params FILE" },
    { "crossencoder_model", "--cross MODEL, made by blink-convert "
                            "crossencoder" },
    { "crossencoder_config", "blink-convert crossencoder --params FILE" },
    { "entity_catalogue", "-c CATALOGUE, made by blink-kb build" },
    { "entity_encoding", "-x INDEX, made by blink-index import" },
    { "faiss_index", "-x INDEX" },
    { "index_path", "-x INDEX" },
    { "top_k", "-k N" },
    { "output_path", "messages go to standard error" },
    { "show_url", "--json, or a table 110 columns wide" },
};

void bl_driver_hint(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--"); i++) {
        const char *name = argv[i] + 2;
        if (strncmp(argv[i], "--", 2))
            continue;
        for (size_t j = 0; j < BL_COUNT(hints); j++) {
            size_t n = strlen(hints[j].theirs);
            if (!strncmp(name, hints[j].theirs, n)
                && (!name[n] || name[n] == '='))
                bl_die_usage("'--%s' is BLINK's; here: %s", hints[j].theirs,
                             hints[j].ours);
        }
    }
}
