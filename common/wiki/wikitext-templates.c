/* SPDX-License-Identifier: MIT */
/* wikitext-templates: the templates of the English Wikipedia, and a few of
 * others, that stand inside sentences and without which these would not
 * read.  All others vanish. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/unicode.h"
#include "wiki/wikitext-parts.h"

enum { LONGEST = 32, MAX_ARGS = 8 };

/* The names are sorted by their bytes. */
#define ARG BL_RULE_ARG
#define LAST BL_RULE_LAST
#define JOIN BL_RULE_JOIN
#define TEXT BL_RULE_TEXT
#define PREFIX BL_RULE_PREFIX
#define CONVERT BL_RULE_CONVERT
#define AS_OF BL_RULE_AS_OF
#define FRACTION BL_RULE_FRACTION
static const struct bl_rule rules[] = {
    { "!", TEXT, 0, "|" }, { "\"", TEXT, 0, "\"" }, { "&", TEXT, 0, "&" },
    { "'", TEXT, 0, "'" }, { "'okina", TEXT, 0, "ʻ" }, { "'s", TEXT, 0, "'s" },
    { "(", TEXT, 0, "{" }, { ")", TEXT, 0, "}" }, { "-\"", TEXT, 0, "\"" },
    { "-'", TEXT, 0, "'" }, { "...", TEXT, 0, "..." }, { "=", TEXT, 0, "=" },
    { "`", TEXT, 0, "'" }, { "a$", PREFIX, 1, "A$" }, { "abbr", ARG, 1, NULL },
    { "abbrv", ARG, 1, NULL }, { "align", LAST, 0, NULL },
    { "allcaps", ARG, 1, NULL }, { "angbr", ARG, 1, NULL },
    { "angle bracket", ARG, 1, NULL }, { "apos", TEXT, 0, "'" },
    { "apostrophe", TEXT, 0, "'" }, { "as of", AS_OF, 0, NULL },
    { "as written", ARG, 1, NULL }, { "asiantitle", ARG, 1, NULL },
    { "aud", PREFIX, 1, "A$" }, { "ayin", TEXT, 0, "ʿ" },
    { "b.", PREFIX, 1, "b. " }, { "background color", ARG, 2, NULL },
    { "big", ARG, 1, NULL }, { "bigger", ARG, 1, NULL },
    { "blue", ARG, 1, NULL }, { "bold", ARG, 1, NULL },
    { "bullet", TEXT, 0, "·" }, { "c$", PREFIX, 1, "C$" },
    { "c.", PREFIX, 1, "c. " }, { "ca", PREFIX, 1, "c. " },
    { "ca$", PREFIX, 1, "C$" }, { "ca.", PREFIX, 1, "c. " },
    { "cad", PREFIX, 1, "C$" }, { "center", ARG, 1, NULL },
    { "chem", JOIN, 0, "" }, { "chem2", ARG, 1, NULL },
    { "chemf", JOIN, 0, "" }, { "circa", PREFIX, 1, "c. " },
    { "citation bloc", ARG, 1, NULL },
    { "citation needed span", ARG, 1, NULL },
    { "citation span", ARG, 1, NULL }, { "clarify span", ARG, 1, NULL },
    { "cn-span", ARG, 1, NULL }, { "cns", ARG, 1, NULL },
    { "code", ARG, 1, NULL }, { "color", ARG, 2, NULL },
    { "conv", CONVERT, 0, NULL }, { "convert", CONVERT, 0, NULL },
    { "country", ARG, 1, NULL }, { "cvt", CONVERT, 0, NULL },
    { "d.", PREFIX, 1, "d. " }, { "dash", TEXT, 0, " – " },
    { "date", JOIN, 0, " " }, { "deg", TEXT, 0, "°" },
    { "degree", TEXT, 0, "°" }, { "disputed inline span", ARG, 1, NULL },
    { "dot", TEXT, 0, "·" }, { "e", PREFIX, 1, "×10^" },
    { "ellipsis", TEXT, 0, "..." }, { "em", ARG, 1, NULL },
    { "em dash", TEXT, 0, "—" }, { "emsp", TEXT, 0, " " },
    { "en dash", TEXT, 0, "–" }, { "ensp", TEXT, 0, " " },
    { "eur", PREFIX, 1, "€" }, { "euro", PREFIX, 1, "€" },
    { "fact span", ARG, 1, NULL }, { "fl", PREFIX, 1, "fl. " },
    { "fl.", PREFIX, 1, "fl. " }, { "flag", ARG, 1, NULL },
    { "flag athlete", JOIN, 0, " " }, { "flag+link", ARG, 1, NULL },
    { "flagcountry", ARG, 1, NULL }, { "flaglist", ARG, 2, NULL },
    { "flagu", ARG, 1, NULL }, { "flat", TEXT, 0, "♭" },
    { "flatlist", JOIN, 0, ", " }, { "floruit", PREFIX, 1, "fl. " },
    { "font", LAST, 0, NULL }, { "font color", ARG, 2, NULL },
    { "font size", ARG, 1, NULL }, { "fontcolor", ARG, 2, NULL },
    { "formatnombre", ARG, 1, NULL }, { "formatnum", ARG, 1, NULL },
    { "frac", FRACTION, 0, NULL }, { "frac2", FRACTION, 0, NULL },
    { "fract", FRACTION, 0, NULL }, { "fraction", FRACTION, 0, NULL },
    { "fs", ARG, 1, NULL }, { "gaps", JOIN, 0, "" }, { "gbp", PREFIX, 1, "£" },
    { "grc", ARG, 1, NULL }, { "green", ARG, 1, NULL },
    { "hair space", TEXT, 0, " " }, { "hairsp", TEXT, 0, " " },
    { "hamza", TEXT, 0, "ʾ" }, { "hebrew", ARG, 1, NULL },
    { "hlist", JOIN, 0, ", " }, { "hmas", PREFIX, 1, "HMAS " },
    { "hmcs", PREFIX, 1, "HMCS " }, { "hms", PREFIX, 1, "HMS " },
    { "hs", LAST, 0, NULL }, { "huge", ARG, 1, NULL },
    { "iast", ARG, 1, NULL }, { "ill", ARG, 1, NULL },
    { "illm", ARG, 1, NULL }, { "indian rupee", PREFIX, 1, "₹" },
    { "inr", PREFIX, 1, "₹" }, { "interlanguage link", ARG, 1, NULL },
    { "iso-translit", ARG, 1, NULL }, { "isotranslit", ARG, 1, NULL },
    { "italic", ARG, 1, NULL }, { "jmd", JOIN, 0, " " },
    { "jpy", PREFIX, 1, "¥" }, { "kbd", ARG, 1, NULL },
    { "lang", ARG, 2, NULL }, { "lang-inline", ARG, 2, NULL },
    { "langue", ARG, 1, NULL }, { "langue2", ARG, 2, NULL },
    { "large", ARG, 1, NULL }, { "lc", ARG, 1, NULL },
    { "lcfirst", ARG, 1, NULL }, { "left", LAST, 0, NULL },
    { "link-interwiki", ARG, 1, NULL }, { "math", ARG, 1, NULL },
    { "maßstab", CONVERT, 0, NULL }, { "mdash", TEXT, 0, "—" },
    { "middot", TEXT, 0, "·" }, { "mono", ARG, 1, NULL },
    { "music flat", TEXT, 0, "♭" }, { "music sharp", TEXT, 0, "♯" },
    { "mv", PREFIX, 1, "MV " }, { "mvar", ARG, 1, NULL },
    { "nastaliq", ARG, 1, NULL }, { "nbsp", TEXT, 0, " " },
    { "ndash", TEXT, 0, "–" }, { "nihongo", ARG, 1, NULL },
    { "nihongo2", ARG, 1, NULL }, { "nihongo3", ARG, 1, NULL },
    { "nnbsp", TEXT, 0, " " }, { "no bold", ARG, 1, NULL },
    { "no italics", ARG, 1, NULL }, { "nobold", ARG, 1, NULL },
    { "nobr", ARG, 1, NULL }, { "noitalic", ARG, 1, NULL },
    { "nom", ARG, 1, NULL }, { "nombre", ARG, 1, NULL },
    { "normal", ARG, 1, NULL }, { "not a typo", ARG, 1, NULL },
    { "notatypo", ARG, 1, NULL }, { "nowrap", ARG, 1, NULL },
    { "num", ARG, 1, NULL }, { "nwr", ARG, 1, NULL },
    { "okina", TEXT, 0, "ʻ" }, { "party name", ARG, 1, NULL },
    { "pi", TEXT, 0, "π" }, { "pipe", TEXT, 0, "|" },
    { "plainlist", JOIN, 0, ", " }, { "polytonic", ARG, 1, NULL },
    { "pound sterling", PREFIX, 1, "£" }, { "proper name", ARG, 1, NULL },
    { "quote inline", ARG, 1, NULL }, { "ratio", JOIN, 0, "/" },
    { "red", ARG, 1, NULL }, { "reign", PREFIX, 1, "r. " },
    { "resize", ARG, 1, NULL }, { "right", LAST, 0, NULL },
    { "rms", PREFIX, 1, "RMS " }, { "rtl-lang", ARG, 2, NULL },
    { "rtl-lang-inline", ARG, 1, NULL }, { "rupee", PREFIX, 1, "₹" },
    { "samp", ARG, 1, NULL }, { "sc", ARG, 1, NULL }, { "sc2", ARG, 1, NULL },
    { "sclass", JOIN, 0, " " }, { "script", ARG, 1, NULL },
    { "script/arabic", ARG, 2, NULL }, { "script/hebrew", ARG, 1, NULL },
    { "sfrac", FRACTION, 0, NULL }, { "sfraction", FRACTION, 0, NULL },
    { "sharp", TEXT, 0, "♯" }, { "ship", JOIN, 0, " " },
    { "ship name", ARG, 1, NULL }, { "siècle", ARG, 1, NULL },
    { "small", ARG, 1, NULL }, { "small caps", ARG, 1, NULL },
    { "smallcaps", ARG, 1, NULL }, { "smaller", ARG, 1, NULL },
    { "smd", TEXT, 0, " — " }, { "sms", PREFIX, 1, "SMS " },
    { "snd", TEXT, 0, " – " }, { "sndash", TEXT, 0, " – " },
    { "snds", TEXT, 0, " – " }, { "sort", LAST, 0, NULL },
    { "sort name", JOIN, 0, " " }, { "sortname", JOIN, 0, " " },
    { "space", TEXT, 0, " " }, { "spaced en dash", TEXT, 0, " – " },
    { "spaced mdash", TEXT, 0, " — " }, { "spaced ndash", TEXT, 0, " – " },
    { "spaces", TEXT, 0, " " }, { "ss", PREFIX, 1, "SS " },
    { "strike", ARG, 1, NULL }, { "strong", ARG, 1, NULL },
    { "su", JOIN, 0, "" }, { "sub", ARG, 1, NULL }, { "sup", ARG, 1, NULL },
    { "term", ARG, 1, NULL }, { "thin space", TEXT, 0, " " },
    { "thinsp", TEXT, 0, " " }, { "times", TEXT, 0, "×" },
    { "tmath", ARG, 1, NULL }, { "tooltip", ARG, 1, NULL },
    { "transl", LAST, 0, NULL }, { "translit", LAST, 0, NULL },
    { "transliteration", LAST, 0, NULL }, { "typo", ARG, 1, NULL },
    { "ubl", JOIN, 0, ", " }, { "ublist", JOIN, 0, ", " },
    { "uc", ARG, 1, NULL }, { "ucfirst", ARG, 1, NULL },
    { "unbulleted list", JOIN, 0, ", " }, { "underline", ARG, 1, NULL },
    { "unicode", ARG, 1, NULL }, { "unit", CONVERT, 0, NULL },
    { "unité", CONVERT, 0, NULL }, { "us dollar", PREFIX, 1, "US$" },
    { "us$", PREFIX, 1, "US$" }, { "usd", PREFIX, 1, "US$" },
    { "usns", PREFIX, 1, "USNS " }, { "uss", PREFIX, 1, "USS " },
    { "va", ARG, 1, NULL }, { "val", CONVERT, 0, NULL },
    { "vanchor", ARG, 1, NULL }, { "var", ARG, 1, NULL },
    { "visible anchor", ARG, 1, NULL }, { "wbr", TEXT, 0, " " },
    { "xt", ARG, 1, NULL }, { "yen", PREFIX, 1, "¥" }, { "zhi", ARG, 1, NULL },
    { "zhp", ARG, 1, NULL }, { "zwsp", TEXT, 0, " " }, { "£", PREFIX, 1, "£" },
    { "¥", PREFIX, 1, "¥" }, { "·", TEXT, 0, "·" }, { "–", TEXT, 0, "–" },
    { "—", TEXT, 0, "—" }, { "•", TEXT, 0, "·" }, { "€", PREFIX, 1, "€" },
    { "₹", PREFIX, 1, "₹" },
};

