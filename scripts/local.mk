# Scripts for people and for the build.
dist_noinst_SCRIPTS += scripts/checksrc
