/* SPDX-License-Identifier: MIT */
/*
 * blink-kb: makes, extends and reads catalogues of entities.
 *
 * In (build, add, update): {"id","title","text"[,"url","qid","type",
 *                      "aliases"]},
 *                      a table with columns of these names, or, with build
 *                      --wikipedia, a dump
 * Out (get, search, cat): the same, one entity a line.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/paths.h"
#include "base/utf8.h"
#include "catalogue.h"
#include "cli/opts.h"
#include "cli/pipeline.h"
#include "cli/prog.h"
#include "json/lines.h"
#include "json/writer.h"
#include "kb/info.h"
#include "kb/kb-build.h"
#include "kb/kb-counts.h"
#include "kb/name-file.h"
#include "kb/reader.h"
#include "kb/remove.h"
#include "kb/wikipedia.h"

enum on_error { ON_ERROR_STOP, ON_ERROR_DROP };

static struct opts {
    const char *catalogue, *output, *attribution, *licence, *source, *names;
    const char *site;
    struct bl_strings ids;
    size_t max_line, top;
    int errors;
    bool no_fts, replace, json, refresh;
    struct kb_wikipedia wiki;
} options = { .max_line = 16u << 20, .top = 10, .wiki = KB_WIKIPEDIA_DEFAULT };

#define OPT_CATALOGUE \
    BL_OPT_CATALOGUE(&options.catalogue, \
               "catalogue: a file, or a name in the data folder")
#define OPT_NAMES \
    BL_OPT_STR(0, "names", "NAMES|none", &options.names, \
               "name counts of Wikipedia's pages (a file or a name)")
#define OPT_REFRESH \
    BL_OPT_FLAG(0, "refresh", &options.refresh, \
                "bring the catalogue's index up to date, too")
#define OPTS_INPUT \
    BL_OPT_GROUP("Input"), \
    BL_OPT_CHOICE(0, "errors", "stop|drop", &options.errors, \
                  "what to do with a line that is not an entity"), \
    BL_OPT_SIZE(0, "max-line", "BYTES", &options.max_line, 256, 1u << 30, \
                "longest line accepted")

#define OPTS_OUTPUT(what) \
    BL_OPT_STR('o', "output", what, &options.output, \
               "file to write (required)"), \
    BL_OPT_TEXT(0, "attribution", &options.attribution, \
                "author of the texts, shown by 'info'"), \
    BL_OPT_TEXT(0, "licence", &options.licence, \
                "licence of the texts, shown by 'info'"), \
    BL_OPT_TEXT(0, "source", &options.source, \
                "source of the texts, shown by 'info'")

static const struct bl_opt build_opts[] = {
    OPTS_OUTPUT("CATALOGUE"),
    BL_OPT_STR(0, "site", "SITE", &options.site,
               "wiki whose pages the entities are, such as enwiki"),
    BL_OPT_FLAG(0, "no-fts", &options.no_fts,
                "leave out the full-text table that search needs"),
    OPT_NAMES,
    OPTS_INPUT,
    KB_WIKIPEDIA_OPTS(options.wiki),
    BL_OPTS_END
};

static const struct bl_opt add_opts[] = {
    OPT_CATALOGUE,
    BL_OPT_FLAG(0, "replace", &options.replace,
                "replace entities whose id is in the catalogue"),
    OPT_REFRESH,
    OPT_NAMES,
    OPTS_INPUT,
    BL_OPTS_END
};

static const struct bl_opt update_opts[] = {
    OPT_CATALOGUE,
    OPT_REFRESH,
    OPT_NAMES,
    OPTS_INPUT,
    BL_OPTS_END
};

static const struct bl_opt remove_opts[] = {
    OPT_CATALOGUE,
    BL_OPT_LIST('f', "file", "FILE", &options.ids,
                "file of ids or records, one a line; may be repeated"),
    OPT_REFRESH,
    OPTS_INPUT,
    BL_OPTS_END
};

static const struct bl_opt names_opts[] = {
    OPTS_OUTPUT("FILE"),
    BL_OPT_STR(0, "site", "SITE", &options.site,
               "wiki whose pages the names lead to, such as enwiki"),
    BL_OPTS_END
};

static const struct bl_opt plain_opts[] = { OPT_CATALOGUE, BL_OPTS_END };

static const struct bl_opt no_opts[] = { BL_OPTS_END };

static const struct bl_opt search_opts[] = {
    OPT_CATALOGUE,
    BL_OPT_SIZE('k', "top", "N", &options.top, 1, 1000, "entities printed"),
    BL_OPTS_END
};

static const struct bl_opt info_opts[] = {
    OPT_CATALOGUE,
    BL_OPT_FLAG(0, "json", &options.json, "print one JSON object"),
    BL_OPTS_END
};

enum { BUILD, ADD, UPDATE, REMOVE, GET, SEARCH, CAT, INFO, VERIFY, NAMES,
       STRIP, N_COMMANDS };

static const struct bl_command commands[N_COMMANDS] = {
    { "blink-kb build", "-o CATALOGUE [FILE...]",
      "make a catalogue from JSONL or CSV (standard input without FILE)",
      build_opts, 0, SIZE_MAX },
    { "blink-kb add", "[-c CATALOGUE] [FILE...]",
      "add entities to a catalogue, all or none", add_opts, 0, SIZE_MAX },
    { "blink-kb update", "[-c CATALOGUE] [FILE...]",
      "change fields of entities, all or none", update_opts, 0, SIZE_MAX },
    { "blink-kb remove", "[-c CATALOGUE] [-f FILE]... [ID...]",
      "remove entities, all or none", remove_opts, 0, SIZE_MAX },
    { "blink-kb get", "[-c CATALOGUE] ID...",
      "print entities by id", plain_opts, 1, SIZE_MAX },
    { "blink-kb search", "[-c CATALOGUE] TEXT...",
      "print the entities that match words best", search_opts, 1, SIZE_MAX },
    { "blink-kb cat", "[-c CATALOGUE]",
      "print every entity in row order", plain_opts, 0, 0 },
    { "blink-kb info", "[-c CATALOGUE]",
      "describe a catalogue and its origin", info_opts, 0, 0 },
    { "blink-kb verify", "[-c CATALOGUE]",
      "read a whole catalogue and check it", plain_opts, 0, 0 },
    { "blink-kb names", "-o FILE [FILE...]",
      "make a file of names from text (standard input without FILE)",
      names_opts, 0, SIZE_MAX },
    { "blink-kb strip", "[FILE...]",
      "print the text of pages of wikitext", no_opts, 0, SIZE_MAX },
};

static char *catalogue_path(void)
{
    struct bl_err err;
    char *path = bl_path_find(BL_PATH_CATALOGUE, options.catalogue, &err);

    if (!path)
        bl_die(&err);
    return path;
}

/* Without -c a first operand that is called like a catalogue is it: nobody
 * calls a list of entities "museum.kb". */
