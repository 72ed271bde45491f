/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/nearest.h"

enum { MAX_FOLDERS = 5 };

static const struct {
    const char *folder, *suffix, *what;
    bool shipped;               /* there are some in share/ */
} kinds[] = {
    [BL_PATH_MODEL] = { "models", "", "model", true },
    [BL_PATH_CATALOGUE] = { "catalogues", ".kb", "catalogue", false },
    [BL_PATH_INDEX] = { "indexes", ".blx", "index", false },
    [BL_PATH_NAMES] = { "names", ".tsv", "file of names", true },
    [BL_PATH_CALIBRATION] = { "calibration", ".json", "calibration", true },
};

char *bl_path_real(const char *path)
{
    char *real = realpath(path, NULL);

    if (!real && errno == ENOMEM)
        bl_oom(0);
    return real;
}

const char *bl_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool same_file(const char *a, const char *b)
{
    struct stat one, two;

    return stat(a, &one) == 0 && stat(b, &two) == 0
        && one.st_dev == two.st_dev && one.st_ino == two.st_ino;
}

/* The folder of a file, with the slash; caller frees. */
static char *folder_of(const char *path)
{
    const char *base = bl_path_base(path);

    return base == path ? bl_xstrdup("./")
                        : bl_xasprintf("%.*s", (int)(base - path), path);
}

/* What is not there yet is the same if it will get one name in one folder. */
bool bl_path_same(const char *a, const char *b)
{
    char *folder = folder_of(a), *other = folder_of(b);
    bool same = same_file(a, b)
        || (!strcmp(bl_path_base(a), bl_path_base(b))
            && same_file(folder, other));

    free(folder);
    free(other);
    return same;
}

/* Why a search could not see what is there (errno), or 0.  What it found then
 * need not be what comes first. */
static _Thread_local int unseen;

static bool seen(int rc)
{
    if (rc < 0 && bl_errno_code(errno) == BL_SYSTEM)
        unseen = errno;
    return rc == 0;
}

static bool exists(const char *path)
{
    return seen(access(path, F_OK));
}

static const char *env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* The running program's path, links resolved; caller frees. */
static char *self_path(void)
{
    char *path = bl_path_real("/proc/self/exe");

    return path ? path : bl_xstrdup("");
}

/* The folder `up` levels above this program's file; caller frees. */
static char *self_folder(int up)
{
    char *p = self_path(), *slash;

    for (int i = 0; i <= up; i++) {
        slash = strrchr(p, '/');
        if (slash)
            *slash = '\0';
    }
    return p;
}

/* Whether nobody can write to `path` but root and those who could as well
 * replace this program: its owner, that of its folder, and for whom the
 * folder is open.  In a folder like /tmp (sticky) nobody replaces what another
 * has. */
static bool is_ours(const char *path)
{
    char *self = self_path(), *folder = self_folder(0);
    struct stat program, home, st;
    bool ours = false;

    if (seen(stat(self, &program)) && seen(stat(folder, &home))
        && seen(stat(path, &st))) {
        mode_t open = home.st_mode & S_ISVTX ? 0 : home.st_mode;

        if (st.st_gid != home.st_gid)
            open &= ~(mode_t)S_IWGRP;
        ours = (st.st_uid == 0 || st.st_uid == program.st_uid
                || st.st_uid == home.st_uid)
            && !(st.st_mode & ~open & (S_IWGRP | S_IWOTH));
    }
    free(self);
    free(folder);
    return ours;
}

/* Programs lie in bin/ of their build tree, tests in a folder of tests/; an
 * installation's bin/ may lie beside a folder that looks like a tree. */
static bool is_build_tree(const char *dir)
{
    char *self = self_path(), *common = bl_xasprintf("%s/common", dir);
    char *mark = bl_xasprintf("%s/libcommon.la", common);
    const char *within = self + strlen(dir);
    bool here = (!strncmp(within, "/bin/", 5)
                 || !strncmp(within, "/tests/", 7))
        && exists(mark) && is_ours(mark) && is_ours(common) && is_ours(dir);

    free(self);
    free(common);
    free(mark);
    return here;
}

