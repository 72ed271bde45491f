/* SPDX-License-Identifier: MIT */
/*
 * blink: links plain text with the other programs, joined by pipes.
 * Text in (files, stdin, or a person at the prompt); linked mentions out, as
 * a table for people or one record a line for programs.
 */
#include "config.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/opts.h"
#include "cli/prog.h"
#include "driver/driver.h"

static struct bl_link_opts link_opts = {
    .top = 10, .nil = NAN, .min_p = NAN, .cascade = NAN,
    .engine = BL_ENGINE_OPTS_DEFAULT
};
static struct { bool lines, below; } text_opts;
static struct bl_table_opts table_opts;
static int table_format;
static struct { bool brief; struct bl_strings copy; } brief_opts;
static struct bl_count_opts count_opts = { .documents = 10 };
static int count_format;
static struct { bool json; } list_opts;
static struct { bool table, json, csv, tsv; } as;
static struct bl_tune_opts tune_opts;

static const struct bl_opt link_table[] = {
    BL_OPT_FLAG('i', "interactive", &link_opts.interactive,
                "answer each line as it is typed"),
    BL_OPT_FLAG('f', "fast", &link_opts.fast,
                "skip the cross-encoder"),
    BL_OPT_FLAG(0, "lines", &link_opts.lines,
                "treat every line as a text of its own"),
    BL_OPT_FLAG('r', "recursive", &link_opts.below,
                "of a folder, read the folders below, too"),
    BL_OPT_CHOICE(0, "input", "text|documents|mentions", &link_opts.input,
                  "what the files hold: text, or records"),
    BL_OPT_GROUP("Output"),
    BL_OPT_CHOICE(0, "format", "auto|jsonl|csv|tsv|table", &link_opts.format,
                  "what to print"),
    BL_OPT_FLAG(0, "table", &as.table, "print a table even into a pipe"),
    BL_OPT_FLAG(0, "json", &as.json, "print records even on a terminal"),
    BL_OPT_FLAG(0, "csv", &as.csv, "print rows of CSV"),
    BL_OPT_FLAG(0, "tsv", &as.tsv, "print rows with tabs between cells"),
    BL_OPT_FLAG(0, "brief", &link_opts.brief,
                "records of a tenth of the size"),
    BL_OPT_FLAG(0, "by-document", &link_opts.by_document,
                "one line a document, with its links"),
    BL_OPT_LIST(0, "copy", "FIELD", &link_opts.copy,
                "copy this field of the document; repeatable"),
    BL_OPT_STR(0, "html", "FILE", &link_opts.html,
               "write an HTML page (-: standard output)"),
    BL_OPT_FLAG(0, "show", &link_opts.show,
                "print the pipeline instead of running it"),
    BL_OPT_CHOICE(0, "color", "auto|always|never", &link_opts.colour,
                  "colours with -i"),
    BL_OPT_GROUP("Models and data (a path or a name)"),
    BL_OPT_CATALOGUES(&link_opts.catalogues,
               "catalogue of entities; may be repeated"),
    BL_OPT_STR('m', "model", "MODEL", &link_opts.model, "bi-encoder"),
    BL_OPT_STR('x', "index", "INDEX", &link_opts.index,
               "index of the catalogue, made with the bi-encoder"),
    BL_OPT_STR(0, "cross", "MODEL", &link_opts.cross, "cross-encoder"),
    BL_OPT_STR(0, "ner", "MODEL", &link_opts.ner,
               "tagger that finds mentions"),
    BL_OPT_FLAG(0, "dictionary", &link_opts.dictionary,
                "only the catalogue's names are mentions"),
    BL_OPT_FLAG(0, "no-dictionary", &link_opts.no_dictionary,
                "only what the tagger finds is a mention"),
    BL_OPT_FLAG(0, "common", &link_opts.common,
                "as --dictionary, with common nouns"),
    BL_OPT_STR(0, "calibration", "CALIBRATION", &link_opts.calibration,
               "calibration to use"),
    BL_OPT_GROUP("Passed on to the programs"),
    BL_OPT_SIZE('k', "top", "N", &link_opts.top, 1, 10000,
                "candidates per mention"),
    BL_OPT_DOUBLE(0, "cascade", "RISK", &link_opts.cascade, 0, 1,
                  "skip candidates unlikely to win (0: none)"),
    BL_OPT_DOUBLE(0, "nil", "P", &link_opts.nil, 0, 1,
                  "no entity when nil_p is above P"),
    BL_OPT_DOUBLE(0, "min-p", "P", &link_opts.min_p, 0, 1,
                  "mark an entity less probable than P as unsure"),
    BL_OPT_FLAG(0, "no-coherence", &link_opts.no_coherence,
                "read each mention without the rest of its document"),
    BL_OPT_FLAG(0, "no-names", &link_opts.no_names,
                "do not use the names of the catalogue's wiki"),
    BL_OPT_FLAG(0, "no-pages", &link_opts.no_pages,
                "only entities of the catalogue, no pages by name"),
    BL_OPT_CHOICE(0, "engine", "auto|reference|cpu|torch",
                  &link_opts.engine.engine, "what computes the networks"),
    BL_OPT_CHOICE(0, "device", "cpu|cuda", &link_opts.engine.device,
                  "where the torch engine computes"),
    BL_OPT_CHOICE(0, "precision", "auto|f32|int8|bf16",
                  &link_opts.engine.precision, "number format"),
    BL_OPT_SIZE(0, "threads", "N", &link_opts.engine.threads, 0, 1024,
                "threads to use (0: one per core)"),
    BL_OPTS_END
};

