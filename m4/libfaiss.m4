dnl SPDX-License-Identifier: MIT
dnl BL_LIBFAISS: finds the FAISS library for the module libblink-faiss.so.
dnl   --with-faiss=auto   build the module when FAISS is here (default)
dnl   --with-faiss=yes    stop when it is not
dnl   --with-faiss=no     build without it
dnl Debian's libfaiss-dev is a static library, which becomes part of the
dnl module together with OpenMP, BLAS and LAPACK as shared ones.
dnl
dnl Sets FAISS_CXXFLAGS, FAISS_LIBS, bl_faiss_found (yes or no) and the
dnl conditional FAISS.
AC_DEFUN([BL_LIBFAISS], [
  AC_ARG_WITH([faiss],
    [AS_HELP_STRING([--with-faiss=auto|yes|no],
      [search and make approximate indexes with FAISS (default: auto)])],
    [], [with_faiss=auto])
  bl_faiss_found=no
  FAISS_CXXFLAGS= FAISS_LIBS=
  AS_IF([test "x$with_faiss" != xno], [
    AC_LANG_PUSH([C++])
    bl_save_cxxflags=$CXXFLAGS bl_save_libs=$LIBS
    CXXFLAGS="$CXXFLAGS -fopenmp"
    AC_MSG_CHECKING([for FAISS])
    for bl_blas in "-llapack -lblas" "-lopenblas" "-lmkl_rt" ""; do
      AS_IF([test $bl_faiss_found = no], [
        LIBS="-lfaiss $bl_blas $bl_save_libs"
        AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <faiss/Index.h>
#include <faiss/index_factory.h>
#if FAISS_VERSION_MAJOR < 1 || \
    (FAISS_VERSION_MAJOR == 1 && FAISS_VERSION_MINOR < 7)
#error "too old"
#endif]], [[faiss::index_factory(8, "HNSW8")]])],
          [bl_faiss_found=yes
           FAISS_CXXFLAGS=-fopenmp
           FAISS_LIBS="-lfaiss $bl_blas -fopenmp"])
      ])
    done
    AC_MSG_RESULT([$bl_faiss_found])
    CXXFLAGS=$bl_save_cxxflags LIBS=$bl_save_libs
    AC_LANG_POP([C++])
    AS_IF([test $bl_faiss_found = no && test "x$with_faiss" = xyes],
      [AC_MSG_ERROR([--with-faiss=yes, but there is no usable FAISS 1.7 or \
newer (Debian: apt-get install libfaiss-dev)])])
  ])
  AC_SUBST([FAISS_CXXFLAGS])
  AC_SUBST([FAISS_LIBS])
  AM_CONDITIONAL([FAISS], [test $bl_faiss_found = yes])
])
