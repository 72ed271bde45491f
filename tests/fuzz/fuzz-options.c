/* SPDX-License-Identifier: MIT */
/* fuzz-options: any words as a command line, a line each; the first begins
 * the values of --config instead when it is a JSON object.  What is accepted
 * lies in the ranges of the table; what is not ends with status 2, or 3 for
 * the file. */
#include <dlfcn.h>
#include <setjmp.h>

#include "../../bin/train/run.c"
#include "cli/opts.h"
#include "cli/prog.h"
#include "feed.h"

/* Leak checking pauses while a call ends the program in its midst. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

struct train_opts train_opts;

static jmp_buf back;
static bool armed;
static int status;

/* Takes the place of libc's exit(), so that a program that ends comes back to
 * the target. */
void bl_instead_of_exit(int code) __asm__("exit");
void bl_instead_of_exit(int code)
{
    void (*leave)(int) __attribute__((noreturn));

    if (armed) {
        status = code;
        longjmp(back, 1);
    }
    *(void **)&leave = dlsym(RTLD_NEXT, "exit");
    leave(code);
}

static void parse(int argc, char **argv)
{
    const char *name = NULL, *text = "";
    struct bl_strings list = { NULL, 0 };
    bool flag = false;
    size_t size = 3;
    double number = .5;
    int choice = 1;
    const struct bl_opt table[] = {
        BL_OPT_STR('m', "model", "MODEL", &name, "a name"),
        BL_OPT_TEXT('t', "title", &text, "a text"),
        BL_OPT_SIZE('k', "top", "N", &size, 1, 1 << 20, "a size"),
        BL_OPT_DOUBLE(0, "rate", "X", &number, -1, 1e6, "a number"),
        BL_OPT_CHOICE('e', "errors", "keep|drop|stop", &choice, "a choice"),
        BL_OPT_LIST('x', "index", "FILE", &list, "a list"),
        BL_OPT_FLAG('f', "force", &flag, "a flag"),
        BL_OPT_STR(0, "config", "FILE", &name, "a file"),
        BL_OPTS_END
    };
    const struct bl_command command = { "fuzz", "[X...]", "tries", table, 0,
                                        5 };
    struct bl_args args = bl_opts_parse(&command, argc, argv);

    bl_opts_need_utf8(args);
    CHECK(args.n <= 5 && size >= 1 && size <= 1 << 20);
    CHECK(number >= -1 && number <= 1e6 && choice >= 0 && choice < 3);
    free(list.v);
}

/* These print and end with 0, which libFuzzer's tests are not for. */
static bool asks_for_help(const char *word)
{
    return strstr(word, "--help") || strstr(word, "--version")
        || strstr(word, "--completion")
        || (word[0] == '-' && strpbrk(word, "hV"));
}

static void run(int argc, char **argv, bool config)
{
    int saved[2] = { dup(1), dup(2) }, null = open("/dev/null", O_WRONLY);

    /* A program that ends closes its standard output. */
    status = 0;
    dup2(null, 1);
    dup2(null, 2);
    if (__lsan_disable)
        __lsan_disable();
    armed = true;
    if (setjmp(back) == 0) {
        if (config)
            bl_verb_expand(&argc, &argv);
        for (int i = 1; i < argc; i++)
            if (asks_for_help(argv[i]))
                argc = i;
        parse(argc, argv);
    }
    armed = false;
    if (__lsan_enable)
        __lsan_enable();
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    close(null);
    CHECK(status == 0 || status == 2 || status == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { WORDS = 32 };
    char *argv[WORDS + 1] = { bl_xstrdup("fuzz"), bl_xstrdup("verb") };
    struct bl_span text = { (const char *)data, size }, line;
    bool config = size && data[0] == '{' && feed_line(&text, &line);
    char *path = config ? feed_file_of("config.json", line) : NULL;
    char *words[WORDS];
    int argc = 2, n;

    if (config)
        argv[argc++] = bl_xasprintf("--config=%s", path);
    while (argc < WORDS && feed_line(&text, &line))
        argv[argc++] = strndup(line.p, line.n);
    n = argc;
    memcpy(words, argv, (size_t)n * sizeof *words);
    run(argc, argv, config);
    for (int i = 0; i < n; i++)
        free(words[i]);
    if (path)
        feed_remove(path);
    return 0;
}
