#pragma once

void check(long result, const char *what); /* ends with 99 if negative */
void attach_device_program(int cgroup);
void build_root(const char *root);
_Noreturn void become_process(void);
