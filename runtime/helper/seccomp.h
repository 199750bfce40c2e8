/* What the ops that install a filter share. */
#pragma once
#include "krun.h"

/* 0 or, with SECCOMP_FILTER_FLAG_NEW_LISTENER, the listener; or -1. */
int install_filter(struct context *context, const struct bytes *filter, uint32_t flags);
