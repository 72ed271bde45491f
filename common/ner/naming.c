/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "ner/naming.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "text/reading.h"

/* ---- Function words ---- */

/* Words, sorted for bsearch(), of which a capital does not make a name. */
static const char *const function_words[] = {
    "a", "about", "above", "according", "across", "after", "again",
    "against", "all", "almost", "along", "already", "also", "although",
    "always", "am", "among", "an", "and", "another", "any", "anyone",
    "anything", "are", "around", "as", "at", "away", "back", "be", "because",
    "been", "before", "behind", "being", "below", "besides", "between",
    "both", "but", "by", "can", "could", "despite", "did", "do", "does",
    "down", "during", "each", "either", "else", "even", "ever", "every",
    "everyone", "everything", "few", "finally", "first", "following", "for",
    "former", "from", "further", "get", "go", "good", "had", "has", "have",
    "he", "hello", "hence", "her", "here", "him", "his", "how", "however",
    "i", "if", "in", "indeed", "inside", "instead", "into", "is", "it",
    "its", "just", "last", "later", "least", "less", "let", "like", "many",
    "may", "maybe", "me", "meanwhile", "might", "more", "moreover", "most",
    "much", "must", "my", "near", "neither", "never", "new", "next", "no",
    "nobody", "none", "nor", "not", "nothing", "now", "of", "off", "often",
    "oh", "ok", "on", "once", "one", "only", "or", "other", "others", "our",
    "out", "outside", "over", "perhaps", "please", "rather", "same", "see",
    "several", "she", "should", "since", "so", "some", "someone",
    "something", "sometimes", "soon", "still", "such", "than", "thanks",
    "that", "the", "their", "them", "then", "there", "therefore", "these",
    "they", "this", "those", "though", "three", "through", "thus", "to",
    "today", "together", "too", "toward", "towards", "two", "under",
    "unless", "unlike", "until", "up", "upon", "us", "very", "via", "was",
    "we", "well", "were", "what", "when", "where", "whether", "which",
    "while", "who", "whom", "whose", "why", "will", "with", "within",
    "without", "would", "yes", "yet", "you", "your"
};

/* Words, sorted too, that are capitalised as parts and heads of names ("the
 * World Cup", "President X"), and the calendar.  Alone, they name nothing that
 * a reader would look up. */
static const char *const generic_words[] = {
    "academy", "administration", "age", "agency", "air", "airport",
    "album", "alliance", "ancient", "april", "archbishop", "area", "army",
    "art", "arts", "assembly", "association", "august", "avenue", "award",
    "awards", "ball", "band", "bank", "bar", "base", "battle", "bay",
    "beach", "best", "big", "bill", "bishop", "black", "blue", "board",
    "book", "books", "border", "boulevard", "boy", "bridge", "brigade",
    "brother", "brothers", "building", "bureau", "business", "cabinet",
    "campaign", "canal", "capital", "captain", "cardinal", "castle",
    "cathedral", "center", "central", "centre", "century", "chairman",
    "championship", "championships", "chancellor", "chapel", "chapter",
    "chief", "church", "cinema", "circle", "city", "civil", "class",
    "club", "coach", "coast", "code", "college", "commission",
    "commissioner", "committee", "common", "community", "company",
    "conference", "constitution", "cooperation", "corporation", "council",
    "counsel", "country", "county", "court", "crown", "cup", "day", "days",
    "december", "defence", "defense", "democracy", "department", "deputy",
    "development", "director", "district", "division", "doctor", "duke",
    "earth", "east", "eastern", "edition", "editor", "education",
    "election", "emperor", "empire", "energy", "engineering", "episode",
    "estate", "evening", "event", "exchange", "executive", "family",
    "father", "february", "federal", "federation", "festival", "field",
    "film", "final", "finals", "finance", "fire", "flight", "force",
    "forces", "foreign", "forest", "fort", "foundation", "free", "friday",
    "friend", "front", "fund", "game", "games", "garden", "gardens",
    "gate", "general", "girl", "god", "gold", "government", "governor",
    "grand", "great", "green", "ground", "group", "guard", "gulf", "hall",
    "harbor", "harbour", "head", "health", "high", "hill", "hills",
    "history", "home", "hospital", "hotel", "house", "human", "image",
    "industry", "institute", "insurance", "intelligence", "international",
    "island", "islands", "january", "journal", "judge", "judiciary",
    "july", "june", "justice", "king", "kingdom", "labor", "labour",
    "lady", "lake", "land", "language", "law", "leader", "league",
    "letter", "library", "life", "light", "line", "little", "lord", "love",
    "magazine", "main", "major", "man", "manager", "march", "marine",
    "marines", "maritime", "market", "may", "mayor", "media", "medicine",
    "memorial", "men", "middle", "military", "minister", "ministry",
    "mission", "monday", "mother", "mount", "mountain", "mountains",
    "movie", "museum", "music", "nation", "national", "nations", "natural",
    "nature", "navy", "network", "news", "night", "north", "northeast",
    "northern", "northwest", "novel", "november", "october", "office",
    "officer", "official", "old", "open", "opera", "orchestra", "order",
    "park", "parliament", "part", "party", "pass", "peace", "people",
    "place", "plan", "planet", "police", "pop", "pope", "population",
    "port", "post", "power", "premier", "president", "press", "prince",
    "princess", "prison", "prize", "professor", "program", "programme",
    "project", "province", "public", "queen", "race", "radio", "railroad",
    "railway", "record", "records", "red", "reform", "region", "religion",
    "report", "representative", "republic", "research", "reserve",
    "revolution", "river", "road", "rock", "room", "round", "route",
    "royal", "rule", "saturday", "school", "science", "sea", "season",
    "second", "secretary", "section", "security", "senator", "september",
    "series", "service", "services", "session", "shadow", "ship", "sir",
    "sister", "site", "social", "society", "software", "son", "song",
    "south", "southeast", "southern", "southwest", "space", "special",
    "sport", "sports", "square", "stadium", "staff", "stage", "star",
    "state", "statement", "states", "station", "stone", "store", "street",
    "student", "studies", "studio", "study", "summer", "summit", "sun",
    "sunday", "super", "supreme", "system", "tax", "teacher", "team",
    "technology", "television", "temple", "territory", "theater",
    "theatre", "thursday", "title", "tour", "tower", "town", "track",
    "trade", "transport", "treasury", "treaty", "tree", "trial",
    "tribunal", "trust", "tuesday", "union", "unit", "united",
    "university", "valley", "vice", "victory", "village", "virgin",
    "volume", "wall", "war", "water", "way", "weapon", "wednesday", "week",
    "west", "western", "white", "wild", "wind", "winter", "woman", "women",
    "word", "work", "world", "wow", "year", "years", "young", "youth",
    "zone"
};

