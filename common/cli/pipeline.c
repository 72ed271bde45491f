/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/pipeline.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/paths.h"

struct stage {
    char **argv;                /* NULL-terminated */
    size_t argc;
    pid_t pid;                  /* 0: not running */
    bool stopped;               /* by us: how it ends says nothing */
};

struct bl_pipeline {
    struct stage *stages;
    size_t n;
};

struct bl_pipeline *bl_pipeline_new(void)
{
    return BL_NEW(struct bl_pipeline);
}

void bl_pipeline_arg(struct bl_pipeline *p, const char *arg)
{
    BL_ASSERT(p->n > 0);
    struct stage *s = &p->stages[p->n - 1];

    s->argv = bl_xrealloc(s->argv, s->argc + 2, sizeof *s->argv);
    s->argv[s->argc++] = bl_xstrdup(arg);
    s->argv[s->argc] = NULL;
}

void bl_pipeline_add(struct bl_pipeline *p, const char *program, ...)
{
    va_list ap;
    const char *arg;

    p->stages = bl_xrealloc(p->stages, p->n + 1, sizeof *p->stages);
    p->stages[p->n++] = (struct stage){ .argv = NULL };
    bl_pipeline_arg(p, program);
    va_start(ap, program);
    while ((arg = va_arg(ap, const char *)))
        bl_pipeline_arg(p, arg);
    va_end(ap);
}

/* ---- Showing ---- */

static void put_quoted(struct bl_buf *out, const char *s)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";

    if (*s && strspn(s, plain) == strlen(s)) {
        bl_buf_puts(out, s);
        return;
    }
    bl_buf_putc(out, '\'');
    for (; *s; s++) {
        if (*s == '\'')
            bl_buf_puts(out, "'\\''");
        else
            bl_buf_putc(out, *s);
    }
    bl_buf_putc(out, '\'');
}

void bl_pipeline_show(const struct bl_pipeline *p, struct bl_buf *out)
{
    for (size_t i = 0; i < p->n; i++) {
        if (i)
            bl_buf_puts(out, " |\n    ");
        for (size_t j = 0; j < p->stages[i].argc; j++) {
            if (j)
                bl_buf_putc(out, ' ');
            put_quoted(out, p->stages[i].argv[j]);
        }
    }
    bl_buf_putc(out, '\n');
}

/* ---- Starting ---- */

static void move_fd(int from, int to)
{
    if (from == to)
        fcntl(from, F_SETFD, 0);
    else
        dup2(from, to);
}

/* In the child: becomes the program, or tells the parent errno through the
 * pipe `report`, which closes by itself when the program starts. */
_Noreturn static void become(const struct stage *s, const char *path,
                             const int fds[2], int report, pid_t parent)
{
    move_fd(fds[0], 0);
    move_fd(fds[1], 1);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(128 + SIGTERM);
#else
    (void)parent;
#endif
    signal(SIGPIPE, SIG_DFL);
    execvp(path, s->argv);
    int e = errno;
    while (write(report, &e, sizeof e) < 0 && errno == EINTR)
        ;
    _exit(127);
}

/* Runs one stage on fds; 0 or -1. */
static int spawn(struct stage *s, const int fds[2], struct bl_err *err)
{
    int report[2], e = 0;
    char *path = bl_path_program(s->argv[0]);
    pid_t parent = getpid();

    if (pipe2(report, O_CLOEXEC) < 0) {
        free(path);
        return bl_fail_errno(err, BL_SYSTEM, "cannot make a pipe");
    }
    s->pid = fork();
    if (s->pid == 0)
        become(s, path, fds, report[1], parent);
    if (s->pid < 0)
        e = errno;
    close(report[1]);
    ssize_t n;
    while (!e && (n = read(report[0], &e, sizeof e)) < 0 && errno == EINTR)
        ;
    close(report[0]);
    if (e) {
        errno = e;
        bl_fail_errno(err, BL_SYSTEM, "cannot run '%s'", path);
    }
    free(path);
    return e ? -1 : 0;
}

/* A pipe that children do not inherit unless it becomes their 0 or 1.  Ends
 * below 3 would be overwritten by move_fd: prog.h has those in use. */
static int make_pipe(int fds[2], struct bl_err *err)
{
    if (pipe2(fds, O_CLOEXEC) < 0)
        return bl_fail_errno(err, BL_SYSTEM, "cannot make a pipe");
    return 0;
}

/* The caller's stdin or stdout under another number: 0 and 1 themselves are
 * what move_fd() writes to. */