static struct bl_args take_catalogue(struct bl_args args)
{
    const char *dot = args.n ? strrchr(args.v[0], '.') : NULL;

    if (!options.catalogue && dot && !strcmp(dot, ".kb")) {
        options.catalogue = args.v[0];
        args.v++;
        args.n--;
    }
    return args;
}

/* ---- build, add, update and remove ---- */

static struct bl_args or_stdin(struct bl_args files)
{
    static char dash[] = "-", *standard_input[] = { dash };

    return files.n ? files : (struct bl_args){ standard_input, 1 };
}

static struct bl_kb_counts *open_counts(void)
{
    const char *name = options.names ? options.names : "wikipedia-en";
    struct bl_kb_counts *counts;
    struct bl_err err;
    char *path;

    if (!strcmp(name, "none"))
        return NULL;
    path = bl_path_find(BL_PATH_NAMES, name, &err);
    counts = path ? bl_kb_counts_open(path, &err) : NULL;
    free(path);
    if (!counts)
        bl_die(&err);
    return counts;
}

static struct bl_kb_reader reader_of(struct bl_kb_builder *builder)
{
    return (struct bl_kb_reader){
        .builder = builder, .max_line = options.max_line,
        .drop = options.errors == ON_ERROR_DROP
    };
}

/* Finishes the builder, or, after a failure (rc < 0), gives it up. */
static int end_builder(struct bl_kb_reader *reader, int rc, struct bl_err *err)
{
    size_t n = 0;

    bl_progress_end(&reader->progress);
    if (rc == 0) {
        n = bl_kb_build_count(reader->builder);
        rc = bl_kb_build_finish(reader->builder, err);
    } else {
        bl_kb_build_abort(reader->builder);
    }
    bl_kb_counts_close(reader->counts);
    bl_kb_reader_free(reader);
    if (rc < 0)
        bl_die(err);
    if (!n && options.output && !reader->dropped)
        bl_warn("no entity was given: '%s' is empty", options.output);
    bl_note("%zu entities, %zu lines dropped", n, reader->dropped);
    return reader->dropped > 0;
}

