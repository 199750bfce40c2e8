/* --init: the first process of a container that is not the container's own. */
#pragma once

/* In a copy of the helper that becomeInit has started: never returns. Does nothing elsewhere. */
void be_init(int argc, char **argv);
