/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "json/json.h"
#include "kb/kb-fields.h"

/* Each name is compared with all before it. */
enum { MOST_COLUMNS = 4096 };

struct column {
    char *name;
    enum bl_kb_field kind;
    unsigned rank;
    bool told;                  /* UNKNOWN: has been in `unused` */
};

struct bl_kb_table {
    struct bl_csv *csv;
    struct column *columns;     /* [n_columns] */
    size_t n_columns;
    size_t n_needed;            /* up to the last that has a name */
    size_t line;                /* of the names */
    bool part;                  /* of entities that there are */
    size_t single[BL_KB_UNKNOWN];   /* 1 + the column of that kind; 0: none */
};

/* ---- What kind of table ---- */

/* The first line of the input, without byte order mark and blank lines. */
static struct bl_span first_line(struct bl_span head)
{
    size_t n = 0;

    if (head.n >= 3 && !memcmp(head.p, "\xef\xbb\xbf", 3))
        head = (struct bl_span){ head.p + 3, head.n - 3 };
    while (head.n && (*head.p == '\n' || *head.p == '\r')) {
        head.p++;
        head.n--;
    }
    while (n < head.n && head.p[n] != '\n' && head.p[n] != '\r')
        n++;
    return (struct bl_span){ head.p, n };
}

static bool says_separator(struct bl_span line)
{
    return line.n == 5 && !strncasecmp(line.p, "sep=", 4);
}

/* The names that we know among the fields of the line; at least as many as
 * there are fields, times two, so that names count before fields. */
static size_t rate(struct bl_span line, char separator, bool *titled)
{
    size_t known = 0, fields = 0;
    unsigned rank;

    *titled = false;
    while (line.n || !fields) {
        const char *end = line.n ? memchr(line.p, separator, line.n) : NULL;
        struct bl_span name = { line.p, end ? (size_t)(end - line.p)
                                            : line.n };
        size_t used = name.n + (end != NULL);
        enum bl_kb_field kind;

        line = (struct bl_span){ line.p + used, line.n - used };
        name = bl_json_trim(name);
        if (name.n >= 2 && name.p[0] == '"')
            name = (struct bl_span){ name.p + 1, name.n - 2 };
        kind = bl_kb_field_of(name, &rank);
        known += kind != BL_KB_UNKNOWN;
        *titled |= kind == BL_KB_NAME;
        fields++;
    }
    return (known << 32) + fields;
}

/* Of two that rate the same the first of the list is taken. */
char bl_kb_table_separator(struct bl_span head, bool *titled)
{
    static const char separators[] = ",;\t|";
    struct bl_span line = first_line(head);
    size_t best = 0;
    char found = ',';

    if (says_separator(line)) {
        size_t skip = (size_t)(line.p + line.n - head.p);

        found = line.p[4];
        line = first_line((struct bl_span){ head.p + skip, head.n - skip });
        rate(line, found, titled);
        return found;
    }
    *titled = false;
    for (const char *s = separators; *s; s++) {
        bool here;
        size_t rating = rate(line, *s, &here);

        if (rating > best) {
            best = rating;
            found = *s;
            *titled = here;
        }
    }
    return found;
}

/* ---- The names of the columns ---- */

static bool is_empty(const struct bl_csv_row *row, size_t from)
{
    for (size_t i = from; i < row->n; i++)
        if (bl_json_trim(row->fields[i]).n)
            return false;
    return true;
}

/* The next row that holds anything: 1, 0 at the end, -1. */
static int next_row(struct bl_csv *csv, struct bl_csv_row *row,
                    struct bl_err *err)
{
    for (;;) {
        enum bl_csv_status status = bl_csv_next(csv, row, err);

        if (status == BL_CSV_END)
            return 0;
        if (status != BL_CSV_ROW)
            return -1;
        if (!is_empty(row, 0))
            return 1;
    }
}

/* Of two columns of one kind the one with the better name is that of the
 * kind; the other is not stored, of which BLINK's are not spoken. */
static void choose(struct bl_kb_table *table, size_t place)
{
    struct column *column = &table->columns[place], *old;
    size_t *single = &table->single[column->kind];

    if (column->kind == BL_KB_UNKNOWN || column->kind == BL_KB_ALIASES)
        return;
    if (!*single) {
        *single = place + 1;
        return;
    }
    old = &table->columns[*single - 1];
    if (column->rank < old->rank) {
        *single = place + 1;
        column = old;
    }
    column->kind = BL_KB_UNKNOWN;
    column->told = bl_kb_rank_is_blinks(column->rank);
}

