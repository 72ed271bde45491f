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
#include "driver.h"
#include "json/lines.h"
#include "cli/prog.h"

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
static enum reply read_answers(struct talk *t)
{
    struct bl_span line;
    struct bl_err err;

    for (;;) {
        while (bl_lines_would_block(t->lines)) {
            if (!bl_driver_wait(t->out))
                return GIVEN_UP;
        }
        if (bl_lines_next(t->lines, &line, &err) != BL_LINE_OK)
            return ENDED;
        if (bl_span_is(line, end_mark)) {
            if (t->owed == 0)
                return ALL;
            t->owed--;
        } else if (t->owed == 0 && t->json) {
            bl_buf_clear(&t->buf);
            bl_buf_put_span(&t->buf, line);
            bl_buf_putc(&t->buf, '\n');
            bl_out(t->buf.data, t->buf.len);
        } else if (t->owed == 0) {
            bl_answers_add(t->answers, line);
        }
    }
}

/* 0, or -1: the stages have ended. */
static int ask(struct talk *t, struct bl_span text)
{
    char id[32];
    struct bl_buf valid = BL_BUF_INIT;
    enum reply reply = ENDED;

    bl_driver_put_valid(&valid, text.p, text.n);
    bl_buf_clear(&t->buf);
    bl_buf_printf(&t->buf, "%zu", ++t->asked);
    memcpy(id, t->buf.data, t->buf.len + 1);
    bl_buf_clear(&t->buf);
    bl_driver_put_document(&t->buf, id, valid.data, valid.len);
    bl_buf_printf(&t->buf, "%s\n", end_mark);
    if (write_all(t->in, t->buf.data, t->buf.len) == 0)
        reply = read_answers(t);
    bl_buf_clear(&t->buf);
    if (reply == GIVEN_UP) {
        t->owed++;
        bl_answers_put(t->answers, BL_SPAN_LIT(""), &t->buf);
        bl_out("\n", 1);        /* behind the terminal's ^C */
    } else if (reply == ALL && !t->json) {
        bl_answers_put(t->answers, (struct bl_span){ valid.data, valid.len },
                       &t->buf);
        bl_out(t->buf.data, t->buf.len);
    }
    bl_buf_free(&valid);
    return reply == ENDED ? -1 : 0;
}

/* Until the end of stdin (0), or of the stages or an error (-1). */
static int converse(struct talk *t, struct bl_err *err)
{
    static const char hint[] = "a sentence and Enter; Ctrl-D ends\n";
    bool person = bl_prompt_shown(t->prompt);
    struct bl_span line;
    enum bl_prompt_status st;
    int rc = 0;

    if (person)
        bl_out(hint, sizeof hint - 1);
    do {
        st = bl_prompt_line(t->prompt, &line, err);
        if (st == BL_PROMPT_LINE && !bl_span_blank(line))
            rc = ask(t, line);
    } while (rc == 0 && st < BL_PROMPT_END);
    if (st == BL_PROMPT_END && person)
        bl_out("\n", 1);
    if (st == BL_PROMPT_ERROR)
        bl_warn("%s", err->msg);
    return st == BL_PROMPT_ERROR ? bl_code_exit(err->code) : rc;
}

/* What was given up is still written: its writer must not find the pipe
 * closed. */
static void drain(struct talk *t)
{
    struct bl_span line;
    struct bl_err err;

    while (t->owed
           && bl_lines_next(t->lines, &line, &err) < BL_LINE_END)
        ;
}

static int talk_through(struct bl_pipeline *p, struct talk *t)
{
    struct bl_err err = { .code = BL_OK };
    int status, rc;

    /* Ctrl-C goes to all that the terminal runs: it is not for the stages. */
    signal(SIGINT, SIG_IGN);
    if (bl_pipeline_start(p, &t->in, &t->out, &err) < 0)
        bl_die(&err);
    t->lines = bl_lines_new(t->out, "answers", MAX_RECORD);
    t->prompt = bl_prompt_new();
    if (bl_prompt_shown(t->prompt))
        bl_driver_catch_interrupt();
    else
        signal(SIGINT, SIG_DFL);
    rc = converse(t, &err);
    bl_driver_release_interrupt();
    close(t->in);
    drain(t);
    close(t->out);
    bl_prompt_free(t->prompt);
    status = bl_pipeline_wait(p, &err);
    bl_lines_free(t->lines);
    if (rc < 0 && (status == 0 || status == BL_PIPELINE_PIPE)) {
        bl_warn("the programs ended before their input did");
        return 4;
    }
    return rc > status ? rc : bl_driver_status(status, &err);
}

/* ---- The terminal ---- */

static bool colours(const struct bl_link_opts *o)
{
    const char *none = getenv("NO_COLOR"), *term = getenv("TERM");

    if (o->colour != BL_COLOUR_AUTO)
        return o->colour == BL_COLOUR_ALWAYS;
    return isatty(STDOUT_FILENO) && !(none && *none) && term
        && strcmp(term, "dumb");
}

int bl_driver_interactive(const struct bl_link_opts *o)
{
    struct talk t = { .json = o->format == BL_LINK_JSON };
    struct bl_pipeline *p = bl_pipeline_new();
    struct bl_err err = { .code = BL_OK };
    struct bl_kb *kb = NULL;
    char *path = NULL;
    int status;

    if (bl_driver_stages(o, p, &path, &err) < 0)
        bl_die(&err);
    if (o->show) {
        status = bl_driver_show(p);
    } else {
        kb = bl_kb_open(path, &err);
        if (!kb)
            bl_die(&err);
        t.answers = bl_answers_new(kb, bl_driver_width(WIDTH), colours(o));
        status = talk_through(p, &t);
        bl_answers_free(t.answers);
    }
    free(path);
    bl_kb_close(kb);
    bl_buf_free(&t.buf);
    bl_pipeline_free(p);
    return status;
}