static int compare_word(const void *key, const void *element)
{
    const struct bl_span *form = key;
    const char *word = *(const char *const *)element;
    size_t len = strlen(word);
    int order = memcmp(form->p, word, BL_MIN(form->n, len));

    return order ? order : (form->n > len) - (form->n < len);
}

static bool listed(const struct bl_doc *doc, size_t i, const char *const *list,
                   size_t n_list)
{
    struct bl_span form = { doc->forms.data + doc->v[i].form,
                            doc->v[i].form_n };

    return bsearch(&form, list, n_list, sizeof *list, compare_word) != NULL;
}

bool bl_naming_function(const struct bl_doc *doc, size_t i)
{
    return listed(doc, i, function_words, BL_COUNT(function_words));
}

static bool generic_word(const struct bl_doc *doc, size_t i)
{
    return listed(doc, i, generic_words, BL_COUNT(generic_words));
}

/* ---- What the document itself says ---- */

struct seen {
    uint64_t hash;                      /* 0: free */
    bool lower, inside;
};

struct bl_evidence {
    struct seen *v;
    size_t size, cap;                   /* size: a power of two, in use */
};

struct bl_evidence *bl_evidence_new(void)
{
    return BL_NEW(struct bl_evidence);
}

void bl_evidence_free(struct bl_evidence *evidence)
{
    free(evidence->v);
    free(evidence);
}

/* The entry of a word, or the free one where it would be.  There always is a
 * free one, because make_room() leaves the table at most half full. */
static struct seen *find_seen(const struct bl_evidence *evidence,
                              uint64_t hash)
{
    size_t slot = (size_t)(hash ^ hash >> 32) & (evidence->size - 1);

    hash |= 1;
    while (evidence->v[slot].hash && evidence->v[slot].hash != hash)
        slot = (slot + 1) & (evidence->size - 1);
    return &evidence->v[slot];
}

static bool capital(const struct bl_doc_word *word)
{
    return word->shape == BL_SHAPE_TITLE || word->shape == BL_SHAPE_CAPS;
}

static void make_room(struct bl_evidence *evidence, const struct bl_doc *doc)
{
    size_t capitals = 0;

    for (size_t i = 0; i < doc->n; i++)
        capitals += capital(&doc->v[i]);
    for (evidence->size = 16; evidence->size < capitals * 2; )
        evidence->size *= 2;
    if (evidence->size > evidence->cap) {
        free(evidence->v);
        evidence->v = BL_NEW_ARRAY(struct seen, evidence->size);
        evidence->cap = evidence->size;
        return;
    }
    memset(evidence->v, 0, evidence->size * sizeof *evidence->v);
}

/* First the words that the document capitalises, noting those that are within
 * a sentence, where only a name explains it; then which of them it also has in
 * lower case.  Words that it never capitalises are not kept. */
