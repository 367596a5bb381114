// The one line that says how the program ended.
#pragma once

#include "layers.h"

#include <stdint.h>

struct ending {
    int status;         // as wait gives it
    const char *reason; // exited, signal, wall, cpu, memory or stopped
    int64_t cpu_us;     // user and system, the program and all its descendants that were reaped
    int64_t wall_us;
    long rss_kb;
};

// Writes the ending as one line of JSON to the descriptor; -1 writes nothing.
void write_report(int fd, const struct ending *ending, const struct layers *layers);
