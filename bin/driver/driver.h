/* SPDX-License-Identifier: MIT */
/*
 * driver: the parts of the program `blink`, one file each.  Every
 * bl_driver_*() runs one command to its end and returns the exit status.
 */
#ifndef BL_DRIVER_H
#define BL_DRIVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "cli/opts.h"
#include "cli/pipeline.h"
#include "json/lines.h"
#include "json/record.h"
#include "json/writer.h"
#include "kb/kb.h"
#include "net/encoder.h"

/* ---- blink link (link.c) ---- */

struct bl_link_opts {
    /* NULL: the default of each. */
    const char *catalogue, *model, *index, *cross, *ner;
    struct bl_strings catalogues;       /* of which the one above is the
                                         * first */
    size_t top;                 /* candidates per mention */
    double nil, min_p;          /* passed to blink-score; NAN: not given */
    const char *calibration;    /* NULL: what belongs to the model */
    double cascade;             /* of blink-rerank; NAN: what suits it */
    bool streamed;              /* read from stdin, maybe bit by bit */
    bool fast, no_coherence, dictionary, no_dictionary, common, no_names,
         no_pages, lines, show, interactive, brief, by_document, candidates,
         below,
         tune;                  /* for blink tune */
    int format;                 /* enum bl_link_format */
    int colour;                 /* enum bl_colour */
    int input;                  /* enum bl_link_input */
    const char *html;           /* file; NULL: no page */
    struct bl_strings copy;     /* fields of the documents */
    struct bl_engine_opts engine;       /* what is not the default is passed
                                         * on */
};

enum bl_link_input { BL_INPUT_TEXT, BL_INPUT_DOCUMENTS, BL_INPUT_MENTIONS };
enum bl_colour { BL_COLOUR_AUTO, BL_COLOUR_ALWAYS, BL_COLOUR_NEVER };
/* In the order of --format's choices. */
enum bl_link_format { BL_LINK_AUTO, BL_LINK_JSON, BL_LINK_CSV, BL_LINK_TSV,
                      BL_LINK_TABLE };

int bl_driver_link(const struct bl_link_opts *opts, char **files,
                   size_t n_files);

/* The files that the stages are given; each may be NULL until found.  The
 * model is the family where there is one: indexes are called by it. */
struct bl_found {
    char *catalogue, *model, *index, *cross, *ner, *calibration;
    char *bi;                   /* the bi-encoder of the model */
    char **more;                /* [2 * n_more] other catalogues, each with
                                 * its index after it */
    size_t n_more;
    double cascade;             /* of the cross-encoder; NAN: not said */
};

/* -1 with *err when something is missing; free what was found all the same. */
int bl_driver_find(const struct bl_link_opts *opts, struct bl_found *found,
                   struct bl_err *err);
void bl_driver_found_free(struct bl_found *found);

/* ---- The stages (stages.c) ---- */

/* What the stages were given, as paths; calibration NULL: the default one. */
struct bl_stage_files {
    char *catalogue, *bi, *cross, *calibration;
};

/* Adds the stages from blink-ner to blink-score to *pipeline, with opts->tune
 * those before blink-score, and fills *files, for bl_stage_files_free().
 * -1 with *err when a model, catalogue or index cannot be found. */
int bl_driver_stages(const struct bl_link_opts *opts,
                     struct bl_pipeline *pipeline,
                     struct bl_stage_files *files, struct bl_err *err);
void bl_stage_files_free(struct bl_stage_files *files);

/* -1 with *err for a file that cannot be read or is compressed or the like:
 * to be said before the programs start, which take a second to be ready. */
int bl_driver_readable(const struct bl_link_opts *opts, char **files,
                       size_t n_files, struct bl_err *err);

/* Beside a page only what was asked for. */
bool bl_driver_prints_records(const struct bl_link_opts *opts);
/* --copy for the last stage, once for each field. */
void bl_driver_add_copy(struct bl_pipeline *pipeline,
                        const struct bl_link_opts *opts);

