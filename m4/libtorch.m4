dnl SPDX-License-Identifier: MIT
dnl BL_LIBTORCH: finds libtorch's C++ API for the module libblink-torch.so.
dnl   --with-libtorch=PREFIX   a libtorch unpacked there (2.x, also CUDA)
dnl   --without-libtorch       build without the torch engine
AC_DEFUN([BL_LIBTORCH], [
  AC_ARG_WITH([libtorch],
    [AS_HELP_STRING([--with-libtorch=PREFIX],
      [libtorch to build the torch engine with (default: the system's)])],
    [], [with_libtorch=check])
  bl_torch_found=no
  AM_CONDITIONAL([TORCH], [test "x$bl_torch_found" != xno])
])
