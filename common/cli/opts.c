/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "cli/opts.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "json/json.h"
#include "base/mem.h"
#include "cli/opts-help.h"
#include "cli/prog.h"

struct parser {
    const struct bl_command *cmd;
    int argc, next;             /* argv[next] is the next word */
    char **argv;
    struct bl_args args;
};

/* ---- Values ---- */

/* Decimal digits and an optional K, M or G. */
static bool parse_size(const char *s, size_t *out)
{
    static const char units[] = "KMG";
    const char *p = s, *unit;
    size_t v = 0;

    for (; *p >= '0' && *p <= '9'; p++)
        if (!bl_size_mul(v, 10, &v)
            || !bl_size_add(v, (size_t)(*p - '0'), &v))
            return false;
    if (p == s)
        return false;
    unit = *p ? strchr(units, *p) : NULL;
    if (unit) {
        if (!bl_size_mul(v, (size_t)1 << 10 * (unit - units + 1), &v))
            return false;
        p++;
    }
    *out = v;
    return *p == '\0';
}

static bool parse_double(const char *s, double *out)
{
    struct bl_err err;
    struct bl_span v = bl_span_of(s);

    /* JSON's grammar of numbers: no white space, no hex, no "inf". */
    if (bl_json_check(v.p, v.n, &err) < 0
        || bl_json_type(v) != BL_JSON_NUMBER || strpbrk(s, " \t\r\n"))
        return false;
    return bl_json_number(v, out, &err) == 0;
}

static _Noreturn void bad_number(const struct bl_opt *o, const char *value)
{
    struct bl_buf b = BL_BUF_INIT;

    bl_json_put_double(&b, o->lo, 15);
    bl_buf_puts(&b, " to ");
    bl_json_put_double(&b, o->hi, 15);
    bl_die_usage("option '--%s': expected a number from %s, found '%s'",
                 o->name, b.data, value);
}

static int find_choice(const struct bl_opt *o, const char *value)
{
    size_t n = strlen(value);
    int i = 0;

    for (const char *p = o->arg; ; i++) {
        size_t len = strcspn(p, "|");

        if (len == n && !memcmp(p, value, n))
            return i;
        if (p[len] == '\0')
            break;
        p += len + 1;
    }
    bl_die_usage("option '--%s': expected one of %s, found '%s'", o->name,
                 o->arg, value);
}

static void add_string(struct bl_strings *list, const char *value)
{
    list->v = bl_xrealloc(list->v, list->n + 1, sizeof *list->v);
    list->v[list->n++] = value;
}

static void store(const struct bl_opt *o, const char *value)
{
    size_t size;
    double d;

    switch (o->kind) {
    case BL_OPT_SIZE_:
        if (!parse_size(value, &size)
            || (double)size < o->lo || (double)size > o->hi)
            bad_number(o, value);
        *(size_t *)o->dest = size;
        break;
    case BL_OPT_DOUBLE_:
        if (!parse_double(value, &d) || d < o->lo || d > o->hi)
            bad_number(o, value);
        *(double *)o->dest = d;
        break;
    case BL_OPT_CHOICE_:
        *(int *)o->dest = find_choice(o, value);
        break;
    case BL_OPT_STR_:
    case BL_OPT_LIST_:
        if (!*value)
            bl_die_usage("option '--%s': expected %s, found nothing",
                         o->name, o->arg);
        if (o->kind == BL_OPT_STR_)
            *(const char **)o->dest = value;
        else
            add_string(o->dest, value);
        break;
    default:
        BL_BUG("option kind");
    }
}

/* ---- Words of the command line ---- */

static void general(const struct parser *p, int letter)
{
    switch (letter) {
    case 'h':
        bl_opts_print_help(p->cmd);
        exit(bl_prog_finish(0));
    case 'V':
        printf("%s %s\n", bl_prog_name(), PACKAGE_VERSION);
        exit(bl_prog_finish(0));
    case 'v':
        bl_verbosity++;
        break;
    default:
        bl_verbosity--;
        break;
    }
}