/* --show: prints the pipeline; returns the status 0. */
int bl_driver_show(const struct bl_pipeline *pipeline);

/* The status to end with after the stages ended with `status` (see
 * bl_pipeline_wait); dies by SIGPIPE when the reader has left. */
int bl_driver_status(int status, const struct bl_err *err);

/* ---- Weights for blink-score (weights.c) ---- */

/* Paths; cross NULL: there is none. */
struct bl_weights_for {
    const char *catalogue, *model, *bi, *cross;
};

/* The file of --calibration; else what `blink tune` made for this catalogue
 * and these models, unless it is to be made anew (opts->tune); else what
 * belongs to the model.  NULL in *out, which the caller frees: the default. */
int bl_driver_weights(const struct bl_link_opts *opts,
                      const struct bl_weights_for *what, char **out,
                      struct bl_err *err);

/* Where the weights of a catalogue are: "x/k.kb" -> "x/k.calibration.json",
 * x being where the file itself lies; caller frees. */
char *bl_tuned_path(const char *catalogue);

enum bl_tuned { BL_TUNED_NONE, BL_TUNED_FITS,
                BL_TUNED_OLDER,         /* the catalogue changed since */
                BL_TUNED_OTHER_CATALOGUE, BL_TUNED_OTHER_MODEL };

/* What the weights at that path are to a catalogue and the fingerprints of
 * models; cross NULL: re-ranking does not matter.  -1: BL_DATA when they
 * cannot be read. */
int bl_tuned_look(const char *path, struct bl_kb *kb, const char *model,
                  const char *cross, enum bl_tuned *out, struct bl_err *err);

/* ---- blink tune (tune.c) ---- */

struct bl_tune_opts {
    bool reset, json;
};

/* opts: catalogue and models; files: labelled mentions. */
int bl_driver_tune(const struct bl_link_opts *link,
                   const struct bl_tune_opts *opts, char **files,
                   size_t n_files);

/* ---- blink -i (interactive.c) ---- */

int bl_driver_interactive(const struct bl_link_opts *opts);

/* The sentence with its mentions marked, and what is known of each
 * (answer.c). */
struct bl_answers;

/* width: of the lines that are cut, in columns.  kb may be NULL: no texts.
 * Both stay the caller's. */
struct bl_answers *bl_answers_new(struct bl_kb *kb, size_t width,
                                  bool colour);
void bl_answers_free(struct bl_answers *answers);
/* A linked record of the sentence; one that failed is left out. */
void bl_answers_add(struct bl_answers *answers, struct bl_span line);
/* Appends all that was added, and forgets it.  sentence: valid UTF-8. */
void bl_answers_put(struct bl_answers *answers, struct bl_span sentence,
                    struct bl_buf *out);

/* ---- The prompt (prompt.c) ---- */

enum bl_prompt_status { BL_PROMPT_LINE, BL_PROMPT_CANCELLED, BL_PROMPT_END,
                        BL_PROMPT_ERROR };

struct bl_prompt;

/* Reads stdin; prompts when it and stdout are a terminal. */
struct bl_prompt *bl_prompt_new(void);
void bl_prompt_free(struct bl_prompt *prompt);
bool bl_prompt_shown(const struct bl_prompt *prompt);
/* The next line without its end, borrowed until the next call.  CANCELLED:
 * Ctrl-C, at a terminal.  ERROR fills *err. */
enum bl_prompt_status bl_prompt_line(struct bl_prompt *prompt,
                                     struct bl_span *line,
                                     struct bl_err *err);

/* From the first to the second call Ctrl-C ends nothing but
 * bl_driver_wait(), which then returns false, else true when fd can be
 * read. */
void bl_driver_catch_interrupt(void);
void bl_driver_release_interrupt(void);
bool bl_driver_wait(int fd);

/* ---- Its history (history.c) ---- */

enum { BL_HISTORY_LINES = 1000 };

