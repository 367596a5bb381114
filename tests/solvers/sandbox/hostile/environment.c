// Looks for anything in its environment but PATH, LANG and TMPDIR.
#include "hostile.h"

extern char **environ;

int main(void) {
    for (char **entry = environ; *entry != NULL; entry++)
        report(*entry, strncmp(*entry, "PATH=", 5) != 0 && strncmp(*entry, "LANG=", 5) != 0 &&
                           strncmp(*entry, "TMPDIR=", 7) != 0);
    return done();
}
