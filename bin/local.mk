# One program a file; each is options and records only.
LDADD = common/libcommon.la
