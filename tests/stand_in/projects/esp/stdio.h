/* For compilers that have no C library for the core. */
#pragma once
int printf(const char *format, ...);