/* A trailing column without a name is what spreadsheets leave of cells that
 * were once used: rows need not have it. */
static int add_columns(struct bl_kb_table *table, const struct bl_csv_row *row,
                       struct bl_err *err)
{
    if (row->n > MOST_COLUMNS)
        return bl_fail(err, BL_DATA, "expected %d columns at most, found %zu",
                       MOST_COLUMNS, row->n);
    table->columns = BL_NEW_ARRAY(struct column, row->n);
    for (; table->n_columns < row->n; table->n_columns++) {
        size_t i = table->n_columns;
        struct bl_span name = bl_json_trim(row->fields[i]);
        struct column *column = &table->columns[i];

        column->kind = bl_kb_field_of(name, &column->rank);
        column->name = name.n ? bl_xasprintf("%.*s", (int)name.n, name.p)
                              : bl_xasprintf("(number %zu)", i + 1);
        if (name.n)
            table->n_needed = i + 1;
        for (size_t k = 0; k < i && column->kind != BL_KB_UNKNOWN; k++)
            if (!strcmp(table->columns[k].name, column->name)) {
                table->n_columns++;
                return bl_fail(err, BL_DATA, "column '%.40s' is there "
                               "twice: leave one", column->name);
            }
    }
    for (size_t i = 0; i < table->n_columns; i++)
        choose(table, i);
    return 0;
}

/* "a", "a, b", as far as a message has room. */
static int fail_untitled(const struct bl_kb_table *table, struct bl_err *err)
{
    struct bl_buf names = BL_BUF_INIT;

    for (size_t i = 0; i < table->n_columns; i++)
        bl_buf_printf(&names, "%s%s", i ? ", " : "", table->columns[i].name);
    bl_fail(err, BL_DATA, "expected the names of the columns, one of them "
            "title (or name, label), found '%.*s': call the column of names "
            "title, or, if this is no such line, put one before it",
            BL_SHOWN(120, names.data));
    bl_buf_free(&names);
    return -1;
}

/* Excel writes "sep=;" for itself before the names. */
static int read_names(struct bl_kb_table *table, size_t *line,
                      struct bl_err *err)
{
    struct bl_csv_row row = { .line = 0 };
    int got = next_row(table->csv, &row, err);

    if (got == 1 && row.n <= 2 && row.fields[0].n <= 5
        && !strncasecmp(row.fields[0].p, "sep=", 4))
        got = next_row(table->csv, &row, err);
    *line = table->line = row.line;
    if (got == 0)
        return bl_fail(err, BL_DATA, "expected a table, found nothing");
    if (got < 0) {
        err->code = BL_MAX(err->code, BL_DATA);
        return -1;
    }
    if (add_columns(table, &row, err) < 0)
        return -1;
    if (table->part && !table->single[BL_KB_ID])
        return bl_fail(err, BL_DATA, "expected a column 'id' of what is to "
                       "be changed");
    if (table->single[BL_KB_NAME] || table->part)
        return 0;
    return fail_untitled(table, err);
}

struct bl_kb_table *bl_kb_table_open(struct bl_csv *csv, bool part,
                                     size_t *line, struct bl_err *err)
{
    struct bl_kb_table *table = BL_NEW(struct bl_kb_table);

    table->csv = csv;
    table->part = part;
    if (read_names(table, line, err) == 0)
        return table;
    bl_kb_table_close(table);
    return NULL;
}

void bl_kb_table_close(struct bl_kb_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->n_columns; i++)
        free(table->columns[i].name);
    free(table->columns);
    free(table);
}

bool bl_kb_table_has_ids(const struct bl_kb_table *table)
{
    return table->single[BL_KB_ID] > 0;
}

/* ---- Rows ---- */

static int fail_column(const struct bl_kb_table *table, size_t number,
                       struct bl_err *err)
{
    if (number == 0)
        return -1;
    if (number > table->n_columns)
        return bl_err_prefix(err, "column %zu", number);
    return bl_err_prefix(err, "column '%.*s'",
                         BL_SHOWN(60, table->columns[number - 1].name));
}

