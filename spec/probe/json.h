/* JSON to standard output, written as it comes. A key of NULL is an array's element. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void json_open(const char *key, char bracket);
void json_close(char bracket);
void json_string(const char *key, const char *value); /* null for NULL */
void json_bytes(const char *key, const char *value, size_t length);
void json_number(const char *key, long long value);
void json_u64(const char *key, uint64_t value); /* as a string: JavaScript's numbers end at 2^53 */
void json_hex(const char *key, uint64_t value); /* 16 digits, as /proc/self/status writes sets */
void json_bool(const char *key, bool value);
void json_null(const char *key);