static void apply(struct parser *p, const struct bl_opt *o,
                  const char *value)
{
    if (!o->dest) {
        general(p, o->letter);
        return;
    }
    if (o->kind == BL_OPT_FLAG_) {
        *(bool *)o->dest = true;
        return;
    }
    if (!value && p->next < p->argc)
        value = p->argv[p->next++];
    if (!value)
        bl_die_usage("option '--%s': expected %s, found nothing", o->name,
                     o->arg);
    store(o, value);
}

static bool is_name(const char *own, const char *name, size_t n)
{
    return own && strlen(own) == n && !memcmp(own, name, n);
}

static const struct bl_opt *find_in(const struct bl_opt *o, int letter,
                                    const char *name, size_t n)
{
    for (; o && o->kind != BL_OPT_END_; o++) {
        if (o->kind == BL_OPT_GROUP_)
            continue;
        if (name ? is_name(o->name, name, n) || is_name(o->alias, name, n)
                 : o->letter == letter)
            return o;
    }
    return NULL;
}

static const struct bl_opt *find_option(const struct parser *p, int letter,
                                        const char *name, size_t n)
{
    const struct bl_opt *o = find_in(p->cmd->opts, letter, name, n);

    return o ? o : find_in(bl_opts_general, letter, name, n);
}

static void long_option(struct parser *p, const char *word)
{
    size_t n = strcspn(word, "=");
    const struct bl_opt *o = find_option(p, 0, word, n);
    const char *value = word[n] ? word + n + 1 : NULL;

    if (!o && !strcmp(word, "completion")) {
        bl_opts_print_completion(bl_prog_name(), p->cmd, 1);
        exit(bl_prog_finish(0));
    }
    if (!o)
        bl_die_usage("unknown option '--%.*s'", (int)n, word);
    if (value && o->kind == BL_OPT_FLAG_)
        bl_die_usage("option '--%s' takes no value", o->name);
    apply(p, o, value);
}

/* "-vk10": flags until one takes the rest as its value. */
static void short_options(struct parser *p, const char *word)
{
    const struct bl_opt *o;

    for (; *word; word++) {
        o = find_option(p, *word, NULL, 0);
        if (!o)
            bl_die_usage("unknown option '-%c'", *word);
        if (o->kind != BL_OPT_FLAG_) {
            apply(p, o, word[1] ? word + 1 : NULL);
            return;
        }
        apply(p, o, NULL);
    }
}

static void operand(struct parser *p, char *word)
{
    if (p->args.n == p->cmd->max_args)
        bl_die_usage("unexpected argument '%s'", word);
    p->args.v[p->args.n++] = word;
}

struct bl_args bl_opts_parse(const struct bl_command *cmd, int argc,
                             char **argv)
{
    struct parser p = { .cmd = cmd, .argc = argc, .next = 1, .argv = argv };
    bool only_operands = false;

    /* Operands are gathered at the front of argv: nothing to free. */
    p.args.v = argv + 1;
    while (p.next < argc) {
        char *word = argv[p.next++];

        if (only_operands || word[0] != '-' || word[1] == '\0')
            operand(&p, word);
        else if (!strcmp(word, "--"))
            only_operands = true;
        else if (word[1] == '-')
            long_option(&p, word + 2);
        else
            short_options(&p, word + 1);
    }
    if (p.args.n < cmd->min_args)
        bl_die_usage("expected %zu argument%s (%s), found %zu",
                     cmd->min_args, cmd->min_args == 1 ? "" : "s",
                     cmd->synopsis, p.args.n);
    return p.args;
}

size_t bl_opts_subcommand(const char *program, const char *brief,
                          const struct bl_command *commands, size_t n,
                          int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    for (size_t i = 0; i < n; i++)
        if (!strcmp(word, strrchr(commands[i].name, ' ') + 1))
            return i;
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        bl_opts_print_commands(program, brief, commands, n);
    } else if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        printf("%s %s\n", program, PACKAGE_VERSION);
    } else if (!strcmp(word, "--completion")) {
        bl_opts_print_completion(program, commands, n);
    } else {
        if (!*word)
            bl_die_usage("expected a command");
        bl_die_usage("unknown command '%s'", word);
    }
    exit(bl_prog_finish(0));
}