static const struct bl_opt text_table[] = {
    BL_OPT_FLAG(0, "lines", &text_opts.lines,
                "treat every line as a text of its own"),
    BL_OPT_FLAG('r', "recursive", &text_opts.below,
                "of a folder, read the folders below, too"),
    BL_OPTS_END
};

static const struct bl_opt records_table[] = {
    BL_OPT_FLAG('r', "recursive", &text_opts.below,
                "of a folder, read the folders below, too"),
    BL_OPTS_END
};

static const struct bl_opt table_table[] = {
    BL_OPT_CHOICE(0, "format", "table|csv|tsv", &table_format,
                  "what to print"),
    BL_OPT_FLAG(0, "csv", &as.csv, "print rows of CSV"),
    BL_OPT_FLAG(0, "tsv", &as.tsv, "print rows with tabs between cells"),
    BL_OPT_FLAG(0, "documents", &table_opts.documents,
                "add a first column with the document"),
    BL_OPT_SIZE('k', "top", "N", &table_opts.top, 0, 10000,
                "candidates shown of each mention"),
    BL_OPT_FLAG(0, "no-url", &table_opts.no_url, "leave addresses out"),
    BL_OPT_LIST(0, "copy", "FIELD", &table_opts.copy,
                "add a column with this field; repeatable"),
    BL_OPTS_END
};

static const struct bl_opt count_table[] = {
    BL_OPT_CHOICE(0, "format", "table|jsonl|csv|tsv", &count_format,
                  "what to print"),
    BL_OPT_FLAG(0, "json", &as.json, "print records"),
    BL_OPT_FLAG(0, "csv", &as.csv, "print rows of CSV"),
    BL_OPT_FLAG(0, "tsv", &as.tsv, "print rows with tabs between cells"),
    BL_OPT_FLAG(0, "not-found", &count_opts.not_found,
                "only names without an entity"),
    BL_OPT_SIZE(0, "documents", "N", &count_opts.documents, 0, 1 << 30,
                "documents named for each entity"),
    BL_OPTS_END
};

static const struct bl_opt brief_table[] = {
    BL_OPT_LIST(0, "copy", "FIELD", &brief_opts.copy,
                "keep this field as well; repeatable"),
    BL_OPTS_END
};

static const struct bl_opt documents_table[] = {
    BL_OPT_FLAG(0, "brief", &brief_opts.brief,
                "the document's id and links alone"),
    BL_OPT_LIST(0, "copy", "FIELD", &brief_opts.copy,
                "with --brief, keep this field too; repeatable"),
    BL_OPTS_END
};

static const struct bl_opt list_table[] = {
    BL_OPT_FLAG(0, "json", &list_opts.json, "print one record a line"),
    BL_OPTS_END
};

