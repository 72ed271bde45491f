/* SPDX-License-Identifier: MIT */
/* wikinames: tables of names: languages and wikis that links may name. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "wiki/wikititle.h"

/* Codes of the languages that Wikipedia is or was written in, sorted. */
static const char *const languages[] = {
    "aa", "ab", "ace", "ady", "af", "ak", "als", "alt", "am", "ami", "an",
    "ang", "ann", "anp", "ar", "arc", "ary", "arz", "as", "ast", "atj", "av",
    "avk", "awa", "ay", "az", "azb", "ba", "ban", "bar", "bat-smg", "bbc",
    "bcl", "bdr", "be", "be-tarask", "be-x-old", "bew", "bg", "bh", "bho",
    "bi", "bjn", "blk", "bm", "bn", "bo", "bpy", "br", "bs", "btm", "bug",
    "bxr", "ca", "cbk-zam", "cdo", "ce", "ceb", "ch", "cho", "chr", "chy",
    "ckb", "co", "cr", "crh", "cs", "csb", "cu", "cv", "cy", "da", "dag", "de",
    "dga", "din", "diq", "dsb", "dtp", "dty", "dv", "dz", "ee", "el", "eml",
    "en", "eo", "es", "et", "eu", "ext", "fa", "fat", "ff", "fi", "fiu-vro",
    "fj", "fo", "fon", "fr", "frp", "frr", "fur", "fy", "ga", "gag", "gan",
    "gcr", "gd", "gl", "glk", "gn", "gom", "gor", "got", "gpe", "gsw", "gu",
    "guc", "gur", "guw", "gv", "ha", "hak", "haw", "he", "hi", "hif", "ho",
    "hr", "hsb", "ht", "hu", "hy", "hyw", "hz", "ia", "iba", "id", "ie", "ig",
    "igl", "ii", "ik", "ilo", "inh", "io", "is", "it", "iu", "ja", "jam",
    "jbo", "jv", "ka", "kaa", "kab", "kaj", "kbd", "kbp", "kcg", "kg", "kge",
    "ki", "kj", "kk", "kl", "km", "kn", "knc", "ko", "koi", "kr", "krc", "ks",
    "ksh", "ku", "kus", "kv", "kw", "ky", "la", "lad", "lb", "lbe", "lez",
    "lfn", "lg", "li", "lij", "lld", "lmo", "ln", "lo", "lrc", "lt", "ltg",
    "lv", "lzh", "mad", "mai", "map-bms", "mdf", "mg", "mh", "mhr", "mi",
    "min", "mk", "ml", "mn", "mni", "mnw", "mo", "mos", "mr", "mrj", "ms",
    "mt", "mus", "mwl", "my", "myv", "mzn", "na", "nah", "nan", "nap", "nb",
    "nds", "nds-nl", "ne", "new", "ng", "nia", "nl", "nn", "no", "nov", "nqo",
    "nr", "nrm", "nso", "nup", "nv", "ny", "oc", "olo", "om", "or", "os", "pa",
    "pag", "pam", "pap", "pcd", "pcm", "pdc", "pfl", "pi", "pih", "pl", "pms",
    "pnb", "pnt", "ps", "pt", "pwn", "qu", "rm", "rmy", "rn", "ro", "roa-rup",
    "roa-tara", "rsk", "ru", "rue", "rup", "rw", "sa", "sah", "sat", "sc",
    "scn", "sco", "sd", "se", "sg", "sgs", "sh", "shi", "shn", "shy", "si",
    "simple", "sk", "skr", "sl", "sm", "smn", "sn", "so", "sq", "sr", "srn",
    "ss", "st", "stq", "su", "sv", "sw", "syl", "szl", "szy", "ta", "tay",
    "tcy", "tdd", "te", "tet", "tg", "th", "ti", "tig", "tk", "tl", "tly",
    "tn", "to", "tpi", "tr", "trv", "ts", "tt", "tum", "tw", "ty", "tyv",
    "udm", "ug", "uk", "ur", "uz", "ve", "vec", "vep", "vi", "vls", "vo",
    "vro", "wa", "war", "wo", "wuu", "xal", "xh", "xmf", "yi", "yo", "yue",
    "za", "zea", "zgh", "zh", "zh-classical", "zh-cn", "zh-min-nan", "zh-tw",
    "zh-yue", "zu"
};

/* Prefixes of MediaWiki's interwiki table that Wikipedia's pages use. */
static const char *const interwikis[] = {
    "arxiv", "b", "betawikiversity", "bugzilla", "c", "cache", "chapter",
    "commons", "d", "doi", "download", "foundation", "gerrit", "google",
    "imdbname", "imdbtitle", "incubator", "isbn", "isni", "iso639-3", "issn",
    "jstor", "lccn", "m", "mail", "mailarchive", "mediawikiwiki", "mediazilla",
    "meta", "metawikimedia", "metawikipedia", "mw", "n", "oclc", "oeis",
    "oldwikisource", "openlibrary", "orcid", "otrs", "outreach",
    "outreachwiki", "phab", "phabricator", "pmid", "q", "quality", "quarry",
    "rfc", "s", "species", "strategy", "ticket", "toollabs", "tools",
    "translatewiki", "tswiki", "usability", "v", "viaf", "voy", "w", "wikia",
    "wikibooks", "wikicities", "wikidata", "wikifunctions", "wikimania",
    "wikimedia", "wikinews", "wikiquote", "wikisource", "wikispecies",
    "wikispore", "wikitech", "wikiversity", "wikivoyage", "wikt", "wiktionary",
    "wmf", "worldcat"
};

enum { LONGEST = 24 };          /* no name here is longer */

static int word_by_name(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

/* The element of a sorted table, whose elements begin with their name. */
static const void *find_word(struct bl_span name, const void *table,
                             size_t count, size_t size)
{
    char key[LONGEST + 1];

    if (name.n > LONGEST)
        return NULL;
    memcpy(key, name.p, name.n);
    key[name.n] = '\0';
    return bsearch(key, table, count, size, word_by_name);
}

#define FIND(name, table) \
    find_word((name), (table), BL_COUNT(table), sizeof *(table))

bool bl_wiki_is_language(struct bl_span prefix)
{
    return FIND(prefix, languages) != NULL;
}

bool bl_wiki_is_interwiki(struct bl_span prefix)
{
    return FIND(prefix, interwikis) != NULL;
}
