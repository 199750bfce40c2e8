/* The resident supervisor (`krun supervisor`), if there is one: never needed, and asked only when it is as good as one of our own. */
#pragma once
#include "channel.h"
#include "request.h"
#include "supervisor.h"

/* Connects and sends; false, with nothing left open, when there is none, or none that may answer this call. */
bool ask_resident(struct supervisor *supervisor, const struct request *request, const struct encoded *encoded);

/* Reads the header of its answer; false when none comes in time, or from a process that may not answer this call. */
bool receive_header(const struct supervisor *supervisor, struct frame_header *header);

void leave_resident(struct supervisor *supervisor);