/* "{{lang-fr|...}}": the text in a language that the name says. */
static const struct bl_rule lang_rule = { "lang-", ARG, 1, NULL };

static int rule_by_name(const void *key, const void *element)
{
    return strcmp(key, ((const struct bl_rule *)element)->name);
}

/* Brings the name into the form of the table: small letters, single blanks.
 * MediaWiki tells case apart but for the first letter; no two names in the
 * table differ by that alone. */
const struct bl_rule *bl_rule_find(struct bl_span name)
{
    char key[LONGEST + 1];
    size_t len = 0;

    for (size_t i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (c == '_' || c == '\n' || c == '\t')
            c = ' ';
        if (c >= 'A' && c <= 'Z')
            c = (char)(c | 0x20);
        if (c == ' ' && (len == 0 || key[len - 1] == ' '))
            continue;
        if (len == LONGEST)
            return NULL;
        key[len++] = c;
    }
    while (len && key[len - 1] == ' ')
        len--;
    key[len] = '\0';
    if (!strncmp(key, "lang-", 5))
        return &lang_rule;
    return bsearch(key, rules, BL_COUNT(rules), sizeof *rules, rule_by_name);
}

/* ---- What they say ---- */

static void put(struct bl_buf *out, const char *between, struct bl_span text)
{
    if (text.n == 0)
        return;
    bl_buf_puts(out, between);
    bl_buf_put_span(out, text);
}

