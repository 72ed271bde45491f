/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/opts-complete.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/paths.h"
#include "cli/opts-help.h"
#include "cli/prog.h"

/* ---- Offers ---- */

/* The word at the cursor: offers begin with `before`, as in "--kb=", and then
 * with `typed`. */
struct cursor {
    const char *typed;
    const char *before;
    size_t offered;
};

static void offer(struct cursor *cursor, const char *word, size_t n,
                  const char *about)
{
    size_t typed = strlen(cursor->typed);

    if (n < typed || memcmp(word, cursor->typed, typed))
        return;
    cursor->offered++;
    printf("%s%.*s%s%s\n", cursor->before, (int)n, word, about ? "\t" : "",
           about ? about : "");
}

static void offer_files(void)
{
    printf(":files\n");
}

static void offer_choices(struct cursor *cursor, const char *arg)
{
    while (*arg) {
        size_t n = strcspn(arg, "|");

        offer(cursor, arg, n, NULL);
        arg += n + (arg[n] == '|');
    }
}

static void offer_option(struct cursor *cursor, const char *name,
                         const char *about)
{
    char *word;

    if (!name)
        return;
    word = bl_xasprintf("--%s", name);
    offer(cursor, word, strlen(word), about);
    free(word);
}

static void offer_options(struct cursor *cursor,
                          const struct bl_opt *opt)
{
    for (; opt && opt->kind != BL_OPT_END_; opt++) {
        if (opt->kind == BL_OPT_GROUP_)
            continue;
        offer_option(cursor, opt->name, opt->help);
        offer_option(cursor, opt->alias, opt->help);
    }
}

static void offer_name(void *ctx, const char *name, const char *path)
{
    (void)path;
    /* Anything else would need the quotes of some shell. */
    if (!strpbrk(name, " \t\n\\'\"$`"))
        offer(ctx, name, strlen(name), NULL);
}

static void offer_value(struct cursor *cursor, const struct bl_opt *opt)
{
    static const struct { const char *arg; enum bl_path_kind kind; }
    named[] = {
        { "MODEL", BL_PATH_MODEL }, { "FAMILY", BL_PATH_MODEL },
        { "TAGGER", BL_PATH_MODEL }, { "CATALOGUE", BL_PATH_CATALOGUE },
        { "INDEX", BL_PATH_INDEX }, { "CALIBRATION", BL_PATH_CALIBRATION },
        { "NAMES|none", BL_PATH_NAMES },
    };

    if (opt->kind == BL_OPT_CHOICE_)
        offer_choices(cursor, opt->arg);
    if (opt->kind != BL_OPT_STR_ && opt->kind != BL_OPT_LIST_)
        return;
    for (size_t i = 0; i < BL_COUNT(named); i++) {
        /* What is to be written has no name yet. */
        if (!strcmp(opt->arg, named[i].arg) && opt->letter != 'o')
            bl_path_each(named[i].kind, offer_name, cursor);
    }
    /* A name means the data folder's, so that files would only hide the names
     * that there are. */
    if (!cursor->offered)
        offer_files();
}

/* ---- Where the cursor is ---- */

static const struct bl_opt *with_name(const struct bl_opt *opt,
                                      const char *name, size_t n)
{
    for (; opt && opt->kind != BL_OPT_END_; opt++) {
        const char *names[] = { opt->name, opt->alias };

        for (size_t i = 0; i < 2 && opt->kind != BL_OPT_GROUP_; i++)
            if (names[i] && strlen(names[i]) == n
                && !memcmp(names[i], name, n))
                return opt;
    }
    return NULL;
}

static const struct bl_opt *with_letter(const struct bl_opt *opt, char letter)
{
    for (; opt && opt->kind != BL_OPT_END_; opt++)
        if (opt->kind != BL_OPT_GROUP_ && opt->letter == letter)
            return opt;
    return NULL;
}

/* The option of which the next word is the value; NULL when `word` is no
 * option, or one that has all it needs. */
