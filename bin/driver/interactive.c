/* SPDX-License-Identifier: MIT */
/*
 * blink -i: a sentence in, its links out, the programs kept running in
 * between.  Behind each sentence goes a record that carries an error: every
 * stage passes it on untouched and in order, so that it comes out when all of
 * the sentence's links have.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/prog.h"
#include "driver.h"
#include "json/lines.h"

enum { MAX_RECORD = 64 << 20, WIDTH = 80 };

struct talk {
    bool json;
    struct bl_prompt *prompt;
    int in;                     /* the first stage reads what goes here */
    int out;                    /* the last stage's output, */
    struct bl_lines *lines;     /* by lines */
    struct bl_answers *answers;
    size_t asked, owed;         /* sentences; those given up by Ctrl-C whose
                                 * answers are still to come */
    struct bl_buf buf;
};

/* A stage that has ended shows in its status: no signal for that. */
static int write_all(int fd, const char *p, size_t n)
{
    signal(SIGPIPE, SIG_IGN);
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            break;
        p += done;
        n -= (size_t)done;
    }
    signal(SIGPIPE, SIG_DFL);
    return n > 0 ? -1 : 0;
}

static const char end_mark[] =
    "{\"error\":{\"by\":\"blink\",\"code\":\"end\",\"message\":\"\"}}";

enum reply { ALL, GIVEN_UP, ENDED };

/* Takes what answers the last sentence.  Records go out at once with --json;
 * others wait for the sentence to be complete. */
static enum reply read_answers(struct talk *talk)
{
    struct bl_span line;
    struct bl_err err;

    for (;;) {
        while (bl_lines_would_block(talk->lines)) {
            if (!bl_driver_wait(talk->out))
                return GIVEN_UP;
        }
        if (bl_lines_next(talk->lines, &line, &err) != BL_LINE_OK)
            return ENDED;
        if (bl_span_is(line, end_mark)) {
            if (talk->owed == 0)
                return ALL;
            talk->owed--;
        } else if (talk->owed == 0 && talk->json) {
            bl_buf_clear(&talk->buf);
            bl_buf_put_span(&talk->buf, line);
            bl_buf_putc(&talk->buf, '\n');
            bl_out(talk->buf.data, talk->buf.len);
        } else if (talk->owed == 0) {
            bl_answers_add(talk->answers, line);
        }
    }
}

/* 0, or -1: the stages have ended. */
static int ask(struct talk *talk, struct bl_span text)
{
    char id[32];
    struct bl_buf valid = BL_BUF_INIT;
    enum reply reply = ENDED;

    bl_driver_put_valid(&valid, text.p, text.n);
    bl_buf_clear(&talk->buf);
    bl_buf_printf(&talk->buf, "%zu", ++talk->asked);
    memcpy(id, talk->buf.data, talk->buf.len + 1);
    bl_buf_clear(&talk->buf);
    bl_driver_put_document(&talk->buf, id, valid.data, valid.len);
    bl_buf_printf(&talk->buf, "%s\n", end_mark);
    if (write_all(talk->in, talk->buf.data, talk->buf.len) == 0)
        reply = read_answers(talk);
    bl_buf_clear(&talk->buf);
    if (reply == GIVEN_UP) {
        talk->owed++;
        bl_answers_put(talk->answers, BL_SPAN_LIT(""), &talk->buf);
        bl_out("\n", 1);        /* behind the terminal's ^C */
    } else if (reply == ALL && !talk->json) {
        bl_answers_put(talk->answers,
                       (struct bl_span){ valid.data, valid.len }, &talk->buf);
        bl_out(talk->buf.data, talk->buf.len);
    }
    bl_buf_free(&valid);
    return reply == ENDED ? -1 : 0;
}

/* ---- Lines that are no sentence ---- */

enum command { NO_COMMAND, HELP, QUIT };

/* What people type who want no link.  Of records, which programs read, every
 * line is a text. */
static enum command command_of(const struct talk *talk, struct bl_span line)
{
    static const struct { const char *word; enum command command; } words[] = {
        { "help", HELP }, { ":help", HELP }, { ":h", HELP }, { "?", HELP },
        { "quit", QUIT }, { ":quit", QUIT }, { ":q", QUIT }, { "exit", QUIT },
    };

    while (line.n && strchr(" \t\r", line.p[line.n - 1]))
        line.n--;
    for (size_t i = 0; i < BL_COUNT(words) && !talk->json; i++)
        if (bl_span_is(line, words[i].word))
            return words[i].command;
    return NO_COMMAND;
}