void bl_evidence_read(struct bl_evidence *evidence, const struct bl_doc *doc)
{
    make_room(evidence, doc);
    for (size_t i = 0; i < doc->n; i++) {
        const struct bl_doc_word *word = &doc->v[i];

        if (!capital(word))
            continue;
        struct seen *seen = find_seen(evidence, word->hash);

        seen->hash = word->hash | 1;
        seen->inside |= !word->first && !word->loud;
    }
    for (size_t i = 0; i < doc->n; i++) {
        const struct bl_doc_word *word = &doc->v[i];

        if (word->shape == BL_SHAPE_LOWER) {
            struct seen *seen = find_seen(evidence, word->hash);

            seen->lower = seen->hash != 0;
        }
    }
}

/* ---- Spellings ---- */

/* Whether both have the same characters, any white space counting as one
 * blank.  a: of a text as it is read. */
static bool same_text(struct bl_span a, struct bl_span b)
{
    size_t i = 0, k = 0;

    while (i < a.n && k < b.n) {
        bool blank = (unsigned char)a.p[i] <= ' ';

        if (a.p[i] == BL_READ_NIL) {
            i++;
            continue;
        }
        if (blank ? b.p[k] != ' ' : a.p[i] != b.p[k])
            return false;
        i++;
        k++;
        while (blank && i < a.n && (unsigned char)a.p[i] <= ' ')
            i++;
    }
    while (i < a.n && a.p[i] == BL_READ_NIL)
        i++;
    /* What ends a name without being of its words: "Apple Inc". */
    while (k < b.n && strchr(".!?", b.p[k]))
        k++;
    return i == a.n && k == b.n;
}

static struct bl_span raw(const struct bl_naming_in *in)
{
    const struct bl_doc *doc = in->doc;
    size_t start = doc->v[in->from].start;

    return (struct bl_span){ doc->read.p + start,
                             doc->v[in->to - 1].end - start };
}

/* Index of the first spelling that the text writes exactly so, or n. */
static size_t exact_spelling(const struct bl_naming_in *in)
{
    struct bl_span text = raw(in);

    for (size_t i = 0; i < in->n; i++)
        if (same_text(text, in->v[i].surface))
            return i;
    return in->n;
}

static size_t spelling_shaped(const struct bl_naming_in *in,
                              enum bl_word_shape one, enum bl_word_shape two)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->v[i].shape == one || in->v[i].shape == two)
            return i;
    return in->n;
}

static bool common_noun(const struct bl_spelling *spelling)
{
    return spelling->kind & BL_KB_COMMON;
}

/* Whether a spelling in lower case is the name: the catalogue of plants that
 * says "silver birch" means it.  What was counted in links does not, because
 * they also say "water". */
static bool small_spelling(const struct bl_naming_in *in, size_t *best)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->v[i].small) {
            *best = i;
            return true;
        }
    return false;
}

static double when_common(const struct bl_naming_in *in, size_t *best)
{
    if (small_spelling(in, best))
        return 0.5;
    return in->common ? 0.3 : 0;
}

/* ---- One word ---- */

static double capitals_word(const struct bl_naming_in *in, size_t *best)
{
    const struct bl_doc_word *word = &in->doc->v[in->from];
    bool function = bl_naming_function(in->doc, in->from);
    size_t i = spelling_shaped(in, BL_SHAPE_CAPS, BL_SHAPE_MIXED);

    if (i < in->n && !(word->loud && function)) {
        *best = i;
        return word->loud ? 0.6 : 0.85;
    }
    i = spelling_shaped(in, BL_SHAPE_TITLE, BL_SHAPE_TITLE);
    if (i == in->n || function || word->end - word->start < 4
        || common_noun(&in->v[i]))
        return 0;
    *best = i;
    return 0.6;
}

/* Index of the first spelling of shape TITLE or MIXED that is not a common
 * noun; if all of them are, of the first; n when there is none.  One all in
 * capitals does not count: "Us" is not "US". */
static size_t title_spelling(const struct bl_naming_in *in)
{
    size_t common = in->n;

    for (size_t i = 0; i < in->n; i++) {
        if (in->v[i].shape != BL_SHAPE_TITLE
            && in->v[i].shape != BL_SHAPE_MIXED)
            continue;
        if (!common_noun(&in->v[i]))
            return i;
        if (common == in->n)
            common = i;
    }
    return common;
}

/* Whether only white space lies between words i and i + 1, both
 * capitalised. */
static bool linked(const struct bl_doc *doc, size_t i)
{
    return i + 1 < doc->n && capital(&doc->v[i]) && capital(&doc->v[i + 1])
        && !bl_doc_parts(doc, i + 1);
}

/* Whether the word is a part of a longer name, as "Records" of "Apple
 * Records" is. */
