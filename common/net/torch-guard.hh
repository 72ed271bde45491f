/* SPDX-License-Identifier: MIT */
/*
 * torch-guard: no exception of libtorch's leaves the C++ of a module.
 *
 *     return guarded(error, [&] { ... }) ? 0 : -1;
 */
#ifndef BL_TORCH_GUARD_HH
#define BL_TORCH_GUARD_HH

#include <c10/util/Exception.h>

#include <cstdio>
#include <exception>

#include "base/err.h"

/* Runs fn; what it throws becomes the sentence in error, of BL_ERR_MSG bytes,
 * and false. */
template <typename F> inline bool guarded(char *error, F fn) noexcept
{
    try {
        fn();
        return true;
    } catch (const c10::Error &e) {
        std::snprintf(error, BL_ERR_MSG, "libtorch: %s",
                      e.what_without_backtrace());
    } catch (const std::exception &e) {
        std::snprintf(error, BL_ERR_MSG, "libtorch: %s", e.what());
    } catch (...) {
        std::snprintf(error, BL_ERR_MSG, "libtorch: unknown failure");
    }
    return false;
}

#endif
