/* The caller's terminal and the container's, made one; and meanwhile what wait.c does. */
#include "krun.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <termios.h>

#include "terminal.h"
#include "wait.h"

enum {
  CHUNK = 4096,          /* a pipe that is ready takes so much without blocking: PIPE_BUF */
  BACKGROUND_PAUSE = 500, /* ms: nobody tells us when a shell gives us the terminal back */
  END_PAUSE = 100,       /* ms: nor when the container has read what came before the end of the input */
  LAST_WORDS = 1 << 20,  /* what a container that goes on writing may still say when init has ended */
};

struct buffer {
  size_t length, written;
  char bytes[CHUNK];
};

struct relay {
  int terminal; /* -1 once hung up */
  int peer;     /* held so that the terminal does not hang up before init has ended */
  int signals;
  bool is_terminal; /* the caller's standard input */
  bool raw;
  struct termios before;
  bool input_over, init_over;
  size_t last_words;
  struct buffer in, out;
};

static int open_relay(struct context *context, struct relay *relay);
static void close_relay(struct relay *relay);
static int pass_on(struct context *context, struct relay *relay);
static bool is_done(struct relay *relay);
static int pause_for(const struct relay *relay);
static int take_signal(struct context *context, struct relay *relay);
static void attend_caller(struct relay *relay);
static bool in_foreground(void);
static void resize(const struct relay *relay);
static void read_input(struct relay *relay);
static void write_input(struct relay *relay);
static void end_input(struct relay *relay);
static void read_output(struct relay *relay);
static void write_output(struct relay *relay);
static void hang_up(struct relay *relay);

int op_relay(struct context *context, const struct op_relay *op) {
  __attribute__((cleanup(close_relay))) struct relay relay = {.terminal = slot_fd(context, op->terminal), .peer = -1, .signals = -1};
  if (relay.terminal < 0) return -1;
  context->slots[op->terminal] = -1; /* hanging up means closing it */
  if (open_relay(context, &relay) < 0) return -1;
  int over = has_ended(context);
  while (over >= 0) {
    relay.init_over = over > 0;
    if (is_done(&relay)) return take_status(context);
    if (pass_on(context, &relay) < 0) return -1;
    if (!relay.init_over) over = has_ended(context);
  }
  return -1;
}

