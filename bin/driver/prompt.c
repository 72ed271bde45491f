/* SPDX-License-Identifier: MIT */
/*
 * The prompt of blink -i: lines that a person types, with history and the
 * arrow keys where libedit was there when this was built and both ends are a
 * terminal; plain lines elsewhere.  Ctrl-C drops the line, Ctrl-D ends.
 */
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef HAVE_LIBEDIT
#include <histedit.h>
#include <locale.h>
#endif

#include "driver.h"
#include "base/mem.h"
#include "cli/prog.h"
#include "base/utf8.h"

enum { MAX_LINE = 1 << 20 };

/* ---- Ctrl-C ---- */

/* SIGINT is blocked but where something is waited for. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

void bl_driver_catch_interrupt(void)
{
    struct sigaction a = { .sa_handler = on_interrupt };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGINT, &a, NULL);
}

void bl_driver_release_interrupt(void)
{
    sigset_t set;

    signal(SIGINT, SIG_DFL);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
}

bool bl_driver_wait(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    sigset_t set;

    interrupted = 0;
    sigprocmask(SIG_BLOCK, NULL, &set);
    sigdelset(&set, SIGINT);
    while (ppoll(&p, 1, NULL, &set) < 0 && errno == EINTR && !interrupted)
        ;
    return !interrupted;
}

/* ---- Plain lines ---- */

struct bl_prompt {
    bool shown;                 /* there is a person to prompt */
    struct bl_lines *lines;
    bool cancelled;
#ifdef HAVE_LIBEDIT
    EditLine *edit;             /* NULL: plain lines */
    History *history;
    char *file;                 /* of the history; NULL: none */
#endif
};

static enum bl_prompt_status plain_line(struct bl_prompt *p,
                                        struct bl_span *line,
                                        struct bl_err *err)
{
    if (p->shown)
        bl_out("> ", 2);
    for (;;) {
        while (p->shown && bl_lines_would_block(p->lines)) {
            if (!bl_driver_wait(STDIN_FILENO)) {
                bl_out("\n", 1);        /* behind the terminal's ^C */
                return BL_PROMPT_CANCELLED;
            }
        }
        switch (bl_lines_next(p->lines, line, err)) {
        case BL_LINE_OK:
            return BL_PROMPT_LINE;
        case BL_LINE_END:
            return BL_PROMPT_END;
        case BL_LINE_TOO_LONG:
            bl_warn("stdin:%zu: left out: longer than %d bytes",
                    bl_lines_number(p->lines), MAX_LINE);
            break;
        default:
            return BL_PROMPT_ERROR;
        }
    }
}

/* ---- Lines with history ---- */

#ifdef HAVE_LIBEDIT
static char *prompt_text(EditLine *e)
{
    static char text[] = "> ";

    (void)e;
    return text;
}

/* One byte, or 0 at the end and when Ctrl-C came. */
static int next_byte(struct bl_prompt *p, char *c)
{
    if (!bl_driver_wait(STDIN_FILENO)) {
        p->cancelled = true;
        return 0;
    }
    return read(STDIN_FILENO, c, 1) == 1;
}

/* A character, gathered here because libedit would ask the locale how its
 * bytes hang together.  What is no UTF-8 is U+FFFD. */
static int next_character(EditLine *e, wchar_t *out)
{
    struct bl_prompt *p;
    char c[4];
    size_t n = 1, want;
    unsigned len;

    el_get(e, EL_CLIENTDATA, &p);
    if (!next_byte(p, c))
        return p->cancelled ? -1 : 0;
    unsigned char first = (unsigned char)c[0];
    want = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    for (; n < want && next_byte(p, c + n); n++)
        ;
    if (p->cancelled)
        return -1;
    *out = bl_utf8_valid(c, n) == n ? (wchar_t)bl_utf8_decode(c, n, &len)
                                    : 0xFFFD;
    return 1;
}

/* Lines of earlier sessions. */
static void load_history(struct bl_prompt *p)
{
    struct bl_buf all = BL_BUF_INIT;
    HistEvent ev;
    char *next;

    bl_history_read(p->file, &all);
    for (char *at = all.data; at && *at; at = next) {
        next = at + strcspn(at, "\n");
        if (*next)
            *next++ = '\0';
        history(p->history, &ev, H_ENTER, at);
    }
    bl_buf_free(&all);
}

static void open_editor(struct bl_prompt *p)
{
    HistEvent ev;

    setlocale(LC_CTYPE, "C.UTF-8");
    p->edit = el_init("blink", stdin, stdout, stderr);
    p->history = history_init();
    if (!p->edit || !p->history)
        return;
    el_set(p->edit, EL_CLIENTDATA, p);
    el_set(p->edit, EL_PROMPT, prompt_text);
    el_set(p->edit, EL_EDITOR, "emacs");
    el_set(p->edit, EL_GETCFN, next_character);
    history(p->history, &ev, H_SETSIZE, BL_HISTORY_LINES);
    history(p->history, &ev, H_SETUNIQUE, 1);
    el_set(p->edit, EL_HIST, history, p->history);
    el_set(p->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(p->edit, NULL);
    p->file = bl_history_path();
    if (p->file)
        load_history(p);
}

static void close_editor(struct bl_prompt *p)
{
    if (p->history)
        history_end(p->history);
    if (p->edit)
        el_end(p->edit);
    free(p->file);
}

static enum bl_prompt_status edited_line(struct bl_prompt *p,
                                         struct bl_span *line)
{
    HistEvent ev;
    const char *got;
    int n = 0;

    p->cancelled = false;
    got = el_gets(p->edit, &n);
    if (p->cancelled) {
        bl_out("^C\n", 3);
        return BL_PROMPT_CANCELLED;
    }
    if (!got || n <= 0)
        return BL_PROMPT_END;
    *line = (struct bl_span){ got, strcspn(got, "\r\n") };
    if (!bl_span_blank(*line)) {
        history(p->history, &ev, H_ENTER, got);
        if (p->file)
            bl_history_add(p->file, *line);
    }
    return BL_PROMPT_LINE;
}
#endif

/* ---- Both ---- */

struct bl_prompt *bl_prompt_new(void)
{
    struct bl_prompt *p = BL_NEW(struct bl_prompt);

    p->shown = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
#ifdef HAVE_LIBEDIT
    const char *term = getenv("TERM");
    if (p->shown && term && strcmp(term, "dumb"))
        open_editor(p);
#endif
    p->lines = bl_lines_new(STDIN_FILENO, "stdin", MAX_LINE);
    return p;
}

void bl_prompt_free(struct bl_prompt *p)
{
#ifdef HAVE_LIBEDIT
    close_editor(p);
#endif
    bl_lines_free(p->lines);
    free(p);
}

bool bl_prompt_shown(const struct bl_prompt *p)
{
    return p->shown;
}

enum bl_prompt_status bl_prompt_line(struct bl_prompt *p,
                                     struct bl_span *line,
                                     struct bl_err *err)
{
#ifdef HAVE_LIBEDIT
    if (p->edit && p->history)
        return edited_line(p, line);
#endif
    return plain_line(p, line, err);
}