static int keep_fd(int fd, struct bl_err *err)
{
    int kept = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    if (kept < 0)
        bl_fail_errno(err, BL_SYSTEM, "cannot copy descriptor %d", fd);
    return kept;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void stop(struct bl_pipeline *p)
{
    for (size_t i = 0; i < p->n; i++) {
        if (p->stages[i].pid > 0)
            kill(p->stages[i].pid, SIGTERM);
    }
    bl_pipeline_wait(p, NULL);
}

/* Opens the first stage's input: a pipe, or stdin. */
static int open_input(int *in, int *fd, struct bl_err *err)
{
    int fds[2];

    if (!in) {
        *fd = keep_fd(0, err);
        return *fd < 0 ? -1 : 0;
    }
    if (make_pipe(fds, err) < 0)
        return -1;
    *fd = fds[0];
    *in = fds[1];
    return 0;
}

/* Starts stage i, which reads *fd, and leaves in *fd what the next reads. */
static int start_stage(struct bl_pipeline *p, size_t i, int *fd, int *out,
                       struct bl_err *err)
{
    int fds[2] = { -1, -1 };
    bool last = i + 1 == p->n;

    if (!last || out) {
        if (make_pipe(fds, err) < 0)
            return -1;
    } else if ((fds[1] = keep_fd(1, err)) < 0) {
        return -1;
    }
    int rc = spawn(&p->stages[i], (int[2]){ *fd, fds[1] }, err);
    close_fd(&fds[1]);
    close_fd(fd);
    *fd = fds[0];
    return rc;
}

int bl_pipeline_start(struct bl_pipeline *p, int *in, int *out,
                      struct bl_err *err)
{
    int fd = -1, rc;

    if (in)
        *in = -1;
    rc = open_input(in, &fd, err);
    for (size_t i = 0; rc == 0 && i < p->n; i++)
        rc = start_stage(p, i, &fd, out, err);
    if (rc < 0) {
        close_fd(&fd);
        if (in)
            close_fd(in);
        stop(p);
        return -1;
    }
    if (out)
        *out = fd;
    return 0;
}

/* ---- Ending ---- */

/* What one ended stage adds to the status. */
static int stage_status(const struct stage *s, int st, bool last,
                        struct bl_err *err)
{
    if (WIFEXITED(st))
        return WEXITSTATUS(st);
    int sig = WTERMSIG(st);
    if (s->stopped && sig == SIGTERM)
        return 0;
    if (sig == SIGPIPE)
        return last ? BL_PIPELINE_PIPE : 0;
    bl_fail(err, BL_SYSTEM, "%s was ended by signal %d (%s)", s->argv[0],
            sig, strsignal(sig));
    return 4;
}

/* A stage that failed will read no more: the ones before it need not wait
 * for input, perhaps from a person, to find that out. */
static void stop_before(struct bl_pipeline *p, size_t i)
{
    while (i-- > 0) {
        if (p->stages[i].pid > 0) {
            p->stages[i].stopped = true;
            kill(p->stages[i].pid, SIGTERM);
        }
    }
}

static size_t running(const struct bl_pipeline *p)
{
    size_t n = 0;

    for (size_t i = 0; i < p->n; i++)
        n += p->stages[i].pid > 0;
    return n;
}

/* The stage with this process; p->n when it is none of ours. */
static size_t find_stage(const struct bl_pipeline *p, pid_t pid)
{
    size_t i = 0;

    while (i < p->n && p->stages[i].pid != pid)
        i++;
    return i;
}

int bl_pipeline_wait(struct bl_pipeline *p, struct bl_err *err)
{
    int worst = 0;
    bool left = false;

    while (running(p) > 0) {
        int st;
        pid_t pid = waitpid(-1, &st, 0);
        if (pid < 0 && errno == EINTR)
            continue;
        size_t i = pid < 0 ? p->n : find_stage(p, pid);
        if (pid < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot wait"), 4;
        if (i == p->n)
            continue;
        p->stages[i].pid = 0;
        int rc = stage_status(&p->stages[i], st, i + 1 == p->n, err);
        left |= rc == BL_PIPELINE_PIPE;
        if (rc != BL_PIPELINE_PIPE && rc > worst)
            worst = rc;
        if (rc > 1)
            stop_before(p, i);
    }
    return left && worst < 2 ? BL_PIPELINE_PIPE : worst;
}

void bl_pipeline_free(struct bl_pipeline *p)
{
    if (!p)
        return;
    bl_pipeline_wait(p, NULL);
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < p->stages[i].argc; j++)
            free(p->stages[i].argv[j]);
        free(p->stages[i].argv);
    }
    free(p->stages);
    free(p);
}
