// Fills a folder with files of 1 MiB, up to 32.
#include "hostile.h"

int main(int argc, char **argv) {
    static char block[1 << 20];
    char path[4096];
    int written = 0;
    for (int i = 0; argc > 1 && i < 32; i++) {
        snprintf(path, sizeof path, "%s/fill-%d", argv[1], i);
        const int file = open(path, O_CREAT | O_WRONLY, 0600);
        written += file >= 0 && write(file, block, sizeof block) == (ssize_t)sizeof block;
    }
    report("filled", written > 0);
    return done();
}