/* The file, its folder made; NULL when there is to be none; caller frees. */
char *bl_history_path(void);
/* Appends the file's lines; nothing where it cannot be read. */
void bl_history_read(const char *path, struct bl_buf *out);
void bl_history_add(const char *path, struct bl_span line);

/* ---- blink text (text.c) ---- */

/* Plain text files (none: stdin), and those in folders, as records
 * {"id","text"} on stdout.  below: folders in folders, too. */
int bl_driver_text(bool lines, bool below, char **files, size_t n_files);

/* ---- Documents and links (document.c) ---- */

/* Appends the text; what is no valid UTF-8, and NUL, becomes U+FFFD. */
void bl_driver_put_valid(struct bl_buf *out, const char *text, size_t n);

/* Appends {"id":...,"text":...}\n, made valid in the same way. */
void bl_driver_put_document(struct bl_buf *out, const char *id,
                            const char *text, size_t n);

/* Puts those of the fields that the record has, as they are written there: an
 * answer in brief is read as the whole one is.  -1 when it has one twice. */
int bl_driver_put_fields(struct bl_writer *json,
                         const struct bl_record *record,
                         const char *const *names, size_t n,
                         struct bl_err *err);
/* The fields of a link: start, end, mention, type, entity, nil_p, unsure and
 * error. */
int bl_driver_put_link(struct bl_writer *json, const struct bl_record *record,
                       struct bl_err *err);
bool bl_driver_is_of_link(const char *name);

/* ---- blink records (records.c) ---- */

/* Records of JSONL files and of JSON arrays (none: stdin), and of those in
 * folders, one a line. */
int bl_driver_records(bool below, char **files, size_t n_files);

/* ---- Files and folders to read (folder.c) ---- */

struct bl_reading {
    bool below;                 /* folders in folders, too */
    const char *into;           /* what reads text, for a command to show */
    /* Whether a file in a folder that starts so is to be read; NULL: all
     * text is. */
    bool (*takes)(struct bl_span head);
    /* Reads one file from its start; -1 with *err. */
    int (*read)(void *ctx, int fd, const char *name, struct bl_err *err);
    void *ctx;
};

/* Reads the files, "-" or none standing for stdin ("stdin"), and those in
 * folders by name, of which one that fails is said and left out (status 1).
 * Returns the exit status. */
int bl_driver_read(const struct bl_reading *how, char **files,
                   size_t n_files);

/* ---- What is no text (kind.c) ---- */

struct bl_kind {
    const char *what;           /* "compressed by gzip", "PDF" */
    const char *before, *behind;        /* of the file, in a command that
                                         * makes text of it; NULL: none */
};

/* What a file is that starts so; NULL: nothing known, so perhaps text. */
const struct bl_kind *bl_driver_kind(struct bl_span head);
/* Appends "zcat 'a b.gz' | INTO". */
void bl_driver_put_command(struct bl_buf *out, const struct bl_kind *kind,
                           const char *name, const char *into);
/* -1 with BL_DATA for a file of a known kind where `wanted` ("text") was. */
int bl_driver_refuse(const char *name, struct bl_span head,
                     const char *wanted, const char *into,
                     struct bl_err *err);

/* ---- Options of the original (hints.c) ---- */

/* Ends with status 2 and the name here when one of them is among argv. */
void bl_driver_hint(int argc, char **argv);

/* ---- blink table (table.c; csv.c for CSV and TSV) ---- */

struct bl_table_opts {
    int format;                 /* enum bl_link_format: TABLE, CSV or TSV */
    bool documents, no_url;     /* of the table for people */
    size_t top;                 /* candidates in it; 0, 1: the answer alone */
    struct bl_strings copy;     /* fields with a column each */
};

int bl_driver_table(const struct bl_table_opts *opts);
int bl_driver_csv(const struct bl_table_opts *opts);

/* Rows of cells: RFC 4180, or with tabs, in which no cell holds a tab or a
 * line break. */
