// Watching the program: deadlines, death of the caller, and the end of the whole tree.
#pragma once

#include "layers.h"
#include "options.h"
#include "report.h"

#include <sys/types.h>

// Runs the program under the layers and waits for its end, a deadline, a signal to stop, or the death of the caller
// (`caller`: its pidfd, or -1). Whatever the end was, no process of the tree is left.
//   Pre:  SIGCHLD, SIGTERM, SIGINT and SIGHUP are blocked; process 1 of its pid namespace, or a child subreaper
//   Post: false when the program could not be started (the reason is on stderr)
bool supervise(const struct options *options, const struct layers *layers, int caller, struct ending *ending);
