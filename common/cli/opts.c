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
#include "base/mem.h"
#include "base/nearest.h"
#include "base/utf8.h"
#include "cli/opts-complete.h"
#include "cli/opts-help.h"
#include "cli/prog.h"
#include "json/json.h"

struct parser {
    const struct bl_command *cmd;
    int argc, next;             /* argv[next] is the next word */
    char **argv;
    struct bl_args args;
};

/* ---- Values ---- */

/* Decimal digits and an optional K, M or G. */
static bool parse_size(const char *text, size_t *out)
{
    static const char units[] = "KMG";
    const char *p = text, *unit;
    size_t size = 0;

    for (; *p >= '0' && *p <= '9'; p++)
        if (!bl_size_mul(size, 10, &size)
            || !bl_size_add(size, (size_t)(*p - '0'), &size))
            return false;
    if (p == text)
        return false;
    unit = *p ? strchr(units, *p) : NULL;
    if (unit) {
        if (!bl_size_mul(size, (size_t)1 << 10 * (unit - units + 1), &size))
            return false;
        p++;
    }
    *out = size;
    return *p == '\0';
}

/* JSON's grammar of numbers (no white space, no hex, no "inf"), but ".5", as
 * people write probabilities, is 0.5. */
static bool parse_double(const char *text, double *out)
{
    struct bl_buf number = BL_BUF_INIT;
    struct bl_span value;
    struct bl_err err;
    bool ok;

    bl_buf_printf(&number, "%s%s", *text == '.' ? "0" : "", text);
    value = (struct bl_span){ number.data, number.len };
    ok = bl_json_check(value.p, value.n, &err) == 0
        && bl_json_type(value) == BL_JSON_NUMBER
        && !strpbrk(text, " \t\r\n")
        && bl_json_number(value, out, &err) == 0;
    bl_buf_free(&number);
    return ok;
}

static _Noreturn void bad_number(const struct bl_opt *opt, const char *value)
{
    struct bl_buf range = BL_BUF_INIT;

    bl_json_put_double(&range, opt->lo, 15);
    bl_buf_puts(&range, " to ");
    bl_json_put_double(&range, opt->hi, 15);
    bl_die_usage("option '--%s': expected a number from %s, found '%s'",
                 opt->name, range.data, value);
}

static int find_choice(const struct bl_opt *opt, const char *value)
{
    size_t n = strlen(value);
    int i = 0;

    for (const char *p = opt->arg; ; i++) {
        size_t len = strcspn(p, "|");

        if (len == n && !memcmp(p, value, n))
            return i;
        if (p[len] == '\0')
            break;
        p += len + 1;
    }
    bl_die_usage("option '--%s': expected one of %s, found '%s'", opt->name,
                 opt->arg, value);
}

static void add_string(struct bl_strings *list, const char *value)
{
    list->v = bl_xrealloc(list->v, list->n + 1, sizeof *list->v);
    list->v[list->n++] = value;
}

/* Ends the program unless a text is UTF-8; `who` says whose it is. */
__attribute__((format(printf, 2, 3)))
static void need_utf8(const char *text, const char *who, ...)
{
    size_t n = strlen(text), good = bl_utf8_valid(text, n);
    struct bl_buf shown = BL_BUF_INIT;
    char *subject = NULL;
    va_list ap;

    if (good == n)
        return;
    va_start(ap, who);
    if (vasprintf(&subject, who, ap) < 0)
        bl_oom(0);
    va_end(ap);
    bl_utf8_repair(&shown, text, bl_utf8_cut(text, n, 60));
    bl_die_usage("%s: expected text in UTF-8, found '%s', of which byte %zu "
                 "is not", subject, shown.data, good + 1);
}

/* An empty string is mostly a shell's variable that was not set, so it is
 * refused rather than taken for a name. */
