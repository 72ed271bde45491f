/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lines.h"
#include "tap.h"

enum { CAP = 300 };

static int fds[2];
static struct bl_lines *l;
static struct bl_span line;
static struct bl_err err;

static void start(void)
{
    if (pipe(fds) < 0)
        exit(99);
    l = bl_lines_new(fds[0], "stdin", CAP);
}

static void give(const char *p, size_t n)
{
    if (write(fds[1], p, n) != (ssize_t)n)
        exit(99);
}

static void stop(void)
{
    bl_lines_free(l);
    close(fds[0]);
}

static void expect(const char *want)
{
    ok(bl_lines_next(l, &line, &err) == BL_LINE_OK &&
       bl_span_is(line, want), "line %zu is '%s'", bl_lines_number(l), want);
}

static void ends(void)
{
    static const char text[] = "\xef\xbb\xbf" "a\r\n\nb\r\r\n\xef\xbb\xbf\nc";

    start();
    give(text, sizeof text - 1);
    close(fds[1]);
    expect("a");
    expect("");
    expect("b\r");
    expect("\xef\xbb\xbf");
    expect("c");
    ok(bl_lines_next(l, &line, &err) == BL_LINE_END, "then the end");
    stop();
}

static void empty(void)
{
    start();
    close(fds[1]);
    ok(bl_lines_next(l, &line, &err) == BL_LINE_END, "empty input");
    stop();
}

/* The cap itself is allowed, one more byte is not, and what follows a long
 * line is read as usual. */
static void long_lines(void)
{
    char text[CAP + 2];

    start();
    memset(text, 'x', sizeof text);
    text[CAP] = '\n';
    give(text, CAP + 1);
    text[CAP] = 'x';
    text[CAP + 1] = '\n';
    give(text, CAP + 2);
    give("next\n", 5);
    ok(bl_lines_next(l, &line, &err) == BL_LINE_OK && line.n == CAP,
       "a line of the cap's length");
    ok(bl_lines_next(l, &line, &err) == BL_LINE_TOO_LONG && line.n == 80,
       "one byte more is too long");
    expect("next");
    ok(bl_lines_number(l) == 3, "and counted");
    close(fds[1]);
    stop();
}

static void endless_line(void)
{
    enum { BIG = 50 << 20 };
    pid_t pid;

    start();
    pid = fork();
    if (pid == 0) {
        char *chunk = calloc(1, 1 << 20);

        memset(chunk, 'x', 1 << 20);
        for (int i = 0; i < BIG >> 20; i++)
            give(chunk, 1 << 20);
        give("\nend", 4);
        _exit(0);
    }
    close(fds[1]);
    ok(bl_lines_next(l, &line, &err) == BL_LINE_TOO_LONG,
       "a line of 50 MB is too long");
    expect("end");
    waitpid(pid, NULL, 0);
    stop();
}

static void waiting(void)
{
    start();
    ok(bl_lines_would_block(l), "nothing written: would block");
    give("a\nb", 3);
    ok(!bl_lines_would_block(l), "something to read: would not");
    expect("a");
    ok(bl_lines_would_block(l), "half a line: would block");
    give("\n", 1);
    expect("b");
    close(fds[1]);
    ok(!bl_lines_would_block(l), "at the end: would not");
    stop();
}

static void broken(void)
{
    l = bl_lines_new(-1, "stdin", CAP);
    ok(bl_lines_next(l, &line, &err) == BL_LINE_ERROR &&
       err.code == BL_SYSTEM, "a bad descriptor is an error");
    is_str(err.msg, "cannot read stdin: Bad file descriptor", "message");
    bl_lines_free(l);
}

int main(void)
{
    ends();
    empty();
    long_lines();
    endless_line();
    waiting();
    broken();
    return tap_done();
}