static const struct bl_opt *wants_value(const struct bl_opt *table,
                                        const char *word)
{
    const struct bl_opt *opt = NULL;

    if (word[0] != '-' || !word[1] || strchr(word, '='))
        return NULL;
    if (word[1] == '-')
        opt = with_name(table, word + 2, strlen(word + 2));
    for (const char *p = word + 1; word[1] != '-' && *p; p++) {
        opt = with_letter(table, *p);
        if (!opt || (opt->kind != BL_OPT_FLAG_ && p[1]))
            return NULL;
    }
    return opt && opt->kind != BL_OPT_FLAG_ ? opt : NULL;
}

/* "--kb=vi" is one word for some shells and three for bash. */
static bool offer_behind_equals(const struct bl_command *command,
                                char **words, size_t n)
{
    const char *last = words[n - 1], *equals = strchr(last, '=');
    struct cursor cursor = { .typed = last, .before = "" };
    const struct bl_opt *opt = NULL;
    char *before = NULL;

    if (n > 1 && !strcmp(last, "=")) {
        opt = wants_value(command->opts, words[n - 2]);
        cursor.typed = "";
    } else if (n > 2 && !strcmp(words[n - 2], "=")) {
        opt = wants_value(command->opts, words[n - 3]);
    } else if (!strncmp(last, "--", 2) && equals) {
        opt = with_name(command->opts, last + 2, (size_t)(equals - last - 2));
        before = bl_xasprintf("%.*s=", (int)(equals - last), last);
        cursor.typed = equals + 1;
        cursor.before = before;
    }
    if (opt)
        offer_value(&cursor, opt);
    free(before);
    return opt != NULL;
}

static bool after_dashes(char **words, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++)
        if (!strcmp(words[i], "--"))
            return true;
    return false;
}

/* What may stand at the cursor: the rest of "--kb=", the value of the option
 * before, an option, or an operand. */
static void complete_command(const struct bl_command *command, char **words,
                             size_t n)
{
    struct cursor cursor = { .typed = words[n - 1], .before = "" };
    bool operands = after_dashes(words, n);
    const struct bl_opt *opt = n > 1 && !operands
        ? wants_value(command->opts, words[n - 2]) : NULL;

    if (!operands && offer_behind_equals(command, words, n))
        return;
    if (opt) {
        offer_value(&cursor, opt);
    } else if (*cursor.typed == '-' && !operands) {
        offer_options(&cursor, command->opts);
        offer_options(&cursor, bl_opts_general);
    } else if (command->max_args) {
        offer_files();
    }
}

static void offer_commands(const struct bl_command *commands, size_t n,
                           const char *typed)
{
    struct cursor cursor = { .typed = typed, .before = "" };

    for (size_t i = 0; i < n; i++) {
        const char *name = bl_opts_subname(&commands[i]);

        offer(&cursor, name, strlen(name), commands[i].brief);
    }
}

/* "blink kb": asks blink-kb. */
static void ask_program(const struct bl_command *command, char **words)
{
    char *name = bl_xstrdup(command->name), *path;
    char **argv;
    size_t n = 0;

    *strchr(name, ' ') = '-';
    path = bl_path_program(name);
    while (words[n])
        n++;
    argv = bl_xmalloc(n + 3, sizeof *argv);
    argv[0] = name;
    argv[1] = bl_xstrdup("--complete");
    memcpy(argv + 2, words, (n + 1) * sizeof *argv);
    if (strchr(path, '/'))
        execv(path, argv);
    free(argv[1]);
    free(argv);
    free(path);
    free(name);
}

/* Options without a command are those of the driver's first one: blink -i.  Of
 * the programs with commands it alone has no dash in its name. */
static void complete_subcommand(const struct bl_command *commands, size_t n,
                                char **words, size_t n_words)
{
    bool driver = !strchr(bl_prog_name(), '-');

    if (n_words == 1 && *words[0] != '-')
        offer_commands(commands, n, words[0]);
    if (*words[0] == '-') {
        struct bl_command none = { .opts = driver ? commands[0].opts : NULL,
                                   .max_args = driver };
        complete_command(&none, words, n_words);
    }
    for (size_t i = 0; i < n && n_words > 1; i++) {
        if (strcmp(words[0], bl_opts_subname(&commands[i])))
            continue;
        if (!commands[i].synopsis)
            ask_program(&commands[i], words + 1);
        else if (strstr(commands[i].synopsis, "[COMMAND]"))
            offer_commands(commands, n, words[n_words - 1]);
        else
            complete_command(&commands[i], words + 1, n_words - 1);
    }
}