static bool part_of_more(const struct bl_naming_in *in)
{
    return linked(in->doc, in->to - 1)
        || (in->from > 0 && linked(in->doc, in->from - 1)
            && !bl_naming_function(in->doc, in->from - 1));
}

static double title_word(const struct bl_naming_in *in, size_t *best)
{
    const struct bl_doc_word *word = &in->doc->v[in->from];
    const struct seen *seen = find_seen(in->evidence, word->hash);
    size_t i = title_spelling(in);

    if (bl_naming_function(in->doc, in->from))
        return 0;
    if (i == in->n)
        return word->first && small_spelling(in, best) ? 0.5 : 0;
    *best = i;
    if (common_noun(&in->v[i]) || generic_word(in->doc, in->from)
        || (word->first && seen->lower))
        return when_common(in, best);
    if (part_of_more(in))
        return 0;
    if (!word->first)
        return 0.85;
    return seen->inside ? 0.7 : 0.6;
}

static double one_word(const struct bl_naming_in *in, size_t *best)
{
    const struct bl_doc_word *word = &in->doc->v[in->from];
    const char *bytes = in->doc->read.p + word->start;

    switch (word->shape) {
    case BL_SHAPE_CAPS:
        return word->form_n < 2 ? 0 : capitals_word(in, best);
    case BL_SHAPE_TITLE:
        return title_word(in, best);
    case BL_SHAPE_MIXED:
        return 0.85;
    case BL_SHAPE_LOWER:
        return bl_naming_function(in->doc, in->from) || word->form_n < 3 ? 0
            : when_common(in, best);
    default:
        /* A script without case, which leaves the bytes to tell: from 0xd0 on
         * they begin U+0400 and above, so digits and signs are out, and more
         * than four bytes is more than one ideograph. */
        return (unsigned char)*bytes >= 0xd0 && word->end - word->start > 4
            ? 0.85 : 0;
    }
}

/* ---- Several words ---- */

struct tally {
    size_t words, capitals, small, uncased, function;
    bool foreign;               /* a word outside ASCII without case */
};

/* Lower case in function words does not count as small, because names have it
 * too ("Bank of England").  A first byte from 0xd0 on means U+0400 or above,
 * so an uncased word with one is of a script without case and not a number. */
static struct tally count_words(const struct bl_naming_in *in)
{
    struct tally tally = { 0 };

    for (size_t i = in->from; i < in->to; i++) {
        const struct bl_doc_word *word = &in->doc->v[i];
        bool function;

        if (word->class != BL_FOLD_WORD)
            continue;
        function = bl_naming_function(in->doc, i);
        tally.words++;
        tally.function += function;
        tally.capitals += word->shape >= BL_SHAPE_TITLE;
        tally.small += word->shape == BL_SHAPE_LOWER && !function;
        tally.uncased += word->shape == BL_SHAPE_NONE;
        tally.foreign |= word->shape == BL_SHAPE_NONE
            && (unsigned char)in->doc->read.p[word->start] >= 0xd0;
    }
    return tally;
}

static size_t proper_spelling(const struct bl_naming_in *in)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->v[i].inner)
            return i;
    return in->n;
}

/* Only the first word has a capital, which may be there because a sentence
 * begins. */
static double sentence_case(const struct bl_naming_in *in, size_t i,
                            size_t *best)
{
    if (i == in->n || common_noun(&in->v[i]))
        return when_common(in, best);
    return in->doc->v[in->from].first ? 0.6 : 0.85;
}

static double inexact(const struct bl_naming_in *in, const struct tally *tally,
                      size_t *best)
{
    size_t i = proper_spelling(in);

    if ((tally->small || tally->function == tally->words)
        && (in->doc->v[in->from].first || i == in->n || tally->capitals == 0
            || tally->function))
        return when_common(in, best);
    if (tally->small || tally->function == tally->words)
        return 0.6;
    if (i < in->n) {
        *best = i;
        return 0.9;
    }
    return common_noun(&in->v[0]) ? when_common(in, best) : 0.6;
}

static double several_words(const struct bl_naming_in *in, size_t *best)
{
    struct tally tally = count_words(in);
    size_t i = exact_spelling(in);

    if (tally.uncased == tally.words)
        return tally.foreign ? 0.85 : 0;
    if (tally.capitals == 0)
        return when_common(in, best);
    if (i == in->n)
        return inexact(in, &tally, best);
    *best = i;
    if (in->v[i].inner || tally.small == 0)
        return tally.function == tally.words && tally.capitals < tally.words
            ? 0 : 0.95;
    return sentence_case(in, i, best);
}

double bl_naming(const struct bl_naming_in *in, size_t *best)
{
    *best = 0;
    if (in->to - in->from == 1)
        return one_word(in, best);
    return several_words(in, best);
}
