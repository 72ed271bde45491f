/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/opts-help.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "json/json.h"

enum { HELP_COLUMN = 28 };

const struct bl_opt bl_opts_general[] = {
    BL_OPT_GROUP("General"),
    BL_OPT_FLAG('v', "verbose", NULL, "say what is being done"),
    BL_OPT_FLAG('q', "quiet", NULL, "no progress"),
    BL_OPT_FLAG('h', "help", NULL, "print this and exit"),
    BL_OPT_FLAG('V', "version", NULL, "print the version and exit"),
    BL_OPTS_END
};

static void put_size(struct bl_buf *out, size_t size)
{
    static const char units[] = "KMG";
    int unit = -1;

    while (size >= 1024 && size % 1024 == 0 && unit < 2) {
        size /= 1024;
        unit++;
    }
    bl_buf_printf(out, "%zu", size);
    if (unit >= 0)
        bl_buf_putc(out, units[unit]);
}

/* The word number i of "a|b|c". */
static struct bl_span choice(const char *arg, int i)
{
    const char *end;

    while (i-- > 0)
        arg = strchr(arg, '|') + 1;
    end = strchrnul(arg, '|');
    return (struct bl_span){ arg, (size_t)(end - arg) };
}

static void put_default(struct bl_buf *out, const struct bl_opt *opt)
{
    struct bl_buf text = BL_BUF_INIT;

    if ((opt->kind == BL_OPT_STR_ || opt->kind == BL_OPT_TEXT_)
        && *(const char **)opt->dest)
        bl_buf_puts(&text, *(const char **)opt->dest);
    else if (opt->kind == BL_OPT_SIZE_)
        put_size(&text, *(size_t *)opt->dest);
    else if (opt->kind == BL_OPT_DOUBLE_ && !isnan(*(double *)opt->dest))
        bl_json_put_double(&text, *(double *)opt->dest, 6);
    else if (opt->kind == BL_OPT_CHOICE_)
        bl_buf_put_span(&text, choice(opt->arg, *(int *)opt->dest));
    if (text.len > 0)
        bl_buf_printf(out, " [%s]", text.data);
    bl_buf_free(&text);
}

/* Where the option is wider than its column, the explanation stands on the
 * next line, so that all explanations begin in one column. */
static void print_option(const struct bl_opt *opt)
{
    struct bl_buf left = BL_BUF_INIT, right = BL_BUF_INIT;

    if (opt->kind == BL_OPT_GROUP_) {
        printf("\n%s:\n", opt->help);
        return;
    }
    if (opt->letter)
        bl_buf_printf(&left, "  -%c, --%s", opt->letter, opt->name);
    else
        bl_buf_printf(&left, "      --%s", opt->name);
    if (opt->alias)
        bl_buf_printf(&left, ", --%s", opt->alias);
    if (opt->arg)
        bl_buf_printf(&left, " %s", opt->arg);
    bl_buf_puts(&right, opt->help);
    if (opt->dest)
        put_default(&right, opt);
    if (left.len >= HELP_COLUMN)
        printf("%s\n%*s%s\n", left.data, HELP_COLUMN, "", right.data);
    else
        printf("%-*s%s\n", HELP_COLUMN, left.data, right.data);
    bl_buf_free(&left);
    bl_buf_free(&right);
}

static void print_table(const struct bl_opt *opt)
{
    if (opt && opt->kind != BL_OPT_GROUP_ && opt->kind != BL_OPT_END_)
        printf("\nOptions:\n");
    for (; opt && opt->kind != BL_OPT_END_; opt++)
        print_option(opt);
}

void bl_opts_print_help(const struct bl_command *cmd)
{
    printf("Usage: %s [OPTION...]%s%s\n%s.\n", cmd->name,
           cmd->synopsis && *cmd->synopsis ? " " : "",
           cmd->synopsis ? cmd->synopsis : "", cmd->brief);
    print_table(cmd->opts);
    print_table(bl_opts_general);
}

static const char *subname(const struct bl_command *command)
{
    const char *space = strrchr(command->name, ' ');

    return space ? space + 1 : command->name;
}

void bl_opts_print_commands(const char *program, const char *brief,
                            const struct bl_command *commands, size_t n)
{
    size_t width = 10;

    for (size_t i = 0; i < n; i++)
        width = BL_MAX(width, strlen(subname(&commands[i])));
    printf("Usage: %s COMMAND [OPTION...] [ARGUMENT...]\n%s.\n\nCommands:\n",
           program, brief);
    for (size_t i = 0; i < n; i++)
        printf("  %-*s %s\n", (int)width, subname(&commands[i]),
               commands[i].brief);
    printf("\n'%s COMMAND --help' explains a command.\n", program);
}

/* ---- bash ---- */

static void print_words(const struct bl_opt *opt)
{
    for (; opt && opt->kind != BL_OPT_END_; opt++) {
        if (opt->kind != BL_OPT_GROUP_)
            printf(" --%s", opt->name);
        if (opt->alias)
            printf(" --%s", opt->alias);
    }
}

static void print_choices(const struct bl_opt *opt)
{
    for (; opt && opt->kind != BL_OPT_END_; opt++) {
        if (opt->kind != BL_OPT_CHOICE_)
            continue;
        printf("    --%s) COMPREPLY=($(compgen -W '", opt->name);
        for (const char *p = opt->arg; *p; p++)
            putchar(*p == '|' ? ' ' : *p);
        printf("' -- \"$cur\")); return ;;\n");
    }
}

/* "blink-kb" -> "blink_kb", for the name of a shell function. */
static void print_identifier(const char *program)
{
    for (; *program; program++)
        putchar(*program == '-' ? '_' : *program);
}

/* The options of the driver's first command do without its name: blink -i. */
static void print_command_words(const struct bl_command *commands, size_t n,
                                bool driver)
{
    printf("    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; i < n; i++) {
        printf("    %s%s) words='", subname(&commands[i]),
               i == 0 && driver ? "|-*" : "");
        print_words(commands[i].opts);
        print_words(bl_opts_general);
        printf("' ;;\n");
    }
    printf("    *) words='--help --version' ;;\n    esac\n"
           "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        words=\"$words");
    for (size_t i = 0; i < n; i++)
        printf(" %s", subname(&commands[i]));
    printf("\"\n        COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")); "
           "return\n    fi\n");
}

/* A command's name has a blank where the program has commands.  Of these
 * programs the driver alone has no dash in its name. */
void bl_opts_print_completion(const char *program,
                              const struct bl_command *commands, size_t n)
{
    bool sub = strchr(commands[0].name, ' ') != NULL;

    printf("# bash completion for %s\n_", program);
    print_identifier(program);
    printf("() {\n    local cur=${COMP_WORDS[COMP_CWORD]} words\n"
           "    local prev=${COMP_WORDS[COMP_CWORD-1]}\n"
           "    case $prev in\n");
    for (size_t i = 0; i < n; i++)
        print_choices(commands[i].opts);
    printf("    esac\n");
    if (sub) {
        print_command_words(commands, n, !strchr(program, '-'));
    } else {
        printf("    words='");
        print_words(commands[0].opts);
        print_words(bl_opts_general);
        printf("'\n");
    }
    printf("    case $cur in\n"
           "    -*) COMPREPLY=($(compgen -W \"$words\" -- \"$cur\")) ;;\n"
           "    *) COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n"
           "    esac\n}\ncomplete -o filenames -F _");
    print_identifier(program);
    printf(" %s\n", program);
}
