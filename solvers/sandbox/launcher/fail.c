#include "fail.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void fail(const char *format, ...) {
    const int error = errno;
    char line[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (error != 0)
        dprintf(STDERR_FILENO, "slotforge-sandbox: %s: %s\n", line, strerror(error));
    else
        dprintf(STDERR_FILENO, "slotforge-sandbox: %s\n", line);
    _exit(LAUNCHER_FAILED);
}
