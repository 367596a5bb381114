// Who the program is: never root with power, and not root at all where that is possible.
#pragma once

#include "options.h"

#include <sys/types.h>

// The users and groups that root gives up its own for. Servers have their own: the kernel counts threads by user, and
// theirs are many.
enum { SANDBOX_ID = 65534, SERVER_ID = 65533 };

// The owner of the scratch before it was lent to the sandbox's user, to be given back.
struct loan {
    bool lent;
    uid_t user;
    gid_t group;
};

// Root only: can the sandbox's user read the program and the --read paths, and (profile compile) own the scratch?
//   Post: on true, the scratch is lent to that user
bool lend_to_sandbox_user(const struct options *options, struct loan *loan);

// Undoes the loan.
void give_back(const struct options *options, const struct loan *loan);

// The user of the two that the options ask for.
unsigned sandbox_user(const struct options *options);

// Drops every capability for good and sets no_new_privs; a `user` other than 0 is changed to.
void drop_privileges(unsigned user);
