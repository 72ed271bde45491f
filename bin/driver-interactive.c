/* SPDX-License-Identifier: MIT */
/*
 * blink -i: a sentence in, its links out, one a line, the programs kept
 * running in between.  Behind each sentence goes a record that carries an
 * error: every stage passes it on untouched and in order, so that it comes
 * out when all of the sentence's links have.
 */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "arena.h"
#include "buf.h"
#include "driver.h"
#include "lines.h"
#include "prog.h"
#include "record.h"

enum { MAX_LINE = 1 << 20, MAX_RECORD = 64 << 20 };

struct talk {
    bool json, prompt;
    int in;                     /* the first stage reads what goes here */
    struct bl_lines *answers;   /* of the last stage */
    struct bl_arena arena;
    struct bl_record record;
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

/* Prints one answer; a record that failed was reported by its stage. */
static void put_answer(struct talk *t, struct bl_span line)
{
    struct bl_link_row row;
    struct bl_err err;

    bl_buf_clear(&t->buf);
    bl_arena_reset(&t->arena);
    if (t->json) {
        bl_buf_put_span(&t->buf, line);
    } else if (bl_record_parse(&t->record, line, 0, &err) < 0 ||
               bl_driver_row(&t->record, &t->arena, &row, &err) < 0) {
        return;
    } else {
        bl_buf_put_span(&t->buf, row.mention);
        bl_buf_puts(&t->buf, " -> ");
        if (row.title.p)
            bl_buf_put_span(&t->buf, row.title);
        else
            bl_buf_puts(&t->buf, "(nothing)");
        if (row.url.p)
            bl_buf_printf(&t->buf, "  %s", row.url.p);
        if (row.p[0])
            bl_buf_printf(&t->buf, "  %s", row.p);
    }
    bl_buf_putc(&t->buf, '\n');
    bl_out(t->buf.data, t->buf.len);
}

/* The answers to one sentence.  -1: the stages have ended. */
static int read_answers(struct talk *t)
{
    struct bl_span line;
    struct bl_err err;
    size_t n = 0;

    for (;; n++) {
        if (bl_lines_next(t->answers, &line, &err) != BL_LINE_OK)
            return -1;
        if (bl_span_is(line, end_mark))
            break;
        put_answer(t, line);
    }
    if (n == 0 && !t->json) {
        static const char none[] = "(no mention of an entity found)\n";
        bl_out(none, sizeof none - 1);
    }
    return 0;
}

static int ask(struct talk *t, size_t number, struct bl_span text)
{
    char id[32] = "";
    struct bl_buf b = BL_BUF_INIT;

    bl_buf_printf(&b, "%zu", number);
    memcpy(id, b.data, b.len + 1);
    bl_buf_clear(&b);
    bl_driver_put_document(&b, id, text.p, text.n);
    bl_buf_printf(&b, "%s\n", end_mark);
    int rc = write_all(t->in, b.data, b.len);
    bl_buf_free(&b);
    return rc < 0 ? -1 : read_answers(t);
}

static void show_prompt(const struct talk *t)
{
    if (t->prompt)
        bl_out("> ", 2);
}

/* Until the end of stdin (0), or of the stages or an error (-1). */
static int converse(struct talk *t, struct bl_err *err)
{
    static const char hint[] = "a sentence and Enter; Ctrl-D ends\n";
    struct bl_lines *in = bl_lines_new(0, "stdin", MAX_LINE);
    struct bl_span line;
    enum bl_line_status st = BL_LINE_OK;
    int rc = 0;

    if (t->prompt)
        bl_out(hint, sizeof hint - 1);
    show_prompt(t);
    while (rc == 0 && (st = bl_lines_next(in, &line, err)) != BL_LINE_END &&
           st != BL_LINE_ERROR) {
        if (st == BL_LINE_TOO_LONG)
            bl_warn("stdin:%zu: left out: longer than %d bytes",
                    bl_lines_number(in), MAX_LINE);
        else if (!bl_span_blank(line))
            rc = ask(t, bl_lines_number(in), line);
        if (rc == 0)
            show_prompt(t);
    }
    if (st == BL_LINE_END && t->prompt)
        bl_out("\n", 1);
    if (st == BL_LINE_ERROR)
        bl_warn("%s", err->msg);
    bl_lines_free(in);
    return st == BL_LINE_ERROR ? bl_code_exit(err->code) : rc;
}

static int talk_through(struct bl_pipeline *p, struct talk *t)
{
    struct bl_err err = { .code = BL_OK };
    int out, status, rc;

    if (bl_pipeline_start(p, &t->in, &out, &err) < 0)
        bl_die(&err);
    t->answers = bl_lines_new(out, "answers", MAX_RECORD);
    rc = converse(t, &err);
    close(t->in);
    close(out);
    status = bl_pipeline_wait(p, &err);
    bl_lines_free(t->answers);
    bl_arena_free(&t->arena);
    bl_record_free(&t->record);
    bl_buf_free(&t->buf);
    if (rc < 0 && (status == 0 || status == BL_PIPELINE_PIPE)) {
        bl_warn("the programs ended before their input did");
        return 4;
    }
    return rc > status ? rc : bl_driver_status(status, &err);
}

int bl_driver_interactive(const struct bl_link_opts *o)
{
    struct talk t = {
        .json = o->format == BL_LINK_JSON,
        .prompt = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)
    };
    struct bl_pipeline *p = bl_pipeline_new();
    struct bl_err err = { .code = BL_OK };
    int status;

    if (bl_driver_stages(o, p, &err) < 0)
        bl_die(&err);
    status = o->show ? bl_driver_show(p) : talk_through(p, &t);
    bl_pipeline_free(p);
    return status;
}
