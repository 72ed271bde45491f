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
    int inherited;              /* descriptor; -1: none */
};

struct bl_pipeline {
    struct stage *stages;
    size_t n;
};

struct bl_pipeline *bl_pipeline_new(void)
{
    return BL_NEW(struct bl_pipeline);
}

void bl_pipeline_arg(struct bl_pipeline *pipeline, const char *arg)
{
    BL_ASSERT(pipeline->n > 0);
    struct stage *stage = &pipeline->stages[pipeline->n - 1];

    stage->argv = bl_xrealloc(stage->argv, stage->argc + 2,
                              sizeof *stage->argv);
    stage->argv[stage->argc++] = bl_xstrdup(arg);
    stage->argv[stage->argc] = NULL;
}

void bl_pipeline_add(struct bl_pipeline *pipeline, const char *program, ...)
{
    va_list ap;
    const char *arg;

    pipeline->stages = bl_xrealloc(pipeline->stages, pipeline->n + 1,
                                   sizeof *pipeline->stages);
    pipeline->stages[pipeline->n++] = (struct stage){ .inherited = -1 };
    bl_pipeline_arg(pipeline, program);
    va_start(ap, program);
    while ((arg = va_arg(ap, const char *)))
        bl_pipeline_arg(pipeline, arg);
    va_end(ap);
}

void bl_pipeline_inherit(struct bl_pipeline *pipeline, int fd)
{
    BL_ASSERT(pipeline->n > 0);
    pipeline->stages[pipeline->n - 1].inherited = fd;
}

/* ---- Showing ---- */

void bl_pipeline_quote(struct bl_buf *out, const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789%+,-./:=@_";

    if (*text && strspn(text, plain) == strlen(text)) {
        bl_buf_puts(out, text);
        return;
    }
    bl_buf_putc(out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            bl_buf_puts(out, "'\\''");
        else
            bl_buf_putc(out, *text);
    }
    bl_buf_putc(out, '\'');
}

