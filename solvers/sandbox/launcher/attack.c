#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static const char NOWHERE[] = "/nonexistent/slotforge";

static bool forks(void) {
    const pid_t pid = fork();
    if (pid == 0) _exit(0);
    return pid > 0 && waitpid(pid, NULL, 0) == pid;
}

// A call that fails because its target does not exist was let through.
static bool executes(void) {
    execl(NOWHERE, NOWHERE, (char *)NULL);
    return errno == ENOENT || errno == EACCES;
}

static bool changes_modes(void) {
    return chmod(NOWHERE, 0600) == 0 || errno == ENOENT || errno == EACCES;
}

static bool connects(void) {
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
}

static bool opens_to_write(void) {
    return open("/dev/null", O_WRONLY) >= 0;
}

static bool signals(void) {
    return kill(1, 0) == 0 || kill(getppid(), 0) == 0 || errno == ESRCH;
}

static bool traces(void) {
    return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
}

static bool reads(void) {
    return open("/etc/passwd", O_RDONLY) >= 0 || open("/proc/self/environ", O_RDONLY) >= 0;
}

static const struct {
    const char *name;
    bool (*succeeds)(void);
} ATTACKS[] = {
    {"fork", forks},           {"exec", executes},  {"chmod", changes_modes}, {"connect", connects},
    {"write", opens_to_write}, {"signal", signals}, {"ptrace", traces},       {"read", reads},
};

int attack(void) {
    const char *comma = "";
    printf("[");
    for (size_t i = 0; i < sizeof ATTACKS / sizeof *ATTACKS; i++) {
        errno = 0;
        if (!ATTACKS[i].succeeds()) continue;
        printf("%s\"%s\"", comma, ATTACKS[i].name);
        comma = ", ";
    }
    printf("]\n");
    return 0;
}
