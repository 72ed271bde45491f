/* SPDX-License-Identifier: MIT */
#include "config.h"

#include "base/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>

#include "base/paths.h"

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
    module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!module) {
        rc = bl_fail(err, BL_DATA, "'%s' cannot be loaded: %s", path,
                     dlerror());
    } else {
        *entry = dlsym(module, function);
        if (!*entry)
            rc = bl_fail(err, BL_DATA, "'%s' comes from another version of "
                                       "blink", path);
    }
    free(path);
    return rc;
}
