/* SPDX-License-Identifier: MIT */
#include "config.h"

#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "tap.h"

static struct bl_err err;

static size_t files_here(void)
{
    DIR *d = opendir(".");
    size_t n = 0;

    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    fputs(text, f);
    fclose(f);
}

static bool holds(const char *path, const char *want)
{
    struct bl_buf b = BL_BUF_INIT;
    bool same = bl_file_read(path, 1000, &b, &err) == 0
        && !strcmp(b.data, want);

    bl_buf_free(&b);
    return same;
}

static void replace(void)
{
    struct bl_newfile *f;

    put("a", "old");
    f = bl_newfile_open("a", 1 << 20, &err);
    ok(f && bl_newfile_write(f, "Xew", 3, &err) == 0, "written");
    ok(holds("a", "old"), "readers still see the old file");
    ok(bl_newfile_pwrite(f, "n", 1, 0, &err) == 0
       && bl_newfile_size(f) == 3, "overwritten in place");
    ok(holds(bl_newfile_path(f, &err), "new"),
       "by its temporary name others read what was written");
    ok(bl_newfile_commit(f, &err) == 0 && holds("a", "new"), "replaced");
    ok(files_here() == 1, "no other file is left");
    f = bl_newfile_open("a", 0, &err);
    bl_newfile_abort(f);
    ok(holds("a", "new") && files_here() == 1, "abort leaves the old file");
}

static void through_link(void)
{
    struct bl_newfile *f;
    struct stat st;

    ok(symlink("a", "l") == 0, "a link");
    f = bl_newfile_open("l", 0, &err);
    bl_newfile_write(f, "via", 3, &err);
    ok(bl_newfile_commit(f, &err) == 0 && holds("a", "via")
       && lstat("l", &st) == 0 && S_ISLNK(st.st_mode),
       "what the link points to is replaced, not the link");
    unlink("l");
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

/* A file that replaces another is for the same readers, and for no more of
 * them before it does. */
static void keeps_mode(void)
{
    static const mode_t modes[] = { 0600, 0640, 0666, 0444, 0755 };

    for (size_t i = 0; i < BL_COUNT(modes); i++) {
        struct bl_newfile *f;
        bool hidden;

        chmod("a", modes[i]);
        f = bl_newfile_open("a", 0, &err);
        bl_newfile_write(f, "via", 3, &err);
        hidden = mode_of(bl_newfile_path(f, &err)) == 0600;
        ok(bl_newfile_commit(f, &err) == 0 && mode_of("a") == modes[i]
           && hidden, "mode %o is kept", (unsigned)modes[i]);
    }
    chmod("a", 0644);
}

/* Two writers of one file, as in two containers with the same process
 * number: the first is left alone. */
static void two_writers(void)
{
    struct bl_newfile *one = bl_newfile_open("a", 0, &err), *two;

    two = bl_newfile_open("./a", 0, &err);
    ok(one && !two && err.code == BL_SYSTEM
       && strstr(err.msg, "another program is writing it"),
       "the second is refused: %s", err.msg);
    bl_newfile_write(one, "one, and longer", 15, &err);
    ok(bl_newfile_commit(one, &err) == 0 && holds("a", "one, and longer"),
       "the first is whole");
    two = bl_newfile_open("a", 0, &err);
    bl_newfile_write(two, "two", 3, &err);
    ok(bl_newfile_commit(two, &err) == 0 && holds("a", "two"),
       "then it is the second one's turn");
    put("a", "via");
    ok(files_here() == 1, "nothing else is left");
}

/* Of names too long to be told apart none keeps the other from being made. */
static void long_writers(void)
{
    char name[251], other[251];
    struct bl_newfile *one, *two;

    memset(name, 'n', 250);
    name[250] = '\0';
    memcpy(other, name, sizeof name);
    other[249] = 'o';
    one = bl_newfile_open(name, 0, &err);
    two = bl_newfile_open(other, 0, &err);
    ok(one && two, "two long names that end differently");
    bl_newfile_abort(one);
    bl_newfile_abort(two);
}

/* A name that fills its folder's limit leaves room for a temporary one. */
static void long_name(void)
{
    char name[256];
    struct bl_newfile *f;

    memset(name, 'n', 255);
    name[255] = '\0';
    f = bl_newfile_open(name, 0, &err);
    ok(f && bl_newfile_commit(f, &err) == 0 && unlink(name) == 0,
       "255 bytes of name");
}

static void refuse(void)
{
    ok(!bl_newfile_open("no/such/a", 0, &err) && err.code == BL_SYSTEM,
       "no such folder");
    is_str(err.msg, "cannot write 'no/such/a': No such file or directory",
           "message");
    ok(!bl_newfile_open("/dev/null", 0, &err) && err.code == BL_USAGE,
       "a device is no target");
    ok(!bl_newfile_open("a", UINT64_MAX, &err) && files_here() == 1,
       "more than any disk holds");
}

/* Small writes are gathered; those of a header, and large ones, keep their
 * place among them. */
static void gathers(void)
{
    enum { SMALL = 700, N = 5000, LARGE = 3 << 20 };
    struct bl_newfile *f = bl_newfile_open("g", 0, &err);
    char *large = bl_xcalloc(LARGE, 1), part[SMALL];
    struct bl_map m = { 0 };
    bool good = f != NULL;

    for (int i = 0; good && i < N; i++) {
        memset(part, 'a' + i % 26, SMALL);
        good = bl_newfile_write(f, part, SMALL, &err) == 0;
    }
    good = good && bl_newfile_pwrite(f, "head", 4, 0, &err) == 0
        && bl_newfile_write(f, large, LARGE, &err) == 0
        && bl_newfile_write(f, "tail", 4, &err) == 0
        && bl_newfile_size(f) == SMALL * N + LARGE + 4
        && bl_map_open(&m, bl_newfile_path(f, &err), &err) == 0;
    ok(good && m.size == SMALL * N + LARGE + 4, "flushed to its own name");
    bl_map_close(&m);
    good = good
        && bl_newfile_commit(f, &err) == 0 && bl_map_open(&m, "g", &err) == 0;
    ok(good && m.size == SMALL * N + LARGE + 4, "many writes");
    ok(good && !memcmp(m.data, "headaaa", 7)
       && !memcmp(m.data + m.size - 4, "tail", 4)
       && m.data[SMALL * N] == '\0'
       && m.data[SMALL * N - 1] == 'a' + 4999 % 26,
       "at their places");
    for (int i = 1; good && i < N; i++)
        good = m.data[SMALL * i] == 'a' + i % 26;
    ok(good, "in order");
    bl_map_close(&m);
    free(large);
    unlink("g");
}

/* What a child holds at its end; valgrind must not take it for lost. */
static struct bl_newfile *volatile held;

static void on_signal(int sig)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        held = bl_newfile_open("a", 0, &err);
        bl_newfile_write(held, "half", 4, &err);
        raise(sig);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    ok(WIFSIGNALED(status) && WTERMSIG(status) == sig,
       "dies by signal %d", sig);
    ok(holds("a", "via") && files_here() == 1, "its temporary file is gone");
}