static void store(const struct bl_opt *opt, const char *value)
{
    size_t size;
    double number;

    switch (opt->kind) {
    case BL_OPT_SIZE_:
        if (!parse_size(value, &size)
            || (double)size < opt->lo || (double)size > opt->hi)
            bad_number(opt, value);
        *(size_t *)opt->dest = size;
        break;
    case BL_OPT_DOUBLE_:
        if (!parse_double(value, &number) || number < opt->lo
            || number > opt->hi)
            bad_number(opt, value);
        *(double *)opt->dest = number;
        break;
    case BL_OPT_CHOICE_:
        *(int *)opt->dest = find_choice(opt, value);
        break;
    case BL_OPT_TEXT_:
        need_utf8(value, "option '--%s'", opt->name);
        *(const char **)opt->dest = value;
        break;
    case BL_OPT_STR_:
    case BL_OPT_LIST_:
        if (!*value)
            bl_die_usage("option '--%s': expected %s, found nothing",
                         opt->name, opt->arg);
        if (opt->kind == BL_OPT_STR_)
            *(const char **)opt->dest = value;
        else
            add_string(opt->dest, value);
        break;
    default:
        BL_BUG("option kind");
    }
}

/* ---- Words that are not known ---- */

static void try_names(struct bl_nearest *nearest, const struct bl_opt *opt)
{
    for (; opt && opt->kind != BL_OPT_END_; opt++) {
        if (opt->kind != BL_OPT_GROUP_)
            bl_nearest_try(nearest, opt->name);
        if (opt->alias)
            bl_nearest_try(nearest, opt->alias);
    }
}

static _Noreturn void unknown_option(const struct parser *parser,
                                     const char *word, size_t n)
{
    char *name = bl_xasprintf("%.*s", (int)n, word);
    struct bl_nearest nearest = { .word = name };

    try_names(&nearest, parser->cmd->opts);
    try_names(&nearest, bl_opts_general);
    if (*nearest.best)
        bl_die_usage("unknown option '--%s'; did you mean --%s?", name,
                     nearest.best);
    bl_die_usage("unknown option '--%s'", name);
}

static const struct bl_opt *find_option(const struct parser *parser,
                                        int letter, const char *name,
                                        size_t n);

/* "-fast": letters, of which one is not known, but a long name. */
static _Noreturn void unknown_letter(const struct parser *parser,
                                     const char *word, char letter)
{
    size_t n = strcspn(word, "=");

    if (n > 1 && find_option(parser, 0, word, n))
        bl_die_usage("unknown option '-%c'; did you mean --%.*s?", letter,
                     (int)n, word);
    bl_die_usage("unknown option '-%c'", letter);
}

static _Noreturn void unknown_command(const struct bl_command *commands,
                                      size_t n, const char *word)
{
    struct bl_nearest nearest = { .word = word };

    for (size_t i = 0; i < n; i++)
        bl_nearest_try(&nearest, bl_opts_subname(&commands[i]));
    if (*nearest.best)
        bl_die_usage("unknown command '%s'; did you mean '%s'?", word,
                     nearest.best);
    bl_die_usage("unknown command '%s'", word);
}

/* ---- Words of the command line ---- */

