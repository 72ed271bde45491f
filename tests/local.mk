# Every test prints TAP.  Unit tests are C programs, the others shell.
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) \
	$(top_srcdir)/build-aux/tap-driver.sh
SH_LOG_DRIVER = $(LOG_DRIVER)
SH_LOG_COMPILER = bash
TEST_EXTENSIONS = .sh
AM_TESTS_ENVIRONMENT = \
	top_srcdir='$(abs_top_srcdir)'; export top_srcdir; \
	top_builddir='$(abs_top_builddir)'; export top_builddir; \
	PATH="$(abs_top_builddir)/bin:$$PATH"; export PATH;

UNIT_TESTS = \
	tests/unit/test-mem \
	tests/unit/test-lines \
	tests/unit/test-file \
	tests/unit/test-blas \
	tests/unit/test-input \
	tests/unit/test-json \
	tests/unit/test-json-cases \
	tests/unit/test-pipeline \
	tests/unit/test-record \
	tests/unit/test-utf8 \
	tests/unit/test-wordpiece \
	tests/unit/test-words \
	tests/unit/test-vector
check_PROGRAMS += $(UNIT_TESTS)

SHELL_TESTS = \
	tests/blink.sh \
	tests/checksrc.sh \
	tests/fuzz-replay.sh \
	tests/man-lint.sh \
	tests/shellcheck.sh
TESTS += $(UNIT_TESTS) $(SHELL_TESTS)
EXTRA_DIST += $(SHELL_TESTS) tests/lib.sh
EXTRA_DIST += tests/unit/golden.h tests/unit/tap.h
EXTRA_DIST += tests/data
