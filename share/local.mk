pkgconfigdir = $(libdir)/pkgconfig
nodist_pkgconfig_DATA = share/blink.pc
