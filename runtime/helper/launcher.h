/* The helper of a Node program that embeds krun: it lives as long as that and forks a helper for each call. */
#pragma once
#include <stdbool.h>

/* KRUN_LAUNCHER=<descriptor>: the program is at the other end of that socket. */
bool is_launcher(char **environment);

_Noreturn void launch_calls(int control);