/* The build tree that this program runs from, or NULL; caller frees. */
static char *build_tree(void)
{
    for (int up = 1; up <= 2; up++) {
        char *dir = self_folder(up);

        if (is_build_tree(dir))
            return dir;
        free(dir);
    }
    return NULL;
}

static char *user_folder(void)
{
    const char *xdg = env("XDG_DATA_HOME"), *home = env("HOME");

    if (xdg)
        return bl_xasprintf("%s/blink", xdg);
    return home ? bl_xasprintf("%s/.local/share/blink", home) : NULL;
}

static size_t installed_folders(char **dirs)
{
    char *prefix = self_folder(1);

    dirs[0] = bl_xasprintf("%s/share/blink", prefix);
    dirs[1] = bl_xstrdup(BL_PKGDATADIR);
    free(prefix);
    return 2;
}

/* The data folders in the order they are searched, and where that what is
 * part of blink lies; caller frees each. */
static size_t data_folders(enum bl_path_kind kind, char *dirs[MAX_FOLDERS])
{
    bool shipped = kinds[kind].shipped;
    char *build = build_tree();
    size_t n = 0;

    if (env("BLINK_DATA")) {
        dirs[n++] = bl_xstrdup(env("BLINK_DATA"));
    } else {
        if (build)
            dirs[n++] = bl_xasprintf("%s/data", build);
        dirs[n] = user_folder();
        n += dirs[n] != NULL;
    }
    if (build && shipped)
        dirs[n++] = bl_xasprintf("%s/share", build);
    free(build);
    if (shipped || !env("BLINK_DATA"))
        n += installed_folders(dirs + n);
    return n;
}

/* The name in one folder, with or without its suffix; NULL when absent. */
static char *in_folder(const char *dir, enum bl_path_kind kind,
                       const char *name)
{
    char *path = bl_xasprintf("%s/%s/%s%s", dir, kinds[kind].folder, name,
                              kinds[kind].suffix);

    if (exists(path))
        return path;
    free(path);
    path = bl_xasprintf("%s/%s/%s", dir, kinds[kind].folder, name);
    if (exists(path))
        return path;
    free(path);
    return NULL;
}

/* ---- The names there are ---- */

static bool ends_with(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);

    return n > m && !strcmp(name + n - m, suffix);
}

/* Whether what a folder holds has a name of that kind; 1 also for links that
 * lead nowhere, which whoever opens them reports. */
static bool is_of_kind(const char *path, enum bl_path_kind kind)
{
    struct stat st;

    if (kind == BL_PATH_MODEL)
        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    if (kind == BL_PATH_NAMES && ends_with(path, ".names"))
        return true;
    return kind == BL_PATH_INDEX || ends_with(path, kinds[kind].suffix);
}

