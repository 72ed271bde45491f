/* SPDX-License-Identifier: MIT */
/*
 * pty: runs a program on a terminal of its own, as a person would.
 *
 *     tests/pty COMMAND... <<'TALK'
 *     wait >\x20
 *     raw
 *     send Paris\n
 *     TALK
 *
 * Each line of stdin is one step: "wait TEXT" until the program has printed
 * it, "send TEXT", "raw" until the program reads key by key; \n and \xHH are
 * known in TEXT.  All that the program prints goes to stdout.  Its exit
 * status is this one's, 128 + N for signal N; 99 when a step takes longer
 * than 20 s.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { LIMIT_MS = 20000, STEP_MS = 10, ROOM = 1 << 20 };

static char seen[ROOM];         /* printed since the last wait */
static size_t n_seen;
static pid_t child;
static int master;

static void quit(const char *what)
{
    fprintf(stderr, "pty: %s\n", what);
    fwrite(seen, 1, n_seen, stderr);
    if (child > 0)
        kill(child, SIGKILL);
    exit(99);
}

static void start(char **argv)
{
    struct winsize size = { .ws_row = 24, .ws_col = 60 };
    char *name;

    master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0
        || !(name = ptsname(master)))
        quit("no terminal");
    ioctl(master, TIOCSWINSZ, &size);
    child = fork();
    if (child == 0) {
        setsid();
        int tty = open(name, O_RDWR);
        ioctl(tty, TIOCSCTTY, 0);
        for (int fd = 0; fd < 3; fd++)
            dup2(tty, fd);
        if (tty > 2)
            close(tty);
        execvp(argv[0], argv);
        _exit(127);
    }
}

/* Takes what the program prints within STEP_MS; false when it has ended. */
static int listen_to(void)
{
    struct pollfd p = { .fd = master, .events = POLLIN };
    ssize_t n;

    if (poll(&p, 1, STEP_MS) <= 0)
        return 1;
    if (n_seen == ROOM)
        quit("too much");
    n = read(master, seen + n_seen, ROOM - n_seen);
    if (n <= 0)
        return 0;
    fwrite(seen + n_seen, 1, (size_t)n, stdout);
    n_seen += (size_t)n;
    return 1;
}

static int reads_keys(void)
{
    struct termios t;

    return tcgetattr(master, &t) == 0 && !(t.c_lflag & ICANON);
}

static void wait_for(const char *text, size_t n)
{
    for (int ms = 0; ms < LIMIT_MS; ms += STEP_MS) {
        char *at = text ? memmem(seen, n_seen, text, n) : NULL;
        if (at) {
            n_seen -= (size_t)(at - seen) + n;
            memmove(seen, at + n, n_seen);
            return;
        }
        if (!text && reads_keys())
            return;
        if (!listen_to())
            quit("the program has ended");
    }
    quit(text ? text : "raw");
}

/* \n and \xHH, in place; returns the length. */
static size_t unescape(char *s)
{
    char *out = s, *p = s;

    while (*p) {
        if (p[0] == '\\' && p[1] == 'n') {
            *out++ = '\n';
            p += 2;
        } else if (p[0] == '\\' && p[1] == 'x') {
            char hex[3] = { p[2], p[3], 0 };
            *out++ = (char)strtol(hex, NULL, 16);
            p += 4;
        } else {
            *out++ = *p++;
        }
    }
    return (size_t)(out - s);
}

static void step(char *line)
{
    size_t n;

    line[strcspn(line, "\n")] = '\0';
    if (!strcmp(line, "raw")) {
        wait_for(NULL, 0);
    } else if (!strncmp(line, "wait ", 5)) {
        n = unescape(line + 5);
        wait_for(line + 5, n);
    } else if (!strncmp(line, "send ", 5)) {
        n = unescape(line + 5);
        if (write(master, line + 5, n) != (ssize_t)n)
            quit("cannot send");
    } else {
        quit(line);
    }
}

int main(int argc, char **argv)
{
    char line[4096];
    int status, ms = 0;

    if (argc < 2)
        quit("no command");
    start(argv + 1);
    while (fgets(line, sizeof line, stdin))
        step(line);
    while (listen_to() && (ms += STEP_MS) < LIMIT_MS)
        ;
    if (ms >= LIMIT_MS)
        quit("the program goes on");
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status)
                             : 128 + WTERMSIG(status);
}
