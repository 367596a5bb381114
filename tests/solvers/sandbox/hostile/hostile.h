// Hostile programs say on standard output what they achieved; "done" means that they were alive to the end.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline void report(const char *what, int succeeded) {
    if (!succeeded) return;
    printf("HARM %s\n", what);
    fflush(stdout);
}

static inline int done(void) {
    puts("done");
    return 0;
}
