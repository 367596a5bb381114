// Runs a shell, by path and by the descriptor that the launcher may have used.
#include "hostile.h"

int main(void) {
    const int shell = open("/bin/sh", O_RDONLY | O_CLOEXEC);
    char *arguments[] = {"sh", "-c", "echo HARM shell", NULL};
    char *environment[] = {NULL};
    for (int fd = 3; fd < 600; fd++) {
        if (dup2(shell, fd) != fd) continue;
        syscall(SYS_execveat, fd, "", arguments, environment, AT_EMPTY_PATH);
    }
    execve("/bin/sh", arguments, environment);
    execve("/proc/self/exe", arguments, environment);
    return done();
}
