// The process that becomes the program.
#pragma once

#include "layers.h"
#include "options.h"

#include <stdbool.h>
#include <sys/types.h>

// Takes on every layer and becomes the program. Sets *started just before, clears it when the exec fails.
//   Pre:  in a fresh child of `watcher`, which has decided the layers
//   Post: does not return; a failure ends the process with one line
_Noreturn void become_program(const struct options *options, const struct layers *layers, pid_t watcher,
                              volatile bool *started);