/* Reads all input into the reader's builder and finishes it. */
static int run_builder(struct bl_kb_reader *reader, struct bl_args files)
{
    struct bl_err err;
    int rc = 0;

    files = or_stdin(files);
    bl_progress_start(&reader->progress, "entities", 0, true);
    for (size_t i = 0; i < files.n && rc == 0; i++)
        rc = bl_kb_reader_file(reader, files.v[i], &err);
    return end_builder(reader, rc, &err);
}

static int run_build(struct bl_args args)
{
    struct bl_kb_build_opts opts = { !options.no_fts, options.attribution,
                                     options.source,
                                     options.licence, options.site };
    struct bl_kb_reader reader = reader_of(NULL);
    struct bl_err err;
    char *command;
    int status;

    if (!options.output)
        bl_die_usage("option '--output' is required");
    if (options.site && !bl_names_is_site(bl_span_of(options.site)))
        bl_die_usage("option '--site': expected letters, digits, '-' and "
                     "'_', such as enwiki");
    if (options.wiki.on && options.names)
        bl_die_usage("option '--names': a dump has counts of its own");
    /* A dump brings the texts of its links, from which names are counted;
     * counts from elsewhere would be added to the same links a second time. */
    if (options.wiki.on)
        return bl_kb_wikipedia_build(options.output, &options.wiki, &opts,
                                     or_stdin(args));
    reader.counts = open_counts();
    reader.builder = bl_kb_build_open(options.output, &opts, &err);
    if (!reader.builder)
        bl_die(&err);
    command = bl_xasprintf("blink-kb build -o %s", options.output);
    reader.command = command;
    status = run_builder(&reader, args);
    free(command);
    return status;
}

static struct bl_kb_builder *open_update(const char *path)
{
    struct bl_err err;
    struct bl_kb_builder *builder = bl_kb_update_open(path, options.replace,
                                                      &err);

    if (!builder)
        bl_die(&err);
    return builder;
}

/* --refresh runs what a person would type next. */
static int refresh(const char *path)
{
    struct bl_pipeline *pipeline = bl_pipeline_new();
    struct bl_err err;
    int ended;

    bl_pipeline_add(pipeline, "blink-index", "refresh", "-c", path, NULL);
    if (bl_pipeline_start(pipeline, NULL, NULL, &err) < 0)
        bl_die(&err);
    ended = bl_pipeline_wait(pipeline, &err);
    bl_pipeline_free(pipeline);
    return ended;
}

/* An index that cannot be brought up to date now will not be afterwards
 * either: nothing is changed then. */
static void before_change(const char *path)
{
    int status = options.refresh ? refresh(path) : 0;

    if (status == 0)
        return;
    bl_warn("'%s' was not changed", path);
    exit(bl_prog_finish(status));
}

/* The status of both. */
static int after_change(const char *path, int status)
{
    return options.refresh ? BL_MAX(status, refresh(path)) : status;
}

static int run_add(struct bl_args args, bool change)
{
    struct bl_args files = take_catalogue(args);
    struct bl_kb_reader reader = reader_of(NULL);
    char *path = catalogue_path(), *command;
    int status;

    before_change(path);
    reader.counts = open_counts();
    reader.builder = open_update(path);
    reader.change = change;
    command = bl_xasprintf("blink-kb %s -c %s", change ? "update" : "add",
                           path);
    reader.command = command;
    status = after_change(path, run_builder(&reader, files));
    free(command);
    free(path);
    return status;
}

