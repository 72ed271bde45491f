/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "json/lines.h"
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
    ok(bl_lines_next(l, &line, &err) == BL_LINE_OK
       && bl_span_is(line, want), "line %zu is '%s'", bl_lines_number(l),
       want);
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

/* ---- Arrays ---- */

/* Gives the text in pieces of `piece` bytes, reading as soon as a line can be
 * read, and writes what comes into `got`, one status and line each. */
static void read_all(struct bl_buf *got, const char *text, size_t n,
                     size_t piece)
{
    static const char *const names[] = { "ok", "long", "bad" };
    enum bl_line_status s = BL_LINE_OK;

    start();
    bl_lines_take_arrays(l);
    while (s < BL_LINE_END) {
        while (fds[1] >= 0 && bl_lines_would_block(l)) {
            size_t m = BL_MIN(n, piece);
            if (m == 0) {
                close(fds[1]);
                fds[1] = -1;
                break;
            }
            give(text, m);
            text += m;
            n -= m;
        }
        s = bl_lines_next(l, &line, &err);
        if (s < BL_LINE_END)
            bl_buf_printf(got, "%s %zu %s %.*s|", names[s],
                          bl_lines_number(l), bl_lines_name(l), (int)line.n,
                          line.p);
    }
    stop();
}

static void array(const char *text, const char *want, const char *what)
{
    struct bl_buf got = BL_BUF_INIT, bytes = BL_BUF_INIT;

    read_all(&got, text, strlen(text), 1 << 12);
    is_str(got.data ? got.data : "", want, what);
    read_all(&bytes, text, strlen(text), 1);
    is_str(bytes.data ? bytes.data : "", want, "the same byte by byte");
    bl_buf_free(&got);
    bl_buf_free(&bytes);
}

static void arrays(void)
{
    array("[{\"a\":1}, {\"b\":[2, {}]}]\n",
          "ok 1 stdin[] {\"a\":1}|ok 2 stdin[] {\"b\":[2, {}]}|"
          "ok 3 stdin[] |", "an array on a line");
    array("\xef\xbb\xbf\r\n [\r\n  {\r\n    \"a\": \"x,]}\\\"\",\r\n"
          "    \"b\": 1\r\n  }\r\n]",
          "ok 1 stdin[] {\"a\": \"x,]}\\\"\",\"b\": 1}|", "a pretty one");
    array("[]", "", "an empty one");
    array("[{}]\n{\"x\":1}\n", "ok 1 stdin[] {}|ok 2 stdin[] |"
          "ok 3 stdin[] {\"x\":1}|", "lines behind it");
    array("[1]\n[{}]\n", "ok 1 stdin [1]|ok 2 stdin [{}]|",
          "a line that is no array of objects");
    array("{}\n[{}]\n", "ok 1 stdin {}|ok 2 stdin [{}]|",
          "an array that is not the start");
    array("  \n{}", "ok 1 stdin   |ok 2 stdin {}|", "blanks, then lines");
    array("[", "ok 1 stdin [|", "a bracket alone");
}

static void broken_arrays(void)
{
    array("[{}, 5, \"s\", null]",
          "ok 1 stdin[] {}|ok 2 stdin[] 5|ok 3 stdin[] \"s\"|"
          "ok 4 stdin[] null|", "elements of other types");
    array("[{} {},,{},]",
          "ok 1 stdin[] {}|bad 1 stdin[] |ok 2 stdin[] {}|bad 2 stdin[] |"
          "ok 3 stdin[] {}|bad 3 stdin[] |", "commas");
    array("[{}", "ok 1 stdin[] {}|bad 1 stdin[] |", "not closed");
    array("[{\"a\":[1}, {}]", "ok 1 stdin[] {\"a\":[1}, {}]|"
          "bad 1 stdin[] |", "a bracket too few");
    array("[{\"a\":\"x\n},{}]", "ok 1 stdin[] {\"a\":\"x\n}|"
          "ok 2 stdin[] {}|", "a string that is not closed");
    array("[{}}, {}]", "ok 1 stdin[] {}|bad 1 stdin[] |ok 2 stdin[] }|"
          "ok 3 stdin[] {}|", "a bracket too many");
}

static void long_element(void)
{
    char text[3 * CAP];
    struct bl_buf got = BL_BUF_INIT;

    memset(text, ' ', sizeof text);
    memcpy(text, "[{},{", 5);
    memcpy(text + sizeof text - 5, "},{}]", 5);
    read_all(&got, text, sizeof text, 100);
    ok(strstr(got.data, "ok 1 stdin[] {}|long 2 stdin[] {   ") == got.data,
       "an element above the cap");
    ok(strstr(got.data, "|ok 3 stdin[] {}|") != NULL, "and the next one");
    bl_buf_free(&got);
}

/* Up to the cap they are a part of what surrounds them. */
static void many_blanks(void)
{
    char text[CAP + 8];

    memset(text, ' ', sizeof text);
    text[100] = '[';
    memcpy(text + 298, "{}]", 4);
    array(text, "ok 1 stdin[] {}|", "298 blanks around the bracket");
    memset(text, ' ', sizeof text);
    memcpy(text, "\xef\xbb\xbf", 3);
    memcpy(text + 200, "[{}]", 5);
    array(text, "ok 1 stdin[] {}|", "a mark and 197 blanks");
    memset(text, ' ', sizeof text);
    text[0] = '[';
    memcpy(text + CAP + 1, "\n{}\n", 5);
    text[CAP + 5] = '\0';
    array(text, "long 1 stdin [                                        "
          "                                       |ok 2 stdin {}|",
          "blanks above the cap");
}

static void broken(void)
{
    l = bl_lines_new(-1, "stdin", CAP);
    ok(bl_lines_next(l, &line, &err) == BL_LINE_ERROR
       && err.code == BL_SYSTEM, "a bad descriptor is an error");
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
    arrays();
    broken_arrays();
    long_element();
    many_blanks();
    broken();
    return tap_done();
}
