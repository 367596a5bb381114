// Hostile programs say on standard output what they achieved; "done" means that they were alive to the end.
// With HOSTILE_COPY in its environment, a program does its harm in a copy that has confined itself as a server's does.
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
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

static inline void seal(const char *digits) {
    static struct sock_filter code[512];
    unsigned char *byte = (unsigned char *)code;
    const size_t size = strlen(digits) / 2;
    for (size_t i = 0; i < size && i < sizeof code; i++) sscanf(digits + 2 * i, "%2hhx", &byte[i]);
    const struct sock_fprog filter = {(unsigned short)(size / sizeof *code), code};
    if (prctl(PR_SET_SECCOMP, 2, &filter, 0, 0) != 0) _exit(99);
    unsetenv("SLOTFORGE_COPY_FILTER");
    unsetenv("HOSTILE_COPY");
}

__attribute__((constructor)) static void become_copy(void) {
    const char *filter = getenv("SLOTFORGE_COPY_FILTER");
    int status;
    if (getenv("HOSTILE_COPY") == NULL) return;
    const pid_t copy = fork();
    if (copy == 0) {
        if (filter != NULL) seal(filter);
        return;
    }
    waitpid(copy, &status, 0);
    if (WIFSIGNALED(status)) kill(getpid(), SIGKILL);
    _exit(WEXITSTATUS(status));
}