static void put_help(void)
{
    static const char text[] =
        "Type a sentence: its names are marked, and below it stands for each "
        "the entity\n"
        "that it is linked to, the probability, the address, the start of the "
        "entity's\n"
        "text, and the runners-up.\n"
        "  help, :help   this\n"
        "  quit, :quit   end, as Ctrl-D does\n"
        "  Ctrl-C        drop the line, or the answer\n"
        "'blink link --help' has the options, 'blink help' all commands.\n";

    bl_out(text, sizeof text - 1);
}

/* Until the end of stdin (0), or of the stages or an error (-1). */
static int converse(struct talk *talk, struct bl_err *err)
{
    static const char hint[] = "a sentence and Enter; help explains, Ctrl-D "
                               "ends\n";
    enum command command = NO_COMMAND;
    bool person = bl_prompt_shown(talk->prompt);
    struct bl_span line;
    enum bl_prompt_status st;
    int rc = 0;

    if (person)
        bl_out(hint, sizeof hint - 1);
    do {
        st = bl_prompt_line(talk->prompt, &line, err);
        if (st != BL_PROMPT_LINE || bl_span_blank(line))
            continue;
        command = command_of(talk, line);
        if (command == HELP)
            put_help();
        else if (command == NO_COMMAND)
            rc = ask(talk, line);
    } while (rc == 0 && command != QUIT && st < BL_PROMPT_END);
    if (st == BL_PROMPT_END && person)
        bl_out("\n", 1);
    if (st == BL_PROMPT_ERROR)
        bl_warn("%s", err->msg);
    return st == BL_PROMPT_ERROR ? bl_code_exit(err->code) : rc;
}

/* What was given up is still written: its writer must not find the pipe
 * closed. */
static void drain(struct talk *talk)
{
    struct bl_span line;
    struct bl_err err;

    while (talk->owed
           && bl_lines_next(talk->lines, &line, &err) < BL_LINE_END)
        ;
}

static int talk_through(struct bl_pipeline *pipeline, struct talk *talk)
{
    struct bl_err err = { .code = BL_OK };
    int status, rc;

    /* Ctrl-C goes to all that the terminal runs: it is not for the stages. */
    signal(SIGINT, SIG_IGN);
    if (bl_pipeline_start(pipeline, &talk->in, &talk->out, &err) < 0)
        bl_die(&err);
    talk->lines = bl_lines_new(talk->out, "answers", MAX_RECORD);
    talk->prompt = bl_prompt_new();
    if (bl_prompt_shown(talk->prompt))
        bl_driver_catch_interrupt();
    else
        signal(SIGINT, SIG_DFL);
    rc = converse(talk, &err);
    bl_driver_release_interrupt();
    close(talk->in);
    drain(talk);
    close(talk->out);
    bl_prompt_free(talk->prompt);
    status = bl_pipeline_wait(pipeline, &err);
    bl_lines_free(talk->lines);
    if (rc < 0 && (status == 0 || status == BL_PIPELINE_PIPE)) {
        bl_warn("the programs ended before their input did");
        return 4;
    }
    return rc > status ? rc : bl_driver_status(status, &err);
}

int bl_driver_interactive(const struct bl_link_opts *opts)
{
    struct talk talk = { .json = opts->format == BL_LINK_JSON };
    struct bl_pipeline *pipeline = bl_pipeline_new();
    struct bl_err err = { .code = BL_OK };
    struct bl_kb *kb = NULL;
    struct bl_stage_files found = { NULL };
    int status;

    if (bl_driver_stages(opts, pipeline, &found, &err) < 0)
        bl_die(&err);
    if (opts->show) {
        status = bl_driver_show(pipeline);
    } else {
        /* Opened here a second time, beside the stages: records carry no
         * texts, and answers show how the text of each entity starts. */
        kb = bl_kb_open(found.catalogue, &err);
        if (!kb)
            bl_die(&err);
        talk.answers = bl_answers_new(kb, bl_driver_width(WIDTH),
                                      bl_driver_colours(opts->colour));
        status = talk_through(pipeline, &talk);
        bl_answers_free(talk.answers);
    }
    bl_stage_files_free(&found);
    bl_kb_close(kb);
    bl_buf_free(&talk.buf);
    bl_pipeline_free(pipeline);
    return status;
}
