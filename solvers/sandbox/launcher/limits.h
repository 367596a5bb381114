// Resource limits and open descriptors.
#pragma once

#include "options.h"

// Closes every descriptor from 3 on but the kept ones and the report; the report is closed on exec.
void close_others(const struct options *options);

// Moves a descriptor to the first number that the program cannot have: its limit of open files.
//   Post: closed on exec; the limit is set for good, so no call of the program can fill the number again
int move_past_limit(const struct options *options, int fd);

// Sets CPU, address space, file size and core limits for good.
void limit_resources(const struct options *options);

// Limits the processes of this user for good: none more for profile run, enough for a compiler for profile compile,
// enough for the threads of many servers for profile serve.
//   Pre:  the process has its final user
//   own:  the user id is the sandbox's own, so that the caller's other processes do not count
void limit_processes(const struct options *options, bool own);
