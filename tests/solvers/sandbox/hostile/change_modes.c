// Changes mode, owner, times and attributes of a file.
#include "hostile.h"

#include <sys/xattr.h>

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    report("chmod", chmod(argv[1], 0666) == 0);
    report("fchmodat2", syscall(452, AT_FDCWD, argv[1], 0666, 0) == 0);
    report("chown", chown(argv[1], getuid(), getgid()) == 0);
    report("times", utimensat(AT_FDCWD, argv[1], NULL, 0) == 0);
    report("attribute", setxattr(argv[1], "user.hostile", "x", 1, 0) == 0);
    const int file = open(argv[1], O_RDONLY);
    report("fchmod", file >= 0 && fchmod(file, 0666) == 0);
    return done();
}