static bool is_number(struct bl_span text)
{
    return text.n && ((text.p[0] >= '0' && text.p[0] <= '9')
                      || (text.n > 1 && strchr("+-.", text.p[0])));
}

/* What may stand between two numbers of {{convert}}, and how it is shown. */
static const char *range_sign(struct bl_span text)
{
    static const char *const signs[][2] = {
        { "-", "\xe2\x80\x93" }, { "\xe2\x80\x93", "\xe2\x80\x93" },
        { "to", " to " }, { "and", " and " }, { "by", " by " },
        { "x", " \xc3\x97 " }, { "or", " or " }, { "to(-)", " to " },
        { "to about", " to about " }, { "and(-)", " and " },
        { "+/-", " \xc2\xb1 " }, { "\xc2\xb1", " \xc2\xb1 " },
    };

    for (size_t i = 0; i < BL_COUNT(signs); i++)
        if (bl_span_is(text, signs[i][0]))
            return signs[i][1];
    return NULL;
}

static const char *unit_name(struct bl_span unit)
{
    static const char *const units[][2] = {
        { "km2", "km\xc2\xb2" }, { "m2", "m\xc2\xb2" },
        { "m3", "m\xc2\xb3" }, { "km3", "km\xc2\xb3" },
        { "sqmi", "square miles" }, { "sq mi", "square miles" },
        { "sqft", "square feet" }, { "sq ft", "square feet" },
        { "mi", "miles" }, { "ft", "feet" }, { "in", "inches" },
        { "yd", "yards" }, { "lb", "pounds" }, { "acre", "acres" },
        { "C", "\xc2\xb0""C" }, { "F", "\xc2\xb0""F" },
        { "kph", "km/h" }, { "impgal", "imperial gallons" },
        { "USgal", "US gallons" }, { "nmi", "nautical miles" },
        { "LT", "long tons" }, { "ST", "short tons" }, { "t", "tonnes" },
    };

    for (size_t i = 0; i < BL_COUNT(units); i++)
        if (bl_span_is(unit, units[i][0]))
            return units[i][1];
    return NULL;
}