static const struct bl_opt tune_table[] = {
    BL_OPT_FLAG(0, "reset", &tune_opts.reset,
                "remove the weights of the catalogue"),
    BL_OPT_FLAG(0, "json", &tune_opts.json, "print one JSON object"),
    BL_OPT_GROUP("Models and data (a path or a name)"),
    BL_OPT_CATALOGUES(&link_opts.catalogues, "catalogue of entities"),
    BL_OPT_STR('m', "model", "MODEL", &link_opts.model, "bi-encoder"),
    BL_OPT_STR('x', "index", "INDEX", &link_opts.index,
               "index of the catalogue, made with the bi-encoder"),
    BL_OPT_STR(0, "cross", "MODEL", &link_opts.cross, "cross-encoder"),
    BL_OPT_FLAG('f', "fast", &link_opts.fast, "skip the cross-encoder"),
    BL_OPT_SIZE(0, "threads", "N", &link_opts.engine.threads, 0, 1024,
                "threads to use (0: one per core)"),
    BL_OPTS_END
};

static const struct bl_opt no_options[] = { BL_OPTS_END };

enum { LINK, TEXT, RECORDS, TABLE, COUNT, BRIEF, DOCUMENTS, TUNE, LIST,
       DOCTOR, HELP, FIRST_PROGRAM };

static const struct bl_command commands[] = {
    [LINK] = { "blink link", "[FILE...]",
               "find mentions of entities in plain text and link them",
               link_table, 0, 1 << 20 },
    [TEXT] = { "blink text", "[FILE...]",
               "turn plain text into documents, for blink-ner", text_table,
               0, 1 << 20 },
    [RECORDS] = { "blink records", "[FILE...]",
                  "print the records of JSON files, one a line", records_table,
                  0, 1 << 20 },
    [TABLE] = { "blink table", "", "print linked records as a table",
                table_table, 0, 0 },
    [COUNT] = { "blink count", "", "count the entities of linked records",
                count_table, 0, 0 },
    [BRIEF] = { "blink brief", "", "print what linked records tell, in brief",
                brief_table, 0, 0 },
    [DOCUMENTS] = { "blink documents", "",
                    "print linked records as documents, one a line",
                    documents_table, 0, 0 },
    [TUNE] = { "blink tune", "[FILE...]",
               "fit the decision of a catalogue to labelled mentions",
               tune_table, 0, 1 << 20 },
    [LIST] = { "blink list", "", "list models, catalogues, indexes, names and "
                                 "calibrations", list_table, 0, 0 },
    [DOCTOR] = { "blink doctor", "", "check that everything needed works",
                 no_options, 0, 0 },
    [HELP] = { "blink help", "[COMMAND]",
               "show the manual page of a command or program", no_options, 0,
               SIZE_MAX },
    [FIRST_PROGRAM] =
    { "blink ner", NULL, "find mentions in documents", NULL, 0, 0 },
    { "blink elq", NULL, "find mentions and entities in one pass", NULL, 0,
      0 },
    { "blink embed", NULL, "add a vector to each mention or entity", NULL, 0,
      0 },
    { "blink retrieve", NULL, "find the entities that a mention may mean",
      NULL, 0, 0 },
    { "blink rerank", NULL, "reorder candidates with a cross-encoder", NULL,
      0, 0 },
    { "blink coherence", NULL, "weigh candidates by the rest of the document",
      NULL, 0, 0 },
    { "blink cluster", NULL, "give what no catalogue has an id", NULL, 0,
      0 },
    { "blink merge", NULL, "merge the candidates of the parts of an index",
      NULL, 0, 0 },
    { "blink score", NULL, "choose an entity, or none, with a probability",
      NULL, 0, 0 },
    { "blink view", NULL, "print linked records as a page to look at", NULL,
      0, 0 },
    { "blink eval", NULL, "compare answers with labels", NULL, 0, 0 },
    { "blink kb", NULL, "make, extend and read catalogues", NULL, 0, 0 },
    { "blink index", NULL, "make and read indexes of vectors", NULL, 0, 0 },
    { "blink shard", NULL, "run a pipeline on the parts of a file", NULL, 0,
      0 },
    { "blink serve", NULL, "link texts over HTTP", NULL, 0, 0 },
    { "blink convert", NULL, "make models of the weights of others", NULL, 0,
      0 },
    { "blink train", NULL, "train models", NULL, 0, 0 },
    { "blink tokenize", NULL, "show the tokens that a model sees", NULL, 0,
      0 },
};

/* Options without a command are those of `link`: "blink -i". */
static bool means_link(int argc, char **argv)
{
    static const char *const others[] = {
        "-h", "--help", "-V", "--version", "--complete", "--completion"
    };
    size_t n;

    if (argc < 2 || argv[1][0] != '-')
        return false;
    n = strcspn(argv[1], "=");
    for (size_t i = 0; i < BL_COUNT(others); i++) {
        if (n == strlen(others[i]) && !strncmp(argv[1], others[i], n))
            return false;
    }
    return true;
}

