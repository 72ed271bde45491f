/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "cli/prog.h"
#include "tap.h"

static void sizes(void)
{
    size_t r = 7;

    ok(bl_size_mul(1 << 20, 1 << 20, &r) && r == (size_t)1 << 40, "mul");
    ok(!bl_size_mul(SIZE_MAX, 2, &r) && r == (size_t)1 << 40,
       "a product that wraps is refused");
    ok(!bl_size_add(SIZE_MAX, 1, &r), "a sum too");
}

static void oom(void)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        close(2);
        bl_xmalloc(SIZE_MAX / 2, 1);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 4,
       "out of memory ends with 4");
}

/* A library that calls exit(): not with its status, and with a sentence. */
static void exit_of_others(void)
{
    static const char want[] = "test-mem: a library ended the program, most "
        "likely for want of memory or threads\n";
    char said[200] = "";
    int status, ends[2];
    pid_t pid;

    if (pipe(ends) < 0 || (pid = fork()) < 0)
        exit(99);
    if (pid == 0) {
        dup2(ends[1], 2);
        bl_prog_init("test-mem");
        exit(1);
    }
    waitpid(pid, &status, 0);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 4,
       "an exit() that is not ours is status 4");
    ok(read(ends[0], said, sizeof said - 1) > 0 && !strcmp(said, want),
       "and says so");
}

static int finished(int status)
{
    int got;
    pid_t pid = fork();

    if (pid == 0) {
        bl_prog_init("test-mem");
        exit(bl_prog_finish(status));
    }
    waitpid(pid, &got, 0);
    return WIFEXITED(got) ? WEXITSTATUS(got) : -1;
}

/* An array that grows one by one, and one that is asked for whole. */
static void growing(void)
{
    size_t n = 0, capacity = 0, whole_capacity = 3;
    uint32_t *v = NULL, *whole = bl_xmalloc(3, sizeof *whole), *same = whole;
    bool kept = true;

    for (uint32_t i = 0; i < 1000; i++) {
        BL_GROW(v, n + 1, capacity);
        v[n++] = i;
    }
    for (uint32_t i = 0; i < 1000; i++)
        kept = kept && v[i] == i;
    ok(kept && capacity == 1024, "grows from 16 by doubling");
    BL_GROW(whole, 3, whole_capacity);
    ok(whole == same && whole_capacity == 3, "no growth where there is room");
    BL_GROW(whole, 5000, whole_capacity);
    ok(whole_capacity == 5000, "never less than is asked for");
    ok(bl_grown(SIZE_MAX / 2 + 1, 1) == SIZE_MAX,
       "a capacity that cannot double saturates");
    free(v);
    free(whole);
}

static void grow_too_far(void)
{
    size_t capacity = 0;
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        uint64_t *v = NULL;

        close(2);
        BL_GROW(v, SIZE_MAX / 8 + 2, capacity);
        _exit(v ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 4,
       "an array whose size in bytes wraps ends with 4");
}

static void choices(void)
{
    static const int three[3];
    unsigned char small = 200;
    size_t n = 5;
    int i = 1;

    ok(BL_COUNT(three) == 3, "counts an array");
    ok(BL_MIN(n, 3) == 3 && BL_MAX(n, 3) == 5, "sizes and a constant");
    ok(BL_MIN(-1, 1) == -1 && BL_MAX(-1, 1) == 1, "negative numbers");
    ok(BL_MAX(small, (unsigned char)100) == 200, "narrow types widen");
    ok(BL_MIN(1.5f, 2) < 1.75f && BL_MAX(1e300, 1) > 1e299,
       "floats and doubles");
    ok(BL_MIN(i++, 9) == 1 && i == 2, "operands are evaluated once");
    ok(BL_MIN((uint64_t)1 << 40, SIZE_MAX) == (uint64_t)1 << 40,
       "nothing is cut");
    ok(!(BL_MIN(NAN, 1.0) < 1.0) && !(BL_MIN(NAN, 1.0) > 1.0),
       "of a NaN and a number the second");
}