static struct bl_span value_of(const struct bl_kb_table *table,
                               const struct bl_csv_row *row,
                               enum bl_kb_field kind)
{
    size_t number = table->single[kind];

    if (!number || number > row->n)
        return (struct bl_span){ "", 0 };
    return bl_json_trim(row->fields[number - 1]);
}

/* Absent when empty, as other readers of catalogues have it. */
static struct bl_span optional(struct bl_span value)
{
    return value.n ? value : (struct bl_span){ NULL, 0 };
}

/* Spreadsheets fill rows up with empty values: these do no harm. */
static int check_width(const struct bl_kb_table *table,
                       const struct bl_csv_row *row, struct bl_err *err)
{
    if (row->n < table->n_needed)
        return bl_fail(err, BL_BAD_FIELD, "expected %zu values, as many as "
                       "line %zu has names, found %zu", table->n_needed,
                       table->line, row->n);
    if (row->n > table->n_columns && !is_empty(row, table->n_columns))
        return bl_fail(err, BL_BAD_FIELD, "expected %zu values, as many as "
                       "line %zu has names, found %zu: put quotes around a "
                       "value with a separator in it", table->n_columns,
                       table->line, row->n);
    return 0;
}

/* 4.0 is how data frames write 4 once an id is missing. */
static int take_id(const struct bl_kb_table *table,
                   const struct bl_csv_row *row, struct bl_kb_input *in,
                   struct bl_arena *arena, struct bl_err *err)
{
    size_t number = table->single[BL_KB_ID];
    struct bl_span value = in->title;

    if (number) {
        const struct column *column = &table->columns[number - 1];
        struct bl_span id = bl_json_whole(value_of(table, row, BL_KB_ID));

        value = bl_kb_rank_is_blinks(column->rank) ? bl_kb_page_id(id) : id;
        if (value.p != id.p)
            in->url = id;
    }
    in->id = (struct bl_span){ bl_arena_strndup(arena, value.p, value.n),
                               value.n };
    if (value.n)
        return 0;
    bl_fail(err, BL_BAD_FIELD, "expected an id, found nothing");
    return fail_column(table, number, err);
}

/* A type in the words of another linker may be a list, of which the first
 * counts. */
static int take_values(const struct bl_kb_table *table,
                       const struct bl_csv_row *row, struct bl_kb_input *in,
                       struct bl_arena *arena, struct bl_err *err)
{
    size_t type = table->single[BL_KB_TYPE];

    in->title = value_of(table, row, BL_KB_NAME);
    if (!in->title.n && !table->part) {
        bl_fail(err, BL_BAD_FIELD, "expected a title, found nothing");
        return fail_column(table, table->single[BL_KB_NAME], err);
    }
    in->text = value_of(table, row, BL_KB_TEXT);
    in->qid = optional(value_of(table, row, BL_KB_QID));
    in->type = optional(value_of(table, row, BL_KB_TYPE));
    if (type && bl_kb_rank_is_foreign(table->columns[type - 1].rank)
        && in->type.p) {
        struct bl_span *types;

        in->type = bl_kb_split(in->type, false, arena, &types)
            ? bl_kb_class_of(types[0]) : (struct bl_span){ NULL, 0 };
    }
    if (take_id(table, row, in, arena, err) < 0)
        return -1;
    if (value_of(table, row, BL_KB_URL).n)
        in->url = value_of(table, row, BL_KB_URL);
    return 0;
}

static void add_aliases(struct bl_kb_input *in, const struct bl_span *parts,
                        size_t n, size_t *cap, struct bl_arena *arena)
{
    if (in->n_aliases + n > *cap) {
        struct bl_kb_alias *all;

        *cap = BL_MAX(2 * *cap, in->n_aliases + n);
        all = bl_arena_alloc(arena, *cap, sizeof *all);
        if (in->n_aliases)
            memcpy(all, in->aliases, in->n_aliases * sizeof *all);
        in->aliases = all;
    }
    for (size_t i = 0; i < n; i++)
        in->aliases[in->n_aliases++] = (struct bl_kb_alias){
            .surface = parts[i], .count = -1 };
}

static void take_aliases(const struct bl_kb_table *table,
                         const struct bl_csv_row *row, struct bl_kb_input *in,
                         struct bl_arena *arena)
{
    size_t cap = 0;

