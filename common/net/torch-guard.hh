/* SPDX-License-Identifier: MIT */
/*
 * torch-guard: what both modules of libtorch need at their border: no
 * exception leaves their C++, and CUDA is there before it is used.
 *
 *     return guarded(error, [&] { ... }) ? 0 : -1;
 */
#ifndef BL_TORCH_GUARD_HH
#define BL_TORCH_GUARD_HH

#include <ATen/Context.h>
#include <c10/util/Exception.h>
#include <torch/version.h>

#include <dlfcn.h>

#include <cstdio>
#include <exception>
#include <new>
#include <stdexcept>

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
    } catch (const std::bad_alloc &) {
        std::snprintf(error, BL_ERR_MSG, "libtorch: out of memory");
    } catch (const std::exception &e) {
        std::snprintf(error, BL_ERR_MSG, "libtorch: %s", e.what());
    } catch (...) {
        std::snprintf(error, BL_ERR_MSG, "libtorch: unknown failure");
    }
    return false;
}

/* CUDA's half of libtorch is a library of its own that nothing links, so
 * that a run on the CPU does not pay for its start.  Throws. */
inline void need_cuda()
{
    if (!at::hasCUDA())
        dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL);
    if (!at::hasCUDA())
        throw std::runtime_error("--device cuda: this libtorch ("
                                 TORCH_VERSION
                                 ") has no CUDA, or there is no such device");
}

#endif
