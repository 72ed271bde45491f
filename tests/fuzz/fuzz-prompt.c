/* SPDX-License-Identifier: MIT */
/* fuzz-prompt: any bytes as the history of the prompt, any others as what is
 * typed there; byte 0 says how many are which, in 256ths.  Of a long history
 * the last lines stay, byte for byte; each line that is typed is one line of
 * UTF-8, with the editor and without, and is what the history then ends
 * with. */
#include "../../bin/driver/history.c"
#include "../../bin/driver/prompt.c"
#include "feed.h"

static size_t newlines(struct bl_span text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n';
    return n;
}

static bool ends_with(struct bl_span text, struct bl_span end)
{
    return end.n <= text.n
        && (!end.n || !memcmp(text.p + text.n - end.n, end.p, end.n));
}

static void read_history(const char *path, struct bl_span text)
{
    struct bl_buf out = BL_BUF_INIT, file = BL_BUF_INIT;
    size_t n = newlines(text);

    bl_history_read(path, &out);
    struct bl_span got = { out.data, out.len };
    CHECK(ends_with(text, got));
    CHECK(n > FULL ? newlines(got) == KEPT : got.n == text.n);
    CHECK(bl_file_read(path, MAX_FILE, &file, NULL) == 0);
    CHECK(file.len == got.n && ends_with(got, (struct bl_span){ file.data,
                                                                file.len }));
    bl_buf_free(&out);
    bl_buf_free(&file);
}

/* Standard input is what is typed, from its beginning. */
static void type(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    CHECK(fd >= 0 && dup2(fd, STDIN_FILENO) == 0);
    close(fd);
}

static void read_plain(const char *path, struct bl_span text)
{
    struct bl_prompt prompt = { .shown = false };
    struct bl_err err = { .code = BL_OK };
    struct bl_span line;
    size_t n = 0;

    type(path);
    prompt.lines = bl_lines_new(STDIN_FILENO, "stdin", MAX_LINE);
    for (; plain_line(&prompt, &line, &err) == BL_PROMPT_LINE; n++)
        CHECK(!line.n || !memchr(line.p, '\n', line.n));
    CHECK(err.code == BL_OK);
    CHECK(n == newlines(text) || n == newlines(text) + 1);
    bl_lines_free(prompt.lines);
}

#ifdef HAVE_LIBEDIT
/* libtinfo never frees what it knows of a terminal. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

/* One for all inputs; it reads the history's file anew. */
static struct bl_prompt *editor(const char *path)
{
    static struct bl_prompt prompt = { .shown = true };
    HistEvent ev;

    if (!prompt.edit) {
        /* No ~/.editrc. */
        setenv("HOME", feed_folder(), 1);
        setenv("EDITRC", "", 1);
        setenv("TERM", "xterm", 1);
        setenv("BLINK_HISTORY", path, 1);
        if (__lsan_disable)
            __lsan_disable();
        open_editor(&prompt);
        if (__lsan_enable)
            __lsan_enable();
        CHECK(prompt.edit && !strcmp(prompt.file, path));
    } else {
        history(prompt.history, &ev, H_CLEAR);
        load_history(&prompt);
    }
    return &prompt;
}

/* The history ends with what was typed. */
static void read_edited(const char *path, const char *history_path)
{
    struct bl_prompt *prompt = editor(history_path);
    struct bl_buf typed = BL_BUF_INIT, file = BL_BUF_INIT;
    struct bl_span line;

    type(path);
    while (edited_line(prompt, &line) == BL_PROMPT_LINE) {
        CHECK(bl_utf8_valid(line.p, line.n) == line.n);
        CHECK(!memchr(line.p, 0, line.n) && !memchr(line.p, '\n', line.n));
        if (bl_span_blank(line))
            continue;
        bl_buf_put_span(&typed, line);
        bl_buf_putc(&typed, '\n');
    }
    CHECK(bl_file_read(history_path, MAX_FILE, &file, NULL) == 0);
    CHECK(ends_with((struct bl_span){ file.data, file.len },
                    (struct bl_span){ typed.data, typed.len }));
    bl_buf_free(&typed);
    bl_buf_free(&file);
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    const char *bytes = (const char *)data + 1;
    struct bl_span text = { bytes, (size - 1) * data[0] / 256 };
    struct bl_span typed = { bytes + text.n, size - 1 - text.n };
    char *path = feed_file_of("history", text);
    char *input = feed_file_of("typed", typed);

    read_history(path, text);
    read_plain(input, typed);
#ifdef HAVE_LIBEDIT
    read_edited(input, path);
#endif
    feed_remove(path);
    feed_remove(input);
    return 0;
}
