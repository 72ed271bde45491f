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

/* The names of the namespaces of files and of categories in other languages.
 * MediaWiki takes them beside those of <siteinfo>, which has one of each: in a
 * German wiki "Bild:" is as good as "Datei:".  A page by itself has none. */
static const char *const files[] = {
    "afbeelding", "archivi", "archivo", "arquivo", "attēls", "beeld",
    "berkas", "bestand", "bestân", "bielde", "bild", "bilde", "billede",
    "dataja", "datei", "datoteka", "delwedd", "dosiero", "dosya", "fail",
    "faili", "fasciculus", "fayl", "ficheiro", "ficheru", "fichier",
    "fichièr", "figura", "fil", "fitxategi", "fitxer", "fiùra", "fişier",
    "fișier", "fájl", "gambar", "grafika", "hình", "hình ảnh", "imagem",
    "imagen", "imagine", "imago", "imatge", "imaxe", "imaxen", "imej",
    "immagin", "immagine", "immàggini", "immàgine", "imàgine", "imàgini",
    "irudi", "kuva", "kép", "lêer", "mynd", "obrázek", "obrázok", "ofbyld",
    "payl", "paypay", "picha", "pilt", "plik", "resim", "restr", "skeda",
    "skeudenn", "slika", "soubor", "stampa", "súbor", "talaksan", "tasvir",
    "tiedosto", "tập tin", "vaizdas", "wobraz", "wêne", "ìomhaigh", "íomhá",
    "şəkil", "αρχείο", "εικόνα", "акс", "выява", "датотека", "зображення",
    "зураг", "изображение", "картинка", "податотека", "рәсем", "слика",
    "сурет", "сүрөт", "файл", "фајл", "ӳкерчĕк", "պատկեր", "בילד", "טעקע",
    "קובץ", "תמונה", "انځور", "تصویر", "صورة", "فائل", "فایل", "ملف",
    "پرونده", "پەڕگە", "चित्र", "फ़ाइल", "চিত্র", "ছবি", "ফাইল", "ਤਸਵੀਰ",
    "ચિત્ર", "રૂપ", "ଛବି", "ଫାଇଲ", "கோப்பு", "படிமம்", "దస్త్రం", "ప్రమాణం",
    "బొమ్మ", "ಚಿತ್ರ", "ಫೈಲ್", "ചിത്രം", "പ്രമാണം", "ගොනුව", "රූපය", "ภาพ",
    "ไฟล์", "ຮູບ", "ဖိုင်", "ရုပ်ပုံ", "სურათი", "ფაილი", "ስዕል", "រូបភាព",
    "ファイル", "图像", "图片", "圖像", "圖片", "文件", "档案", "檔案", "画像", "그림", "파일"
};

static const char *const categories[] = {
    "bólkur", "catagóir", "catagóirí", "categori", "categoria", "categorie",
    "categoría", "catigurìa", "catégorie", "flokkur", "jamii", "kategooria",
    "kategori", "kategoria", "kategorie", "kategorija", "kategorio",
    "kategoriya", "kategory", "kategorya", "kategorî", "kategória",
    "kateqoriya", "luokka", "roinn-seòrsa", "rummad", "thể loại", "turkum",
    "κατηγορία", "ангилал", "гурӯҳ", "категориа", "категория", "категорија",
    "категорія", "катэгорыя", "санат", "төркем", "կատեգորիա", "קאטעגאריע",
    "קטגוריה", "تصنيف", "رده", "زمرہ", "وېشنيزه", "پۆل", "वर्ग", "श्रेणी",
    "বিষয়শ্রেণী", "ਸ਼੍ਰੇਣੀ", "શ્રેણી", "ଶ୍ରେଣୀ", "பகுப்பு", "వర్గం", "ವರ್ಗ",
    "വർഗ്ഗം", "ප්‍රවර්ගය", "หมวดหมู่", "ໝວດ", "ကဏ္ဍ", "კატეგორია", "መደብ",
    "ចំណាត់ថ្នាក់ក្រុម", "ប្រភេទ", "カテゴリ", "分类", "分類", "분류"
};

/* Files have these at their ends, whatever the namespace is called. */
static const char *const endings[] = {
    "apng", "djvu", "flac", "gif", "jpe", "jpeg", "jpg", "mid", "midi", "mp3",
    "oga", "ogg", "ogv", "opus", "pdf", "png", "stl", "svg", "tif", "tiff",
    "wav", "webm", "webp", "xcf"
};

enum { LONGEST = 60 };          /* no name here is longer */

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

bool bl_wiki_is_files(struct bl_span prefix)
{
    return FIND(prefix, files) != NULL;
}

bool bl_wiki_is_categories(struct bl_span prefix)
{
    return FIND(prefix, categories) != NULL;
}

bool bl_wiki_is_file_ending(struct bl_span title)
{
    const char *dot = title.n ? memrchr(title.p, '.', title.n) : NULL;
    char ending[8];
    size_t n;

    if (!dot)
        return false;
    n = (size_t)(title.p + title.n - dot) - 1;
    if (n >= sizeof ending)
        return false;
    for (size_t i = 0; i < n; i++)
        ending[i] = dot[1 + i] >= 'A' && dot[1 + i] <= 'Z'
            ? (char)(dot[1 + i] | 0x20) : dot[1 + i];
    return FIND(((struct bl_span){ ending, n }), endings) != NULL;
}
