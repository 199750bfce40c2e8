/* Why a program would not start, for the failure report. */
#pragma once
#include <stddef.h>

/*
 * Lines of key=value: exists, type (file, directory, other), mode (octal), noexec, empty, readable, shebangCr, interpreter, interpreterExists,
 * class (32 or 64), machine (ELF's e_machine). What cannot be found out is left out. The program belongs to the container: it is only read.
 */
void diagnose_program(const char *path, char *text, size_t size);
