dnl SPDX-License-Identifier: MIT
dnl BL_LIBTORCH: finds libtorch's C++ API for the module libblink-torch.so.
dnl   --with-libtorch=PREFIX   a libtorch unpacked there (2.x, also CUDA);
dnl                            the torch/ folder of PyPI's wheel will do
dnl   --without-libtorch       build without the torch engine
dnl Its absence never stops configure: a build without that engine works.
dnl
dnl Sets TORCH_CPPFLAGS, TORCH_CXXFLAGS, TORCH_LDFLAGS, TORCH_LIBS,
dnl bl_torch_found ("no", "system" or the prefix) and the conditional TORCH.

dnl BL_TORCH_TRY(FLAGS...): one more way to compile and link, unless one
dnl was found.  show_config() returns a std::string, so that its name tells
dnl which of the two C++ ABIs the library was built for.
AC_DEFUN([BL_TORCH_TRY], [
  AS_IF([test "x$bl_torch_flags" = xno], [
    CXXFLAGS="$bl_save_cxxflags $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <ATen/ATen.h>
#include <torch/version.h>]], [[return at::show_config().empty()]])],
      [bl_torch_flags="$1"])])
])

AC_DEFUN([BL_LIBTORCH], [
  AC_ARG_WITH([libtorch],
    [AS_HELP_STRING([--with-libtorch=PREFIX],
      [libtorch to build the torch engine with (default: the system's)])],
    [], [with_libtorch=check])
  bl_torch_found=no
  bl_torch_flags=no
  TORCH_CPPFLAGS= TORCH_LDFLAGS= TORCH_LIBS="-ltorch_cpu -lc10"
  AS_IF([test "x$with_libtorch" != xno], [
    AS_CASE([$with_libtorch],
      [check|yes], [bl_torch_where=system
       TORCH_CPPFLAGS="-isystem /usr/include/torch/csrc/api/include"],
      [bl_torch_where=$with_libtorch
       TORCH_CPPFLAGS="-isystem $with_libtorch/include \
-isystem $with_libtorch/include/torch/csrc/api/include"
       TORCH_LDFLAGS="-L$with_libtorch/lib -Wl,-rpath,$with_libtorch/lib"])
    AC_LANG_PUSH([C++])
    bl_save_cppflags=$CPPFLAGS bl_save_cxxflags=$CXXFLAGS
    bl_save_ldflags=$LDFLAGS bl_save_libs=$LIBS
    CPPFLAGS="$TORCH_CPPFLAGS $CPPFLAGS"
    LDFLAGS="$TORCH_LDFLAGS $LDFLAGS"
    LIBS="$TORCH_LIBS $LIBS"
    AC_MSG_CHECKING([for libtorch ($bl_torch_where)])
    BL_TORCH_TRY([-std=gnu++17])
    BL_TORCH_TRY([-std=gnu++20])
    BL_TORCH_TRY([-std=gnu++17 -D_GLIBCXX_USE_CXX11_ABI=0])
    AS_IF([test "x$bl_torch_flags" != xno], [bl_torch_found=$bl_torch_where])
    AC_MSG_RESULT([$bl_torch_found])
    CPPFLAGS=$bl_save_cppflags CXXFLAGS=$bl_save_cxxflags
    LDFLAGS=$bl_save_ldflags LIBS=$bl_save_libs
    AC_LANG_POP([C++])
    AS_IF([test "x$bl_torch_found" = xno],
      [AC_MSG_WARN([no usable libtorch: building without the torch engine])])
  ])
  TORCH_CXXFLAGS=
  AS_IF([test "x$bl_torch_found" != xno], [TORCH_CXXFLAGS=$bl_torch_flags])
  AC_SUBST([TORCH_CPPFLAGS])
  AC_SUBST([TORCH_CXXFLAGS])
  AC_SUBST([TORCH_LDFLAGS])
  AC_SUBST([TORCH_LIBS])
  AM_CONDITIONAL([TORCH], [test "x$bl_torch_found" != xno])
])
