/* The table of actions. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "actions.h"
#include "json.h"
#include "probe.h"

static const struct {
  const char *name;
  int arguments; /* how many at least */
  action *run;
} actions[] = {
    {"write", 1, write_path},                         /* PATH [TEXT]: open for writing; write TEXT if given */
    {"create", 1, create_path},                       /* PATH [MODE]: a new file */
    {"read", 1, read_path},                           /* PATH: up to 64 KiB as "content" */
    {"list", 1, list_path},                           /* PATH: "names" of a directory */
    {"stat", 1, stat_path},                           /* PATH: of the name itself, not what it points to */
    {"mkdir", 1, make_directory},                     /* PATH [MODE] */
    {"unlink", 1, remove_path},                       /* PATH */
    {"mknod", 4, make_node},                          /* PATH c|b|p MAJOR MINOR */
    {"open-device", 1, open_device},                  /* PATH [FLAGS] */
    {"syscall", 1, call},                             /* NR [a0 … a5]: numbers, or @TEXT for a pointer to it */
    {"syscall-i386", 1, call_i386},                   /* NR [a0 a1 a2], by int 0x80 */
    {"mount", 3, mount_filesystem},                   /* SOURCE TARGET TYPE [FLAGS [DATA]] */
    {"umount", 1, unmount_filesystem},                /* TARGET [FLAGS] */
    {"exit", 1, leave},                               /* STATUS, at once */
    {"signal", 1, raise_signal},                      /* N: on itself, by default action */
    {"wait-for-signal", 1, wait_for_signal},          /* N…: writes {"ready":true}, then the "signal" that came */
    {"sleep-until-stdin-eof", 0, wait_for_end_of_input}, /* writes {"ready":true} and waits */
    {"spam-children", 1, spam_children},              /* N: processes of sessions of their own that no SIGTERM ends */
    {"allocate", 1, allocate},                        /* BYTES, touched */
};

void outcome(long result) {
  int error = result < 0 ? errno : 0;
  json_number("result", result);
  json_number("errno", error);
}

long number(const char *text) { return text ? (long)strtoull(text, NULL, 0) : 0; }

int act(int count, char **arguments) {
  char *terminated[16] = {0};
  for (int i = 1; i < count && i < 15; i++) terminated[i - 1] = arguments[i];
  for (unsigned i = 0; i < sizeof actions / sizeof *actions; i++) {
    if (strcmp(actions[i].name, arguments[0]) != 0 || count - 1 < actions[i].arguments) continue;
    json_open(NULL, '{');
    json_string("action", actions[i].name);
    if (terminated[0]) json_string("subject", terminated[0]);
    actions[i].run(terminated);
    json_close('}');
    return 0;
  }
  fprintf(stderr, "probe: no action %s with %d arguments\n", arguments[0], count - 1);
  return 2;
}
