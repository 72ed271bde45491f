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

#include "base/mem.h"
#include "base/utf8.h"
#include "cli/prog.h"
#include "driver.h"

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
    struct sigaction action = { .sa_handler = on_interrupt };
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigaction(SIGINT, &action, NULL);
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
    struct pollfd input = { .fd = fd, .events = POLLIN };
    sigset_t set;

    interrupted = 0;
    sigprocmask(SIG_BLOCK, NULL, &set);
    sigdelset(&set, SIGINT);
    while (ppoll(&input, 1, NULL, &set) < 0 && errno == EINTR && !interrupted)
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

static enum bl_prompt_status plain_line(struct bl_prompt *prompt,
                                        struct bl_span *line,
                                        struct bl_err *err)
{
    if (prompt->shown)
        bl_out("> ", 2);
    for (;;) {
        while (prompt->shown && bl_lines_would_block(prompt->lines)) {
            if (!bl_driver_wait(STDIN_FILENO)) {
                bl_out("\n", 1);        /* behind the terminal's ^C */
                return BL_PROMPT_CANCELLED;
            }
        }
        switch (bl_lines_next(prompt->lines, line, err)) {
        case BL_LINE_OK:
            return BL_PROMPT_LINE;
        case BL_LINE_END:
            return BL_PROMPT_END;
        case BL_LINE_TOO_LONG:
            bl_warn("stdin:%zu: left out: longer than %d bytes",
                    bl_lines_number(prompt->lines), MAX_LINE);
            break;
        default:
            return BL_PROMPT_ERROR;
        }
    }
}

/* ---- Lines with history ---- */

#ifdef HAVE_LIBEDIT
static char *prompt_text(EditLine *editor)
{
    static char text[] = "> ";

    (void)editor;
    return text;
}

/* One byte, or 0 at the end and when Ctrl-C came. */
static int next_byte(struct bl_prompt *prompt, char *c)
{
    if (!bl_driver_wait(STDIN_FILENO)) {
        prompt->cancelled = true;
        return 0;
    }
    return read(STDIN_FILENO, c, 1) == 1;
}

/* A character, gathered here because libedit would ask the locale how its
 * bytes hang together.  What is no UTF-8 is U+FFFD. */
static int next_character(EditLine *editor, wchar_t *out)
{
    struct bl_prompt *prompt;
    char c[4];
    size_t n = 1, want;
    unsigned len;

    el_get(editor, EL_CLIENTDATA, &prompt);
    if (!next_byte(prompt, c))
        return prompt->cancelled ? -1 : 0;
    unsigned char first = (unsigned char)c[0];
    want = first < 0xC0 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    for (; n < want && next_byte(prompt, c + n); n++)
        ;
    if (prompt->cancelled)
        return -1;
    *out = bl_utf8_valid(c, n) == n ? (wchar_t)bl_utf8_decode(c, n, &len)
                                    : 0xFFFD;
    return 1;
}

/* Lines of earlier sessions. */
static void load_history(struct bl_prompt *prompt)
{
    struct bl_buf all = BL_BUF_INIT;
    HistEvent ev;
    char *next;

    bl_history_read(prompt->file, &all);
    for (char *at = all.data; at && *at; at = next) {
        next = at + strcspn(at, "\n");
        if (*next)
            *next++ = '\0';
        history(prompt->history, &ev, H_ENTER, at);
    }
    bl_buf_free(&all);
}

static void open_editor(struct bl_prompt *prompt)
{
    HistEvent ev;

    /* libedit measures and prints wide characters through the locale, and
     * everything that this program reads and writes is UTF-8, whatever the
     * user's locale is. */
    setlocale(LC_CTYPE, "C.UTF-8");
    prompt->edit = el_init("blink", stdin, stdout, stderr);
    prompt->history = history_init();
    if (!prompt->edit || !prompt->history)
        return;
    el_set(prompt->edit, EL_CLIENTDATA, prompt);
    el_set(prompt->edit, EL_PROMPT, prompt_text);
    el_set(prompt->edit, EL_EDITOR, "emacs");
    el_set(prompt->edit, EL_GETCFN, next_character);
    history(prompt->history, &ev, H_SETSIZE, BL_HISTORY_LINES);
    history(prompt->history, &ev, H_SETUNIQUE, 1);
    el_set(prompt->edit, EL_HIST, history, prompt->history);
    el_set(prompt->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(prompt->edit, NULL);
    prompt->file = bl_history_path();
    if (prompt->file)
        load_history(prompt);
}

static void close_editor(struct bl_prompt *prompt)
{
    if (prompt->history)
        history_end(prompt->history);
    if (prompt->edit)
        el_end(prompt->edit);
    free(prompt->file);
}

static enum bl_prompt_status edited_line(struct bl_prompt *prompt,
                                         struct bl_span *line)
{
    HistEvent ev;
    const char *got;
    int n = 0;

    prompt->cancelled = false;
    got = el_gets(prompt->edit, &n);
    /* libedit is told of Ctrl-C as a failed read and prints nothing for it; a
     * terminal without an editor would echo it. */
    if (prompt->cancelled) {
        bl_out("^C\n", 3);
        return BL_PROMPT_CANCELLED;
    }
    if (!got || n <= 0)
        return BL_PROMPT_END;
    *line = (struct bl_span){ got, strcspn(got, "\r\n") };
    if (!bl_span_blank(*line)) {
        history(prompt->history, &ev, H_ENTER, got);
        if (prompt->file)
            bl_history_add(prompt->file, *line);
    }
    return BL_PROMPT_LINE;
}
#endif

/* ---- Both ---- */

struct bl_prompt *bl_prompt_new(void)
{
    struct bl_prompt *prompt = BL_NEW(struct bl_prompt);

    prompt->shown = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
#ifdef HAVE_LIBEDIT
    const char *term = getenv("TERM");
    if (prompt->shown && term && strcmp(term, "dumb"))
        open_editor(prompt);
#endif
    prompt->lines = bl_lines_new(STDIN_FILENO, "stdin", MAX_LINE);
    return prompt;
}

void bl_prompt_free(struct bl_prompt *prompt)
{
#ifdef HAVE_LIBEDIT
    close_editor(prompt);
#endif
    bl_lines_free(prompt->lines);
    free(prompt);
}

bool bl_prompt_shown(const struct bl_prompt *prompt)
{
    return prompt->shown;
}

enum bl_prompt_status bl_prompt_line(struct bl_prompt *prompt,
                                     struct bl_span *line,
                                     struct bl_err *err)
{
#ifdef HAVE_LIBEDIT
    if (prompt->edit && prompt->history)
        return edited_line(prompt, line);
#endif
    return plain_line(prompt, line, err);
}
