/* HOME from the container's /etc/passwd, a file that may be anything: CVE-2016-3697 and its kin (a number is never read as a name). */
#include "krun.h"

#include <linux/openat2.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "rules.h"

#define MAX_PASSWD (1024 * 1024)
#define MAX_LINE 4096

struct reader {
  int fd;
  size_t total, length, at;
  char buffer[MAX_LINE];
};

static int open_passwd(void);
static bool next_line(struct reader *reader, char *line);
static int next_character(struct reader *reader);
static bool find_home(char *line, uint32_t uid, char *home, size_t size);
static char *next_field(char **rest);

int op_find_home(struct context *context, const struct op_find_home *op) {
  strcpy(context->home, "/");
  AUTO_CLOSE int fd = open_passwd();
  if (fd < 0) return 0;
  struct reader reader = {.fd = fd};
  char line[MAX_LINE];
  while (next_line(&reader, line))
    if (find_home(line, op->uid, context->home, sizeof context->home)) break;
  return 0;
}

/* Links in the container are the container's affair (some images have one here); a fifo or device is opened only by name, never for reading. */
static int open_passwd(void) {
  const struct open_how by_name = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  const struct open_how to_read = {.flags = O_RDONLY | (RULE(PASSWD_CHECKED) ? O_NONBLOCK : 0) | O_NOCTTY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
  AUTO_CLOSE int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return -1;
  AUTO_CLOSE int name = (int)syscall(SYS_openat2, root, "etc/passwd", &by_name, sizeof by_name);
  struct stat file;
  if (RULE(PASSWD_CHECKED) && (name < 0 || fstat(name, &file) < 0 || !S_ISREG(file.st_mode))) return -1;
  AUTO_CLOSE int fd = (int)syscall(SYS_openat2, root, "etc/passwd", &to_read, sizeof to_read);
  if (fd < 0 || fstat(fd, &file) < 0 || (RULE(PASSWD_CHECKED) && !S_ISREG(file.st_mode))) return -1;
  return steal_fd(&fd);
}

/* The next line that fits, without its newline; longer ones are passed over, and so is all beyond MAX_PASSWD. */
static bool next_line(struct reader *reader, char *line) {
  size_t length = 0;
  for (int character; (character = next_character(reader)) >= 0;) {
    if (character != '\n') {
      if (length < MAX_LINE) line[length] = (char)character;
      length++;
    } else if (length >= MAX_LINE) {
      length = 0;
    } else {
      line[length] = '\0';
      return true;
    }
  }
  if (length == 0 || length >= MAX_LINE || reader->total >= MAX_PASSWD) return false;
  line[length] = '\0';
  return true;
}

static int next_character(struct reader *reader) {
  if (reader->at == reader->length) {
    ssize_t count = reader->total < MAX_PASSWD ? read(reader->fd, reader->buffer, sizeof reader->buffer) : 0;
    if (count <= 0) return -1;
    reader->total += (size_t)count;
    reader->length = (size_t)count;
    reader->at = 0;
  }
  return (unsigned char)reader->buffer[reader->at++];
}

/* name:password:uid:gid:comment:home:shell */
static bool find_home(char *line, uint32_t uid, char *home, size_t size) {
  char *rest = line, *fields[6];
  for (size_t i = 0; i < 6; i++)
    if ((fields[i] = next_field(&rest)) == NULL) return false;
  char *end;
  errno = 0;
  if (fields[2][0] < '0' || fields[2][0] > '9') return false; /* strtoull would take a sign or blanks */
  unsigned long long number = strtoull(fields[2], &end, 10);
  if (!RULE(NUMERIC_UID)) number = (uint32_t)number;
  if (*end != '\0' || errno != 0 || number != uid) return false;
  if (fields[5][0] == '\0' || strlen(fields[5]) >= size) return true;
  strcpy(home, fields[5]);
  return true;
}

static char *next_field(char **rest) {
  if (*rest == NULL) return NULL;
  char *field = *rest, *colon = strchr(field, ':');
  if (colon != NULL) *colon = '\0';
  *rest = colon == NULL ? NULL : colon + 1;
  return field;
}