static int run_remove(struct bl_args args)
{
    struct bl_args ids = take_catalogue(args);
    struct bl_kb_reader reader = reader_of(NULL);
    struct bl_err err;
    char *path;
    int rc = 0;

    if (!ids.n && !options.ids.n)
        bl_die_usage("an id, or --file, is required");
    bl_opts_need_utf8(ids);
    path = catalogue_path();
    before_change(path);
    reader.builder = open_update(path);
    bl_progress_start(&reader.progress, "entities", 0, true);
    for (size_t i = 0; i < ids.n && rc == 0; i++)
        rc = bl_kb_remove_id(&reader, bl_span_of(ids.v[i]), &err);
    for (size_t i = 0; i < options.ids.n && rc == 0; i++)
        rc = bl_kb_remove_file(&reader, options.ids.v[i], &err);
    rc = after_change(path, end_builder(&reader, rc, &err));
    free(path);
    return rc;
}

static int run_names(struct bl_args args)
{
    const char *const notes[BL_N_NAMES_NOTES] = {
        [BL_NAMES_NOTE_SITE] = options.site,
        [BL_NAMES_NOTE_SOURCE] = options.source,
        [BL_NAMES_NOTE_LICENCE] = options.licence,
        [BL_NAMES_NOTE_ATTRIBUTION] = options.attribution
    };

    if (!options.output)
        bl_die_usage("option '--output' is required");
    return bl_kb_names_build(options.output, notes, or_stdin(args));
}

/* ---- Printing entities ---- */

struct printer {
    struct bl_kb *kb;
    struct bl_arena arena;
    struct bl_buf out;
};

enum { FLUSH_AT = 1 << 16 };

static void flush(struct printer *printer)
{
    bl_out(printer->out.data, printer->out.len);
    bl_buf_clear(&printer->out);
}

static void write_aliases(struct bl_writer *writer,
                          const struct bl_kb_alias *aliases, size_t n)
{
    bl_write_array(writer, "aliases");
    for (size_t i = 0; i < n; i++) {
        if (aliases[i].count < 0) {
            bl_write_span(writer, NULL, aliases[i].surface);
            continue;
        }
        bl_write_object(writer, NULL);
        bl_write_span(writer, "name", aliases[i].surface);
        bl_write_integer(writer, "count", aliases[i].count);
        bl_write_end(writer);
    }
    bl_write_end(writer);
}

/* Leaves the object open: a search adds its score. */
static void begin_entity(struct printer *printer, struct bl_writer *writer,
                         const struct bl_entity *entity)
{
    struct bl_kb_alias *aliases;
    struct bl_err err;
    size_t n;

    *writer = bl_writer(&printer->out, BL_WRITE_COMPACT);
    bl_write_object(writer, NULL);
    bl_write_optional(writer, "id", entity->id);
    bl_write_optional(writer, "title", entity->title);
    bl_write_optional(writer, "text", entity->text);
    bl_write_optional(writer, "url", entity->url);
    bl_write_optional(writer, "qid", entity->qid);
    bl_write_optional(writer, "type", entity->type);
    if (bl_kb_aliases(printer->kb, entity->row, &printer->arena, &aliases, &n,
                      &err) < 0)
        bl_die(&err);
    if (n)
        write_aliases(writer, aliases, n);
}

static void end_entity(struct printer *printer, struct bl_writer *writer)
{
    bl_write_end(writer);
    bl_write_line(writer);
    bl_arena_reset(&printer->arena);
    if (printer->out.len >= FLUSH_AT)
        flush(printer);
}

static int run_get(struct printer *printer, struct bl_args ids)
{
    struct bl_writer writer;
    struct bl_entity entity;
    struct bl_err err;
    int status = 0;

    for (size_t i = 0; i < ids.n; i++) {
        int rc = bl_kb_get(printer->kb, bl_span_of(ids.v[i]), &printer->arena,
                           &entity, &err);

        if (rc < 0)
            bl_die(&err);
        /* Ids that are not there do not stop the others: a list of ids can be
         * looked up in one call, and the status 1 says that some were
         * missing. */
        if (rc == 0) {
            bl_warn("no entity '%s' in '%s'", ids.v[i],
                    bl_kb_path(printer->kb));
            status = 1;
            continue;
        }
        begin_entity(printer, &writer, &entity);
        end_entity(printer, &writer);
    }
    return status;
}