static void on_exit_too(void)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        held = bl_newfile_open("a", 0, &err);
        exit(3);
    }
    waitpid(pid, &status, 0);
    ok(WIFEXITED(status) && files_here() == 1,
       "exit removes the temporary file");
}

static void map_case(const char *path, const char *msg)
{
    struct bl_map m = { 0 };

    ok(bl_map_open(&m, path, &err) < 0 && err.code == BL_DATA, "map %s",
       path);
    is_str(err.msg, msg, "message");
}

static void maps(void)
{
    struct bl_map m = { 0 };

    ok(bl_map_open(&m, "a", &err) == 0 && m.size == 3
       && !memcmp(m.data, "via", 3), "mapped");
    bl_map_close(&m);
    put("empty", "");
    map_case("empty", "'empty' is empty");
    unlink("empty");
    map_case("missing", "cannot open 'missing': No such file or directory");
    map_case(".", "'.' is a directory, expected a file");
    map_case("/dev/null", "'/dev/null' is not a regular file");
}

/* Someone cuts a file that is mapped: SIGBUS becomes a sentence. */
static void shrink(void)
{
    int fds[2], status;
    char text[256] = "";
    pid_t pid;

    put("s", "x");
    if (truncate("s", 1 << 20) < 0 || pipe(fds) < 0)
        exit(99);
    pid = fork();
    if (pid == 0) {
        struct bl_map m = { 0 };

        dup2(fds[1], 2);
        bl_map_open(&m, "s", &err);
        if (truncate("s", 0) < 0)
            _exit(98);
        _exit(m.data[1 << 19]);
    }
    waitpid(pid, &status, 0);
    ok(WIFEXITED(status) && WEXITSTATUS(status) == 4, "status 4");
    ok(read(fds[0], text, sizeof text - 1) > 0
       && strstr(text, "cannot read 's': the file became shorter"),
       "the message names the file");
    unlink("s");
}

static char *make_folder(void)
{
    const char *tmp = getenv("TMPDIR");

    return bl_xasprintf("%s/blink-test-file.XXXXXX", tmp ? tmp : P_tmpdir);
}

int main(void)
{
    char *dir = make_folder();

    signal(SIGINT, SIG_DFL);    /* whoever started us may ignore it */
    if (!mkdtemp(dir) || chdir(dir) < 0)
        return 99;
    replace();
    through_link();
    keeps_mode();
    two_writers();
    long_writers();
    long_name();
    refuse();
    gathers();
    on_signal(SIGTERM);
    on_signal(SIGINT);
    on_exit_too();
    maps();
    shrink();
    unlink("a");
    rmdir(dir);
    free(dir);
    return tap_done();
}
