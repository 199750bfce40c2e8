/* /proc/self/mountinfo, parsed (proc_pid_mountinfo(5)). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "probe.h"

/* Spaces and the like come as \040. */
static void unescape(char *text) {
  char *to = text;
  for (char *from = text; *from; from++) {
    if (from[0] == '\\' && from[1] && from[2] && from[3]) {
      *to++ = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
      from += 3;
    } else {
      *to++ = *from;
    }
  }
  *to = '\0';
}

static void report_list(const char *key, char *commaSeparated) {
  char *rest = NULL;
  json_open(key, '[');
  for (char *one = strtok_r(commaSeparated, ",", &rest); one; one = strtok_r(NULL, ",", &rest)) json_string(NULL, one);
  json_close(']');
}

static char *next_field(char **rest) {
  char *field = strtok_r(NULL, " \n", rest);
  return field ? field : "";
}

static void report_mount(char *line) {
  char *rest = NULL;
  json_open(NULL, '{');
  json_number("id", atoll(strtok_r(line, " ", &rest)));
  json_number("parent", atoll(next_field(&rest)));
  json_string("device", next_field(&rest));
  char *root = next_field(&rest), *destination = next_field(&rest);
  unescape(root);
  unescape(destination);
  json_string("root", root);
  json_string("destination", destination);
  report_list("options", next_field(&rest));
  json_open("propagation", '['); /* shared:N, master:N, propagate_from:N, unbindable; none: private */
  for (char *field = next_field(&rest); *field && strcmp(field, "-") != 0; field = next_field(&rest)) json_string(NULL, field);
  json_close(']');
  json_string("type", next_field(&rest));
  char *source = next_field(&rest);
  unescape(source);
  json_string("source", source);
  report_list("superOptions", next_field(&rest));
  json_close('}');
}

void report_mounts(void) {
  char *line = NULL;
  size_t size = 0;
  FILE *file = fopen("/proc/self/mountinfo", "re");
  if (!file) return json_null("mounts");
  json_open("mounts", '[');
  while (getline(&line, &size, file) > 0) report_mount(line);
  json_close(']');
  free(line);
  fclose(file);
}
