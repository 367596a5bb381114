// Namespaces: a process tree, network, ipc and file tree of its own.
#pragma once

#include <sys/types.h>

// Forks into new pid, mount, network and ipc namespaces.
// Root gets them by right; an ordinary user through a user namespace that maps it to itself.
//   Post: 0 in the child, which is process 1 of its namespace; its pid in the parent; -1 where the host forbids them
pid_t fork_into_namespaces(void);
