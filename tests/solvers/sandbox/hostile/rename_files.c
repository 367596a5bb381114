// Renames and links FOLDER/precious.
#include "hostile.h"

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    char from[4096], to[4096];
    snprintf(from, sizeof from, "%s/precious", argv[1]);
    snprintf(to, sizeof to, "%s/linked", argv[1]);
    report("link", link(from, to) == 0);
    snprintf(to, sizeof to, "%s/symbolic", argv[1]);
    report("symlink", symlink(from, to) == 0);
    snprintf(to, sizeof to, "%s/renamed", argv[1]);
    report("rename", rename(from, to) == 0);
    return done();
}