/* {{convert|5|to|6|km|mi}} shows "5 to 6 km": numbers and the words between
 * them, then the unit.  What it is converted to is left out. */
static void convert(const struct bl_span *args, size_t n_args,
                    struct bl_buf *out)
{
    size_t i = 0;

    if (n_args == 0)
        return;
    bl_buf_put_span(out, args[i++]);
    while (i + 1 < n_args && is_number(args[i + 1]) && range_sign(args[i])) {
        bl_buf_puts(out, range_sign(args[i]));
        bl_buf_put_span(out, args[i + 1]);
        i += 2;
    }
    if (i < n_args && unit_name(args[i]))
        put(out, " ", bl_span_of(unit_name(args[i])));
    else if (i < n_args && !is_number(args[i]))
        put(out, " ", args[i]);
}

/* {{as of|2010|5|14}}: "As of 14 May 2010" */
static void as_of(const struct bl_span *args, size_t n_args, bool lower,
                  struct bl_buf *out)
{
    static const char *const months[] = { "January", "February", "March",
        "April", "May", "June", "July", "August", "September", "October",
        "November", "December" };
    size_t month = 0;

    bl_buf_puts(out, lower ? "as of" : "As of");
    if (n_args > 1 && args[1].n <= 2)
        for (size_t i = 0; i < args[1].n && args[1].p[i] >= '0'
             && args[1].p[i] <= '9'; i++)
            month = month * 10 + (size_t)(args[1].p[i] - '0');
    if (n_args > 2 && is_number(args[2]))
        put(out, " ", args[2]);
    if (month >= 1 && month <= 12)
        put(out, " ", bl_span_of(months[month - 1]));
    else if (n_args > 1 && !is_number(args[1]))
        put(out, " ", args[1]);
    if (n_args > 0)
        put(out, " ", args[0]);
}

