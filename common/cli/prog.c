/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/prog.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

int bl_verbosity;
static const char *prog_name = "blink", *help_name;
static bool ends;               /* it is this program that calls exit() */

/* A closed standard descriptor would be taken by the next file opened, and
 * data would go there.  It is filled with /dev/null opened the wrong way
 * round, so that reading or writing it fails (as xz does). */
static void open_missing_fds(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && errno == EBADF
            && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            _exit(4);
}

/* libgomp calls exit() with status 1 where it gets no memory and no threads,
 * which would mean that the output is there; and other libraries, as they are
 * unloaded then, wait for threads that never were. */
static void on_exit_of_others(void)
{
    if (!ends)
        bl_give_up("a library ended the program, most likely for want of "
                   "memory or threads");
}

_Noreturn static void leave(int status)
{
    ends = true;
    exit(status);
}

void bl_prog_init(const char *name)
{
    prog_name = name;
    atexit(on_exit_of_others);
    open_missing_fds();
    /* A write past the largest size of a file (ulimit -f) then fails like any
     * other, and what is half written is removed. */
    signal(SIGXFSZ, SIG_IGN);
}

const char *bl_prog_name(void)
{
    return prog_name;
}

void bl_prog_help(const char *name)
{
    help_name = name;
}

/* One write per message, so that messages of a pipeline do not mix.  It may
 * quote a path or an argument, which are foreign bytes. */
__attribute__((format(printf, 1, 0)))
static void say(const char *fmt, va_list ap)
{
    struct bl_buf line = BL_BUF_INIT;
    char *text = NULL;

    if (vasprintf(&text, fmt, ap) < 0)
        return;
    bl_buf_printf(&line, "%s: ", prog_name);
    bl_utf8_show(&line, text, strlen(text));
    bl_buf_putc(&line, '\n');
    fflush(stdout);
    fputs(line.data, stderr);
    bl_buf_free(&line);
    free(text);
}

void bl_warn(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

void bl_note(const char *fmt, ...)
{
    va_list ap;

    if (bl_verbosity <= 0)
        return;
    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
}

_Noreturn void bl_die(const struct bl_err *err)
{
    bl_warn("%s", err->msg);
    leave(bl_prog_finish(bl_code_exit(err->code)));
}

_Noreturn void bl_die_usage(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    say(fmt, ap);
    va_end(ap);
    fprintf(stderr, "try '%s --help'\n", help_name ? help_name : prog_name);
    leave(2);
}

static int write_failed(void)
{
    fprintf(stderr, "%s: cannot write standard output: %s\n", prog_name,
            strerror(errno));
    return 4;
}

void bl_out(const void *data, size_t n)
{
    const char *p = data;
    ssize_t put;

    while (n > 0) {
        put = write(STDOUT_FILENO, p, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put < 0)
            leave(write_failed());
        p += put;
        n -= (size_t)put;
    }
}

int bl_prog_finish(int status)
{
    ends = true;
    /* A stdout that was never open is no failure of a program that wrote
     * nothing to it; any write before this has been checked. */
    if (fflush(stdout) != 0 || ferror(stdout)
        || (close(STDOUT_FILENO) < 0 && errno != EBADF && errno != EINTR))
        return write_failed();
    return status;
}
