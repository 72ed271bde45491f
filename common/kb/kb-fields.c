/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "kb/kb-fields.h"

#include <string.h>

#include "base/mem.h"
#include "json/json.h"
#include "kb/kb-build.h"

/* Ours first; of each kind in the order in which they are preferred.  Names
 * are written as fold_name() gives them. */
static const struct {
    const char *name;
    enum bl_kb_field field;
} names[] = {
    { "id", BL_KB_ID }, { "title", BL_KB_NAME }, { "text", BL_KB_TEXT },
    { "url", BL_KB_URL }, { "qid", BL_KB_QID }, { "type", BL_KB_TYPE },
    { "aliases", BL_KB_ALIASES }, { "score", BL_KB_DERIVED },
    { "idx", BL_KB_ID }, { "entity", BL_KB_NAME },      /* BLINK's */
    { "entityid", BL_KB_ID }, { "conceptid", BL_KB_ID },
    { "identifier", BL_KB_ID }, { "kbid", BL_KB_ID },
    { "name", BL_KB_NAME }, { "label", BL_KB_NAME },
    { "canonicalname", BL_KB_NAME }, { "entityname", BL_KB_NAME },
    { "preferredname", BL_KB_NAME }, { "preferredlabel", BL_KB_NAME },
    { "preflabel", BL_KB_NAME },
    { "description", BL_KB_TEXT }, { "definition", BL_KB_TEXT },
    { "desc", BL_KB_TEXT }, { "abstract", BL_KB_TEXT },
    { "summary", BL_KB_TEXT },
    { "uri", BL_KB_URL }, { "link", BL_KB_URL },
    { "wikipediaurl", BL_KB_URL },
    { "wikidata", BL_KB_QID }, { "wikidataid", BL_KB_QID },
    { "wikidataqid", BL_KB_QID }, { "kbidx", BL_KB_QID },       /* ELQ's */
    { "types", BL_KB_TYPE }, { "entitytype", BL_KB_TYPE },
    { "entitytypes", BL_KB_TYPE }, { "class", BL_KB_TYPE },
    { "category", BL_KB_TYPE },
    { "alias", BL_KB_ALIASES }, { "synonyms", BL_KB_ALIASES },
    { "synonym", BL_KB_ALIASES }, { "variants", BL_KB_ALIASES },
    { "variant", BL_KB_ALIASES }, { "othernames", BL_KB_ALIASES },
    { "alternativenames", BL_KB_ALIASES }, { "altnames", BL_KB_ALIASES },
    { "altlabels", BL_KB_ALIASES }, { "altlabel", BL_KB_ALIASES },
    { "alsoknownas", BL_KB_ALIASES }, { "aka", BL_KB_ALIASES },
    { "counts", BL_KB_COUNTS }, { "aliascounts", BL_KB_COUNTS },
    { "priors", BL_KB_PRIORS }, { "probabilities", BL_KB_PRIORS },
    { "priorprobabilities", BL_KB_PRIORS }, { "probs", BL_KB_PRIORS },
    { "aliasprobabilities", BL_KB_PRIORS },
    /* Spreadsheets are made in many languages. */
    { "titel", BL_KB_NAME }, { "bezeichnung", BL_KB_NAME },
    { "titre", BL_KB_NAME }, { "nom", BL_KB_NAME },
    { "título", BL_KB_NAME }, { "titulo", BL_KB_NAME },
    { "nombre", BL_KB_NAME }, { "nome", BL_KB_NAME },
    { "titolo", BL_KB_NAME }, { "naam", BL_KB_NAME },
    { "beschreibung", BL_KB_TEXT }, { "descripción", BL_KB_TEXT },
    { "descripcion", BL_KB_TEXT }, { "descrição", BL_KB_TEXT },
    { "descrizione", BL_KB_TEXT }, { "beschrijving", BL_KB_TEXT },
    { "texte", BL_KB_TEXT }, { "texto", BL_KB_TEXT },
    { "testo", BL_KB_TEXT },
    { "varianten", BL_KB_ALIASES }, { "variantes", BL_KB_ALIASES },
    { "varianti", BL_KB_ALIASES }, { "synonyme", BL_KB_ALIASES },
    { "synonymes", BL_KB_ALIASES }, { "sinónimos", BL_KB_ALIASES },
    { "typ", BL_KB_TYPE }, { "tipo", BL_KB_TYPE },
};

