/* SPDX-License-Identifier: MIT */
/* Programs joined by pipes: quoting, statuses, ends. */
#include "config.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/pipeline.h"
#include "cli/prog.h"

#include "tap.h"

static void add_shell(struct bl_pipeline *p, const char *script)
{
    bl_pipeline_add(p, "/bin/sh", "-c", script, NULL);
}

static void test_show(void)
{
    struct bl_pipeline *p = bl_pipeline_new();
    struct bl_buf out = BL_BUF_INIT;

    bl_pipeline_add(p, "blink-x", "-k", "10", "", "a b", "it's", NULL);
    bl_pipeline_add(p, "blink-y", "$(x)", NULL);
    bl_pipeline_arg(p, "--plain=1,2/3");
    bl_pipeline_show(p, &out);
    is_str(out.data, "blink-x -k 10 '' 'a b' 'it'\\''s' |\n"
           "    blink-y '$(x)' --plain=1,2/3\n", "arguments are quoted");
    bl_buf_free(&out);
    bl_pipeline_free(p);
}

/* The status of two or three shell commands joined by pipes. */
static int status_of(const char *a, const char *b, const char *c,
                     struct bl_err *err)
{
    struct bl_pipeline *p = bl_pipeline_new();
    int in, status;

    err->code = BL_OK;
    add_shell(p, a);
    add_shell(p, b);
    if (c)
        add_shell(p, c);
    if (bl_pipeline_start(p, &in, NULL, err) < 0) {
        bl_pipeline_free(p);
        return -1;
    }
    close(in);
    status = bl_pipeline_wait(p, err);
    bl_pipeline_free(p);
    return status;
}

static void test_status(void)
{
    struct bl_err err;

    ok(status_of("exit 0", "cat", NULL, &err) == 0, "all is well");
    ok(status_of("exit 1", "cat", "exit 0", &err) == 1,
       "the status of an early stage counts");
    /* The last one ends after the others: it would stop them. */
    ok(status_of("exit 1", "exit 3", "cat >/dev/null; exit 2", &err) == 3,
       "the highest status counts");
    ok(status_of("exec yes", "head -n 1 >/dev/null", NULL, &err) == 0,
       "SIGPIPE in an early stage is no failure");
    ok(status_of("exit 0", "kill -PIPE $$", NULL, &err) == BL_PIPELINE_PIPE,
       "SIGPIPE in the last stage is told apart");
    ok(status_of("exit 0", "kill -KILL $$", "cat", &err) == 4
       && err.code == BL_SYSTEM && strstr(err.msg, "signal 9"),
       "another signal is a system failure: %s", err.msg);
    ok(status_of("exec sleep 100", "exit 3", "cat", &err) == 3,
       "stages before one that failed are stopped");
}

static void test_missing(void)
{
    struct bl_pipeline *p = bl_pipeline_new();
    struct bl_err err;

    add_shell(p, "exec sleep 100");
    bl_pipeline_add(p, "no-such-program", NULL);
    ok(bl_pipeline_start(p, NULL, NULL, &err) < 0 && err.code == BL_SYSTEM,
       "a missing program is known at the start");
    is_str(err.msg, "cannot run 'no-such-program': No such file or "
           "directory", "its name is said");
    ok(waitpid(-1, NULL, WNOHANG) < 0, "nothing is left running");
    bl_pipeline_free(p);
}

static void test_through(void)
{
    struct bl_pipeline *p = bl_pipeline_new();
    struct bl_err err;
    char got[64] = "";
    int in, out;
    size_t n = 0;
    ssize_t m;

    add_shell(p, "tr a-z A-Z");
    add_shell(p, "sed s/B/x/");
    ok(bl_pipeline_start(p, &in, &out, &err) == 0, "started");
    ok(write(in, "abc\n", 4) == 4, "written");
    close(in);
    while ((m = read(out, got + n, sizeof got - 1 - n)) > 0)
        n += (size_t)m;
    close(out);
    is_str(got, "AxC\n", "both stages worked");
    ok(bl_pipeline_wait(p, &err) == 0, "and ended");
    bl_pipeline_free(p);
}

int main(void)
{
    bl_prog_init("test-pipeline");
    test_show();
    test_status();
    test_missing();
    test_through();
    return bl_prog_finish(tap_done());
}