static int open_relay(struct context *context, struct relay *relay) {
  relay->peer = ioctl(relay->terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (relay->peer < 0) return fail(context, "TIOCGPTPEER", "");
  if (fcntl(relay->terminal, F_SETFL, O_RDWR | O_NONBLOCK) < 0) return fail(context, "fcntl", "");
  sigset_t all;
  sigfillset(&all);
  relay->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  if (relay->signals < 0) return fail(context, "signalfd", "");
  relay->is_terminal = tcgetattr(0, &relay->before) == 0;
  attend_caller(relay);
  return 0;
}

static void close_relay(struct relay *relay) {
  if (relay->raw && in_foreground()) tcsetattr(0, TCSADRAIN, &relay->before);
  close_descriptor(&relay->signals);
  hang_up(relay);
}

static int pass_on(struct context *context, struct relay *relay) {
  bool is_open = relay->terminal >= 0, is_full = relay->out.length > 0;
  bool may_read = is_open && relay->in.length == 0 && !relay->input_over && (!relay->is_terminal || relay->raw);
  short wanted = (short)((is_full ? 0 : POLLIN) | (relay->in.length > 0 ? POLLOUT : 0));
  struct pollfd ready[] = {
    {.fd = relay->signals, .events = POLLIN},
    {.fd = wanted ? relay->terminal : -1, .events = wanted},
    {.fd = may_read ? 0 : -1, .events = POLLIN},
    {.fd = is_full ? 1 : -1, .events = POLLOUT},
  };
  if (poll(ready, 4, relay->init_over && !is_full ? 0 : pause_for(relay)) < 0 && errno != EINTR) return fail(context, "poll", "");
  if (ready[0].revents != 0 && take_signal(context, relay) < 0) return -1;
  if (ready[3].revents != 0) write_output(relay);
  if (ready[1].revents & POLLOUT) write_input(relay);
  if (ready[2].revents != 0) read_input(relay);
  if (relay->out.length == 0 && (ready[1].revents & ~POLLOUT || relay->init_over)) read_output(relay);
  if (relay->is_terminal && !relay->raw) attend_caller(relay);
  if (relay->input_over) end_input(relay);
  return 0;
}

/* All that init has written was in the terminal when it ended: the end is where nothing comes at once. */
static bool is_done(struct relay *relay) {
  if (!relay->init_over) return false;
  if (relay->out.length == 0 && relay->last_words < LAST_WORDS) read_output(relay);
  return relay->out.length == 0;
}

static int pause_for(const struct relay *relay) {
  if (relay->terminal < 0) return -1;
  if (relay->is_terminal && !relay->raw) return BACKGROUND_PAUSE;
  return relay->input_over ? END_PAUSE : -1;
}

static int take_signal(struct context *context, struct relay *relay) {
  struct signalfd_siginfo info;
  while (read(relay->signals, &info, sizeof info) == sizeof info) {
    int signal = (int)info.ssi_signo;
    if (signal == SIGWINCH) resize(relay);
    if (signal == SIGCONT) relay->raw = false; /* whoever had the terminal meanwhile has left it as it likes it */
    if (signal == SIGCONT) attend_caller(relay);
    if (signal == SIGPIPE && info.ssi_pid == (uint32_t)getpid()) continue; /* our own writing */
    if (relay->init_over && (signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT)) hang_up(relay);
    if (!relay->init_over) pass_on_signal(context, signal);
  }
  return 0;
}

/* As long as the terminal is another's, it is neither changed nor read. What we write to it, it prints as ever (OPOST). */
static void attend_caller(struct relay *relay) {
  resize(relay);
  if (!relay->is_terminal || relay->raw || relay->init_over || relay->terminal < 0 || !in_foreground()) return;
  struct termios raw = relay->before;
  cfmakeraw(&raw);
  raw.c_oflag = relay->before.c_oflag;
  relay->raw = tcsetattr(0, TCSANOW, &raw) == 0;
  relay->is_terminal = relay->raw;
}

/* A terminal that does not control us (ENOTTY) has no foreground to be out of. */
static bool in_foreground(void) {
  pid_t foreground = tcgetpgrp(0);
  return foreground < 0 || foreground == getpgrp();
}

static void resize(const struct relay *relay) {
  struct winsize size;
  if (relay->terminal >= 0 && callers_size(&size)) (void)!ioctl(relay->terminal, TIOCSWINSZ, &size);
}

static void read_input(struct relay *relay) {
  ssize_t length = read(0, relay->in.bytes, CHUNK);
  if (length > 0) relay->in.length = (size_t)length;
  if (length > 0 || (length < 0 && (errno == EINTR || errno == EAGAIN))) return;
  if (!relay->is_terminal) relay->input_over = true;
  else if (in_foreground()) hang_up(relay); /* the caller's terminal has hung up */
  else relay->raw = false;
}

static void write_input(struct relay *relay) {
  struct buffer *in = &relay->in;
  ssize_t length = write(relay->terminal, in->bytes + in->written, in->length - in->written);
  if (length < 0 && (errno == EINTR || errno == EAGAIN)) return;
  in->written += length < 0 ? in->length : (size_t)length;
  if (in->written >= in->length) in->length = in->written = 0;
}

/*
 * A file or pipe that ends stays at its end, however often it is read. A terminal's end is a character, which the kernel
 * takes for one reading, a program that edits lines for a key, and one that just switches between the two drops: it is
 * there again whenever nothing is left to read.
 */
static void end_input(struct relay *relay) {
  if (relay->terminal < 0 || relay->init_over || relay->in.length > 0) return;
  struct pollfd unread = {.fd = relay->peer, .events = POLLIN};
  if (poll(&unread, 1, 0) != 0) return;
  struct termios mode;
  relay->in.bytes[0] = tcgetattr(relay->peer, &mode) == 0 ? (char)mode.c_cc[VEOF] : 4;
  relay->in.length = 1;
}

static void read_output(struct relay *relay) {
  if (relay->terminal < 0) return;
  ssize_t length = read(relay->terminal, relay->out.bytes, CHUNK);
  if (length <= 0) return;
  relay->out.length = (size_t)length;
  if (relay->init_over) relay->last_words += (size_t)length;
}

static void write_output(struct relay *relay) {
  struct buffer *out = &relay->out;
  ssize_t length = write(1, out->bytes + out->written, out->length - out->written);
  if (length < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (length < 0) return hang_up(relay);
  out->written += (size_t)length;
  if (out->written == out->length) out->length = out->written = 0;
}

/* Nobody is there any more: the kernel tells the container by SIGHUP, as it tells any session. */
static void hang_up(struct relay *relay) {
  relay->in.length = relay->out.length = 0;
  close_descriptor(&relay->peer);
  close_descriptor(&relay->terminal);
  relay->peer = relay->terminal = -1;
}