struct bl_cells {
    struct bl_buf *out;
    bool tabs;
    size_t n;                   /* cells put into this row */
};

/* A cell that is no formula, whoever wrote the text: one that would be is
 * given an apostrophe in front. */
void bl_cells_text(struct bl_cells *csv, struct bl_span text);
/* A cell of ours, as it is. */
void bl_cells_number(struct bl_cells *csv, struct bl_span text);
void bl_cells_end(struct bl_cells *csv);

/* ---- blink count (count.c) ---- */

struct bl_count_opts {
    int format;                 /* enum bl_link_format, not AUTO */
    bool not_found;             /* only names without an entity */
    size_t documents;           /* named for each entity */
};

int bl_driver_count(const struct bl_count_opts *opts);

/* ---- blink brief, blink documents (brief.c) ---- */

/* copy: fields that stay beside the answer's own. */
int bl_driver_brief(const struct bl_strings *copy);
/* brief: of a document only its id, what is copied, and its links. */
int bl_driver_documents(bool brief, const struct bl_strings *copy);

/* ---- One record (row.c) ---- */

/* That nothing came to be shown: a program before may have said why, so this
 * is no statement about the text.  Silent where a pipeline runs on nothing to
 * see what it opens (loaded.h). */
void bl_driver_say_nothing(void);

/* What there is to show of one linked record; spans live in the arena. */
struct bl_link_row {
    struct bl_span doc, mention, id, title, url, type;  /* p == NULL: none;
                                 * type: the entity's */
    /* As the record has them.  `title` has " (by name)" behind it for a page
     * that is known by its name alone, and " (unsure)" for an answer that
     * blink-score marked so. */
    struct bl_span plain_title, source;
    bool by_name, unsure;
    char p[16], nil_p[16];      /* "0.970", "" when there is none */
};

/* A probability with three digits, never rounded up to a certainty. */
void bl_driver_put_p(char out[16], double p);

/* -1 with a record-level code when fields have the wrong type. */
int bl_driver_row(const struct bl_record *record, struct bl_arena *arena,
                  struct bl_link_row *row, struct bl_err *err);

/* Puts what a row is counted by in place of what there was: "=" and the id of
 * its entity, or "-" and the normal form of a name without one. */
void bl_driver_key(const struct bl_link_row *row, struct bl_buf *key);

/* A field as the text of a cell: a string decoded, other values as JSON, null
 * and an absent one as nothing. */
int bl_driver_copied(const struct bl_record *record, const char *name,
                     struct bl_arena *arena, struct bl_span *out,
                     struct bl_err *err);

/* ---- The terminal (terminal.c) ---- */

/* The columns of the terminal that stdout is. */
size_t bl_driver_width(size_t otherwise);
/* Whether stdout shall have colours; wanted: enum bl_colour.  AUTO: where it
 * is a terminal that has them, unless NO_COLOR is set (no-color.org). */
bool bl_driver_colours(int wanted);
/* The columns of a terminal that the text takes. */
size_t bl_driver_columns(struct bl_span text);
/* Bytes of the text that fit into n - 1 columns: one is for an ellipsis. */
size_t bl_driver_cut(struct bl_span text, size_t n);
/* Appends text for a terminal: each control character as a blank. */
void bl_driver_put_safe(struct bl_buf *out, struct bl_span text);

/* ---- blink list (list.c) ---- */

int bl_driver_list(bool json);

/* ---- Other programs, and manual pages (help.c) ---- */

/* Becomes the program that the command "blink kb" stands for; args end with a
 * NULL.  Only one that lies beside this one is taken. */
_Noreturn void bl_driver_program(const struct bl_command *command,
                                 char **args);

/* The page of the command or program in args, or, without one, the list of
 * all; --help where there is no page or nothing to show it with. */
int bl_driver_help(struct bl_args args, const char *brief,
                   const struct bl_command *commands, size_t n);

/* ---- blink doctor (doctor.c) ---- */

int bl_driver_doctor(void);

#endif