static void general(const struct parser *parser, int letter)
{
    switch (letter) {
    case 'h':
        bl_opts_print_help(parser->cmd);
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

/* Until the program ends: a command line is parsed once. */
static struct { const void **v; size_t n, cap; } given;

bool bl_opts_given(const void *dest)
{
    for (size_t i = 0; i < given.n; i++)
        if (given.v[i] == dest)
            return true;
    return false;
}

static void apply(struct parser *parser, const struct bl_opt *opt,
                  const char *value)
{
    if (!opt->dest) {
        general(parser, opt->letter);
        return;
    }
    BL_GROW(given.v, given.n + 1, given.cap);
    given.v[given.n++] = opt->dest;
    if (opt->kind == BL_OPT_FLAG_) {
        *(bool *)opt->dest = true;
        return;
    }
    if (!value && parser->next < parser->argc)
        value = parser->argv[parser->next++];
    if (!value)
        bl_die_usage("option '--%s': expected %s, found nothing", opt->name,
                     opt->arg);
    store(opt, value);
}

static bool is_name(const char *own, const char *name, size_t n)
{
    return own && strlen(own) == n && !memcmp(own, name, n);
}

static const struct bl_opt *find_in(const struct bl_opt *opt, int letter,
                                    const char *name, size_t n)
{
    for (; opt && opt->kind != BL_OPT_END_; opt++) {
        if (opt->kind == BL_OPT_GROUP_)
            continue;
        if (name ? is_name(opt->name, name, n) || is_name(opt->alias, name, n)
                 : opt->letter == letter)
            return opt;
    }
    return NULL;
}

static const struct bl_opt *find_option(const struct parser *parser,
                                        int letter, const char *name, size_t n)
{
    const struct bl_opt *opt = find_in(parser->cmd->opts, letter, name, n);

    return opt ? opt : find_in(bl_opts_general, letter, name, n);
}

static void long_option(struct parser *parser, const char *word)
{
    size_t n = strcspn(word, "=");
    const struct bl_opt *opt = find_option(parser, 0, word, n);
    const char *value = word[n] ? word + n + 1 : NULL;

    if (!opt && is_name("completion", word, n)) {
        if (!value && parser->next < parser->argc)
            value = parser->argv[parser->next];
        bl_opts_print_completion(bl_prog_name(), value);
        exit(bl_prog_finish(0));
    }
    if (!opt)
        unknown_option(parser, word, n);
    if (value && opt->kind == BL_OPT_FLAG_)
        bl_die_usage("option '--%s' takes no value", opt->name);
    apply(parser, opt, value);
}

/* "-vk10": flags until one takes the rest as its value. */
static void short_options(struct parser *parser, const char *word)
{
    const struct bl_opt *opt;
    const char *whole = word;

    for (; *word; word++) {
        opt = find_option(parser, *word, NULL, 0);
        if (!opt)
            unknown_letter(parser, whole, *word);
        if (opt->kind != BL_OPT_FLAG_) {
            apply(parser, opt, word[1] ? word + 1 : NULL);
            return;
        }
        apply(parser, opt, NULL);
    }
}

static void operand(struct parser *parser, char *word)
{
    if (parser->args.n == parser->cmd->max_args)
        bl_die_usage("unexpected argument '%s'", word);
    parser->args.v[parser->args.n++] = word;
}

/* Operands are gathered at the front of argv: nothing to free. */
struct bl_args bl_opts_parse(const struct bl_command *cmd, int argc,
                             char **argv)
{
    struct parser parser = {
        .cmd = cmd, .argc = argc, .next = 1, .argv = argv
    };
    bool only_operands = false;

    if (argc > 1 && !strcmp(argv[1], "--complete")) {
        bl_opts_complete(cmd, 1, argv + 2, (size_t)argc - 2);
        exit(bl_prog_finish(0));
    }
    bl_prog_help(cmd->name);
    parser.args.v = argv + 1;
    while (parser.next < argc) {
        char *word = argv[parser.next++];

        if (only_operands || word[0] != '-' || word[1] == '\0')
            operand(&parser, word);
        else if (!strcmp(word, "--"))
            only_operands = true;
        else if (word[1] == '-')
            long_option(&parser, word + 2);
        else
            short_options(&parser, word + 1);
    }
    if (parser.args.n < cmd->min_args)
        bl_die_usage("expected %zu argument%s (%s), found %zu",
                     cmd->min_args, cmd->min_args == 1 ? "" : "s",
                     cmd->synopsis, parser.args.n);
    return parser.args;
}

void bl_opts_need_utf8(struct bl_args args)
{
    for (size_t i = 0; i < args.n; i++)
        need_utf8(args.v[i], "argument %zu", i + 1);
}

/* What is no command may be one of the options that ask for no work. */
size_t bl_opts_subcommand(const char *program, const char *brief,
                          const struct bl_command *commands, size_t n,
                          int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    for (size_t i = 0; i < n; i++)
        if (!strcmp(word, bl_opts_subname(&commands[i])))
            return i;
    if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
        bl_opts_print_commands(program, brief, commands, n);
    } else if (!strcmp(word, "--version") || !strcmp(word, "-V")) {
        printf("%s %s\n", program, PACKAGE_VERSION);
    } else if (!strcmp(word, "--complete")) {
        bl_opts_complete(commands, n, argv + 2, (size_t)argc - 2);
    } else if (!strncmp(word, "--completion", 12)) {
        bl_opts_print_completion(program, word[12] == '=' ? word + 13
                                 : argc > 2 ? argv[2] : NULL);
    } else {
        if (!*word)
            bl_die_usage("expected a command");
        unknown_command(commands, n, word);
    }
    exit(bl_prog_finish(0));
}