static bool is_command(const char *word)
{
    for (size_t i = 0; i < BL_COUNT(commands); i++)
        if (!strcmp(word, strrchr(commands[i].name, ' ') + 1))
            return true;
    return false;
}

/* "blink notes.txt" is what people type first. */
static void explain_file(int argc, char **argv)
{
    if (argc > 1 && !is_command(argv[1]) && access(argv[1], R_OK) == 0)
        bl_die_usage("unknown command '%s'; to link a file: blink link %s",
                     argv[1], argv[1]);
}

/* Two programs are given these options: the user is told once, and now. */
static void check_engine(void)
{
    struct bl_err err;

    if (bl_engine_opts_check(&link_opts.engine, &err) == 0)
        return;
    if (err.code == BL_USAGE)
        bl_die_usage("%s", err.msg);
    bl_die(&err);
}

/* One name for the format: --csv is --format csv, unless `given` is another
 * (AUTO: none is). */
static int take_format(int given)
{
    static const struct { const bool *on; const char *name; int format; }
        shorts[] = {
        { &as.table, "--table", BL_LINK_TABLE },
        { &as.json, "--json", BL_LINK_JSON },
        { &as.csv, "--csv", BL_LINK_CSV }, { &as.tsv, "--tsv", BL_LINK_TSV }
    };
    const char *said = given == BL_LINK_AUTO ? NULL : "--format";

    for (size_t i = 0; i < BL_COUNT(shorts); i++) {
        if (!*shorts[i].on)
            continue;
        if (said && given != shorts[i].format)
            bl_die_usage("%s and %s contradict each other", said,
                         shorts[i].name);
        said = shorts[i].name;
        given = shorts[i].format;
    }
    return given;
}

static void check_copy(const struct bl_strings *copy)
{
    for (size_t i = 0; i < copy->n; i++)
        for (size_t j = 0; j < i; j++)
            if (!strcmp(copy->v[i], copy->v[j]))
                bl_die_usage("option '--copy': '%s' is given twice",
                             copy->v[i]);
}

/* Said here, before anything starts, and not by the stage that copies. */
static void check_link_copy(void)
{
    check_copy(&link_opts.copy);
    for (size_t i = 0; i < link_opts.copy.n; i++) {
        const char *name = link_opts.copy.v[i];

        if (link_opts.input == BL_INPUT_TEXT && strcmp(name, "text"))
            bl_die_usage("--copy takes fields of records (--input documents "
                         "or mentions); a text has none");
        if (link_opts.input == BL_INPUT_DOCUMENTS && !link_opts.by_document
            && bl_record_is_of_mention(name))
            bl_die_usage("--copy: mentions have a field '%s' of their own",
                         name);
    }
}

/* With --html, records are printed where they are asked for. */
static bool prints_beside(void)
{
    return link_opts.format != BL_LINK_AUTO || link_opts.brief
        || link_opts.by_document;
}

/* What is printed must be one thing. */
static void check_output(void)
{
    const char *lines = link_opts.by_document ? "--by-document" : "--brief";

    check_link_copy();
    if ((link_opts.brief || link_opts.by_document)
        && link_opts.format > BL_LINK_JSON)
        bl_die_usage("%s prints records, not a table", lines);
    if (link_opts.html && !strcmp(link_opts.html, "-") && prints_beside())
        bl_die_usage("--html - leaves no place for anything else: name a "
                     "file");
    if (link_opts.by_document && link_opts.input == BL_INPUT_MENTIONS)
        bl_die_usage("--by-document works with documents, not with mentions");
    if (link_opts.interactive
        && (link_opts.brief || link_opts.by_document || link_opts.copy.n
            || link_opts.format == BL_LINK_CSV
            || link_opts.format == BL_LINK_TSV))
        bl_die_usage("-i prints answers or records (--json) alone; "
                     "blink link --lines answers each line, too");
}

