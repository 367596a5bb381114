// Ending with one clear line.
#pragma once

// Exit status of a launcher that could not start the program; no report is written then.
enum { LAUNCHER_FAILED = 125 };

// Prints "slotforge-sandbox: MESSAGE: STRERROR" (the last part only when errno is set) and exits with LAUNCHER_FAILED.
//   Post: does not return
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
