// Signals its parent and the processes that it is given, in every way there is.
#include "hostile.h"

static void attack(const char *name, pid_t pid) {
    report(name, kill(pid, SIGUSR1) == 0);
    report(name, syscall(SYS_tkill, pid, SIGUSR1) == 0);
    report(name, syscall(SYS_tgkill, pid, pid, SIGUSR1) == 0);
    const int handle = (int)syscall(434, pid, 0); // pidfd_open
    report(name, handle >= 0 && syscall(424, handle, SIGUSR1, NULL, 0) == 0);
}

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) attack(argv[i], atoi(argv[i]));
    if (argc == 1) attack("parent", getppid());
    return done();
}
