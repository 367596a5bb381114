// The layers of the sandbox that this launch has, and the level that they make.
#pragma once

#include <stdbool.h>

struct layers {
    bool namespaces; // pid, mount (with a private root), network, ipc; user where it is needed for the others
    bool user;       // root runs the program as an unprivileged user
    bool seccomp;
    int landlock; // ABI version, 0 = none
};

// 3 all, 2 without namespaces (or without Landlock inside namespaces), 1 system-call filter alone, 0 none.
static inline int level_of(const struct layers *layers) {
    return layers->seccomp ? 1 + (layers->landlock > 0) + layers->namespaces : 0;
}