void bl_pipeline_show(const struct bl_pipeline *pipeline, struct bl_buf *out)
{
    for (size_t i = 0; i < pipeline->n; i++) {
        if (i)
            bl_buf_puts(out, " |\n    ");
        for (size_t j = 0; j < pipeline->stages[i].argc; j++) {
            if (j)
                bl_buf_putc(out, ' ');
            bl_pipeline_quote(out, pipeline->stages[i].argv[j]);
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
_Noreturn static void become(const struct stage *stage, const char *path,
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
    if (stage->inherited >= 0)
        fcntl(stage->inherited, F_SETFD, 0);
    signal(SIGPIPE, SIG_DFL);
    execvp(path, stage->argv);
    int error = errno;
    while (write(report, &error, sizeof error) < 0 && errno == EINTR)
        ;
    _exit(127);
}

/* Runs one stage on fds; 0 or -1. */
static int spawn(struct stage *stage, const int fds[2], struct bl_err *err)
{
    int report[2], error = 0;
    char *path = bl_path_program(stage->argv[0]);
    pid_t parent = getpid();

    if (pipe2(report, O_CLOEXEC) < 0) {
        free(path);
        return bl_fail_errno(err, BL_SYSTEM, "cannot make a pipe");
    }
    stage->pid = fork();
    if (stage->pid == 0)
        become(stage, path, fds, report[1], parent);
    if (stage->pid < 0)
        error = errno;
    close(report[1]);
    ssize_t got;
    while (!error && (got = read(report[0], &error, sizeof error)) < 0
           && errno == EINTR)
        ;
    close(report[0]);
    if (error) {
        errno = error;
        bl_fail_errno(err, BL_SYSTEM, "cannot run '%s'", path);
    }
    free(path);
    return error ? -1 : 0;
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

static void stop(struct bl_pipeline *pipeline)
{
    for (size_t i = 0; i < pipeline->n; i++) {
        if (pipeline->stages[i].pid > 0)
            kill(pipeline->stages[i].pid, SIGTERM);
    }
    bl_pipeline_wait(pipeline, NULL);
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
static int start_stage(struct bl_pipeline *pipeline, size_t i, int *fd,
                       int *out, struct bl_err *err)
{
    int fds[2] = { -1, -1 };
    bool last = i + 1 == pipeline->n;

    if (!last || out) {
        if (make_pipe(fds, err) < 0)
            return -1;
    } else if ((fds[1] = keep_fd(1, err)) < 0) {
        return -1;
    }
    int rc = spawn(&pipeline->stages[i], (int[2]){ *fd, fds[1] }, err);
    close_fd(&fds[1]);
    close_fd(fd);
    *fd = fds[0];
    return rc;
}

int bl_pipeline_start(struct bl_pipeline *pipeline, int *in, int *out,
                      struct bl_err *err)
{
    int fd = -1, rc;

    if (in)
        *in = -1;
    rc = open_input(in, &fd, err);
    for (size_t i = 0; rc == 0 && i < pipeline->n; i++)
        rc = start_stage(pipeline, i, &fd, out, err);
    if (rc < 0) {
        close_fd(&fd);
        if (in)
            close_fd(in);
        stop(pipeline);
        return -1;
    }
    if (out)
        *out = fd;
    return 0;
}

/* ---- Ending ---- */

/* What one ended stage adds to the status. */
static int stage_status(const struct stage *stage, int ending, bool last,
                        struct bl_err *err)
{
    if (WIFEXITED(ending))
        return WEXITSTATUS(ending);
    int sig = WTERMSIG(ending);
    if (stage->stopped && sig == SIGTERM)
        return 0;
    if (sig == SIGPIPE)
        return last ? BL_PIPELINE_PIPE : 0;
    bl_fail(err, BL_SYSTEM, "%s was ended by signal %d (%s)", stage->argv[0],
            sig, strsignal(sig));
    return 4;
}

/* A stage that failed will read no more: the ones before it need not wait
 * for input, perhaps from a person, to find that out. */
static void stop_before(struct bl_pipeline *pipeline, size_t i)
{
    while (i-- > 0) {
        if (pipeline->stages[i].pid > 0) {
            pipeline->stages[i].stopped = true;
            kill(pipeline->stages[i].pid, SIGTERM);
        }
    }
}

static size_t running(const struct bl_pipeline *pipeline)
{
    size_t n = 0;

    for (size_t i = 0; i < pipeline->n; i++)
        n += pipeline->stages[i].pid > 0;
    return n;
}

/* The stage with this process; pipeline->n when it is none of ours. */
static size_t find_stage(const struct bl_pipeline *pipeline, pid_t pid)
{
    size_t i = 0;

    while (i < pipeline->n && pipeline->stages[i].pid != pid)
        i++;
    return i;
}

/* Stages end in any order, so whichever child ends next is waited for; it may
 * be one that the caller has started and no stage. */
int bl_pipeline_wait(struct bl_pipeline *pipeline, struct bl_err *err)
{
    int worst = 0;
    bool left = false;

    while (running(pipeline) > 0) {
        int ending;
        pid_t pid = waitpid(-1, &ending, 0);
        if (pid < 0 && errno == EINTR)
            continue;
        size_t i = pid < 0 ? pipeline->n : find_stage(pipeline, pid);
        if (pid < 0)
            return bl_fail_errno(err, BL_SYSTEM, "cannot wait"), 4;
        if (i == pipeline->n)
            continue;
        pipeline->stages[i].pid = 0;
        int rc = stage_status(&pipeline->stages[i], ending,
                              i + 1 == pipeline->n, err);
        left |= rc == BL_PIPELINE_PIPE;
        if (rc != BL_PIPELINE_PIPE && rc > worst)
            worst = rc;
        if (rc > 1)
            stop_before(pipeline, i);
    }
    return left && worst < 2 ? BL_PIPELINE_PIPE : worst;
}

void bl_pipeline_free(struct bl_pipeline *pipeline)
{
    if (!pipeline)
        return;
    bl_pipeline_wait(pipeline, NULL);
    for (size_t i = 0; i < pipeline->n; i++) {
        for (size_t j = 0; j < pipeline->stages[i].argc; j++)
            free(pipeline->stages[i].argv[j]);
        free(pipeline->stages[i].argv);
    }
    free(pipeline->stages);
    free(pipeline);
}
