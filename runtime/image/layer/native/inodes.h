/* Numbers for files that have several names, from 1 on. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* 0: no memory. */
uint64_t number_of_inode(uint64_t device, uint64_t inode, bool *seen);
bool is_numbered(uint64_t device, uint64_t inode);
