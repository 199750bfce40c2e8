/* rtnetlink: one request at a time, over a socket of one network namespace. */
#pragma once
#include <linux/rtnetlink.h>
#include <stddef.h>

#include "krun.h"

/* A request as it is put together; larger ones than an address or a link needs there are none. */
struct netlink_request {
  struct nlmsghdr header;
  char body[512];
};

/* `fixed` is the struct that the type begins with: ifinfomsg, ifaddrmsg. */
void netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, const void *fixed, size_t length);
void netlink_add(struct netlink_request *request, uint16_t attribute, const void *data, size_t length);
/* Send, and wait for the kernel's word; 0, or -1 with errno. */
int netlink_carry_out(int socket, struct netlink_request *request);

/* Hears each message of a dump; 0, or -1 with errno to end it. */
typedef int (*netlink_listener)(void *heard, const struct nlmsghdr *message);
int netlink_dump(int socket, struct netlink_request *request, netlink_listener listener, void *heard);