static void arenas(void)
{
    struct bl_arena a = BL_ARENA_INIT;
    bool aligned = true;

    for (size_t n = 1; n < 3000; n += 97) {
        char *p = bl_arena_alloc(&a, n, n);

        aligned = aligned && (uintptr_t)p % 64 == 0;
        memset(p, 1, n * n);
    }
    ok(aligned, "every piece lies on 64 bytes");
    bl_arena_reset(&a);
    is_str(bl_arena_strndup(&a, "abcd", 3), "abc", "strndup");
    bl_arena_free(&a);
}

static void bufs(void)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_buf_printf(&b, "%s-%d", "x", 5);
    bl_buf_putc(&b, '!');
    is_str(b.data, "x-5!", "printf and putc");
    for (int i = 0; i < 1000; i++)
        bl_buf_puts(&b, "0123456789");
    ok(b.len == 10004 && b.data[10004] == '\0', "grows");
    bl_buf_free(&b);
}

static void errors(void)
{
    struct bl_err err;
    char big[2000];

    memset(big, 'a', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    big[BL_ERR_MSG - 2] = (char)0xc3;
    big[BL_ERR_MSG - 1] = (char)0xa9;
    ok(bl_fail(&err, BL_BAD_FIELD, "%s", big) == -1
       && strlen(err.msg) == BL_ERR_MSG - 2, "cut between characters");
    bl_fail(&err, BL_DATA, "a\nb\xff");
    is_str(err.msg, "a b\xef\xbf\xbd", "one line of valid UTF-8");
    bl_err_prefix(&err, "field '%s'", "x");
    is_str(err.msg, "field 'x': a b\xef\xbf\xbd", "prefixed");
    ok(bl_code_exit(BL_OK) == 0 && bl_code_exit(BL_NO_ENTITY) == 1
       && bl_code_exit(BL_USAGE) == 2 && bl_code_exit(BL_DATA) == 3
       && bl_code_exit(BL_SYSTEM) == 4, "exit statuses");
}

/* Which statuses errno leads to, and temporary names in messages. */
static void system_errors(void)
{
    static const int systems[] = { EIO, ENOMEM, EMFILE, ENFILE, ESTALE,
        ENOSPC, EDQUOT, EINTR, ENOBUFS, EAGAIN, EBUSY, ETIMEDOUT, EFBIG };
    static const int files[] = { ENOENT, EACCES, EPERM, EISDIR, ENOTDIR,
        ELOOP, ENAMETOOLONG, ENXIO };
    struct bl_err err;

    for (size_t i = 0; i < BL_COUNT(systems); i++)
        ok(bl_errno_code(systems[i]) == BL_SYSTEM, "%s is the system's",
           strerror(systems[i]));
    for (size_t i = 0; i < BL_COUNT(files); i++)
        ok(bl_errno_code(files[i]) == BL_DATA, "%s is the file's",
           strerror(files[i]));
    errno = EIO;
    ok(bl_fail_file(&err, "cannot read '%s'", "x") == -1
       && err.code == BL_SYSTEM, "%s", err.msg);
    is_str(err.msg, "cannot read 'x': Input/output error", "with its text");
    bl_fail(&err, BL_DATA, "'/a/.m.0.tmp/x', .m.0.tmp");
    ok(bl_err_rename(&err, ".m.0.tmp", "model") == -1
       && err.code == BL_DATA, "a renaming keeps the code");
    is_str(err.msg, "'/a/model/x', model", "every name is replaced");
    bl_err_rename(NULL, "a", "b");
}

int main(void)
{
    sizes();
    oom();
    exit_of_others();
    ok(finished(0) == 0 && finished(1) == 1, "an exit() of ours stays");
    growing();
    grow_too_far();
    choices();
    arenas();
    bufs();
    errors();
    system_errors();
    return tap_done();
}