static int run_link(struct bl_args args)
{
    link_opts.format = take_format(link_opts.format);
    check_output();
    link_opts.candidates = bl_opts_given(&link_opts.top);
    /* --common has no meaning for a tagger, which learned what a mention is:
     * it implies the dictionary. */
    link_opts.dictionary |= link_opts.common;
    if (link_opts.dictionary && link_opts.no_dictionary)
        bl_die_usage("--%s and --no-dictionary contradict each other",
                     link_opts.common ? "common" : "dictionary");
    if (link_opts.html && link_opts.interactive)
        bl_die_usage("--html and -i contradict each other");
    check_engine();
    if (link_opts.lines && link_opts.input != BL_INPUT_TEXT)
        bl_die_usage("--lines works only with text, not with records");
    link_opts.streamed = args.n == 0 && !link_opts.interactive;
    if (!link_opts.interactive)
        return bl_driver_link(&link_opts, args.v, args.n);
    if (link_opts.input != BL_INPUT_TEXT)
        bl_die_usage("-i reads text, not records");
    if (args.n)
        bl_die_usage("-i takes no files, found '%s'", args.v[0]);
    return bl_driver_interactive(&link_opts);
}

static int run_count(void)
{
    static const int formats[] = { BL_LINK_TABLE, BL_LINK_JSON, BL_LINK_CSV,
                                   BL_LINK_TSV };

    count_opts.format = take_format(bl_opts_given(&count_format)
                                    ? formats[count_format] : BL_LINK_AUTO);
    if (count_opts.format == BL_LINK_AUTO)
        count_opts.format = BL_LINK_TABLE;
    return bl_driver_count(&count_opts);
}

static int run_table(void)
{
    static const int formats[] = { BL_LINK_TABLE, BL_LINK_CSV, BL_LINK_TSV };

    check_copy(&table_opts.copy);
    table_opts.format = take_format(bl_opts_given(&table_format)
                                    ? formats[table_format] : BL_LINK_AUTO);
    if (table_opts.format == BL_LINK_AUTO)
        table_opts.format = BL_LINK_TABLE;
    return table_opts.format == BL_LINK_TABLE ? bl_driver_table(&table_opts)
                                              : bl_driver_csv(&table_opts);
}

static int run_tune(struct bl_args args)
{
    if (link_opts.catalogues.n > 1)
        bl_die_usage("one catalogue at a time");
    if (tune_opts.reset && args.n)
        bl_die_usage("--reset takes no files");
    if (!tune_opts.reset && !args.n)
        bl_die_usage("files of labelled mentions are missing (-: standard "
                     "input); those of a dump's links are made by blink-kb "
                     "build --wikipedia DUMP --mentions FILE");
    link_opts.tune = true;
    link_opts.input = BL_INPUT_MENTIONS;
    return bl_driver_tune(&link_opts, &tune_opts, args.v, args.n);
}

static const char brief[] = "link text to entities; blink -i is blink link -i";

static int run(size_t which, struct bl_args args)
{
    if (link_opts.catalogues.n)
        link_opts.catalogue = link_opts.catalogues.v[0];
    switch (which) {
    case TEXT:
        return bl_driver_text(text_opts.lines, text_opts.below, args.v,
                              args.n);
    case RECORDS:
        return bl_driver_records(text_opts.below, args.v, args.n);
    case TABLE:
        return run_table();
    case COUNT:
        return run_count();
    case BRIEF:
        check_copy(&brief_opts.copy);
        return bl_driver_brief(&brief_opts.copy);
    case DOCUMENTS:
        check_copy(&brief_opts.copy);
        return bl_driver_documents(brief_opts.brief, &brief_opts.copy);
    case TUNE:
        return run_tune(args);
    case LIST:
        return bl_driver_list(list_opts.json);
    case DOCTOR:
        return bl_driver_doctor();
    case HELP:
        return bl_driver_help(args, brief, commands, BL_COUNT(commands));
    default:
        return run_link(args);
    }
}

int main(int argc, char **argv)
{
    size_t which = LINK;
    int skip = 0;

    bl_prog_init("blink");
    if (!means_link(argc, argv)) {
        explain_file(argc, argv);
        /* Only a command in argv[1] is skipped: for "blink -i" the options
         * start there. */
        which = bl_opts_subcommand("blink", brief, commands,
                                   BL_COUNT(commands), argc, argv);
        skip = 1;
    }
    if (which >= FIRST_PROGRAM)
        bl_driver_program(&commands[which], argv + 2);
    if (which == LINK)
        bl_driver_hint(argc, argv);
    struct bl_args args = bl_opts_parse(&commands[which], argc - skip,
                                        argv + skip);

    return bl_prog_finish(run(which, args));
}