void bl_opts_complete(const struct bl_command *commands, size_t n,
                      char **words, size_t n_words)
{
    char *nothing[] = { (char[]){ "" }, NULL };

    if (!n_words) {
        words = nothing;
        n_words = 1;
    }
    /* A command of a program that asks for itself: "blink-kb build". */
    if (strchr(commands[0].name, ' ') && n > 1)
        complete_subcommand(commands, n, words, n_words);
    else
        complete_command(commands, words, n_words);
}

/* ---- Scripts ---- */

/* "blink-kb" -> "blink_kb", for the name of a shell function. */
static char *identifier(const char *program)
{
    char *name = bl_xstrdup(program);

    for (char *p = name; *p; p++)
        if (*p == '-')
            *p = '_';
    return name;
}

static const char bash[] =
    "# bash completion for %1$s\n"
    "_%2$s() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} word about\n"
    "    [ \"$cur\" != = ] || cur=''\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r word about; do\n"
    "        if [ \"$word\" = :files ]; then\n"
    "            while read -r word; do\n"
    "                COMPREPLY+=(\"$word\")\n"
    "            done < <(compgen -f -- \"$cur\")\n"
    "        else\n"
    "            COMPREPLY+=(\"$word\")\n"
    "        fi\n"
    "    done < <(\"${COMP_WORDS[0]/#\\~/$HOME}\" --complete \\\n"
    "        \"${COMP_WORDS[@]:1:COMP_CWORD}\" 2>/dev/null)\n"
    "}\n"
    "complete -o filenames -F _%2$s %1$s\n";

/* The function completes when the file is autoloaded, which runs it at once,
 * and registers itself when it is sourced. */
static const char zsh[] =
    "#compdef %1$s\n"
    "_%2$s() {\n"
    "    local line files=''\n"
    "    local -a offers\n"
    "    while IFS= read -r line; do\n"
    "        if [[ $line == :files ]]; then\n"
    "            files=yes\n"
    "        elif [[ $line == *$'\\t'* ]]; then\n"
    "            offers+=(\"${${line%%%%$'\\t'*}//:/\\\\:}:"
    "${line#*$'\\t'}\")\n"
    "        else\n"
    "            offers+=(\"${line//:/\\\\:}\")\n"
    "        fi\n"
    "    done < <(\"${words[1]/#\\~/$HOME}\" --complete \\\n"
    "        \"${(@)words[2,CURRENT]}\" 2>/dev/null)\n"
    "    if (( $#offers )); then _describe '%1$s' offers; fi\n"
    "    if [[ -n $files ]]; then\n"
    "        [[ ${words[CURRENT]} != --*=* ]] || compset -P '*='\n"
    "        _files\n"
    "    fi\n"
    "}\n"
    "if [[ ${funcstack[1]-} == _%2$s ]]; then\n"
    "    _%2$s \"$@\"\n"
    "else\n"
    "    compdef _%2$s %1$s\n"
    "fi\n";

static const char fish[] =
    "# fish completion for %1$s\n"
    "function __%2$s_complete\n"
    "    set -l words (commandline -opc)\n"
    "    set -l typed (commandline -ct)\n"
    "    set -l program (string replace -r '^~' $HOME -- $words[1])\n"
    "    $program --complete $words[2..-1] \"$typed\" 2>/dev/null |\n"
    "        while read -l line\n"
    "            if test \"$line\" = :files\n"
    "                __fish_complete_path \"$typed\"\n"
    "            else\n"
    "                printf '%%s\\n' $line\n"
    "            end\n"
    "        end\n"
    "end\n"
    "complete -c %1$s -f -a '(__%2$s_complete)'\n";

void bl_opts_print_completion(const char *program, const char *shell)
{
    char *name = identifier(program);

    if (!shell || !strcmp(shell, "bash"))
        printf(bash, program, name);
    else if (!strcmp(shell, "zsh"))
        printf(zsh, program, name);
    else if (!strcmp(shell, "fish"))
        printf(fish, program, name);
    else
        bl_die_usage("option '--completion': expected one of bash|zsh|fish, "
                     "found '%s'", shell);
    free(name);
}
