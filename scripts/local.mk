# Scripts for people and for the build.
