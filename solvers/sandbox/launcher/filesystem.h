// A root folder that holds only what the program may see.
#pragma once

#include "options.h"

#include <stdbool.h>

// Folders and files of the system that a dynamically linked program or a compiler reads; NULL-terminated.
extern const char *const SYSTEM_PATHS[];

// Makes a fresh read-only tree the root of this mount namespace: system paths, program and --read paths at their own
// places, the scratch (a capped tmpfs for profile run, the folder itself for profile compile), /dev/null.
// Because every folder on the way is new, a path under a private (0700) folder stays reachable for another user.
//   Pre:  inside a mount namespace of its own, with the right to mount
//   Post: false where the host forbids a step; the namespace is then useless
bool build_root(const struct options *options);