static void fraction(const struct bl_span *args, size_t n_args,
                     struct bl_buf *out)
{
    if (n_args == 1)
        bl_buf_puts(out, "1/");
    for (size_t i = 0; i < n_args && i < 3; i++) {
        if (i)
            bl_buf_puts(out, n_args == 3 && i == 1 ? " " : "/");
        bl_buf_put_span(out, args[i]);
    }
}

void bl_rule_apply(const struct bl_rule *rule, const struct bl_span *args,
                   size_t n_args, bool lower, struct bl_buf *out)
{
    switch (rule->kind) {
    case BL_RULE_JOIN:
        for (size_t i = 0; i < n_args && i < MAX_ARGS; i++)
            put(out, i ? rule->text : "", args[i]);
        break;
    case BL_RULE_TEXT:
        bl_buf_puts(out, rule->text);
        break;
    case BL_RULE_PREFIX:
        bl_buf_puts(out, rule->text);
        if (n_args)
            bl_buf_put_span(out, args[0]);
        if (n_args > 1 && rule->text[0] == 'r')     /* a reign has two ends */
            put(out, "\xe2\x80\x93", args[1]);
        break;
    case BL_RULE_CONVERT:
        convert(args, n_args, out);
        break;
    case BL_RULE_AS_OF:
        as_of(args, n_args, lower, out);
        break;
    default:
        fraction(args, n_args, out);
        break;
    }
}
