/* The facts behind ENOENT, EACCES and ENOEXEC of execve(2), which each have several causes. */
#include "krun.h"

#include "diagnosis.h"

#include <elf.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define MAX_INTERPRETER 256
#define MAX_HEADERS 64

struct text {
  char *at;
  size_t left;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void read_start(struct text *text, const char *path, const struct stat *expected);
static void read_shebang(struct text *text, char *line);
static void read_elf(struct text *text, int fd, const unsigned char *start, size_t length);
static void read_program_headers(struct text *text, int fd, const unsigned char *start, size_t length);
static void add_interpreter(struct text *text, const char *interpreter);

void diagnose_program(const char *path, char *buffer, size_t size) {
  struct text text = {.at = buffer, .left = size};
  buffer[0] = '\0';
  struct stat file;
  if (stat(path, &file) < 0) {
    add(&text, "exists=0");
    return;
  }
  const char *type = S_ISREG(file.st_mode) ? "file" : S_ISDIR(file.st_mode) ? "directory" : "other";
  add(&text, "exists=1\ntype=%s\nmode=%o", type, file.st_mode);
  struct statvfs file_system;
  if (statvfs(path, &file_system) == 0) add(&text, "\nnoexec=%d", (file_system.f_flag & ST_NOEXEC) != 0);
  if (!S_ISREG(file.st_mode)) return;
  add(&text, "\nempty=%d", file.st_size == 0);
  read_start(&text, path, &file);
}

/* The path may have changed under us since stat: never block on it, and read nothing but the same regular file. */
static void read_start(struct text *text, const char *path, const struct stat *expected) {
  AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  struct stat file;
  bool readable = fd >= 0 && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_ino == expected->st_ino;
  add(text, "\nreadable=%d", readable);
  if (!readable) return;
  char start[MAX_INTERPRETER + 1] = {0};
  ssize_t length = pread(fd, start, MAX_INTERPRETER, 0);
  if (length <= 0) return;
  if (start[0] == '#' && start[1] == '!') read_shebang(text, start + 2);
  else read_elf(text, fd, (const unsigned char *)start, (size_t)length);
}

/* A carriage return at the end of the name is part of the name that the kernel looks for; in an argument it is the interpreter's affair. */
static void read_shebang(struct text *text, char *line) {
  line[strcspn(line, "\n")] = '\0';
  line += strspn(line, " \t");
  line[strcspn(line, " \t")] = '\0';
  size_t length = strlen(line);
  bool carriage_return = length > 0 && line[length - 1] == '\r';
  add(text, "\ninterpreterExists=%d\nshebangCr=%d", access(line, F_OK) == 0, carriage_return);
  if (carriage_return) line[length - 1] = '\0';
  add_interpreter(text, line);
}

static void read_elf(struct text *text, int fd, const unsigned char *start, size_t length) {
  Elf64_Ehdr header; /* e_machine stands at the same place in both classes */
  if (length < sizeof header || memcmp(start, ELFMAG, SELFMAG) != 0) return;
  memcpy(&header, start, sizeof header);
  add(text, "\nclass=%d\nmachine=%u\ndata=%d", start[EI_CLASS] == ELFCLASS32 ? 32 : 64, header.e_machine, start[EI_DATA]);
  if (start[EI_DATA] == ELFDATA2LSB) read_program_headers(text, fd, start, length);
}

static void read_program_headers(struct text *text, int fd, const unsigned char *start, size_t length) {
  bool wide = start[EI_CLASS] == ELFCLASS64;
  Elf64_Ehdr wide_header;
  Elf32_Ehdr narrow_header;
  if (length < sizeof wide_header) return;
  memcpy(&wide_header, start, sizeof wide_header);
  memcpy(&narrow_header, start, sizeof narrow_header);
  uint64_t at = wide ? wide_header.e_phoff : narrow_header.e_phoff;
  unsigned count = wide ? wide_header.e_phnum : narrow_header.e_phnum;
  size_t size = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
  for (unsigned i = 0; i < count && i < MAX_HEADERS; i++) {
    union {
      Elf64_Phdr wide;
      Elf32_Phdr narrow;
    } entry = {0};
    if (at > INT64_MAX - MAX_HEADERS * size || pread(fd, &entry, size, (off_t)(at + i * size)) != (ssize_t)size) return;
    if (entry.wide.p_type != PT_INTERP) continue; /* the first field in both classes */
    uint64_t offset = wide ? entry.wide.p_offset : entry.narrow.p_offset;
    char interpreter[MAX_INTERPRETER + 1] = {0};
    if (offset > INT64_MAX || pread(fd, interpreter, MAX_INTERPRETER, (off_t)offset) <= 0) return;
    add(text, "\ninterpreterExists=%d", access(interpreter, F_OK) == 0);
    return add_interpreter(text, interpreter);
  }
}

/* From a file of the container's: no blank may begin a field of its own. */
static void add_interpreter(struct text *text, const char *interpreter) {
  char printable[MAX_INTERPRETER + 1] = {0};
  for (size_t i = 0; i < MAX_INTERPRETER && interpreter[i] != '\0'; i++)
    printable[i] = (unsigned char)interpreter[i] <= ' ' || interpreter[i] == 0x7f ? '?' : interpreter[i];
  add(text, "\ninterpreter=%s", printable);
}

static void add(struct text *text, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  int length = vsnprintf(text->at, text->left, format, arguments);
  va_end(arguments);
  if (length < 0 || (size_t)length >= text->left) return;
  text->at += length;
  text->left -= (size_t)length;
}
