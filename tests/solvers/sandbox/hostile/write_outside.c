// Damages FILE in FOLDER and its surroundings: writes, truncates, makes and removes.
#include "hostile.h"

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    char path[4096];
    snprintf(path, sizeof path, "%s/precious", argv[1]);
    report("append", open(path, O_WRONLY | O_APPEND) >= 0);
    report("read-write", open(path, O_RDWR) >= 0);
    report("truncate by open", open(path, O_RDONLY | O_TRUNC) >= 0);
    report("truncate", truncate(path, 0) == 0);
    report("unlink", unlink(path) == 0);
    snprintf(path, sizeof path, "%s/new-file", argv[1]);
    report("create", open(path, O_CREAT | O_RDONLY, 0600) >= 0);
    snprintf(path, sizeof path, "%s/new-folder", argv[1]);
    report("mkdir", mkdir(path, 0700) == 0);
    snprintf(path, sizeof path, "%s/new-pipe", argv[1]);
    report("mkfifo", mknod(path, S_IFIFO | 0600, 0) == 0);
    report("unnamed", open(argv[1], O_TMPFILE | O_RDWR, 0600) >= 0);
    return done();
}
