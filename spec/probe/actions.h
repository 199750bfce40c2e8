/* Actions write their outcome into an object that is already open; most by outcome(). */
#pragma once

typedef void action(char **arguments); /* NULL-terminated, at least as many as the table demands */

action write_path, create_path, read_path, list_path, stat_path, make_directory, remove_path, make_node, open_device;
action call, call_i386, mount_filesystem, unmount_filesystem;
action leave, raise_signal, wait_for_signal, wait_for_end_of_input, spam_children, allocate;

/* "result" and "errno" (0 if result is not negative) of a call that has just returned. */
void outcome(long result);
long number(const char *text); /* decimal, 0x…, 0…; NULL is 0 */