/* The places of BLINK's two and of the first that is neither. */
enum { BLINKS = 8, FOREIGN = 10, MAX_NAME = 20 };

/* Uses of a name that stand for all of it where shares are given: many enough
 * that what a title counts by itself hardly changes them. */
enum { PRIOR_COUNTS = 1000 };

_Static_assert(2 * BL_COUNT(names) <= BL_KB_MOST_RANKS, "ranks");

static const char *const own_names[] = {
    [BL_KB_ID] = "id", [BL_KB_NAME] = "title", [BL_KB_TEXT] = "text",
    [BL_KB_URL] = "url", [BL_KB_QID] = "qid", [BL_KB_TYPE] = "type",
    [BL_KB_ALIASES] = "aliases", [BL_KB_COUNTS] = "counts",
    [BL_KB_PRIORS] = "priors", [BL_KB_DERIVED] = "score",
    [BL_KB_UNKNOWN] = ""
};

/* "Entity-ID " is entityid.  Empty when it is longer than all that we know. */
static void fold_name(struct bl_span name, char out[MAX_NAME])
{
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (strchr(" _-.\t", c))        /* of a NUL too */
            continue;
        if (n + 1 == MAX_NAME) {
            n = 0;
            break;
        }
        out[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
    }
    out[n] = '\0';
}

enum bl_kb_field bl_kb_field_of(struct bl_span name, unsigned *rank)
{
    char folded[MAX_NAME];

    fold_name(name, folded);
    for (size_t i = 0; i < BL_COUNT(names); i++) {
        if (names[i].name[0] != folded[0] || strcmp(names[i].name, folded))
            continue;
        *rank = (unsigned)(2 * i + !bl_span_is(name, folded));
        return names[i].field;
    }
    return BL_KB_UNKNOWN;
}

const char *bl_kb_field_name(enum bl_kb_field field)
{
    return own_names[field];
}

bool bl_kb_rank_is_blinks(unsigned rank)
{
    return rank / 2 >= BLINKS && rank / 2 < FOREIGN;
}

bool bl_kb_rank_is_foreign(unsigned rank)
{
    return rank / 2 >= FOREIGN;
}

/* BLINK's ids are addresses of pages: "https://...wiki?curid=5843419". */
struct bl_span bl_kb_page_id(struct bl_span address)
{
    static const char key[] = "?curid=";
    const char *at = memmem(address.p, address.n, key, sizeof key - 1);

    if (!at)
        return address;
    at += sizeof key - 1;
    return (struct bl_span){ at, (size_t)(address.p + address.n - at) };
}

/* ---- Classes ---- */

struct bl_span bl_kb_class_of(struct bl_span type)
{
    /* Wikidata's items are those that ReFinED's entity_types name: human;
     * country, city, settlement, place; organization, business, company. */
    static const struct { const char *ours, *theirs; } classes[] = {
        { "PER", "per" }, { "PER", "person" }, { "PER", "people" },
        { "PER", "human" }, { "PER", "q5" },
        { "LOC", "loc" }, { "LOC", "gpe" }, { "LOC", "location" },
        { "LOC", "place" }, { "LOC", "fac" }, { "LOC", "facility" },
        { "LOC", "country" }, { "LOC", "city" }, { "LOC", "q6256" },
        { "LOC", "q515" }, { "LOC", "q486972" }, { "LOC", "q17334923" },
        { "LOC", "q2221906" },
        { "ORG", "org" }, { "ORG", "organization" },
        { "ORG", "organisation" }, { "ORG", "company" },
        { "ORG", "corporation" }, { "ORG", "q43229" },
        { "ORG", "q4830453" }, { "ORG", "q783794" },
        { "MISC", "misc" }, { "MISC", "miscellaneous" },
    };
    char folded[MAX_NAME];

    fold_name(type, folded);
    for (size_t i = 0; i < BL_COUNT(classes); i++)
        if (!strcmp(classes[i].theirs, folded))
            return bl_span_of(classes[i].ours);
    return type;
}

