// Landlock: what the program may open, whoever it runs as.
#pragma once

#include "options.h"

// The ABI version of this kernel, 0 where Landlock is absent or switched off.
int landlock_abi(void);

// A rule set: read the system paths, the program and the --read paths; write the scratch (when `scratch`) and
// /dev/null; no TCP, no abstract socket and no signal to the outside where the ABI knows them.
//   Pre:  abi = landlock_abi() > 0; paths are those of the root that the program will have
//   Post: a descriptor, closed on exec; a failure ends the launcher
int landlock_rules(const struct options *options, int abi, bool scratch);

// Binds the calling process to the rules for good.
//   Pre:  no_new_privs is set
void landlock_enforce(int rules);
