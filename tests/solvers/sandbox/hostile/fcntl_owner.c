// Has a signal sent to another process when a pipe becomes ready.
#include "hostile.h"

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    report("owner", fcntl(STDOUT_FILENO, F_SETOWN, atoi(argv[1])) == 0);
    return done();
}