static int run_search(struct printer *printer, struct bl_args words)
{
    /* end_entity() resets the printer's arena after every entity; the hits
     * have to outlive that. */
    struct bl_arena hits_arena = BL_ARENA_INIT;
    struct bl_buf query = BL_BUF_INIT;
    struct bl_writer writer;
    struct bl_kb_hit *hits;
    struct bl_err err;
    size_t n;

    bl_opts_need_utf8(words);
    for (size_t i = 0; i < words.n; i++) {
        bl_buf_puts(&query, words.v[i]);
        bl_buf_putc(&query, ' ');
    }
    if (bl_kb_search(printer->kb, (struct bl_span){ query.data, query.len },
                     options.top, &hits_arena, &hits, &n, &err) < 0)
        bl_die(&err);
    for (size_t i = 0; i < n; i++) {
        begin_entity(printer, &writer, &hits[i].entity);
        bl_write_double(&writer, "score", hits[i].score, 6);
        end_entity(printer, &writer);
    }
    bl_buf_free(&query);
    bl_arena_free(&hits_arena);
    return 0;
}

static int run_cat(struct printer *printer)
{
    struct bl_writer writer;
    struct bl_entity entity;
    struct bl_err err;
    int rc = bl_kb_walk(printer->kb, 0, &err);

    while (rc == 0
           && (rc = bl_kb_next(printer->kb, &printer->arena, &entity,
                               &err)) == 1) {
        begin_entity(printer, &writer, &entity);
        end_entity(printer, &writer);
        rc = 0;
    }
    if (rc < 0)
        bl_die(&err);
    return 0;
}

/* ---- A reader ---- */

/* A file of names that was given in place of a catalogue; -1: it is none, or
 * the command is one for catalogues alone. */
static int run_names_reader(size_t command, struct bl_args args)
{
    char *path = catalogue_path();
    struct bl_err err;
    int status = -1, is = bl_names_is_file(path, &err);

    if (is < 0)
        bl_die(&err);
    if (is) {
        if (command == GET)
            status = bl_kb_names_get(path, args);
        else if (command == INFO)
            status = bl_kb_names_info(path, options.json);
        else if (command == VERIFY)
            status = bl_kb_names_verify(path);
    }
    free(path);
    return status;
}

static int run_reader(size_t command, struct bl_args args)
{
    struct printer printer = { .kb = bl_catalogue_open(options.catalogue) };
    int status;

    switch (command) {
    case GET:
        status = run_get(&printer, args);
        break;
    case SEARCH:
        status = run_search(&printer, args);
        break;
    case CAT:
        status = run_cat(&printer);
        break;
    case INFO:
        bl_kb_info(printer.kb, options.json);
        status = 0;
        break;
    default:
        bl_kb_info_verify(printer.kb);
        status = 0;
        break;
    }
    flush(&printer);
    bl_buf_free(&printer.out);
    bl_arena_free(&printer.arena);
    bl_kb_close(printer.kb);
    return status;
}

int main(int argc, char **argv)
{
    struct bl_args args;
    size_t command;
    int status;

    bl_prog_init("blink-kb");
    command = bl_opts_subcommand("blink-kb", "make, extend and read "
                                 "catalogues of entities", commands,
                                 N_COMMANDS, argc, argv);
    args = bl_opts_parse(&commands[command], argc - 1, argv + 1);
    if (command == BUILD)
        status = run_build(args);
    else if (command == ADD)
        status = run_add(args, false);
    else if (command == UPDATE)
        status = run_add(args, true);
    else if (command == REMOVE)
        status = run_remove(args);
    else if (command == STRIP)
        status = bl_kb_wikipedia_strip(or_stdin(args));
    else if (command == NAMES)
        status = run_names(args);
    else if ((status = run_names_reader(command, args)) < 0)
        status = run_reader(command, args);
    return bl_prog_finish(status);
}