    for (size_t i = 0; i < table->n_columns && i < row->n; i++) {
        struct bl_span *parts;
        size_t n;

        if (table->columns[i].kind != BL_KB_ALIASES || !row->fields[i].n)
            continue;
        n = bl_kb_split(row->fields[i], false, arena, &parts);
        add_aliases(in, parts, n, &cap, arena);
    }
}

static bool is_number(struct bl_span text)
{
    return text.n && bl_json_check(text.p, text.n, NULL) == 0
        && bl_json_type(text) == BL_JSON_NUMBER;
}

/* How often each alias means the entity, in a column of its own. */
static int take_counts(const struct bl_kb_table *table,
                       const struct bl_csv_row *row, enum bl_kb_field kind,
                       struct bl_kb_input *in, struct bl_arena *arena,
                       struct bl_err *err)
{
    struct bl_span value = value_of(table, row, kind), *parts;
    size_t n, i;

    if (!value.n)
        return 0;
    n = bl_kb_split(value, true, arena, &parts);
    if (n != in->n_aliases) {
        bl_fail(err, BL_BAD_FIELD, "expected %zu numbers, one for each "
                "alias, found %zu", in->n_aliases, n);
        return fail_column(table, table->single[kind], err);
    }
    for (i = 0; i < n; i++) {
        if (!parts[i].n)
            continue;
        if (!is_number(parts[i]))
            bl_fail(err, BL_BAD_FIELD, "expected a number such as 0.5, found "
                    "'%.*s'", (int)BL_MIN(parts[i].n, 20), parts[i].p);
        else if (bl_kb_take_count(parts[i], kind == BL_KB_PRIORS,
                                  &in->aliases[i].count, err) == 0)
            continue;
        return fail_column(table, table->single[kind], err);
    }
    return 0;
}

/* An empty value of a table is no wish to take the old one away: most are
 * columns that somebody did not fill in. */
static unsigned given_of(const struct bl_kb_input *in)
{
    return (in->title.n ? BL_KB_GIVES_TITLE : 0u)
        | (in->text.n ? BL_KB_GIVES_TEXT : 0u)
        | (in->url.p ? BL_KB_GIVES_URL : 0u)
        | (in->qid.p ? BL_KB_GIVES_QID : 0u)
        | (in->type.p ? BL_KB_GIVES_TYPE : 0u)
        | (in->n_aliases ? BL_KB_GIVES_ALIASES : 0u);
}

/* Once each: a column is not stored in any of its rows. */
static void tell_unused(struct bl_kb_table *table,
                        const struct bl_csv_row *row, struct bl_kb_input *in,
                        struct bl_arena *arena)
{
    for (size_t i = 0; i < row->n && i < table->n_columns; i++) {
        struct column *column = &table->columns[i];

        if (column->kind != BL_KB_UNKNOWN || column->told
            || in->n_unused == BL_KB_MOST_UNUSED
            || !bl_json_trim(row->fields[i]).n)
            continue;
        column->told = true;
        if (!in->unused)
            in->unused = bl_arena_alloc(arena, BL_KB_MOST_UNUSED,
                                        sizeof *in->unused);
        in->unused[in->n_unused++] = bl_span_of(column->name);
    }
}

/* A row that cannot be parted into values is told with the column in which
 * that was found. */
int bl_kb_table_next(struct bl_kb_table *table, struct bl_kb_input *in,
                     struct bl_arena *arena, size_t *line, struct bl_err *err)
{
    struct bl_csv_row row = { .line = 0 };
    int got = next_row(table->csv, &row, err);

    *in = (struct bl_kb_input){ .text = { "", 0 } };
    *line = row.line;
    if (got < 0)
        return err->code < BL_USAGE ? fail_column(table, row.bad_field, err)
                                    : -1;
    if (got == 0)
        return 0;
    if (check_width(table, &row, err) < 0
        || take_values(table, &row, in, arena, err) < 0)
        return -1;
    take_aliases(table, &row, in, arena);
    if (take_counts(table, &row, BL_KB_COUNTS, in, arena, err) < 0
        || take_counts(table, &row, BL_KB_PRIORS, in, arena, err) < 0)
        return -1;
    in->given = given_of(in);
    tell_unused(table, &row, in, arena);
    return 1;
}
