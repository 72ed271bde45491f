/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/opts-help.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "json/json.h"

enum { HELP_COLUMN = 28, HELP_WIDTH = 79 };

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

/* Stands for a blank at which a line is not broken. */
enum { TIE = 0x1F };

/* Ties "-o" to its "MODEL". */
static void tie(char *synopsis)
{
    for (char *p = synopsis; *p; p++) {
        size_t n = strcspn(p, " ");
        bool takes = (p[0] == '-' || (p[0] == '[' && p[1] == '-'))
            && p[n] && p[n - 1] != ']' && p[n + 1] != '[';

        p += n;
        if (!*p)
            break;
        if (takes)
            *p = TIE;
    }
}

static void put_words(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        putchar(text[i] == TIE ? ' ' : text[i]);
}

/* Prints words that continue a line of `used` columns, broken where the next
 * word would not fit; further lines begin in that column. */
static void print_wrapped(const char *text, size_t used, size_t column)
{
    size_t at = used;

    while (*text) {
        size_t n = strcspn(text, " ");

        if (at > used && at + 1 + n > HELP_WIDTH) {
            printf("\n%*s", (int)column, "");
            at = used = column;
        } else if (at > used) {
            putchar(' ');
            at++;
        }
        put_words(text, n);
        at += n;
        text += n + (text[n] == ' ');
    }
    putchar('\n');
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
        printf("%s\n%*s", left.data, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left.data);
    print_wrapped(right.data, HELP_COLUMN, HELP_COLUMN);
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
    size_t used = strlen("Usage: ") + strlen(cmd->name) + 1;
    struct bl_buf line = BL_BUF_INIT;

    printf("Usage: %s ", cmd->name);
    bl_buf_printf(&line, "[OPTION...]%s%s",
                  cmd->synopsis && *cmd->synopsis ? " " : "",
                  cmd->synopsis ? cmd->synopsis : "");
    tie(line.data);
    print_wrapped(line.data, used, used);
    bl_buf_clear(&line);
    bl_buf_printf(&line, "%s.", cmd->brief);
    print_wrapped(line.data, 0, 0);
    bl_buf_free(&line);
    print_table(cmd->opts);
    print_table(bl_opts_general);
}

const char *bl_opts_subname(const struct bl_command *command)
{
    const char *space = strrchr(command->name, ' ');

    return space ? space + 1 : command->name;
}

/* Those that are commands of this program, or those that stand for others. */
static void print_briefs(const struct bl_command *commands, size_t n,
                         bool others)
{
    size_t width = 10;

    for (size_t i = 0; i < n; i++)
        width = BL_MAX(width, strlen(bl_opts_subname(&commands[i])));
    for (size_t i = 0; i < n; i++) {
        if (others != !commands[i].synopsis)
            continue;
        printf("  %-*s ", (int)width, bl_opts_subname(&commands[i]));
        print_wrapped(commands[i].brief, width + 3, width + 3);
    }
}

/* Commands that stand for other programs have a list of their own. */
void bl_opts_print_commands(const char *program, const char *brief,
                            const struct bl_command *commands, size_t n)
{
    bool others = false;
    char *sentence = bl_xasprintf("%s.", brief);

    for (size_t i = 0; i < n; i++)
        others |= !commands[i].synopsis;
    printf("Usage: %s COMMAND [OPTION...] [ARGUMENT...]\n", program);
    print_wrapped(sentence, 0, 0);
    free(sentence);
    printf("\nCommands:\n");
    print_briefs(commands, n, false);
    if (others)
        printf("\nPrograms (%s NAME is %s-NAME):\n", program, program);
    if (others)
        print_briefs(commands, n, true);
    printf("\n'%s COMMAND --help' explains a command.\n", program);
    if (others)
        printf("'%s help' and a command or program shows its manual page; "
               "%s(7) is\nthe tour of all of them.\n", program, program);
}