/* "vital.kb" -> "vital": what is typed for it; caller frees. */
static char *name_of(const char *file, enum bl_path_kind kind)
{
    size_t n = strlen(file);

    if (ends_with(file, kinds[kind].suffix))
        n -= strlen(kinds[kind].suffix);
    return bl_xasprintf("%.*s", (int)n, file);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The sorted files of a folder but for hidden ones, such as those that are
 * being made; caller frees each and the list. */
static char **files_of(const char *folder, size_t *n)
{
    DIR *open = opendir(folder);
    struct dirent *entry;
    char **files = NULL;

    *n = 0;
    while (open && (entry = readdir(open))) {
        if (*entry->d_name == '.')
            continue;
        files = bl_xrealloc(files, *n + 1, sizeof *files);
        files[(*n)++] = bl_xstrdup(entry->d_name);
    }
    if (open)
        closedir(open);
    if (*n)
        qsort(files, *n, sizeof *files, by_name);
    return files;
}

static void each_of(const char *folder, enum bl_path_kind kind,
                    bl_path_each_fn *each, void *ctx)
{
    size_t n;
    char **files = files_of(folder, &n);

    for (size_t i = 0; i < n; i++) {
        char *path = bl_xasprintf("%s/%s", folder, files[i]);
        char *name = name_of(files[i], kind);

        if (is_of_kind(path, kind))
            each(ctx, name, path);
        free(name);
        free(path);
        free(files[i]);
    }
    free(files);
}

void bl_path_each(enum bl_path_kind kind, bl_path_each_fn *each, void *ctx)
{
    char *dirs[MAX_FOLDERS];
    size_t n = data_folders(kind, dirs);

    for (size_t i = 0; i < n; i++) {
        char *folder = bl_xasprintf("%s/%s", dirs[i], kinds[kind].folder);
        bool again = false;

        for (size_t j = 0; j < i; j++)
            again |= bl_path_same(dirs[i], dirs[j]);
        if (!again)
            each_of(folder, kind, each, ctx);
        free(folder);
    }
    for (size_t i = 0; i < n; i++)
        free(dirs[i]);
}

/* What is near a name that is not there, and what is. */
struct others {
    struct bl_nearest nearest;
    struct bl_buf names;
    size_t n;
};

enum { SHOWN_NAMES = 8 };

static void add_other(void *ctx, const char *name, const char *path)
{
    struct others *others = ctx;

    (void)path;
    bl_nearest_try(&others->nearest, name);
    if (others->n++ < SHOWN_NAMES)
        bl_buf_printf(&others->names, "%s%s", others->n > 1 ? ", " : "",
                      name);
}

/* ": did you mean 'vital'? there are default, vital" */
static void put_others(struct bl_buf *out, enum bl_path_kind kind,
                       const char *name)
{
    struct others others = { .nearest = { .word = name } };

    bl_path_each(kind, add_other, &others);
    if (*others.nearest.best)
        bl_buf_printf(out, "; did you mean '%s'?", others.nearest.best);
    else if (others.n)
        bl_buf_puts(out, ";");
    if (others.n)
        bl_buf_printf(out, " there %s %s%s", others.n > 1 ? "are" : "is",
                      others.names.data, others.n > SHOWN_NAMES
                      ? " and others (blink list)" : "");
    bl_buf_free(&others.names);
}

/* ---- Finding ---- */

/* What makes the data of the name "default".  Quickstart fills the folder of
 * its own tree, where installed programs do not look. */
static void advise(struct bl_buf *out, const char *name, const char *dir)
{
    char *build;

    if (strcmp(name, "default"))
        return;
    build = build_tree();
    bl_buf_puts(out, " (");
    if (!build && !env("BLINK_DATA"))
        bl_buf_printf(out, "BLINK_DATA=%s ", dir);
    bl_buf_puts(out, "scripts/quickstart makes the default one)");
    free(build);
}

static void not_found(enum bl_path_kind kind, const char *name,
                      char *const *dirs, size_t n, struct bl_err *err)
{
    struct bl_buf tried = BL_BUF_INIT;

    if (unseen) {
        errno = unseen;
        bl_fail_errno(err, BL_SYSTEM, "cannot look for the %s '%s'",
                      kinds[kind].what, name);
        return;
    }
    for (size_t i = 0; i < n; i++)
        bl_buf_printf(&tried, "%s%s/%s", i ? ", " : "", dirs[i],
                      kinds[kind].folder);
    advise(&tried, name, dirs[0]);
    put_others(&tried, kind, name);
    bl_fail(err, BL_DATA, "no %s '%s' here or in %s", kinds[kind].what, name,
            tried.data);
    bl_buf_free(&tried);
}

/* "mini/cross": a model of a family, which may lie in a data folder; its name
 * does not lead out of there. */
static bool is_part(enum bl_path_kind kind, const char *name)
{
    const char *slash = strchr(name, '/');

    return kind == BL_PATH_MODEL && slash && slash != name && *name != '.'
        && slash[1] && slash[1] != '.' && !strchr(slash + 1, '/');
}

static char *in_folders(char *const *dirs, size_t n, enum bl_path_kind kind,
                        const char *name)
{
    char *found = NULL;

    for (size_t i = 0; i < n && !found; i++)
        found = in_folder(dirs[i], kind, name);
    if (!unseen)
        return found;
    free(found);
    return NULL;
}

/* ".kb", ".blx", ".faiss": a file's name, as no name in a data folder ends. */
static bool has_suffix(const char *name)
{
    const char *dot = strrchr(name, '.');

    return dot && ((dot[1] >= 'a' && dot[1] <= 'z')
                   || (dot[1] >= 'A' && dot[1] <= 'Z'));
}

/* A name alone means the data folders, whatever the current folder holds. */
static bool is_path(enum bl_path_kind kind, const char *name)
{
    if (strchr(name, '/'))
        return !is_part(kind, name) || exists(name);
    return *name == '.' || (has_suffix(name) && exists(name));
}

char *bl_path_look_up(enum bl_path_kind kind, const char *name,
                      struct bl_err *err)
{
    char *dirs[MAX_FOLDERS], *found;
    size_t n;

    unseen = 0;
    n = data_folders(kind, dirs);
    found = in_folders(dirs, n, kind, name);
    if (!found)
        not_found(kind, name, dirs, n, err);
    for (size_t i = 0; i < n; i++)
        free(dirs[i]);
    return found;
}

char *bl_path_find(enum bl_path_kind kind, const char *name,
                   struct bl_err *err)
{
    char *dirs[MAX_FOLDERS], *found;
    bool given = name != NULL;
    size_t n;

    unseen = 0;
    if (given && is_path(kind, name))
        return bl_xstrdup(name);
    if (!given)
        name = "default";
    n = data_folders(kind, dirs);
    found = in_folders(dirs, n, kind, name);
    if (!found && kind == BL_PATH_MODEL && !strcmp(name, "default"))
        found = in_folders(dirs, n, kind, "mini");
    /* A path that does not exist is reported by whoever opens it. */
    if (!found && !unseen && given && (strchr(name, '/') || exists(name)))
        found = bl_xstrdup(name);
    if (!found)
        not_found(kind, name, dirs, n, err);
    for (size_t i = 0; i < n; i++)
        free(dirs[i]);
    return found;
}

char *bl_path_manual(const char *page)
{
    const char *section = strrchr(page, '.');
    char *up = self_folder(1), *build = build_tree(), *found = NULL;
    char *places[] = {
        build ? bl_xasprintf("%s/man/%s", build, page) : NULL,
        bl_xasprintf("%s/share/man/man%s/%s", up, section + 1, page),
        bl_xasprintf("%s/share/man/man%s/%s.gz", up, section + 1, page),
    };

    for (size_t i = 0; i < BL_COUNT(places); i++) {
        if (!found && places[i] && exists(places[i]))
            found = places[i];
        else
            free(places[i]);
    }
    free(build);
    free(up);
    return found;
}

/* Code is loaded from where nobody else can put any. */
static char *if_ours(char *path)
{
    char *folder = bl_xasprintf("%.*s", (int)(strrchr(path, '/') - path),
                                path);
    bool ours = is_ours(path) && is_ours(folder);

    free(folder);
    if (ours)
        return path;
    free(path);
    return NULL;
}

static char *if_exists(char *path)
{
    if (exists(path))
        return path;
    free(path);
    return NULL;
}

static char *find_module(const char *what)
{
    char *base, *p;

    if (env("BLINK_MODULES"))
        return if_exists(bl_xasprintf("%s/libblink-%s.so",
                                      env("BLINK_MODULES"), what));
    base = build_tree();
    if (base) {
        p = if_ours(bl_xasprintf("%s/common/.libs/libblink-%s.so", base,
                                 what));
        free(base);
        return p;
    }
    base = self_folder(1);
    p = if_ours(bl_xasprintf("%s/lib/blink/libblink-%s.so", base, what));
    free(base);
    return p ? p : if_ours(bl_xasprintf("%s/libblink-%s.so", BL_PKGLIBDIR,
                                        what));
}

char *bl_path_module(const char *what)
{
    char *path;

    unseen = 0;
    path = find_module(what);
    errno = unseen;
    return path;
}

char *bl_path_program(const char *name)
{
    char *dir = self_folder(0), *build = build_tree();
    char *path = if_exists(bl_xasprintf("%s/%s", dir, name));

    /* Those that are scripts are installed beside the others. */
    if (!path && build)
        path = if_exists(bl_xasprintf("%s/scripts/%s", build, name));
    free(build);
    free(dir);
    return path ? path : bl_xstrdup(name);
}

char *bl_path_data(void)
{
    char *dirs[MAX_FOLDERS];
    size_t n = data_folders(BL_PATH_INDEX, dirs);

    for (size_t i = 1; i < n; i++)
        free(dirs[i]);
    return dirs[0];
}
