/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/prog.h"

enum {
    READ_SIZE = 1 << 16,
    END_TRIES = 500, END_PAUSE = 10000000       /* ns: 5 s in all */
};

extern char **environ;

/* ---- Starting ---- */

/* The signals of a fresh program: this one ignores SIGPIPE, and its threads
 * block what only the main thread waits for. */
static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, usual;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    sigaddset(&usual, SIGTERM);
    sigaddset(&usual, SIGINT);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &usual);
    posix_spawnattr_setpgroup(attributes, 0);
    return posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK
                                    | POSIX_SPAWN_SETSIGDEF
                                    | POSIX_SPAWN_SETPGROUP);
}

/* posix_spawn() and not fork(): other threads may hold any lock.  Returns 0 or
 * the number of the error. */
static int spawn(pid_t *pid, const char *path, char *const *argv, int in,
                 int out)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int error;

    error = posix_spawn_file_actions_init(&actions);
    if (error)
        return error;
    error = posix_spawnattr_init(&attributes);
    if (error) {
        posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    error = posix_spawn_file_actions_adddup2(&actions, in, 0);
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, out, 1);
    if (!error)
        error = set_attributes(&attributes);
    if (!error)
        error = posix_spawn(pid, path, &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return error;
}

/* Neither writing to a pipeline that does not read, nor reading from one that
 * does not write, may hold a thread for longer than its deadline. */
static void not_block(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

int bl_worker_run(struct bl_worker *worker, const char *path,
                  char *const *argv, struct bl_err *err)
{
    int in[2] = { -1, -1 }, out[2] = { -1, -1 }, error = 0;

    /* The descriptors of other pipelines, and of clients, stay here. */
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        error = errno;
    if (!error)
        error = spawn(&worker->pid, path, argv, in[0], out[1]);
    if (in[0] >= 0)
        close(in[0]);
    if (out[1] >= 0)
        close(out[1]);
    worker->in = in[1];
    worker->out = out[0];
    bl_buf_clear(&worker->read);
    if (error) {
        worker->pid = 0;
        bl_worker_kill(worker);
        errno = error;
        return bl_fail_errno(err, BL_SYSTEM, "cannot run '%s'", path);
    }
    not_block(worker->in);
    not_block(worker->out);
    return 0;
}

int bl_worker_start(struct bl_worker *worker, const char *command,
                    struct bl_err *err)
{
    char *copy = bl_xstrdup(command);
    char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, copy, NULL };
    int rc = bl_worker_run(worker, "/bin/sh", argv, err);

    free(copy);
    return rc;
}

/* ---- Ending ---- */

bool bl_worker_lives(struct bl_worker *worker)
{
    struct pollfd poll_out = { .fd = worker->out, .events = POLLIN };

    /* Nothing is asked: whatever comes out is no answer. */
    return worker->pid > 0 && poll(&poll_out, 1, 0) == 0;
}

void bl_worker_close_input(struct bl_worker *worker)
{
    if (worker->in >= 0)
        close(worker->in);
    worker->in = -1;
}

static void close_ends(struct bl_worker *worker)
{
    bl_worker_close_input(worker);
    if (worker->out >= 0)
        close(worker->out);
    worker->out = -1;
    bl_buf_free(&worker->read);
}

static int reap(struct bl_worker *worker)
{
    int ending = 0;

    while (worker->pid > 0 && waitpid(worker->pid, &ending, 0) < 0
           && errno == EINTR)
        ;
    worker->pid = 0;
    return ending;
}

/* The shell is reaped last: until then its number names its group alone. */
int bl_worker_kill(struct bl_worker *worker)
{
    close_ends(worker);
    if (worker->pid > 0)
        kill(-worker->pid, SIGKILL);
    return reap(worker);
}

/* A stage of somebody's own may not care that its input has ended. */
int bl_worker_end(struct bl_worker *worker)
{
    int ending = 0;

    close_ends(worker);
    for (int i = 0; worker->pid > 0 && i < END_TRIES; i++) {
        if (waitpid(worker->pid, &ending, WNOHANG) == worker->pid) {
            worker->pid = 0;
            return ending;
        }
        nanosleep(&(struct timespec){ .tv_nsec = END_PAUSE }, NULL);
    }
    return bl_worker_kill(worker);
}

/* ---- What passes ---- */

static bool read_some(struct bl_worker *worker)
{
    ssize_t got;

    bl_buf_reserve(&worker->read, READ_SIZE);
    got = read(worker->out, worker->read.data + worker->read.len, READ_SIZE);
    if (got > 0)
        worker->read.len += (size_t)got;
    return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool write_some(struct bl_worker *worker, struct bl_span input,
                       size_t *done)
{
    ssize_t put = write(worker->in, input.p + *done, input.n - *done);

    if (put > 0)
        *done += (size_t)put;
    return put >= 0 || errno == EAGAIN || errno == EINTR;
}

enum bl_pumped bl_worker_pump(struct bl_worker *worker, struct bl_span input,
                              size_t *done, double deadline)
{
    struct pollfd fds[] = {
        { .fd = worker->out, .events = POLLIN },
        { .fd = *done < input.n ? worker->in : -1, .events = POLLOUT },
    };
    double left = deadline - bl_now();
    int ready;

    if (left <= 0)
        return BL_PUMP_LATE;
    ready = poll(fds, 2, left > 3600 ? 3600000 : (int)(left * 1000) + 1);
    if (ready < 0 && errno != EINTR)
        return BL_PUMP_ENDED;
    if (ready <= 0)
        return BL_PUMP_MORE;
    /* Reading first: a pipeline that has failed may have said why. */
    if (fds[0].revents && !read_some(worker))
        return BL_PUMP_ENDED;
    if (fds[1].revents && !write_some(worker, input, done))
        return BL_PUMP_ENDED;
    return BL_PUMP_MORE;
}
