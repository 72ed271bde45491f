/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/paths.h"

/* What libtorch throws as it is loaded, or in a thread of its own, nobody
 * catches. */
static void on_terminate(void)
{
    bl_give_up("a library gave up, most likely for want of memory");
}

/* In place of a core dump.  This program is C: only its modules bring C++. */
static void catch_terminate(void)
{
    void *(*set)(void (*handler)(void));
    void *cxx = dlopen("libstdc++.so.6", RTLD_NOW | RTLD_LOCAL);

    if (!cxx)
        return;
    *(void **)&set = dlsym(cxx, "_ZSt13set_terminatePFvvE");
    if (set)
        set(on_terminate);
}

/* dlopen() leaves no errno behind; glibc says so where memory is short. */
static enum bl_code load_code(const char *why)
{
    return strstr(why, "failed to map segment") || strstr(why, "allocate")
        ? BL_SYSTEM : BL_DATA;
}

void *bl_module_load(const char *path, struct bl_err *err)
{
    void *module;

    catch_terminate();
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        const char *why = dlerror();
        bl_fail(err, load_code(why), "'%s' cannot be loaded: %s", path, why);
    }
    return module;
}

/* A module stays loaded until the process ends: libtorch and FAISS start
 * threads and register exit handlers, which dlclose() would leave without
 * code.  RTLD_LOCAL keeps the symbols of one module from serving another. */
int bl_module_open(const char *what, const char *function, void **entry,
                   struct bl_err *err)
{
    char *path = bl_path_module(what);
    void *module;
    int rc = 1;

    if (!path)
        return errno ? bl_fail_file(err, "cannot look for libblink-%s.so",
                                    what) : 0;
    module = bl_module_load(path, err);
    if (!module) {
        rc = -1;
    } else {
        *entry = dlsym(module, function);
        if (!*entry)
            rc = bl_fail(err, BL_DATA, "'%s' comes from another version of "
                                       "blink", path);
    }
    free(path);
    return rc;
}
