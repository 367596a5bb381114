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

// True where the kernel can filter system calls.
bool seccomp_available(void);

// Installs the filter of profile run. The only execveat allowed is the one on `program`.
//   Pre:  no_new_privs is set; `program` is a descriptor that is closed on exec and cannot be opened again
void seccomp_run(int program, bool scratch);

// Installs the filter of profile compile.
//   Pre:  no_new_privs is set
void seccomp_compile(void);