int bl_kb_take_count(struct bl_span number, bool prior, int64_t *count,
                     struct bl_err *err)
{
    double share;

    if (!prior)
        return bl_json_integer(number, 0, BL_KB_MOST_COUNT, count, err);
    if (bl_json_number(number, &share, err) < 0)
        return -1;
    if (!(share >= 0 && share <= 1))
        return bl_fail(err, BL_BAD_FIELD, "expected a probability from 0 to "
                       "1, found %.*s", (int)BL_MIN(number.n, 40), number.p);
    *count = (int64_t)(share * PRIOR_COUNTS + 0.5);
    if (*count == 0 && share > 0)
        *count = 1;
    return 0;
}

/* ---- Lists in one text ---- */

/* The string that begins with a quote at text[*at], which is then behind its
 * closing quote: a backslash takes the character behind it as it is. */
static struct bl_span read_string(struct bl_span text, size_t *at, char *out)
{
    char quote = text.p[(*at)++];
    size_t n = 0;

    for (; *at < text.n && text.p[*at] != quote; ++*at) {
        if (text.p[*at] == '\\' && *at + 1 < text.n)
            ++*at;
        out[n++] = text.p[*at];
    }
    if (*at < text.n)
        ++*at;
    return (struct bl_span){ out, n };
}

/* ['Bob', "Rob"] or (1, 2): strings, or words between commas. */
static size_t split_list(struct bl_span text, struct bl_arena *arena,
                         struct bl_span *parts)
{
    char *room = bl_arena_alloc(arena, text.n + 1, 1);
    size_t n = 0, at = 0;

    while (at < text.n) {
        size_t from = at;

        if (strchr(", \t\r\n", text.p[at])) {
            at++;
        } else if (text.p[at] == '\'' || text.p[at] == '"') {
            parts[n] = read_string(text, &at, room);
            room += parts[n++].n;
        } else {
            while (at < text.n && text.p[at] != ',')
                at++;
            parts[n++] = bl_json_trim((struct bl_span){ text.p + from,
                                                        at - from });
        }
    }
    return n;
}

/* False when it is not an array of JSON of strings and numbers. */
static bool split_array(struct bl_span text, struct bl_arena *arena,
                        struct bl_span *parts, size_t *n)
{
    struct bl_json_iter it;
    struct bl_span value;

    *n = 0;
    if (text.p[0] != '[' || bl_json_check(text.p, text.n, NULL) < 0)
        return false;
    for (it = bl_json_iter(text); bl_json_next(&it, NULL, &value); ++*n)
        if (bl_json_text(value, "string", arena, &parts[*n], NULL) != 1)
            return false;
    return true;
}

static bool in_brackets(struct bl_span text)
{
    return text.n >= 2
        && ((text.p[0] == '[' && text.p[text.n - 1] == ']')
            || (text.p[0] == '(' && text.p[text.n - 1] == ')'
                && (text.p[1] == '\'' || text.p[1] == '"')));
}

static size_t count_marks(struct bl_span text, const char *marks)
{
    size_t n = 0;

    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] && strchr(marks, text.p[i]);
    return n;
}

/* The pieces are counted first, so that they are one piece of the arena. */
size_t bl_kb_split(struct bl_span text, bool empty, struct bl_arena *arena,
                   struct bl_span **parts)
{
    size_t n = 0, from = 0;

    text = bl_json_trim(text);
    if (in_brackets(text)) {
        *parts = bl_arena_alloc(arena, 1 + count_marks(text, ",'\""),
                                sizeof **parts);
        if (!split_array(text, arena, *parts, &n))
            n = split_list((struct bl_span){ text.p + 1, text.n - 2 }, arena,
                           *parts);
        return n;
    }
    *parts = bl_arena_alloc(arena, 1 + count_marks(text, "|;"),
                            sizeof **parts);
    for (size_t i = 0; i <= text.n; i++) {
        struct bl_span part = { text.p + from, i - from };

        if (i < text.n && text.p[i] != '|' && text.p[i] != ';')
            continue;
        part = bl_json_trim(part);
        if (part.n || (empty && text.n))
            (*parts)[n++] = part;
        from = i + 1;
    }
    return n;
}
