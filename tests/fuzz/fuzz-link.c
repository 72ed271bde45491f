/* SPDX-License-Identifier: MIT */
/* fuzz-link: names of catalogues, models, indexes and files, as `blink link`
 * is given them, and a calibration.  Byte 0 and 1 are flags; then come, with
 * the byte FF between them: catalogue, model, index, cross-encoder, tagger,
 * calibration (its text), and the file.  The pipeline that is shown is, read
 * as a shell reads it, the one that would run. */
#include "../../bin/driver/kind.c"
#include "../../bin/driver/link.c"
#include "../../bin/driver/stages.c"
#include "../../bin/driver/weights.c"
#include "../../common/cli/pipeline.c"
#include "feed.h"

enum { CATALOGUE, MODEL, INDEX, CROSS, NER, CALIBRATION, INPUT, N_NAMES };

static const char *const folders[] = {
    "models", "models/m", "models/x", "models/n", "catalogues", "indexes",
    "calibration"
};

/* ---- The data folder ---- */

/* A file of the data folder that is called by the name, if it can be. */
static char *make(const char *folder, const char *name, const char *end,
                  struct bl_span text)
{
    char *path, *made = NULL;

    if (!name || strchr(name, '/') || strlen(name) > 200)
        return NULL;
    path = bl_xasprintf("%s/%s%s", folder, name, end);
    if (*name != '.')
        made = feed_file_of(path, text);
    free(path);
    return made;
}

/* A model beside those of fixed names: a link to one of them. */
static char *make_model(const char *name, const char *to)
{
    char *path;

    if (!name || strchr(name, '/') || *name == '.' || strlen(name) > 200)
        return NULL;
    path = bl_xasprintf("%s/models/%s", feed_folder(), name);
    if (symlink(to, path) < 0) {
        free(path);
        path = NULL;
    }
    return path;
}

/* ---- What a shell reads ---- */

/* One word, taken from *at; false where none begins. */
static bool shell_word(const char **at, struct bl_buf *word)
{
    const char *p = *at;
    bool quoted = false;

    bl_buf_clear(word);
    if (*p == '|' || *p == '\n')
        return false;
    for (; quoted || (*p && !strchr(" \n|", *p)); p++) {
        CHECK(*p);
        if (*p == '\'') {
            quoted = !quoted;
            continue;
        }
        if (!quoted && *p == '\\')
            p++;
        else            /* nothing that a shell takes for more than itself */
            CHECK(quoted || !strchr("$`\"*?[]~#&;()<>{}!^\t", *p));
        bl_buf_putc(word, *p);
    }
    *at = p + strspn(p, " ");
    return true;
}

static void check_shown(const struct bl_pipeline *pipeline)
{
    struct bl_buf shown = BL_BUF_INIT, word = BL_BUF_INIT;
    const char *at;

    bl_pipeline_show(pipeline, &shown);
    at = shown.data;
    for (size_t i = 0; i < pipeline->n; i++) {
        for (size_t k = 0; k < pipeline->stages[i].argc; k++) {
            const char *arg = pipeline->stages[i].argv[k];

            CHECK(shell_word(&at, &word));
            bl_buf_putc(&word, '\0');
            CHECK(!strcmp(word.data, arg));
        }
        if (i + 1 < pipeline->n) {
            CHECK(!strncmp(at, "|\n    ", 6));
            at += 6;
        }
    }
    CHECK(!strcmp(at, "\n"));
    bl_buf_free(&shown);
    bl_buf_free(&word);
}

/* ---- The target ---- */

static struct bl_link_opts choose(char *const *names, unsigned flags)
{
    struct bl_strings copy = { (const char **)&names[INPUT],
                               names[INPUT] != NULL };

    return (struct bl_link_opts){
        .catalogue = names[CATALOGUE], .model = names[MODEL],
        .index = names[INDEX], .cross = names[CROSS], .ner = names[NER],
        .top = 1 + flags % 7, .nil = flags & 1 ? NAN : .5,
        .cascade = flags & 2 ? NAN : 1e-3, .fast = flags & 4,
        .dictionary = flags & 8, .no_dictionary = flags & 16,
        .common = flags & 32, .no_names = flags & 64,
        .no_pages = flags & 128, .lines = flags & 256, .show = flags & 512,
        .interactive = flags & 1024, .input = (int)(flags / 2048 % 3),
        .format = (int)(flags / 2048 % 5), .below = flags & 8192,
        .brief = flags & 16384, .by_document = flags & 1,
        .candidates = flags & 2, .min_p = flags & 4 ? NAN : .25,
        .html = flags & 32768 ? names[INPUT] : NULL, .copy = copy,
        .engine = BL_ENGINE_OPTS_DEFAULT
    };
}

static void link_all(char *const *names, unsigned flags)
{
    struct bl_link_opts opts = choose(names, flags);
    struct bl_pipeline *pipeline = bl_pipeline_new();
    struct bl_err err = { .code = BL_OK };
    struct bl_stage_files found = { NULL };
    char *files[] = { names[INPUT] };
    static const int page[2] = { -1, -1 };

    opts.engine.threads = flags % 3;
    add_text(pipeline, &opts, files, files[0] != NULL);
    if (bl_driver_stages(&opts, pipeline, &found, &err) < 0)
        CHECK(err.code == BL_DATA || err.code == BL_SYSTEM);
    else
        add_output(pipeline, &opts, found.catalogue, files[0] != NULL, page);
    check_shown(pipeline);
    bl_pipeline_free(pipeline);
    bl_stage_files_free(&found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct feed f = { data, size, 1 };
    unsigned flags = (unsigned)feed_size(&f, 0, 65535);
    char *names[N_NAMES], *made[12], *dirs[BL_COUNT(folders)];
    struct bl_span texts[N_NAMES], none = { "{}", 2 };
    size_t n = 0;

    for (size_t i = 0; i < N_NAMES; i++) {
        texts[i] = feed_piece(&f);
        names[i] = texts[i].n ? strndup(texts[i].p, texts[i].n) : NULL;
    }
    for (size_t i = 0; i < BL_COUNT(folders); i++)
        dirs[i] = feed_subfolder(folders[i]);
    setenv("BLINK_DATA", feed_folder(), 1);
    made[n++] = make("models/m", "config", ".json", none);
    made[n++] = make("models/x", "config", ".json", none);
    made[n++] = make("models/n", "config", ".json", none);
    made[n++] = make("models/m", "calibration", ".json", texts[CALIBRATION]);
    made[n++] = make_model(names[MODEL], "m");
    made[n++] = make_model(names[CROSS], "x");
    made[n++] = make_model(names[NER], "n");
    made[n++] = make("catalogues", names[CATALOGUE], ".kb", none);
    made[n++] = make("indexes", names[INDEX], ".blx", none);
    made[n++] = make("indexes", names[CATALOGUE], ".blx", none);
    made[n++] = make("calibration", names[MODEL], ".json", texts[CALIBRATION]);
    link_all(names, flags);
    while (n-- > 0)
        if (made[n])
            feed_remove(made[n]);
    for (size_t i = BL_COUNT(folders); i-- > 0;)
        feed_remove(dirs[i]);
    for (size_t i = 0; i < N_NAMES; i++)
        free(names[i]);
    return 0;
}
