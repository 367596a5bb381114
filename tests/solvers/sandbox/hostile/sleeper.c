// Leaves a process of another session behind that holds standard output open, then ends or (argument "stay") waits.
#include "hostile.h"

int main(int argc, char **argv) {
    const pid_t pid = fork();
    if (pid == 0) {
        const int escaped = setsid() > 0;
        report("escaped", escaped);
        if (fork() == 0) setsid();
        for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
        sleep(60);
        _exit(0);
    }
    puts(pid < 0 ? "done" : "forked");
    fflush(stdout);
    usleep(50000);
    if (argc > 2 && strcmp(argv[2], "stay") == 0) sleep(60);
    return 0;
}
