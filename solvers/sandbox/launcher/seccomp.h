// seccomp: which system calls the program may make, as tables compiled to BPF.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// One half of an argument of a system call, compared after masking.
struct argument_test {
    uint8_t argument;
    bool high; // the upper 32 bits
    bool any;  // holds when any masked bit is set; otherwise when the masked bits equal `value`
    uint32_t mask, value;
};

enum { MAX_TESTS = 3 };

// A system call, matched when every test holds.
struct call_rule {
    int number;
    uint8_t tests;
    struct argument_test test[MAX_TESTS];
};

struct call_list {
    const struct call_rule *rule;
    size_t size;
};

// Profile run, an allow list: what a program that reads files and writes its output needs.
struct call_list run_calls(void);

// Profile run with a private scratch: also what makes, writes and removes files; the file layers confine it.
struct call_list run_scratch_calls(void);

// Profile compile, a deny list: a compiler may start processes and write files, and nothing else that reaches out.
struct call_list compile_calls(void);

// The highest system call that the deny list was written for; later ones do not exist for the program.
int compile_highest_call(void);

// Profile serve, an allow list beside that of profile run: threads, copies of itself, and ending them.
struct call_list serve_calls(void);

// What a copy may do besides the calls of `copy_denied_calls`: make threads.
struct call_list copy_allowed_calls(void);

// What a copy that no longer trusts itself gives up: processes, signals, limits, further filters.
struct call_list copy_denied_calls(void);

// True where the kernel can filter system calls.
bool seccomp_available(void);

// Installs the filter of profile run. The only execveat allowed is the one on `program`.
//   Pre:  no_new_privs is set; `program` is a descriptor that is closed on exec and cannot be opened again
void seccomp_run(int program, bool scratch);

// Installs the filter of profile serve; otherwise as seccomp_run.
void seccomp_serve(int program);

enum { COPY_FILTER_TEXT = 4096 };

// The filter that a copy of a server installs over its own before it runs what nobody trusts, as an environment
// variable: SLOTFORGE_COPY_FILTER=, then the BPF instructions in hexadecimal digits.
void describe_copy_filter(char text[COPY_FILTER_TEXT]);

// Installs the filter of profile compile.
//   Pre:  no_new_privs is set
void seccomp_compile(void);
