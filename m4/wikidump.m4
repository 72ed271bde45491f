dnl SPDX-License-Identifier: MIT
dnl BL_OPTIONAL(NAME, HEADER, FUNCTION, LIBRARY, WHAT): a small library that
dnl is used when it is there: --with-NAME=auto (the default), yes or no.
dnl Sets NAME_LIBS and bl_NAME_found and defines HAVE_NAME (in capitals).
AC_DEFUN([BL_OPTIONAL], [
  AC_ARG_WITH([$1],
    [AS_HELP_STRING([--with-$1=auto|yes|no], [$5])],
    [], [with_$1=auto])
  bl_$1_found=no
  m4_toupper([$1])_LIBS=
  AS_IF([test "x$with_$1" != xno], [
    AC_CHECK_HEADER([$2], [AC_CHECK_LIB([$4], [$3], [bl_$1_found=yes])])
    AS_IF([test $bl_$1_found = yes], [
      m4_toupper([$1])_LIBS=-l$4
      AC_DEFINE(m4_toupper([HAVE_$1]), [1], [Define to use $4: $5])],
      [test "x$with_$1" != xauto],
      [AC_MSG_ERROR([--with-$1: cannot find $2 and lib$4])])
  ])
  AC_SUBST(m4_toupper([$1])[_LIBS])
])

dnl What reading a Wikipedia dump needs.
AC_DEFUN([BL_WIKIDUMP], [
  BL_OPTIONAL([expat], [expat.h], [XML_ParserCreate], [expat],
    [read Wikipedia dumps])
  AS_IF([test $bl_expat_found = yes], [
    AC_CHECK_DECLS([XML_GetCurrentByteIndex64], [], [],
      [[#include <expat.h>]])])
  BL_OPTIONAL([bz2], [bzlib.h], [BZ2_bzDecompressInit], [bz2],
    [read dumps compressed by bzip2])
])
