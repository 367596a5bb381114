// Kills the process that it is given, or else the one that started it.
#include "hostile.h"

int main(int argc, char **argv) {
    report("killed", kill(argc > 1 ? atoi(argv[1]) : getppid(), SIGKILL) == 0);
    return done();
}
