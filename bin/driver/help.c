/* SPDX-License-Identifier: MIT */
/*
 * The other programs by the name of a command, "blink kb", and manual pages.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/nearest.h"
#include "base/paths.h"
#include "cli/opts-help.h"
#include "cli/prog.h"
#include "driver.h"

/* "blink kb" -> "blink-kb"; caller frees. */
static char *program_of(const struct bl_command *command)
{
    char *name = bl_xstrdup(command->name);

    *strchr(name, ' ') = '-';
    return name;
}

/* bl_path_program() gives a name without a folder where there is no such
 * program beside this one; PATH might lead to anybody's. */
_Noreturn void bl_driver_program(const struct bl_command *command,
                                 char **args)
{
    struct bl_err err;
    char *name = program_of(command), *path = bl_path_program(name);
    char **argv;
    size_t n = 0;

    while (args[n])
        n++;
    argv = bl_xmalloc(n + 2, sizeof *argv);
    argv[0] = name;
    memcpy(argv + 1, args, (n + 1) * sizeof *argv);
    if (strchr(path, '/')) {
        execv(path, argv);
        bl_fail_errno(&err, BL_SYSTEM, "cannot run '%s'", path);
    } else {
        bl_fail(&err, BL_DATA, "%s is not installed beside blink", name);
    }
    bl_die(&err);
}

/* ---- Manual pages ---- */

static const struct bl_command *find_command(const struct bl_command *commands,
                                             size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++) {
        char *program = program_of(&commands[i]);
        bool is = !strcmp(word, bl_opts_subname(&commands[i]))
            || (!commands[i].synopsis && !strcmp(word, program));

        free(program);
        if (is)
            return &commands[i];
    }
    return NULL;
}

/* man(1) of a folder of PATH that is not taken from where we happen to be;
 * NULL: there is none.  Caller frees. */
static char *find_man(void)
{
    const char *path = getenv("PATH");

    while (path && *path) {
        size_t n = strcspn(path, ":");
        char *man = bl_xasprintf("%.*s/man", (int)n, path);

        if (*path == '/' && access(man, X_OK) == 0)
            return man;
        free(man);
        path += n + (path[n] == ':');
    }
    return NULL;
}

/* Shows the page; returns only where that cannot be done. */
static void show_page(const char *page)
{
    char *path = bl_path_manual(page), *man = find_man();

    if (path && man)
        execv(man, (char *[]){ man, (char[]){ "-l" }, path, NULL });
    free(path);
    free(man);
}

/* What has a page and is no command: "json" is blink-json(5). */
static const struct { const char *word, *page; } topics[] = {
    { "blink", "blink.1" }, { "tour", "blink.7" },
    { "json", "blink-json.5" }, { "names", "blink-names.5" },
    { "compat", "blink-compat.7" },
};

static void show_topic(const char *word)
{
    for (size_t i = 0; i < BL_COUNT(topics); i++) {
        if (strcmp(topics[i].word, word))
            continue;
        show_page(topics[i].page);
        bl_die(&(struct bl_err){ BL_DATA, "no manual page, or no man(1) to "
                                          "show it with" });
    }
}

static _Noreturn void unknown(const struct bl_command *commands, size_t n,
                              const char *word)
{
    struct bl_nearest nearest = { .word = word };

    for (size_t i = 0; i < n; i++)
        bl_nearest_try(&nearest, bl_opts_subname(&commands[i]));
    for (size_t i = 0; i < BL_COUNT(topics); i++)
        bl_nearest_try(&nearest, topics[i].word);
    if (*nearest.best)
        bl_die_usage("no command '%s'; did you mean '%s'?", word,
                     nearest.best);
    bl_die_usage("no command '%s'", word);
}

/* "blink help kb build" without pages: the options of that command. */
static _Noreturn void show_options(const struct bl_command *command,
                                   struct bl_args args)
{
    char option[] = "--help";
    char *words[] = { args.n > 1 ? args.v[1] : option,
                      args.n > 1 ? option : NULL, NULL };

    bl_driver_program(command, words);
}

/* A page shows more than the options, which are only for want of it. */
int bl_driver_help(struct bl_args args, const char *brief,
                   const struct bl_command *commands, size_t n)
{
    const struct bl_command *command;
    char *program, *page;

    if (!args.n) {
        bl_opts_print_commands("blink", brief, commands, n);
        return 0;
    }
    command = find_command(commands, n, args.v[0]);
    if (!command)
        show_topic(args.v[0]);
    if (!command)
        unknown(commands, n, args.v[0]);
    if (command->synopsis) {
        show_page("blink.1");
        bl_opts_print_help(command);
        return 0;
    }
    program = program_of(command);
    page = bl_xasprintf("%s.1", program);
    show_page(page);
    free(page);
    free(program);
    show_options(command, args);
}
