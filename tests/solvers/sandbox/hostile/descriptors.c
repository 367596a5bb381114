// Looks for open descriptors that it was not given, and writes to them.
#include "hostile.h"

int main(void) {
    for (int fd = 3; fd < 4096; fd++) report("descriptor", write(fd, "x", 1) == 1 || fcntl(fd, F_GETFD) >= 0);
    return done();
}
